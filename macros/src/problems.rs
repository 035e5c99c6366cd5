//! All that is wrong with a trait, told at once.

use std::fmt::Display;

use quote::ToTokens;
use syn::Error;

/// What was found so far.
#[derive(Default)]
pub(crate) struct Problems(Option<Error>);

impl Problems {
    /// Adds a problem that is shown at `place`.
    pub(crate) fn add(&mut self, place: impl ToTokens, message: impl Display) {
        self.join(Error::new_spanned(place, message));
    }

    pub(crate) fn join(&mut self, problem: Error) {
        match &mut self.0 {
            Some(first) => first.combine(problem),
            None => self.0 = Some(problem),
        }
    }

    /// The value of `result`, or its problems with the others.
    pub(crate) fn take<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|problem| self.join(problem)).ok()
    }

    /// `value`, if nothing was found.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Error> {
        self.0.map_or(Ok(value), Err)
    }
}
