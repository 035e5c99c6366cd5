//! Methods by number: what was defined on a connection is named by its index from then on.

use super::error::Violation;
use super::frame::Method;
use super::head::MethodRef;
use crate::map::Sorted;

/// The most methods that are defined in one direction.
const MOST: usize = 1024;

/// The methods that we call.
#[derive(Debug, Default)]
pub(super) struct Ours {
    /// Where each stands in `entries`.
    places: Sorted<MethodRef, u16>,
    entries: Vec<Entry>,
    defined: u16,
}

#[derive(Debug)]
struct Entry {
    method: MethodRef,
    /// Its index on the wire, once an OPEN has defined it.
    index: Option<u16>,
}

/// There is no place for another method.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Ours {
    /// The place of a method, for [`Ours::name`]. It takes one if it has none.
    pub(super) fn place(&mut self, method: MethodRef) -> Result<u16, Full> {
        if let Some(&place) = self.places.get(&method) {
            return Ok(place);
        }
        if self.entries.len() == MOST {
            return Err(Full);
        }
        let place = self.entries.len() as u16;
        self.entries.push(Entry { method, index: None });
        self.places.insert(method, place);
        Ok(place)
    }

    /// How the OPEN that is written now names the method: definitions are counted in the order of the wire, which is
    /// not the order in which streams were opened.
    pub(super) fn name(&mut self, place: u16) -> Method {
        let entry = &mut self.entries[usize::from(place)];
        if let Some(index) = entry.index {
            return Method::Known(index.into());
        }
        entry.index = Some(self.defined);
        self.defined += 1;
        Method::Define(entry.method)
    }
}

/// The methods that the peer calls.
#[derive(Debug, Default)]
pub(super) struct Theirs(Vec<MethodRef>);

impl Theirs {
    /// The method that an OPEN names.
    pub(super) fn resolve(&mut self, method: Method) -> Result<MethodRef, Violation> {
        match method {
            Method::Known(index) => {
                let at = usize::try_from(index).unwrap_or(usize::MAX);
                self.0.get(at).copied().ok_or(Violation::UndefinedMethod { index })
            }
            Method::Define(_) if self.0.len() == MOST => Err(Violation::TooManyMethods),
            Method::Define(method) => {
                self.0.push(method);
                Ok(method)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(id: u64) -> MethodRef {
        MethodRef { id, ..MethodRef::default() }
    }

    #[test]
    fn a_method_is_defined_by_the_first_open_that_is_written_and_known_afterwards() {
        let (mut ours, mut theirs) = (Ours::default(), Theirs::default());
        let places = [7, 8, 7].map(|id| ours.place(method(id)).unwrap());
        assert_eq!(places, [0, 1, 0]);
        for (place, named) in [(1, Method::Define(method(8))), (0, Method::Define(method(7))), (1, Method::Known(0))] {
            let name = ours.name(place);
            assert_eq!(name, named);
            assert_eq!(theirs.resolve(name), Ok(method([7, 8][usize::from(place)])));
        }
    }

    #[test]
    fn there_are_1024_methods_in_each_direction_and_no_more() {
        let (mut ours, mut theirs) = (Ours::default(), Theirs::default());
        for id in 0..1024 {
            let place = ours.place(method(id)).unwrap();
            theirs.resolve(ours.name(place)).unwrap();
        }
        assert_eq!(ours.place(method(1024)), Err(Full));
        assert_eq!(ours.place(method(5)), Ok(5));
        assert_eq!(theirs.resolve(Method::Define(method(1024))), Err(Violation::TooManyMethods));
        assert_eq!(theirs.resolve(Method::Known(1024)), Err(Violation::UndefinedMethod { index: 1024 }));
        assert_eq!(theirs.resolve(Method::Known(u64::MAX)), Err(Violation::UndefinedMethod { index: u64::MAX }));
    }
}
