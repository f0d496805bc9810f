//! Turns a map.toml or a guest crate into a component, and checks it.
