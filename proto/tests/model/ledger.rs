//! Which properties were looked at, how often, and what is told of one that does not hold.

use std::cell::RefCell;
use std::fmt::{self, Debug, Write as _};

/// A property that does not hold.
#[derive(Debug)]
pub(crate) struct Broken {
    property: &'static str,
    how: String,
}

impl Broken {
    pub(crate) fn new(property: &'static str, how: impl Into<String>) -> Self {
        Self { property, how: how.into() }
    }

    /// With the script that led here.
    pub(crate) fn after(&self, script: &[impl Debug]) -> Failure {
        let mut text = format!("{}: {}", self.property, self.how);
        for (at, action) in script.iter().enumerate() {
            let _ = write!(text, "\n  {}. {action:?}", at + 1);
        }
        Failure(text)
    }
}

/// What a failed test prints: as it is, on several lines.
pub(crate) struct Failure(String);

impl Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The properties of a model, and how often each was looked at.
#[derive(Debug)]
pub(crate) struct Ledger(RefCell<Vec<(&'static str, u64)>>);

impl Ledger {
    pub(crate) fn new(properties: &[&'static str]) -> Self {
        Self(RefCell::new(properties.iter().map(|property| (*property, 0)).collect()))
    }

    /// One more look at `property`.
    pub(crate) fn count(&self, property: &'static str) {
        let mut entries = self.0.borrow_mut();
        let entry = entries.iter_mut().find(|(name, _)| *name == property).expect("the model declares its properties");
        entry.1 += 1;
    }

    /// `property` holds here, or is broken as `how` says.
    pub(crate) fn holds(&self, property: &'static str, here: bool, how: impl FnOnce() -> String) -> Result<(), Broken> {
        self.count(property);
        if here { Ok(()) } else { Err(Broken::new(property, how())) }
    }

    /// Adds up what another model of the same properties looked at.
    pub(crate) fn add(&self, other: &Self) {
        for (mine, theirs) in self.0.borrow_mut().iter_mut().zip(other.0.borrow().iter()) {
            mine.1 += theirs.1;
        }
    }

    /// A line for each property. One that was never looked at would hold for want of a case.
    pub(crate) fn summary(&self) -> Result<String, Failure> {
        let mut text = String::new();
        for (property, looks) in self.0.borrow().iter() {
            if *looks == 0 {
                return Err(Failure(format!("{property}: was never looked at")));
            }
            let _ = writeln!(text, "  holds ({looks:>9} looks): {property}");
        }
        Ok(text)
    }
}
