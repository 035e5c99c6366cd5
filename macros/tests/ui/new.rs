#[bowline_macros::service]
trait Store {
    async fn new(&self, name: String) -> u64;
}

fn main() {}
