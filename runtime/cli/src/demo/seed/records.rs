//! The sample records. Invented, and the same at every run.

use super::Table;

/// The company that most records are of.
pub(crate) const COMPANY: &str = "usmf";
const COMPANIES: [(&str, &str); 3] = [
    (COMPANY, "Contoso Entertainment System USA"),
    ("demf", "Contoso Unterhaltung GmbH"),
    ("frrt", "Contoso Détail SA"),
];

const ORGANIZATIONS: usize = 100;
const PERSONS: usize = 60;
const GERMANS: usize = 40;
const VENDORS: usize = 30;

const TRADES: [&str; 10] = [
    "Wholesales",
    "Retail",
    "Light & Sound",
    "Cinema Supplies",
    "Möbelhaus",
    "Quincaillerie",
    "Électro-Ménager",
    "Sports",
    "Books",
    "Bakery",
];
const PLACES: [(&str, &str, &str); 8] = [
    ("Seattle", "USA", "98101"),
    ("Boston", "USA", "02108"),
    ("München", "DEU", "80331"),
    ("Århus", "DNK", "8000"),
    ("São Paulo", "BRA", "01310-100"),
    ("Orléans", "FRA", "45000"),
    ("Kraków", "POL", "31-042"),
    ("Reykjavík", "ISL", "101"),
];
const FIRST_NAMES: [&str; 10] =
    ["Ana", "José", "Zoë", "Jürgen", "Siobhán", "Łukasz", "Noémie", "Björn", "Aisha", "O'Neil"];
const LAST_NAMES: [&str; 7] = ["Trujillo", "Müller", "Devon", "Ashworth", "Berglund", "D'Angelo", "Šimek"];
const TERMS: [(&str, &str, u32, u32); 5] = [
    ("Net10", "Ten days net", 0, 10),
    ("Net30", "Thirty days net", 0, 30),
    ("M1", "One month", 1, 0),
    ("M1+15", "One month and fifteen days", 1, 15),
    ("COD", "Cash on delivery", 0, 0),
];
const CUSTOMER_GROUPS: [(&str, &str); 4] = [
    ("10", "Wholesale customers"),
    ("20", "Major customers"),
    ("30", "Retail customers"),
    ("80", "Other customers"),
];
const VENDOR_GROUPS: [(&str, &str); 3] =
    [("10", "Parts vendors"), ("20", "Services vendors"), ("40", "Tax authorities")];
const UNITS: [(&str, &str, &str, u32, bool, &str); 8] = [
    ("ea", "Each", "Quantity", 0, true, "None"),
    ("pcs", "Pieces", "Quantity", 0, false, "None"),
    ("box", "Box of twelve", "Quantity", 0, false, "None"),
    ("kg", "Kilogram", "Mass", 3, true, "Metric"),
    ("g", "Gram", "Mass", 0, false, "Metric"),
    ("lb", "Pound", "Mass", 2, false, "Us"),
    ("l", "Litre", "Volume", 2, true, "Metric"),
    ("h", "Hour", "Time", 2, true, "None"),
];
const PRODUCTS: [&str; 20] = [
    "Standing speaker",
    "Surround system",
    "Projector",
    "Television",
    "Turntable",
    "Amplifier",
    "Headphones",
    "Speaker cable",
    "Wall mount",
    "Remote control",
    "Screen",
    "Cinema chair",
    "Popcorn maker",
    "Microphone",
    "Mixing desk",
    "Stage light",
    "Dimmer",
    "Battery pack",
    "Delivery",
    "Installation",
];

/// A cell of a sample record. Amounts are text, as they stand in the JSON: no float touches them (I10).
enum Cell<'a> {
    Text(&'a str),
    Amount(&'a str),
    Number(u32),
    Option(i64),
    Flag(bool),
}

use Cell::{Amount, Flag, Number, Option as Choice, Text};

fn object(cells: &[(&str, Cell<'_>)]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .map(|(name, cell)| {
            let value = match cell {
                Text(text) => serde_json::Value::from(*text).to_string(),
                Amount(text) => (*text).to_owned(),
                Number(number) => number.to_string(),
                Choice(number) => number.to_string(),
                Flag(flag) => flag.to_string(),
            };
            format!("{}:{value}", serde_json::Value::from(*name))
        })
        .collect();
    format!("{{{}}}", cells.join(","))
}

/// One of a list, by number, round and round.
fn pick<T: Copy>(list: &[T], number: usize) -> T {
    list[number % list.len()]
}

fn yes_no(flag: bool) -> &'static str {
    if flag { "Yes" } else { "No" }
}

