struct Local;

#[bowline::service]
trait Store {
    async fn get(&self, key: String) -> Local;
    async fn put(&self, value: Local);
}

fn main() {}
