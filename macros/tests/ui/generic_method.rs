#[bowline_macros::service]
trait Store {
    async fn get<K: Into<String>>(&self, key: K) -> String;
    async fn put<'a>(&self, key: String) -> String;
    async fn list(&self) -> Vec<String>
    where
        String: Clone;
}

fn main() {}
