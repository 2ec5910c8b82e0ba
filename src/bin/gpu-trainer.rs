//! The script of the trainer that computes on the graphics card.

fn main() {
    // Nothing may come before it.
    ditscope::constructors::run();
    ditscope::trainer::start();
}
