//! Stories over real HTTP.

mod connect_dataverse;
mod connect_finops;
mod connect_limits;
mod flows;
