//! Why a component is refused, and what the host itself can fail at.

use dualwright_diagnostics::Class;

/// A component that cannot be used, or a host that cannot run one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The bytes are not a component, or do not validate or compile.
    #[error("{name} is not a component this host can run: {reason}")]
    NotAComponent {
        /// The file or plugin.
        name: String,
        /// What was wrong.
        reason: String,
    },
    /// The component asks for imports that were not granted.
    #[error("{name} imports {imports}, which was not granted{hint}")]
    ImportNotGranted {
        /// The file or plugin.
        name: String,
        /// What it imports.
        imports: String,
        /// What to do next.
        hint: String,
    },
    /// A map is to work without columns of its key.
    #[error(
        "{name} is not granted {columns}, which belongs to its key: without the key it cannot say which record it is \
         about. Take it out of `withhold`, or add it to `fields`, below [map.grants]"
    )]
    KeyNotGranted {
        /// The file or plugin.
        name: String,
        /// The columns.
        columns: String,
    },
    /// It does not export the contract.
    #[error("{name} does not export {export}")]
    MissingExport {
        /// The file or plugin.
        name: String,
        /// What is missing.
        export: String,
    },
    /// Larger than the limit.
    #[error("{name} has {size} bytes, and the limit is {limit}")]
    TooLarge {
        /// The file or plugin.
        name: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// What it says of itself is not usable.
    #[error("{name} describes itself wrongly: {reason}")]
    BadDescription {
        /// The file or plugin.
        name: String,
        /// What was wrong.
        reason: String,
    },
    /// It failed while what it spends was being counted.
    #[error("what {name} spends cannot be counted: {reason}")]
    NotMeasured {
        /// The file or plugin.
        name: String,
        /// What happened.
        reason: String,
    },
    /// The engine itself failed.
    #[error("the sandbox failed: {reason}")]
    Engine {
        /// What happened.
        reason: String,
    },
}

impl HostError {
    /// What a reader may do about it.
    pub fn class(&self) -> Class {
        match self {
            Self::Engine { .. } => Class::Host,
            Self::ImportNotGranted { .. } | Self::KeyNotGranted { .. } => Class::Permission,
            _ => Class::Guest,
        }
    }
}