/// The account of a customer that is an organization of [`COMPANY`].
pub(crate) fn customer_number(index: usize) -> String {
    format!("US-{:04}", index % ORGANIZATIONS + 1)
}

/// A customer as F&O creates it.
pub(crate) fn new_customer(number: &str) -> String {
    organization(COMPANY, number, 7)
}

/// An account as Dataverse creates it.
pub(crate) fn new_account(number: &str) -> String {
    object(&[
        ("accountnumber", Text(number)),
        ("name", Text("Made in Dataverse")),
        ("customertypecode", Number(3)),
        ("creditlimit", Amount("0.00")),
        ("address1_city", Text("Ærøskøbing")),
        ("msdyn_company@odata.bind", Text(&company_reference())),
        ("msdyn_customergroupid@odata.bind", Text(&group_reference())),
        ("transactioncurrencyid@odata.bind", Text("/transactioncurrencies(isocurrencycode='EUR')")),
        ("msdyn_onholdstatus", Choice(806_380_000)),
    ])
}

fn company_reference() -> String {
    format!("/cdm_companies(cdm_companycode='{COMPANY}')")
}

/// A group is of a company, and a key names the company by its id; so the demo's group is found by its own id.
fn group_reference() -> String {
    format!("/msdyn_customergroups({DATAVERSE_GROUP})")
}

const DATAVERSE_COMPANY: &str = "00000000-0000-4000-8000-00000000c001";
const DATAVERSE_GROUP: &str = "00000000-0000-4000-8000-000000009001";
const DATAVERSE_TERM: &str = "00000000-0000-4000-8000-000000007001";

// === F&O ===

pub(super) fn finops() -> Vec<Table> {
    let table = |name, rows| Table { name, rows };
    vec![
        table(
            "LegalEntities",
            COMPANIES
                .iter()
                .map(|(id, name)| object(&[("LegalEntityId", Text(id)), ("Name", Text(name))]))
                .collect(),
        ),
        table("UnitsOfMeasure", UNITS.iter().map(unit).collect()),
        table("PaymentTerms", per_company(&TERMS, term)),
        table("CustomerGroups", per_company(&CUSTOMER_GROUPS, customer_group)),
        table("VendorGroups", per_company(&VENDOR_GROUPS, vendor_group)),
        table("VendorsV2", (0..VENDORS).map(vendor).collect()),
        table("CustomersV3", customers()),
        table("ReleasedProductsV2", (0..PRODUCTS.len() * 2).map(product).collect()),
    ]
}

fn per_company<T>(list: &[T], row: fn(&str, usize, &T) -> String) -> Vec<String> {
    let companies = COMPANIES.iter().map(|(company, _)| company);
    companies
        .flat_map(|company| list.iter().enumerate().map(move |(index, one)| row(company, index, one)))
        .collect()
}

fn unit(unit: &(&str, &str, &str, u32, bool, &str)) -> String {
    let (symbol, description, class, precision, base, system) = *unit;
    object(&[
        ("UnitSymbol", Text(symbol)),
        ("UnitDescription", Text(description)),
        ("UnitClass", Text(class)),
        ("DecimalPrecision", Number(precision)),
        ("IsBaseUnit", Text(yes_no(base))),
        ("SystemOfUnits", Text(system)),
    ])
}

fn term(company: &str, index: usize, term: &(&str, &str, u32, u32)) -> String {
    let (name, description, months, days) = *term;
    object(&[
        ("dataAreaId", Text(company)),
        ("Name", Text(name)),
        ("Description", Text(description)),
        ("NumberOfMonths", Number(months)),
        ("NumberOfDays", Number(days)),
        ("IsCashPayment", Text(yes_no(name == "COD"))),
        ("PaymentMethodType", Text(if name == "COD" { "Cod" } else { "Net" })),
        ("IsDefaultPaymentTerm", Text(yes_no(index == 1))),
    ])
}

