//! Cuts the page's module into what every visit needs and what comes when it is asked for (see src/ui/later.rs).
//!
//! The compiler leaves the marks of where the module may be cut (build.rs). It is cut here, and what then is the first
//! part goes through wasm-bindgen, alone.

use crate::bind::bind;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::Path;
use wasm_split_cli_support::{Options, transform};

/// Set for the compiler; see build.rs.
pub const SWITCH: (&str, &str) = ("DITSCOPE_SPLIT", "1");
/// The module that fetches the parts; the page's own imports it.
pub const LINKS: &str = "__wasm_split.js";

/// A part is also used where the server does not say that it is WebAssembly, and an error page is no part.
const FETCHED: &str = "WebAssembly.instantiateStreaming(src, imports)";
const INSTANTIATE: &str = "
async function instantiate(src, imports) {
    const response = await src;
    if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
    return WebAssembly.instantiate(await response.arrayBuffer(), imports);
}
";

/// Splits a module, as it comes from the linker, and binds it under a name.
///
/// The names of all parts hang on that name, so that a browser never mixes two versions.
pub fn split(module: &[u8], name: &str, folder: &Path) -> Result<()> {
    let parts = folder.join(name);
    let whole = folder.with_extension("wasm");
    let main_module = format!("../{name}.js");
    let mut options = Options::new(module);
    (options.output_dir, options.main_out_path, options.main_module) = (&parts, &whole, &main_module);
    if let Err(error) = transform(options) {
        bail!("the page could not be split: {error:#}");
    }
    bind(&whole, name, folder, true)?;

    let script = folder.join(format!("{name}.js"));
    // The file, not the name of the import in WebAssembly.
    replace(&script, &format!("from \"./{LINKS}\""), &format!("from \"./{name}/{LINKS}\""))?;
    let links = parts.join(LINKS);
    replace(&links, FETCHED, "instantiate(src, imports)")?;
    fs::write(&links, fs::read_to_string(&links)? + INSTANTIATE)?;
    Ok(())
}

/// Replaces something that must be there: another version of the tools may write it differently.
fn replace(path: &Path, old: &str, new: &str) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(text.contains(old), "what the splitting tools wrote has no {old}: {}", path.display());
    Ok(fs::write(path, text.replace(old, new))?)
}
