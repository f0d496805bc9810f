//! The Dataverse emulator: the Web API as far as dual-write touches it.
