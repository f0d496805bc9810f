//! Two systems with a few records, and a runtime that is to keep them saying the same.

use std::path::PathBuf;

use serde_json::{Value, json};
use support::{Pair, Runtime, System, catalogue};

/// The maps that run.
const MAPS: [&str; 4] = [
    "company/legal-entities-companies",
    "payments/payment-terms",
    "customers/customer-groups",
    "pre-party/customers-accounts",
];

/// Records that are there from the beginning and stay.
pub(crate) const LASTING: usize = 40;
/// Records that are there from the beginning and are deleted, so many on each side.
pub(crate) const PASSING: usize = 10;

pub(crate) struct Stage {
    // Dropped first, so that nobody writes to systems that are gone.
    pub(crate) runtime: Runtime,
    pub(crate) pair: Pair,
    pub(crate) maps: Vec<PathBuf>,
}

pub(crate) fn lasting(number: usize) -> String {
    format!("C-{number:03}")
}

/// A record that a person deletes in one system.
pub(crate) fn passing(system: System, number: usize) -> String {
    format!("{}-{number:03}", if system == System::Finops { "X" } else { "Y" })
}

/// A customer that is an organization.
pub(crate) fn customer(account: &str) -> Value {
    json!({
        "dataAreaId": "usmf", "CustomerAccount": account, "PartyType": "Organization",
        "OrganizationName": format!("Société {account}"), "CustomerGroupId": "G1", "PaymentTerms": "N30",
        "CreditLimit": 1000.50, "SalesMemo": "Pays on time.", "OnHoldStatus": "No",
    })
}

impl Stage {
    /// The tables of one system that the maps are about.
    pub(crate) fn tables(&self, system: System) -> anyhow::Result<Vec<String>> {
        self.maps.iter().map(|map| support::table(map, system)).collect()
    }

    pub(crate) async fn open() -> anyhow::Result<Self> {
        let pair = Pair::start()?;
        let maps = catalogue(&MAPS);
        let finops = pair.person(System::Finops).await?;
        finops.create("LegalEntities", &json!({"LegalEntityId": "USMF", "Name": "Contoso"})).await?;
        let terms = json!({"dataAreaId": "usmf", "Name": "N30", "NumberOfDays": 30});
        finops.create("PaymentTerms", &terms).await?;
        let group = json!({"dataAreaId": "usmf", "CustomerGroupId": "G1", "Description": "A group", "PaymentTermId": "N30"});
        finops.create("CustomerGroups", &group).await?;
        for number in 0..LASTING {
            finops.create("CustomersV3", &customer(&lasting(number))).await?;
        }
        for number in 0..PASSING {
            for system in [System::Finops, System::Dataverse] {
                finops.create("CustomersV3", &customer(&passing(system, number))).await?;
            }
        }
        let runtime = Runtime::new(&pair, &maps)?;
        runtime.switch_data_events_on(&pair, &maps).await?;
        Ok(Self { runtime, pair, maps })
    }
}
