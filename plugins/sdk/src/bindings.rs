//! The contract's types and its export, generated from the package in `wit/`.
//!
//! `wit/` here is a copy of the contract at the root of the repository, because a published package cannot reach
//! outside itself; `tests/contract.rs` keeps the two equal.

#![allow(unsafe_code, reason = "the generated glue lifts and lowers values through linear memory")]
#![allow(unreachable_pub, clippy::allow_attributes_without_reason, reason = "generated code")]

wit_bindgen::generate!({
    path: "wit",
    world: "map-plugin",
    additional_derives: [PartialEq, Eq],
    pub_export_macro: true,
    export_macro_name: "export_mapper",
});
