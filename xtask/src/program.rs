//! Makes of a program's source what a browser can run: compiled, bound to JavaScript, cut, made smaller.

use crate::bind::bind;
use crate::index::Program;
use crate::process::{command, command_line, run};
use crate::{constructors, order, plain, project, script, split, tools};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// What starts a worker's module. A worker that another one has started as its member is handed the module, compiled.
const LOADER: &str = "import init from './NAME.js';\
    const module=self.name==='member'?new Promise(take=>self.onmessage=({data})=>take(data)):MODULE;\
    await init(module&&{module_or_path:await module});";

/// The program whose kernels for the CPU are built with relaxed SIMD, and what turns that on.
const RELAXED: (&str, &str) = ("worker", "relaxed-simd");

/// How the module is called that such a program has for browsers without it.
pub const PLAIN: &str = "_plain.wasm";

/// What starts the page's module, in the script that wasm-bindgen writes.
const START: &str = "__wbg_init();";

/// What decides what is made of the linker's output, beside that output itself.
const MAKERS: [&str; 6] = [
    include_str!("program.rs"),
    include_str!("script.rs"),
    include_str!("bind.rs"),
    include_str!("split.rs"),
    include_str!("order.rs"),
    include_str!("plain.rs"),
];

/// A program, and whether it is cut into parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub program: Program,
    pub is_cut: bool,
}

/// A folder whose files go into the app as they are.
pub struct Ready {
    pub folder: PathBuf,
    /// What its script and its module are called.
    pub name: String,
}

impl Ready {
    /// The file that says what it was made from.
    fn stamp(&self) -> PathBuf {
        self.folder.with_extension("stamp")
    }
}

/// What the linker made.
struct Linked {
    path: PathBuf,
    module: Vec<u8>,
    hash: String,
}

impl Plan {
    /// As visitors get it: the page comes in parts (src/ui/later.rs).
    pub fn release(program: &Program) -> Self {
        Self { program: program.clone(), is_cut: !program.is_worker }
    }

    /// Compiles what is out of date and makes it ready.
    pub fn make(&self) -> Result<Ready> {
        self.finish(&self.compile()?)
    }

    /// The same as soon as it can be used: a worker that was not made smaller before is not made smaller now.
    pub fn make_soon(&self) -> Result<Ready> {
        let linked = self.compile()?;
        let is_small = !self.program.is_worker || self.is_finished(&linked, &self.ready(&linked));
        let program = Program { wasm_opt: vec![], ..self.program.clone() };
        if is_small { self.finish(&linked) } else { Self { program, ..self.clone() }.finish(&linked) }
    }

    /// Makes the linker's output ready.
    fn finish(&self, linked: &Linked) -> Result<Ready> {
        let ready = self.ready(linked);
        if self.is_finished(linked, &ready) {
            return Ok(ready);
        }
        constructors::check(&linked.module)
            .with_context(|| format!("{} is not fit for the app", linked.path.display()))?;
        let _ = fs::remove_file(ready.stamp());
        project::empty_folder(&ready.folder)?;
        self.bind(linked, &ready)?;
        self.write_start(&ready)?;
        minify_scripts(&ready.folder)?;
        self.optimise(&ready.folder)?;
        if self.is_relaxed() {
            let module = fs::read(ready.folder.join(format!("{}_bg.wasm", ready.name)))?;
            let plain = ready.folder.join(format!("{}{PLAIN}", ready.name));
            fs::write(plain, plain::without_relaxed_simd(&module)?)?;
        }
        fs::write(ready.stamp(), self.made_from(linked))?;
        Ok(ready)
    }

    /// Whether it is built with relaxed SIMD, and then made without it, too.
    fn is_relaxed(&self) -> bool {
        self.program.bin == RELAXED.0
    }

    /// Where it is made ready.
    fn ready(&self, linked: &Linked) -> Ready {
        let Program { bin, profile, wasm_opt, .. } = &self.program;
        // A name for each build: no cache can give a page a file of another one, or one that was made in another way.
        let name = format!("{bin}-{}", project::hash((&linked.hash, MAKERS)));
        let size = if wasm_opt.is_empty() { "-large" } else { "" };
        Ready { folder: project::web_target().join("ready").join(format!("{bin}-{profile}{size}")), name }
    }

    fn is_finished(&self, linked: &Linked, ready: &Ready) -> bool {
        fs::read_to_string(ready.stamp()).is_ok_and(|stamp| stamp == self.made_from(linked))
    }

