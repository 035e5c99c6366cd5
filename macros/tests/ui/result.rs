#[bowline_macros::service]
trait Store {
    async fn get(&self, key: String) -> std::io::Result<String>;
    async fn put(&self, key: String) -> Result;
}

fn main() {}
