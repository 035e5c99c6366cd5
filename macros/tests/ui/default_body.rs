#[bowline_macros::service]
trait Store {
    async fn len(&self) -> u64 {
        0
    }
}

fn main() {}
