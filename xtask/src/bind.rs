//! Binds a module to JavaScript.

use anyhow::{Context, Result};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use wasm_bindgen_cli_support::Bindgen;

/// Writes `name.js` and `name_bg.wasm`, as the program wasm-bindgen does, but with short names between the two: it gives
/// each function that one imports from the other a name with a hash in it, which no compression makes small.
pub fn bind(module: &Path, name: &str, folder: &Path, keep_lld_exports: bool) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.web(true)?.input_path(module).out_name(name).typescript(false).keep_lld_exports(keep_lld_exports);
    // The worker's loader does not name the module, so the script has to.
    bindgen.omit_default_module_path(false);
    let mut bound = bindgen.generate_output().with_context(|| format!("cannot bind {}", module.display()))?;
    let from_script = format!("./{name}_bg.js");
    let imports = bound.wasm_mut().imports.iter_mut().filter(|import| import.module == from_script);
    let mut short = HashMap::new();
    for (i, import) in imports.enumerate() {
        let old = std::mem::replace(&mut import.name, format!("_{i}"));
        short.insert(old, import.name.clone());
    }
    bound.emit(folder).with_context(|| format!("cannot write {name} to {}", folder.display()))?;
    let script = folder.join(format!("{name}.js"));
    let text = fs::read_to_string(&script).with_context(|| format!("cannot read {}", script.display()))?;
    Ok(fs::write(&script, rename(&text, &short))?)
}

/// A script with other names in it.
fn rename(script: &str, names: &HashMap<String, String>) -> String {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let mut renamed = String::with_capacity(script.len());
    let mut rest = script;
    while let Some(start) = rest.find(is_of_name) {
        let (before, word) = rest.split_at(start);
        let (word, after) = word.split_at(word.find(|c| !is_of_name(c)).unwrap_or(word.len()));
        renamed.push_str(before);
        renamed.push_str(names.get(word).map_or(word, String::as_str));
        rest = after;
    }
    renamed + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_are_replaced_and_nothing_else() {
        let names = HashMap::from([("__wbg_log_0f".to_owned(), "_0".to_owned())]);
        let script = "__wbg_log_0f: function(x) { return __wbg_log_0f2 + $__wbg_log_0f; }, // ∆__wbg_log_0f";
        let expected = "_0: function(x) { return __wbg_log_0f2 + $__wbg_log_0f; }, // ∆_0";
        assert_eq!(rename(script, &names), expected);
        assert_eq!(rename("", &names), "");
    }
}
