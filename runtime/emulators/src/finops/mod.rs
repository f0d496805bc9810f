//! The Finance and Operations emulator.
