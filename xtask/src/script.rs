//! Makes scripts small.

use anyhow::{Result, ensure};
use oxc_allocator::Allocator;
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_minifier::{CompressOptions, Minifier, MinifierOptions};
use oxc_parser::Parser;
use oxc_span::SourceType;

/// The same script, shorter. What a module exports and what a script declares for others keep their names.
///
/// # Errors
/// What no parser takes.
pub fn minified(script: &str, is_module: bool) -> Result<String> {
    let allocator = Allocator::default();
    let source_type = if is_module { SourceType::mjs() } else { SourceType::script() };
    let parsed = Parser::new(&allocator, script, source_type).parse();
    ensure!(!parsed.panicked, "a script cannot be parsed");
    let mut program = parsed.program;
    let options = MinifierOptions { compress: Some(CompressOptions::smallest()), ..MinifierOptions::default() };
    let scoping = Minifier::new(options).minify(&allocator, &mut program).scoping;
    Ok(Codegen::new().with_options(CodegenOptions::minify()).with_scoping(scoping).build(&program).code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_know_keeps_its_name() {
        let module = "/** Long. */\nfunction longName(ofNumber) {\n    return ofNumber + 1;\n}\nexport { longName };\n";
        let small = minified(module, true).expect("a module");
        assert!(small.len() < 60 && small.contains("as longName"), "{small}");
        let script = "function theirs(given) { return given }\n// A word.\nself.ours = theirs;\n";
        let small = minified(script, false).expect("a script");
        assert!(small.contains("theirs") && small.contains("self.ours") && !small.contains("word"), "{small}");
        assert!(minified("function (", true).is_err());
    }
}
