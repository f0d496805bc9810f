//! The `dualwright` command. Everything is in the library, so that tests can run it as it is.

use std::process::ExitCode;

fn main() -> ExitCode {
    dualwright::main()
}
