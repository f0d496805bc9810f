//! Local Dataverse and Finance and Operations servers for development, tests and the demo.
