//! Checks of the house itself: layers, sizes, names, invariants, contracts, licences. What these check, a review
//! need not.

mod contract;
mod files;
mod invariants;
mod layers;
mod licences;
mod metadata;
mod sources;
mod words;
