//! Tells the compiler whether the page will be split (see src/ui/later.rs and xtask/src/split.rs).

fn main() {
    println!("cargo::rustc-check-cfg=cfg(split)");
    println!("cargo::rerun-if-env-changed=DITSCOPE_SPLIT");
    if std::env::var_os("DITSCOPE_SPLIT").is_some_and(|value| value == "1") {
        println!("cargo::rustc-cfg=split");
        // What refers to what: by this the module is cut.
        println!("cargo::rustc-link-arg-bin=app=--emit-relocs");
    }
}
