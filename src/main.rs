//! The `guard` program.
fn main() {}
