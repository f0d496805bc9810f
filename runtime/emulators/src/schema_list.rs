//! The schema files that travel inside the program: one line a file, `(name, text)`.

/// Tables of the Dataverse emulator.
pub(crate) const DATAVERSE: &[(&str, &str)] = &[
    ("accounts.toml", include_str!("../schema/dataverse/accounts.toml")),
    ("cdm_companies.toml", include_str!("../schema/dataverse/cdm_companies.toml")),
    ("contacts.toml", include_str!("../schema/dataverse/contacts.toml")),
    ("msdyn_customergroups.toml", include_str!("../schema/dataverse/msdyn_customergroups.toml")),
    (
        "msdyn_customerpaymentmethods.toml",
        include_str!("../schema/dataverse/msdyn_customerpaymentmethods.toml"),
    ),
    ("msdyn_dualwriteentitymaps.toml", include_str!("../schema/dataverse/msdyn_dualwriteentitymaps.toml")),
    ("msdyn_globalproducts.toml", include_str!("../schema/dataverse/msdyn_globalproducts.toml")),
    ("msdyn_paymentdays.toml", include_str!("../schema/dataverse/msdyn_paymentdays.toml")),
    ("msdyn_paymentschedules.toml", include_str!("../schema/dataverse/msdyn_paymentschedules.toml")),
    ("msdyn_paymentterms.toml", include_str!("../schema/dataverse/msdyn_paymentterms.toml")),
    (
        "msdyn_productdimensiongroups.toml",
        include_str!("../schema/dataverse/msdyn_productdimensiongroups.toml"),
    ),
    (
        "msdyn_productstoragedimensiongroups.toml",
        include_str!("../schema/dataverse/msdyn_productstoragedimensiongroups.toml"),
    ),
    (
        "msdyn_producttrackingdimensiongroups.toml",
        include_str!("../schema/dataverse/msdyn_producttrackingdimensiongroups.toml"),
    ),
    ("msdyn_sharedproductdetails.toml", include_str!("../schema/dataverse/msdyn_sharedproductdetails.toml")),
    ("msdyn_taxgroups.toml", include_str!("../schema/dataverse/msdyn_taxgroups.toml")),
    ("msdyn_vendorgroups.toml", include_str!("../schema/dataverse/msdyn_vendorgroups.toml")),
    ("msdyn_vendorpaymentmethods.toml", include_str!("../schema/dataverse/msdyn_vendorpaymentmethods.toml")),
    ("msdyn_vendors.toml", include_str!("../schema/dataverse/msdyn_vendors.toml")),
    ("transactioncurrencies.toml", include_str!("../schema/dataverse/transactioncurrencies.toml")),
    ("uoms.toml", include_str!("../schema/dataverse/uoms.toml")),
];

/// Tables and enums of the Finance and Operations emulator.
pub(crate) const FINOPS: &[(&str, &str)] = &[
    ("CustomerGroups.toml", include_str!("../schema/finops/CustomerGroups.toml")),
    ("CustomersV3.toml", include_str!("../schema/finops/CustomersV3.toml")),
    ("LegalEntities.toml", include_str!("../schema/finops/LegalEntities.toml")),
    ("PaymentTerms.toml", include_str!("../schema/finops/PaymentTerms.toml")),
    ("ReleasedProductsV2.toml", include_str!("../schema/finops/ReleasedProductsV2.toml")),
    ("UnitsOfMeasure.toml", include_str!("../schema/finops/UnitsOfMeasure.toml")),
    ("VendorGroups.toml", include_str!("../schema/finops/VendorGroups.toml")),
    ("VendorsV2.toml", include_str!("../schema/finops/VendorsV2.toml")),
    ("enums.toml", include_str!("../schema/finops/enums.toml")),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{DATAVERSE, FINOPS};

    #[test]
    fn every_schema_file_travels_inside_the_program() {
        for (system, listed) in [("dataverse", DATAVERSE), ("finops", FINOPS)] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(system);
            let there: BTreeSet<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            let listed: BTreeSet<String> = listed.iter().map(|(name, _)| (*name).to_owned()).collect();
            assert_eq!(there, listed, "{system}");
        }
    }
}
