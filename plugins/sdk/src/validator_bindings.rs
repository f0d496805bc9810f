//! The contract's `validator`, generated from the package in `wit/`. Its types are those of [`crate::bindings`].

#![allow(unsafe_code, reason = "the generated glue lifts and lowers values through linear memory")]
#![allow(unreachable_pub, clippy::allow_attributes_without_reason, reason = "generated code")]

wit_bindgen::generate!({
    path: "wit",
    world: "validator-plugin",
    with: { "dualwright:plugin/types@1.1.0": crate::bindings::dualwright::plugin::types },
    additional_derives: [PartialEq, Eq],
    pub_export_macro: true,
    export_macro_name: "export_validator_functions",
});