    /// Another one when it has to be made anew.
    fn made_from(&self, linked: &Linked) -> String {
        project::hash((&linked.hash, format!("{self:?}"), MAKERS, tools::has_wasm_opt()))
    }

    fn compile(&self) -> Result<Linked> {
        let Program { manifest, bin, profile, features, .. } = &self.program;
        // Cargo's own profiles have folders of other names; the app uses none but `release`.
        let folder = project::web_target().join("wasm32-unknown-unknown").join(profile);
        let path = folder.join(format!("{bin}.wasm"));
        let time = match bin.as_str() {
            _ if path.is_file() => "",
            "worker" => " (burn and wgpu for WebAssembly; about 8 minutes the first time)",
            "trainer" => " (burn for WebAssembly; some minutes the first time)",
            "gpu-trainer" => " (burn and wgpu for WebAssembly; about 8 minutes the first time)",
            _ => " (about 2 minutes the first time)",
        };
        println!("build: compiling the {bin}{time}");
        let mut cargo = command_line("cargo build --target wasm32-unknown-unknown");
        cargo.arg("--profile").arg(profile).arg("--bin").arg(bin).arg("--manifest-path").arg(manifest);
        if !features.is_empty() {
            cargo.arg("--features").arg(features);
        }
        if self.is_relaxed() {
            cargo.arg("--features").arg(RELAXED.1);
        }
        if self.is_cut {
            cargo.env(split::SWITCH.0, split::SWITCH.1);
        }
        run(cargo.env("CARGO_TARGET_DIR", project::web_target()))?;
        let module = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Linked { hash: project::hash(&module), path, module })
    }

    fn bind(&self, linked: &Linked, ready: &Ready) -> Result<()> {
        println!("build: binding the {} to JavaScript", self.program.bin);
        if self.is_cut {
            return split::split(&linked.module, &ready.name, &ready.folder);
        }
        bind(&linked.path, &ready.name, &ready.folder, false)
    }

    /// Writes what starts it: for the worker a file of its own, for the page the end of its script. A strict content security
    /// policy forbids scripts in the page, and one that is imported would come without a digest.
    fn write_start(&self, ready: &Ready) -> Result<()> {
        let (start, file) = if self.program.is_worker { (LOADER, "_loader") } else { (START, "") };
        // Nothing is named where the script's own module is meant.
        let module = match self.is_relaxed() {
            true => {
                format!("WebAssembly.validate({})?undefined:new URL('./NAME{PLAIN}',import.meta.url)", plain::probe())
            }
            false => "undefined".into(),
        };
        let start = start.replace("MODULE", &module);
        let path = ready.folder.join(format!("{}{file}.js", ready.name));
        let script = if self.program.is_worker { String::new() } else { fs::read_to_string(&path)? };
        fs::write(&path, script + &start.replace("NAME", &ready.name))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    fn optimise(&self, folder: &Path) -> Result<()> {
        if self.program.wasm_opt.is_empty() || !tools::has_wasm_opt() {
            return Ok(());
        }
        println!("build: making the {} smaller with wasm-opt (about a minute)", self.program.bin);
        for file in project::files(folder) {
            if file.extension().is_some_and(|extension| extension == "wasm") {
                optimise(&self.program.wasm_opt, self.is_relaxed(), &file)?;
                let ordered = order::by_likeness(&fs::read(&file)?).with_context(|| file.display().to_string())?;
                fs::write(&file, ordered)?;
            }
        }
        Ok(())
    }
}

fn minify_scripts(folder: &Path) -> Result<()> {
    for file in project::files(folder) {
        if file.extension().is_some_and(|extension| extension == "js") {
            let small = script::minified(&fs::read_to_string(&file)?, true);
            fs::write(&file, small.with_context(|| file.display().to_string())?)?;
        }
    }
    Ok(())
}

fn optimise(arguments: &[String], is_relaxed: bool, file: &Path) -> Result<()> {
    let relaxed = is_relaxed.then_some("--enable-relaxed-simd");
    // It warns of sections that it does not know and leaves as they are; only a failure is worth to be read.
    let output = command("wasm-opt").args(arguments).args(relaxed).arg(file).arg("-o").arg(file).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "wasm-opt failed on {} ({}): {said}", file.display(), output.status);
    Ok(())
}
