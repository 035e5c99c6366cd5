#[bowline_macros::service(name = "kv/Store")]
trait Store {
    async fn get(&self, key: String) -> String;
}

fn main() {}
