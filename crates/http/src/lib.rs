//! Vitrine's HTTP surface.
pub mod disposition;
pub mod error;
pub mod extract;
pub mod geometry;
pub mod layers;
pub mod limits;
pub mod ops;
pub mod pages;
pub mod range;
