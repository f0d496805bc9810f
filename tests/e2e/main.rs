//! Stories over real HTTP.

mod connect_dataverse;
