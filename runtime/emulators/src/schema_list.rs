//! The schema files that travel inside the program: one line a file, `(name, text)`.

/// Tables of the Dataverse emulator.
pub(crate) const DATAVERSE: &[(&str, &str)] = &[];

/// Tables and enums of the Finance and Operations emulator.
pub(crate) const FINOPS: &[(&str, &str)] = &[];
