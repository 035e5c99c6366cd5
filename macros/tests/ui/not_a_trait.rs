#[bowline_macros::service]
struct Store;

fn main() {}
