//! The static constructors of a WebAssembly module.
//!
//! cubecl registers things with `inventory`, whose registrations are static constructors. On `wasm32-unknown-unknown`
//! nothing calls them by itself, and in a module that does not name `__wasm_call_ctors` the linker makes every export
//! call them all first. wasm-bindgen's glue calls exports several times for each JavaScript object, so they would run
//! thousands of times a second. So every module that uses a backend calls [`run`] first of all in its main;
//! `cargo xtask build` fails where they run at every call, and where they never run.

use std::sync::Once;

#[allow(unsafe_code, reason = "the linker makes this function")]
unsafe extern "C" {
    /// Made by the linker: calls all static constructors of the module.
    fn __wasm_call_ctors();
}

/// Runs the module's static constructors; again, it does nothing.
#[allow(unsafe_code, reason = "see below")]
pub fn run() {
    static RUN: Once = Once::new();
    // SAFETY: The linker defines this function; it takes nothing and gives nothing back. Constructors must not run twice:
    // `Once` sees to that here, and that this function is named keeps the linker from calling it in the exports, too
    // (documentation of `inventory`, section on WebAssembly).
    RUN.call_once(|| unsafe { __wasm_call_ctors() });
}
