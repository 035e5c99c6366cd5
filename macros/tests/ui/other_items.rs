#[bowline_macros::service]
unsafe trait Store {
    const LIMIT: usize;
    type Key;
    async fn get(&self, key: String) -> String;
}

fn main() {}
