//! Holds the app to one run of its static constructors.
//!
//! When nothing calls `__wasm_call_ctors`, the linker takes a module for a "command", one call and its life is over,
//! and wraps every export into a call of all constructors. wasm-bindgen's glue calls exports at every crossing (to
//! allocate, to store a JavaScript object), so a page or worker would run all of them thousands of times a second.

use crate::project;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use wasmparser::{KnownCustom, Name, Operator, Parser, Payload};

const CONSTRUCTORS: &str = "__wasm_call_ctors";
/// How the linker names an export that it has wrapped.
const WRAPPED: &str = ".command_export";

const CURE: &str = "\
Static constructors come with a dependency that registers things before main (`inventory`, `ctor`). Without a call of \
their own they run again at every call into the module. Call ditscope::constructors::run() first of all in its main.";

/// Checks what the linker made for each module that lies in `dist`.
pub fn check(dist: &Path) -> Result<()> {
    for name in modules(dist)? {
        let path = linked(&name)?;
        let module = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        check_module(&module).with_context(|| format!("{} is not fit for the app", path.display()))?;
    }
    Ok(())
}

/// Names of the programs in `dist`: `worker` of `worker_bg.wasm`, `app` of `app-<hash>_bg.wasm`.
fn modules(dist: &Path) -> Result<BTreeSet<String>> {
    let files = fs::read_dir(dist).with_context(|| format!("cannot read {}", dist.display()))?;
    let files = files.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let names: BTreeSet<_> =
        files.filter_map(|file| Some(file.strip_suffix("_bg.wasm")?.split('-').next()?.to_owned())).collect();
    if names.is_empty() {
        bail!("there is no WebAssembly module in {}", dist.display());
    }
    Ok(names)
}

/// The linker's output for a program, of the profile that was built last.
fn linked(name: &str) -> Result<PathBuf> {
    let folder = project::web_target().join("wasm32-unknown-unknown");
    let profiles = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let built = profiles.flatten().filter_map(|profile| {
        let path = profile.path().join(name).with_extension("wasm");
        Some((fs::metadata(&path).ok()?.modified().ok()?, path))
    });
    let newest = built.max().with_context(|| format!("the linker's {name}.wasm is not in {}", folder.display()))?;
    Ok(newest.1)
}

/// Fails when the exports of a module, as it comes from the linker, run its constructors.
fn check_module(module: &[u8]) -> Result<()> {
    let functions = Functions::read(module)?;
    let wrapped = functions.names.values().filter(|name| name.ends_with(WRAPPED)).count();
    if wrapped > 0 {
        bail!("{wrapped} of its exports run all static constructors whenever they are called.\n{CURE}");
    }
    let constructors = functions.names.iter().find(|(_, name)| **name == CONSTRUCTORS);
    let calls = constructors.map_or(0, |(constructors, _)| functions.calls(*constructors));
    if calls > 1 {
        bail!("its static constructors are called from {calls} places, so they may run more than once.\n{CURE}");
    }
    Ok(())
}

/// The functions of a module.
struct Functions<'a> {
    /// By index.
    names: HashMap<u32, &'a str>,
    /// The functions that are called, once for each place.
    called: Vec<u32>,
}

impl<'a> Functions<'a> {
    fn read(module: &'a [u8]) -> Result<Self> {
        let mut found = Self { names: HashMap::new(), called: vec![] };
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::CodeSectionEntry(body) => {
                    for operator in body.get_operators_reader()? {
                        if let Operator::Call { function_index } | Operator::ReturnCall { function_index } = operator? {
                            found.called.push(function_index);
                        }
                    }
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(sections) = section.as_known() {
                        found.read_names(sections)?;
                    }
                }
                _ => {}
            }
        }
        if found.names.is_empty() {
            bail!("its functions have no names, so it cannot be seen whether constructors run: do not strip it");
        }
        Ok(found)
    }

    fn read_names(&mut self, sections: wasmparser::NameSectionReader<'a>) -> Result<()> {
        for section in sections {
            if let Name::Function(names) = section? {
                for name in names {
                    let name = name?;
                    self.names.insert(name.index, name.name);
                }
            }
        }
        Ok(())
    }

    fn calls(&self, function: u32) -> usize {
        self.called.iter().filter(|called| **called == function).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// A library with two functions and a constructor that counts its calls.
    const SOURCE: &str = r#"
        static mut RUNS: u32 = 0;
        #[unsafe(no_mangle)] extern "C" fn runs() -> u32 { unsafe { RUNS } }
        #[unsafe(no_mangle)] extern "C" fn main() { begin() }
        #[cfg(with_constructor)] #[used] #[unsafe(link_section = ".init_array")]
        static CONSTRUCTOR: extern "C" fn() = { extern "C" fn register() { unsafe { RUNS += 1 } } register };
        #[cfg(called)] #[inline(always)] fn begin() { unsafe extern "C" { fn __wasm_call_ctors(); } unsafe { __wasm_call_ctors() } }
        #[cfg(not(called))] fn begin() {}
        #[cfg(called_twice)] #[unsafe(no_mangle)]
        extern "C" fn again() { begin(); unsafe { RUNS += 1 } }
    "#;

    fn checked(flags: &str) -> Result<()> {
        let folder = project::target().join("constructors").join(flags.replace(' ', "_"));
        fs::create_dir_all(&folder).expect("a folder for the module");
        let (source, module) = (folder.join("tiny.rs"), folder.join("tiny.wasm"));
        fs::write(&source, SOURCE).expect("the module's source is written");
        let mut rustc = Command::new("rustc");
        rustc.args("--edition 2024 -O --crate-type cdylib --target wasm32-unknown-unknown -o".split(' '));
        let status = rustc.arg(&module).args(flags.split(' ')).arg(&source).status().expect("rustc runs");
        assert!(status.success(), "rustc {flags}");
        check_module(&fs::read(module).expect("rustc has made the module"))
    }

    #[test]
    fn exports_that_run_constructors_are_refused_with_the_cure() {
        let said = checked("--cfg with_constructor").expect_err("nothing calls the constructors").to_string();
        assert!(said.starts_with("2 of its exports run all static constructors"), "{said}");
        assert!(said.contains("Call ditscope::constructors::run() first of all in its main."), "{said}");
    }

    #[test]
    fn one_call_is_what_a_module_needs() {
        checked("--cfg with_constructor --cfg called").expect("the constructors run once");
        checked("--cfg without_constructor").expect("there is nothing to run");
    }

    #[test]
    fn a_second_call_is_refused() {
        let twice = checked("--cfg with_constructor --cfg called --cfg called_twice");
        let said = twice.expect_err("main's call, and again's").to_string();
        assert!(said.contains("called from"), "{said}");
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        let said = checked("--cfg with_constructor -C strip=symbols").expect_err("it has no names").to_string();
        assert!(said.contains("do not strip"), "{said}");
        check_module(b"\0asm\x01\0\0\0\x0a\xff").expect_err("a module cut short");
    }
}
