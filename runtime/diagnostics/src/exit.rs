//! The one table of exit codes: what a script learns without reading a word.

use crate::Class;

/// How a command ended, as its exit code tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// 0: done, and everything is as it should be.
    Done,
    /// 1: something failed while running: a fault of the program, its machine, or the data it met.
    Runtime,
    /// 2: the command line, the configuration, a map or its check is wrong; running it again changes nothing.
    Usage,
    /// 3: a system could not be reached or did not let us in; the same command may work later.
    Environment,
}

impl Exit {
    /// The process exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Runtime => 1,
            Self::Usage => 2,
            Self::Environment => 3,
        }
    }

    /// What the code means, in a word, for JSON output.
    pub fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Runtime => "runtime",
            Self::Usage => "usage",
            Self::Environment => "environment",
        }
    }
}

impl From<Class> for Exit {
    fn from(class: Class) -> Self {
        match class {
            Class::Conflict | Class::Host => Self::Runtime,
            Class::Data | Class::Config | Class::Guest => Self::Usage,
            Class::Transient | Class::Throttled | Class::Permission => Self::Environment,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;
    use crate::Class;

    #[test]
    fn every_class_has_its_exit_code() {
        let table = [
            (Class::Transient, 3),
            (Class::Throttled, 3),
            (Class::Conflict, 1),
            (Class::Data, 2),
            (Class::Config, 2),
            (Class::Permission, 3),
            (Class::Guest, 2),
            (Class::Host, 1),
        ];
        for (class, code) in table {
            assert_eq!(Exit::from(class).code(), code, "{class}");
        }
        assert_eq!(Exit::Done.code(), 0);
    }
}
