#[bowline_macros::service]
trait Store {
    async fn put(&self, (key, value): (String, String));
    async fn skip(&self, _: String);
    async fn mark(&self, #[doc(hidden)] key: String);
    async fn twice(&self, one: &Context, two: &bowline::Context);
    #[rustfmt::skip]
    async fn many(
        &self,
        a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8,
        i: u8, j: u8, k: u8, l: u8, m: u8, n: u8, o: u8, p: u8,
        one_too_many: u8,
    );
}

fn main() {}
