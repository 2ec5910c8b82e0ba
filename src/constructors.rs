//! The static constructors of a WebAssembly module.
//!
//! cubecl registers its operations with `inventory`, whose registrations are static constructors. Nothing calls them on
//! `wasm32-unknown-unknown`, and a linker that sees no call of `__wasm_call_ctors` wraps every export of the module into
//! one. Each call from JavaScript, and wasm-bindgen makes several for every object that it touches, would then run
//! them all again. So every module that uses a backend calls [`run`] first of all in its main; `cargo xtask build`
//! fails where that is missing.

use std::sync::Once;

unsafe extern "C" {
    /// Made by the linker: calls all static constructors of the module.
    fn __wasm_call_ctors();
}

/// Runs the module's static constructors; again, it does nothing.
pub fn run() {
    static RUN: Once = Once::new();
    // SAFETY: The linker defines this function in every module; it takes nothing and gives nothing back. Constructors
    // must not run twice: `Once` sees to that, and this call is what keeps the linker from adding others to the exports
    // (documentation of `inventory`, section "WebAssembly and constructors").
    RUN.call_once(|| unsafe { __wasm_call_ctors() });
}
