//! Error classes: what a reader may *do*. Codes, hints and exit codes grow here.

mod class;

pub use class::Class;
