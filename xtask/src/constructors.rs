//! Holds the app to one run of its static constructors.
//!
//! In a module that does not name `__wasm_call_ctors`, the linker makes every export call all constructors first: it
//! takes the module for a program that is called once and ends. wasm-bindgen's glue calls exports several times for each
//! JavaScript object that is touched, so they would run thousands of times a second. And in a module that names it and
//! does not call it, they never run.

use anyhow::{Result, bail};
use std::collections::HashMap;
use wasmparser::{KnownCustom, Name, Operator, Parser, Payload};

const CONSTRUCTORS: &str = "__wasm_call_ctors";
/// How the linker names an export that it has wrapped.
const WRAPPED: &str = ".command_export";

const CURE: &str = "\
Static constructors come with a dependency that registers things before main (`inventory`, `ctor`). Call \
ditscope::constructors::run() once, first of all in its main.";

/// Fails when the exports of a module, as it comes from the linker, run its constructors, or nothing does.
pub fn check(module: &[u8]) -> Result<()> {
    let functions = Functions::read(module)?;
    let wrapped = functions.names.values().filter(|name| name.ends_with(WRAPPED)).count();
    if wrapped > 0 {
        bail!("{wrapped} of its functions run all static constructors whenever they are called from outside.\n{CURE}");
    }
    // A module that has none, and nothing that would call them, has no such function.
    let Some((constructors, _)) = functions.names.iter().find(|(_, name)| **name == CONSTRUCTORS) else {
        return Ok(());
    };
    match functions.calls(*constructors) {
        0 => bail!("its static constructors never run.\n{CURE}"),
        1 => Ok(()),
        calls => bail!("its static constructors are called in {calls} places, so they may run more than once.\n{CURE}"),
    }
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
    use crate::project;
    use std::fs;
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
        #[cfg(named)] #[used] static NAMED: unsafe extern "C" fn() =
            { unsafe extern "C" { fn __wasm_call_ctors(); } __wasm_call_ctors };
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
        check(&fs::read(module).expect("rustc has made the module"))
    }

    #[test]
    fn exports_that_run_constructors_are_refused_with_the_cure() {
        let said = checked("--cfg with_constructor").expect_err("nothing calls the constructors").to_string();
        assert!(said.starts_with("2 of its functions run all static constructors"), "{said}");
        assert!(said.contains("Call ditscope::constructors::run() once, first of all in its main."), "{said}");
    }

    #[test]
    fn constructors_that_never_run_are_refused() {
        let said = checked("--cfg with_constructor --cfg named").expect_err("they are named only").to_string();
        assert!(said.contains("never run"), "{said}");
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
        assert!(said.contains("called in 2 places"), "{said}");
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        let said = checked("--cfg with_constructor -C strip=symbols").expect_err("it has no names").to_string();
        assert!(said.contains("do not strip"), "{said}");
        check(b"\0asm\x01\0\0\0\x0a\xff").expect_err("a module cut short");
    }
}