fn customer_group(company: &str, index: usize, group: &(&str, &str)) -> String {
    object(&[
        ("dataAreaId", Text(company)),
        ("CustomerGroupId", Text(group.0)),
        ("Description", Text(group.1)),
        ("IsSalesTaxIncludedInPrice", Text(yes_no(index % 2 == 1))),
        ("PaymentTermId", Text(pick(&TERMS, index).0)),
    ])
}

fn vendor_group(company: &str, index: usize, group: &(&str, &str)) -> String {
    object(&[
        ("dataAreaId", Text(company)),
        ("VendorGroupId", Text(group.0)),
        ("Description", Text(group.1)),
        ("DefaultPaymentTermName", Text(pick(&TERMS, index + 1).0)),
    ])
}

fn vendor_number(index: usize) -> String {
    format!("V-{:04}", index % VENDORS + 1)
}

fn vendor(index: usize) -> String {
    let (city, country, zip) = pick(&PLACES, index);
    let person = index % 5 == 4;
    let name = format!("{} {}", pick(&LAST_NAMES, index), pick(&TRADES, index / 3));
    let limit = format!("{}.{:02}", index * 500, index % 100);
    object(&[
        ("dataAreaId", Text(COMPANY)),
        ("VendorAccountNumber", Text(&vendor_number(index))),
        ("VendorGroupId", Text(pick(&VENDOR_GROUPS, index).0)),
        ("VendorPartyType", Text(if person { "Person" } else { "Organization" })),
        ("VendorOrganizationName", Text(if person { "" } else { &name })),
        ("PersonFirstName", Text(if person { pick(&FIRST_NAMES, index) } else { "" })),
        ("PersonLastName", Text(if person { pick(&LAST_NAMES, index) } else { "" })),
        ("CreditLimit", Amount(&limit)),
        ("CurrencyCode", Text(if country == "USA" { "USD" } else { "EUR" })),
        ("AddressCity", Text(city)),
        ("AddressCountryRegionISOCode", Text(country)),
        ("AddressZipCode", Text(zip)),
        ("OnHoldStatus", Text(if index.is_multiple_of(11) { "Payment" } else { "No" })),
        ("IsForeignEntity", Text(yes_no(country != "USA"))),
        ("DefaultPaymentTermsName", Text(pick(&TERMS, index).0)),
    ])
}

fn customers() -> Vec<String> {
    let organizations = (0..ORGANIZATIONS).map(|index| organization(COMPANY, &customer_number(index), index));
    let persons = (0..PERSONS).map(person);
    let germans = (0..GERMANS).map(|index| organization("demf", &format!("DE-{:04}", index + 1), index + 3));
    organizations.chain(persons).chain(germans).collect()
}

