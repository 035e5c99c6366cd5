#[bowline_macros::service]
trait Store {
    fn get(&self, key: String) -> String;
    async unsafe fn put(&self, key: String);
    async extern "C" fn list(&self) -> Vec<String>;
}

fn main() {}
