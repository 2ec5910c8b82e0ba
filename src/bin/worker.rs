//! The worker's script.

fn main() {
    ditscope::worker::start();
}
