#[bowline_macros::service]
trait Store {
    #[rpc(idempotent)]
    async fn upload(&self, chunks: impl Stream<Item = u8>) -> u64;
    #[rpc(idempotent)]
    #[rpc(idempotent)]
    async fn get(&self, key: String) -> String;
    #[rpc(cached)]
    async fn list(&self) -> Vec<String>;
    #[rpc]
    async fn len(&self) -> u64;
}

fn main() {}
