#[bowline_macros::service(title = "Store")]
trait Store {
    async fn get(&self, key: String) -> String;
}

fn main() {}