fn organization(company: &str, number: &str, index: usize) -> String {
    let (city, country, zip) = pick(&PLACES, index);
    // Names repeat: nothing but the number tells some customers apart.
    let name = format!("{} {}", pick(&LAST_NAMES, index), pick(&TRADES, index / 2));
    let limit = if index.is_multiple_of(9) {
        "0.00".to_owned()
    } else {
        format!("{}.{:02}", index * 1250, index % 100)
    };
    let street = format!("{} Main St., 2nd floor\nBack door", index + 1);
    // Some are invoiced through another customer, which may come later in the file.
    let payer =
        if company == COMPANY && index % 10 == 5 { customer_number(index + 3) } else { String::new() };
    let vendor = if company == COMPANY && index % 25 == 7 { vendor_number(index) } else { String::new() };
    object(&[
        ("dataAreaId", Text(company)),
        ("CustomerAccount", Text(number)),
        ("PartyType", Text("Organization")),
        ("OrganizationName", Text(&name)),
        ("OrganizationNumberOfEmployees", Number(u32::try_from(index * 3).unwrap_or(0))),
        ("LanguageId", Text("en-us")),
        ("CustomerGroupId", Text(pick(&CUSTOMER_GROUPS, index).0)),
        ("SalesCurrencyCode", Text(if country == "USA" { "USD" } else { "EUR" })),
        ("PaymentTerms", Text(pick(&TERMS, index).0)),
        ("CreditLimit", Amount(&limit)),
        ("CreditLimitIsMandatory", Text(yes_no(index.is_multiple_of(4)))),
        ("OnHoldStatus", Text(if index.is_multiple_of(13) { "Invoice" } else { "No" })),
        ("InvoiceAccount", Text(&payer)),
        ("VendorAccount", Text(&vendor)),
        ("DeliveryAddressStreet", Text(&street)),
        ("DeliveryAddressCity", Text(city)),
        ("DeliveryAddressCountryRegionISOCode", Text(country)),
        ("DeliveryAddressZipCode", Text(zip)),
        ("DeliveryAddressLatitude", Amount("-12.345678")),
        ("PrimaryContactEmail", Text(&format!("office@{}.example", number.to_lowercase()))),
        ("PrimaryContactPhone", Text("(5) 555-4729 ext. 0")),
        ("SalesMemo", Text("Ask for the \"blue\" catalogue; 100 % on time.")),
    ])
}

fn person(index: usize) -> String {
    let (city, country, zip) = pick(&PLACES, index + 2);
    object(&[
        ("dataAreaId", Text(COMPANY)),
        ("CustomerAccount", Text(&format!("P-{:04}", index + 1))),
        ("PartyType", Text("Person")),
        ("PersonFirstName", Text(pick(&FIRST_NAMES, index))),
        ("PersonLastName", Text(pick(&LAST_NAMES, index / 2))),
        ("PersonProfessionalTitle", Text(if index.is_multiple_of(3) { "Owner" } else { "" })),
        ("LanguageId", Text("en-us")),
        ("CustomerGroupId", Text("30")),
        ("SalesCurrencyCode", Text(if country == "USA" { "USD" } else { "EUR" })),
        ("AddressCity", Text(city)),
        ("AddressCountryRegionISOCode", Text(country)),
        ("AddressZipCode", Text(zip)),
        ("AddressStreet", Text(&format!("Rue de l'Abbaye {index}"))),
        ("AddressLocationRoles", Text("Business")),
        ("PrimaryContactEmail", Text(&format!("p{index}@person.example"))),
    ])
}

fn product(index: usize) -> String {
    let company = if index < PRODUCTS.len() { COMPANY } else { "demf" };
    let service = index % PRODUCTS.len() >= PRODUCTS.len() - 2;
    let price = format!("{}.{}", 10 + index * 7, ["99", "00", "5"][index % 3]);
    object(&[
        ("dataAreaId", Text(company)),
        ("ItemNumber", Text(&product_number(index))),
        ("ProductNumber", Text(&product_number(index))),
        ("ProductType", Text(if service { "Service" } else { "Item" })),
        ("InventoryUnitSymbol", Text(if service { "h" } else { "ea" })),
        ("SalesUnitSymbol", Text(if service { "h" } else { "pcs" })),
        ("PurchaseUnitSymbol", Text(if service { "h" } else { "box" })),
        ("SalesPrice", Amount(&price)),
        ("PurchasePrice", Amount("0.00")),
        ("SalesPriceDate", Text("2026-01-15T12:00:00Z")),
        ("NetProductWeight", Amount("1.125")),
        ("IsInstallmentEligible", Text(yes_no(index.is_multiple_of(2)))),
        ("CarryingCostABCCode", Text(pick(&["None", "A", "B", "C"], index))),
    ])
}

fn product_number(index: usize) -> String {
    format!("D{:04}", index % PRODUCTS.len() + 1)
}

// === Dataverse ===

