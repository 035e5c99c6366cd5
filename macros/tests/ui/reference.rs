#[bowline_macros::service]
trait Store {
    async fn get(&self, key: &str) -> Vec<u8>;
    async fn find(&self, keys: Vec<&str>) -> Vec<u8>;
    async fn name(&self) -> &'static str;
    async fn check(&self) -> Result<(), &'static str>;
    async fn put(&self, context: &mut Context);
    async fn upload(&self, chunks: impl Stream<Item = &[u8]>);
    async fn copy(&self) -> Self;
}

fn main() {}
