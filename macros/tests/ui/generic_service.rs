#[bowline_macros::service]
trait Store<K> {
    async fn get(&self, key: K) -> String;
}

#[bowline_macros::service]
trait Bounded
where
    String: Clone,
{
    async fn get(&self, key: String) -> String;
}

fn main() {}