pub(super) fn dataverse() -> Vec<Table> {
    let table = |name, rows| Table { name, rows };
    let company = company_reference();
    let currency = |code, name, symbol| {
        object(&[
            ("isocurrencycode", Text(code)),
            ("currencyname", Text(name)),
            ("currencysymbol", Text(symbol)),
        ])
    };
    let products = PRODUCTS.iter().enumerate().map(|(index, name)| {
        object(&[("msdyn_productnumber", Text(&product_number(index))), ("msdyn_productname", Text(name))])
    });
    vec![
        table("transactioncurrencies", vec![currency("USD", "US Dollar", "$"), currency("EUR", "Euro", "€")]),
        table("msdyn_globalproducts", products.collect()),
        // In both systems, under two names: the initial sync's master decides.
        table(
            "cdm_companies",
            vec![object(&[
                ("cdm_companyid", Text(DATAVERSE_COMPANY)),
                ("cdm_companycode", Text("USMF")),
                ("cdm_name", Text("Contoso, before the merger")),
            ])],
        ),
        table(
            "msdyn_paymentterms",
            vec![object(&[
                ("msdyn_paymenttermid", Text(DATAVERSE_TERM)),
                ("msdyn_name", Text("Net45")),
                ("msdyn_description", Text("Forty-five days, known to sales only")),
                ("msdyn_days", Number(45)),
                ("msdyn_company@odata.bind", Text(&company)),
            ])],
        ),
        table(
            "msdyn_customergroups",
            vec![object(&[
                ("msdyn_customergroupid", Text(DATAVERSE_GROUP)),
                ("msdyn_groupid", Text("95")),
                ("msdyn_description", Text("Found by sales")),
                ("msdyn_issalestaxincludedinprice", Flag(true)),
                ("msdyn_paymenttermid@odata.bind", Text(&format!("/msdyn_paymentterms({DATAVERSE_TERM})"))),
                ("msdyn_company@odata.bind", Text(&company)),
            ])],
        ),
        table("accounts", (1..=5).map(|index| new_account(&format!("CRM-{index:04}"))).collect()),
        table("contacts", (1..=3).map(|index| contact(index, &company)).collect()),
    ]
}

fn contact(index: usize, company: &str) -> String {
    object(&[
        ("msdyn_contactpersonid", Text(&format!("CRM-P{index}"))),
        ("firstname", Text(pick(&FIRST_NAMES, index))),
        ("lastname", Text(pick(&LAST_NAMES, index))),
        ("msdyn_sellable", Flag(true)),
        ("msdyn_company@odata.bind", Text(company)),
        ("msdyn_customergroupid@odata.bind", Text(&group_reference())),
        ("transactioncurrencyid@odata.bind", Text("/transactioncurrencies(isocurrencycode='EUR')")),
    ])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{customer_number, dataverse, finops, new_customer};

    #[test]
    fn every_sample_record_is_json_and_no_key_comes_twice() {
        let keys = ["dataAreaId", "LegalEntityId", "UnitSymbol", "CustomerGroupId", "VendorGroupId"];
        let numbers = ["Name", "VendorAccountNumber", "CustomerAccount", "ItemNumber"];
        for table in finops().iter().chain(&dataverse()) {
            let mut seen = BTreeSet::new();
            assert!(!table.rows.is_empty(), "{}", table.name);
            for text in &table.rows {
                let row: serde_json::Value = serde_json::from_str(text).unwrap();
                let number = numbers.iter().find_map(|name| row.get(*name));
                let mut key: Vec<String> = number.iter().map(ToString::to_string).collect();
                if number.is_none() || table.name == "CustomersV3" {
                    key.extend(keys.iter().filter_map(|name| row.get(*name)).map(ToString::to_string));
                } else {
                    key.extend(row.get("dataAreaId").map(ToString::to_string));
                }
                if !key.is_empty() {
                    assert!(seen.insert(key.clone()), "{} {key:?}", table.name);
                }
            }
        }
    }

    /// I10
    #[test]
    fn amounts_stand_in_the_json_as_they_were_written() {
        assert!(new_customer("X").contains("\"CreditLimit\":8750.07"), "{}", new_customer("X"));
        assert!(
            finops().iter().any(|table| table.rows.iter().any(|row| row.contains("\"CreditLimit\":0.00")))
        );
        assert_eq!((customer_number(0), customer_number(199)), ("US-0001".to_owned(), "US-0100".to_owned()));
    }
}
