//! The trainer's script.

fn main() {
    // Nothing may come before it.
    ditscope::constructors::run();
    ditscope::trainer::start();
}
