//! Stories over real HTTP.

mod connect_dataverse;
mod connect_finops;
mod flows;
