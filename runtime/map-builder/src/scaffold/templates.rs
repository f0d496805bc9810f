//! The templates, one row a language.

use super::Template;

include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

/// Every language in which a map can be begun.
pub const TEMPLATES: &[Template] = &[
    Template {
        language: "table",
        about: "columns beside columns in a TOML file; no tool chain of your own",
        files: &[&[
            ("README.md", include_str!("templates/table/README.md")),
            ("map.toml", include_str!("templates/table/map.toml")),
            ("fixtures/to-dataverse.toml", include_str!("templates/table/to-dataverse.toml")),
            ("fixtures/to-finops.toml", include_str!("templates/table/to-finops.toml")),
            (".gitignore", "*.wasm\n"),
        ]],
    },
    Template {
        language: "rust",
        about: "a crate with the SDK in it; for logic that a table cannot say",
        files: &[
            &[
                ("README.md", include_str!("templates/rust/README.md")),
                ("Cargo.toml", include_str!("templates/rust/Cargo.toml.in")),
                ("src/lib.rs", include_str!("templates/rust/lib.rs")),
                ("fixtures/to-dataverse.toml", include_str!("templates/rust/to-dataverse.toml")),
                ("fixtures/to-finops.toml", include_str!("templates/rust/to-finops.toml")),
                (".gitignore", "*.wasm\n/target/\n"),
                ("sdk/Cargo.toml", include_str!("templates/rust/sdk.toml.in")),
            ],
            SDK,
        ],
    },
];
