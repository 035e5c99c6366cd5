#[bowline_macros::service]
trait Store {
    #[rpc(oneway)]
    async fn touch(&self, key: String) -> bool;
    #[rpc(oneway)]
    async fn check(&self, key: String) -> Result<(), String>;
    #[rpc(oneway)]
    async fn upload(&self, chunks: impl Stream<Item = u8>);
    #[rpc(oneway, idempotent)]
    async fn forget(&self, key: String);
}

fn main() {}
