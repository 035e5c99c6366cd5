#[bowline_macros::service]
trait Store {
    async fn two(&self, one: impl Stream<Item = u8>, two: impl Stream<Item = u8>);
    async fn first(&self, chunks: impl Stream<Item = u8>, key: String);
    async fn inside(&self, chunks: Option<impl Stream<Item = u8>>);
    async fn maybe(&self) -> Option<impl Stream<Item = u8>>;
    async fn failing(&self) -> Result<u8, impl Stream<Item = u8>>;
    async fn untold(&self) -> impl Stream;
    async fn iterator(&self) -> impl Iterator<Item = u8>;
    async fn nested(&self) -> impl Stream<Item = impl Stream<Item = u8>>;
}

fn main() {}
