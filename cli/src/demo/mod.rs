//! stub
pub(crate) async fn run(_: crate::args::DemoArgs) -> Result<(), crate::failure::Failure> { todo!() }
