//! What a trait that can't be a service is told, word by word: `ui/` has the traits and the words.

#[test]
fn a_wrong_trait_is_told_what_to_do_about_it() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
