//! The endpoint.

fn main() {}
