//! stub
pub(crate) const EXPLANATION: &str = "";
pub(crate) fn run(_: &crate::args::BenchCommand) -> Result<(), crate::failure::Failure> {
    todo!()
}
