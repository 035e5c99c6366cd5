#[bowline_macros::service]
trait Twins {
    async fn mtem1tvqzslysh(&self);
    async fn mc1gsot5pigvvk(&self);
}

fn main() {}
