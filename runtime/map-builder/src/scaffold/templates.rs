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
    Template {
        language: "typescript",
        about: "a project with the SDK in it; for those at home in TypeScript or JavaScript",
        files: &[
            &[
                ("README.md", include_str!("templates/typescript/README.md")),
                ("package.json", include_str!("templates/typescript/package.json.in")),
                ("tsconfig.json", include_str!("templates/typescript/tsconfig.json")),
                ("src/map.ts", include_str!("templates/typescript/map.ts")),
                ("test/map.test.ts", include_str!("templates/typescript/map.test.ts")),
                ("fixtures/to-dataverse.toml", include_str!("templates/rust/to-dataverse.toml")),
                ("fixtures/to-finops.toml", include_str!("templates/rust/to-finops.toml")),
                ("sdk/contract.ts", include_str!("templates/typescript/sdk/contract.ts")),
                ("sdk/index.ts", include_str!("templates/typescript/sdk/index.ts")),
                ("sdk/testing.ts", include_str!("templates/typescript/sdk/testing.ts")),
                (".gitignore", "*.wasm\n/node_modules/\n/build/\n"),
            ],
            TYPESCRIPT_WIT,
        ],
    },
    Template {
        language: "python",
        about: "a project with the SDK in it; for those at home in Python (the component weighs 18 MB)",
        files: &[
            &[
                ("README.md", include_str!("templates/python/README.md")),
                ("pyproject.toml", include_str!("templates/python/pyproject.toml.in")),
                ("{{name_snake}}_map.py", include_str!("templates/python/map.py")),
                ("test_{{name_snake}}.py", include_str!("templates/python/test_map.py")),
                ("fixtures/to-dataverse.toml", include_str!("templates/rust/to-dataverse.toml")),
                ("fixtures/to-finops.toml", include_str!("templates/rust/to-finops.toml")),
                ("dualwright_sdk/__init__.py", include_str!("templates/python/dualwright_sdk/__init__.py")),
                ("dualwright_sdk/testing.py", include_str!("templates/python/dualwright_sdk/testing.py")),
                ("dualwright_sdk/py.typed", include_str!("templates/python/dualwright_sdk/py.typed")),
                ("componentize_py_types.py", include_str!("templates/python/componentize_py_types.py")),
                ("wit_world/__init__.py", include_str!("templates/python/wit_world/__init__.py")),
                (
                    "wit_world/imports/__init__.py",
                    include_str!("templates/python/wit_world/imports/__init__.py"),
                ),
                ("wit_world/imports/types.py", include_str!("templates/python/wit_world/imports/types.py")),
                (
                    "wit_world/imports/describe.py",
                    include_str!("templates/python/wit_world/imports/describe.py"),
                ),
                (
                    "wit_world/exports/__init__.py",
                    include_str!("templates/python/wit_world/exports/__init__.py"),
                ),
                ("wit_world/exports/mapper.py", include_str!("templates/python/wit_world/exports/mapper.py")),
                (".gitignore", "*.wasm\n__pycache__/\n"),
            ],
            PYTHON_WIT,
        ],
    },
];
