//! The worker's script.

fn main() {
    // Nothing may come before it.
    ditscope::constructors::run();
    ditscope::worker::start();
}
