//! Cuts the page's module into what every visit needs and what comes when it is asked for (see src/ui/later.rs).
//!
//! trunk builds the page as one module, with the marks of where it may be cut. That module is cut here, then each
//! part goes through wasm-bindgen (the first alone) and wasm-opt, and takes the place of what trunk made of the whole.

use crate::process::{command, command_line, run};
use crate::project;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use wasm_split_cli_support::{Options, transform};

/// Set for the compiler; see build.rs.
pub const SWITCH: (&str, &str) = ("DITSCOPE_SPLIT", "1");
/// The module that fetches the parts; the page's own imports it.
pub const LINKS: &str = "__wasm_split.js";

const WASM_OPT: &str = "-Oz --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext --enable-simd \
                        --enable-mutable-globals --enable-reference-types --enable-multivalue";

/// A part is also used where the server does not say that it is WebAssembly, and an error page is no part.
const FETCHED: &str = "WebAssembly.instantiateStreaming(src, imports)";
const INSTANTIATE: &str = "
async function instantiate(src, imports) {
    const response = await src;
    if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
    return WebAssembly.instantiate(await response.arrayBuffer(), imports);
}
";

/// Splits the page that lies in `dist`.
pub fn split(dist: &Path) -> Result<()> {
    println!("build: splitting the page");
    // `app-<hash>`: the names of all parts hang on it, so that a browser never mixes two versions.
    let name = page_name(dist)?;
    let work = project::web_target().join("split");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    let (parts, whole) = (work.join("parts"), work.join("app.wasm"));
    let input = project::web_target().join("wasm32-unknown-unknown/page/app.wasm");
    let input = fs::read(&input).with_context(|| format!("cannot read {}", input.display()))?;
    let main_module = format!("../{name}.js");
    let mut options = Options::new(&input);
    (options.output_dir, options.main_out_path, options.main_module) = (&parts, &whole, &main_module);
    let modules = match transform(options) {
        Ok(split) => split.split_modules,
        Err(error) => bail!("the page could not be split: {error:#}"),
    };

    let mut bind = command_line("wasm-bindgen --target web --no-typescript --keep-lld-exports");
    run(bind.arg("--out-name").arg(&name).arg("--out-dir").arg(&work).arg(&whole))?;
    let folder = dist.join(&name);
    fs::create_dir_all(&folder)?;
    let page = format!("{name}_bg.wasm");
    optimise(&work.join(&page), &dist.join(&page))?;
    for module in &modules {
        optimise(module, &folder.join(module.file_name().context("a part has a name")?))?;
    }

    let glue = fs::read_to_string(work.join(format!("{name}.js")))?;
    // The file, not the name of the import in WebAssembly.
    let glue = replaced(&glue, &format!("from \"./{LINKS}\""), &format!("from \"./{name}/{LINKS}\""))?;
    fs::write(dist.join(format!("{name}.js")), glue)?;
    let links = replaced(&fs::read_to_string(parts.join(LINKS))?, FETCHED, "instantiate(src, imports)")?;
    fs::write(folder.join(LINKS), links + INSTANTIATE)?;
    Ok(())
}

/// What trunk called the page's module.
fn page_name(dist: &Path) -> Result<String> {
    let names = fs::read_dir(dist)?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut scripts = names.filter_map(|name| Some(name.strip_suffix(".js")?.to_owned()));
    let found = scripts.find(|name| name.starts_with("app-"));
    found.with_context(|| format!("there is no app-….js in {}", dist.display()))
}

fn optimise(from: &Path, to: &PathBuf) -> Result<()> {
    let mut optimise = command("wasm-opt");
    let mut output = std::ffi::OsString::from("--output=");
    output.push(to);
    run(optimise.arg(output).args(WASM_OPT.split_whitespace()).arg(from))
}

/// Replaces something that must be there: another version of the tools may write it differently.
fn replaced(text: &str, old: &str, new: &str) -> Result<String> {
    if !text.contains(old) {
        bail!("what the splitting tools wrote has no {old}");
    }
    Ok(text.replace(old, new))
}
