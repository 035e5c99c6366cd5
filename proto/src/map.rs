//! Maps: of the standard library, or short ones.
//!
//! Whoever has thousands of peers wants trees and tables. A web page has a few, and each kind of map that it holds would make
//! its program one or two KiB longer; without the feature `large-maps` a map is a sorted list.

#[cfg(any(test, not(feature = "large-maps")))]
pub mod list;

/// A map without an order.
#[cfg(feature = "large-maps")]
pub type Map<K, V> = std::collections::HashMap<K, V>;
/// A map without an order.
#[cfg(not(feature = "large-maps"))]
pub type Map<K, V> = list::List<K, V>;

/// A map in the order of its keys.
#[cfg(feature = "large-maps")]
pub type Sorted<K, V> = std::collections::BTreeMap<K, V>;
/// A map in the order of its keys.
#[cfg(not(feature = "large-maps"))]
pub type Sorted<K, V> = list::List<K, V>;
