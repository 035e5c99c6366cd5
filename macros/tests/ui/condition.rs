#[bowline_macros::service]
trait Store {
    #[cfg(unix)]
    async fn get(&self, key: String) -> String;
}

fn main() {}
