#[bowline_macros::service]
trait Store {
    async fn put(&mut self, key: String);
    async fn close(self);
    async fn share(self: std::sync::Arc<Self>);
    async fn open(path: String);
}

fn main() {}
