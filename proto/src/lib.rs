//! The pure core of bowline.
