//! Every column that a map of the catalogue names is in the tables of both emulators, and holds what the map puts there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use dualwright_emulators::kernel::schema::{Column, ColumnType, Schema, Table};
use dualwright_odata::Filter;
use toml::Value;

type Values = BTreeMap<String, Value>;

/// The columns that every table of Dataverse has.
const SYSTEM_COLUMNS: [&str; 4] = ["createdon", "modifiedon", "statecode", "statuscode"];

/// Maps that Microsoft's pages give fewer members than the enum has: a member that is not listed is refused, and told.
const PARTIAL: [&str; 3] = ["main-account-categories", "sales-order-headers", "warehouse-work-headers"];

struct Checker {
    finops: Schema,
    dataverse: Schema,
    /// The shared value sets by name.
    values: BTreeMap<String, Values>,
    problems: Vec<String>,
}

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn documents(folder: &Path) -> Vec<(String, toml::Table)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("fixtures") || path.ends_with("area.toml") {
            continue;
        }
        if path.is_dir() {
            found.extend(documents(&path));
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((name, text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))));
        }
    }
    found
}

fn text<'a>(table: &'a toml::Table, name: &str) -> Option<&'a str> {
    table.get(name).map(|value| value.as_str().unwrap_or_else(|| panic!("{name} is no text: {value}")))
}

fn pairs(table: &toml::Table) -> Values {
    table.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

impl Checker {
    fn new(values: BTreeMap<String, Values>) -> Self {
        let schema = |system| Schema::load(Some(&folder("schema")), system, &[]).unwrap();
        Self { finops: schema("finops"), dataverse: schema("dataverse"), values, problems: Vec::new() }
    }

    fn problem(&mut self, map: &str, what: impl std::fmt::Display) {
        self.problems.push(format!("{map}: {what}"));
    }

    /// The last column of a lookup path, in every table that the path can lead to.
    fn dataverse_columns<'a>(&'a self, table: &'a Table, path: &str) -> Result<Vec<&'a Column>, String> {
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        if table.primary_id.as_deref() == Some(name) || SYSTEM_COLUMNS.contains(&name) {
            return Ok(Vec::new());
        }
        let column = name.split('|').find_map(|name| table.column(name));
        let (_, column) = column.ok_or_else(|| format!("{} has no column {name} ({path})", table.name))?;
        let Some(rest) = rest else { return Ok(vec![column]) };
        if column.kind != ColumnType::Lookup {
            return Err(format!("{name} of {} is no lookup ({path})", table.name));
        }
        let mut ends = Vec::new();
        for target in &column.targets {
            let target = self.dataverse.table(target).ok_or_else(|| format!("there is no table {target}"))?;
            ends.extend(self.dataverse_columns(target, rest)?);
        }
        Ok(ends)
    }

    /// Each lookup that these paths go through names its row by an alternate key, but for the company.
    fn lookups(&self, table: &Table, paths: &BTreeSet<&str>) -> Result<(), String> {
        let mut by_lookup: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (lookup, rest) in paths.iter().filter_map(|path| path.split_once('.')) {
            by_lookup.entry(lookup).or_default().insert(rest);
        }
        for (lookup, rests) in by_lookup {
            let targets =
                table.column(lookup).map(|(_, column)| column.targets.as_slice()).unwrap_or_default();
            for target in targets.iter().filter_map(|target| self.dataverse.table(target)) {
                let own = |rest: &&str| {
                    let first = rest.split('.').next().unwrap_or_default();
                    first.split('|').find(|name| target.column(name).is_some()).unwrap_or(first).to_owned()
                };
                let wanted: BTreeSet<String> = rests.iter().map(own).collect();
                let is_company = |name: &str| {
                    target.column(name).is_some_and(|(_, column)| column.targets == ["cdm_companies"])
                };
                let named = target.keys.iter().any(|key| {
                    let columns: BTreeSet<String> =
                        target.key_columns(key).map(|column| column.name.clone()).collect();
                    wanted.is_subset(&columns) && columns.difference(&wanted).all(|column| is_company(column))
                });
                if !named {
                    return Err(format!(
                        "{} has no alternate key with {} and the company at most",
                        target.name,
                        wanted.into_iter().collect::<Vec<_>>().join(", ")
                    ));
                }
                self.lookups(target, &rests)?;
            }
        }
        Ok(())
    }

    fn map(&mut self, file: &str, map: &toml::Table) {
        let name = text(map, "name").unwrap_or_default().to_owned();
        if name != file {
            self.problem(&name, format!("is in the file {file}"));
        }
        let (finops, dataverse) = (text(map, "finops").unwrap(), text(map, "dataverse").unwrap());
        let (Some(finops), Some(dataverse)) =
            (self.finops.table(finops).cloned(), self.dataverse.table(dataverse).cloned())
        else {
            return self.problem(&name, format!("there is no table {finops} or {dataverse}"));
        };
        if !dataverse.change_tracking {
            self.problem(&name, format!("{} has no change tracking", dataverse.name));
        }
        self.keys(&name, map, &finops, &dataverse);
        self.filters(&name, map, &finops, &dataverse);
        let all = map["key"].as_array().unwrap().iter().chain(map["field"].as_array().unwrap());
        let paths = all.filter_map(|field| text(field.as_table().unwrap(), "dataverse")).collect();
        if let Err(reason) = self.lookups(&dataverse, &paths) {
            self.problem(&name, reason);
        }
        for field in map["field"].as_array().unwrap() {
            if let Err(reason) = self.field(&name, field.as_table().unwrap(), &finops, &dataverse) {
                self.problem(&name, reason);
            }
        }
    }

    fn keys(&mut self, name: &str, map: &toml::Table, finops: &Table, dataverse: &Table) {
        let (mut left, mut right) = (BTreeSet::new(), BTreeSet::new());
        for pair in map["key"].as_array().unwrap() {
            let pair = pair.as_table().unwrap();
            if let Err(reason) = self.field(name, pair, finops, dataverse) {
                self.problem(name, reason);
            }
            left.insert(text(pair, "finops").unwrap().to_owned());
            right.insert(text(pair, "dataverse").unwrap().split('.').next().unwrap().to_owned());
        }
        let is = |table: &Table, wanted: &BTreeSet<String>| {
            let names =
                |key| table.key_columns(key).map(|column| column.name.clone()).collect::<BTreeSet<_>>();
            table.keys.iter().any(|key| names(key) == *wanted)
        };
        if !is(finops, &left) {
            self.problem(name, format!("{left:?} is not the key of {}", finops.name));
        }
        let is_primary_id = right.len() == 1 && right.first() == dataverse.primary_id.as_ref();
        if !is_primary_id && !is(dataverse, &right) {
            self.problem(name, format!("{right:?} is no alternate key of {}", dataverse.name));
        }
        if left.contains("dataAreaId") != finops.position("dataAreaId").is_some() {
            self.problem(name, "the company is in the key exactly where the table has one");
        }
    }

    fn filters(&mut self, name: &str, map: &toml::Table, finops: &Table, dataverse: &Table) {
        let Some(filter) = map.get("filter") else { return };
        let filter = filter.as_table().unwrap();
        for (side, table) in [("finops", finops), ("dataverse", dataverse)] {
            let Some(text) = text(filter, side) else { continue };
            match Filter::parse(text) {
                Ok(parsed) => {
                    for column in parsed.columns() {
                        let is_system = side == "dataverse" && SYSTEM_COLUMNS.contains(&column);
                        if !is_system && table.position(column).is_none() {
                            self.problem(
                                name,
                                format!("the filter names {column}, which {} has not", table.name),
                            );
                        }
                    }
                }
                Err(error) => self.problem(name, format!("{text}: {error}")),
            }
        }
    }

    fn field(&self, map: &str, field: &toml::Table, finops: &Table, dataverse: &Table) -> Result<(), String> {
        let left = match text(field, "finops") {
            None => None,
            Some(name) => {
                let column = finops.column(name);
                Some(column.ok_or_else(|| format!("{} has no column {name}", finops.name))?.1)
            }
        };
        let right = match text(field, "dataverse") {
            None => Vec::new(),
            Some(path) => self.dataverse_columns(dataverse, path)?,
        };
        if let Some(default) = field.get("default") {
            let holds = left.is_none_or(|column| self.finops_holds(column, default))
                && right.iter().all(|column| dataverse_holds(column, default));
            let target = text(field, "direction").unwrap_or_default();
            return if holds {
                Ok(())
            } else {
                Err(format!("{field:?} {target}: the constant does not fit"))
            };
        }
        let left = left.ok_or_else(|| format!("{field:?} has no source"))?;
        for right in right {
            self.pair(map, field, left, right)?;
        }
        Ok(())
    }

    fn pair(&self, map: &str, field: &toml::Table, left: &Column, right: &Column) -> Result<(), String> {
        let values = match field.get("values") {
            None => {
                return if fit(left.kind, right.kind) {
                    Ok(())
                } else {
                    Err(format!("{} ({:?}) ↔ {} ({:?})", left.name, left.kind, right.name, right.kind))
                };
            }
            Some(Value::String(name)) => {
                self.values.get(name).cloned().ok_or_else(|| format!("there is no value set {name}"))?
            }
            Some(Value::Table(values)) => pairs(values),
            Some(other) => return Err(format!("{other} is no value set")),
        };
        if left.kind == ColumnType::Text {
            return match values.values().find(|value| !dataverse_holds(right, value)) {
                None => Ok(()),
                Some(value) => Err(format!("{} does not hold {value}", right.name)),
            };
        }
        let members = left.enum_name.as_ref().and_then(|name| self.finops.enums.get(name));
        let members: BTreeSet<&String> = members.map(|members| members.iter().collect()).unwrap_or_default();
        let listed: BTreeSet<_> = values.keys().collect();
        let is_partial = PARTIAL.contains(&map) && listed.is_subset(&members);
        if listed != members && !is_partial {
            return Err(format!("{} has the members {members:?}, the map {values:?}", left.name));
        }
        match values.values().find(|value| !dataverse_holds(right, value)) {
            None => Ok(()),
            Some(value) => Err(format!("{} does not hold {value}", right.name)),
        }
    }

    fn finops_holds(&self, column: &Column, value: &Value) -> bool {
        match (column.kind, value) {
            (ColumnType::Enum, Value::String(member)) => column
                .enum_name
                .as_ref()
                .and_then(|name| self.finops.enums.get(name))
                .is_some_and(|members| members.contains(member)),
            (ColumnType::Text, Value::String(_)) | (ColumnType::Integer, Value::Integer(_)) => true,
            _ => false,
        }
    }
}

fn dataverse_holds(column: &Column, value: &Value) -> bool {
    match (column.kind, value) {
        (ColumnType::OptionSet, Value::Integer(number)) => column.options.contains(number),
        (ColumnType::Text, Value::String(_))
        | (ColumnType::Integer | ColumnType::Decimal, Value::Integer(_))
        | (ColumnType::Boolean, Value::Boolean(_)) => true,
        _ => false,
    }
}

/// Types between which a value travels as it is.
fn fit(left: ColumnType, right: ColumnType) -> bool {
    use ColumnType as Type;
    match left {
        Type::Text | Type::Enum => right == Type::Text,
        Type::Integer => matches!(right, Type::Integer | Type::Decimal),
        Type::Timestamp | Type::Date => matches!(right, Type::Timestamp | Type::Date),
        other => other == right,
    }
}

fn catalogue() -> (Checker, Vec<(String, toml::Table)>) {
    let (mut values, mut maps) = (BTreeMap::new(), Vec::new());
    for (name, document) in documents(&folder("../../plugins/catalogue")) {
        match (document.get("map"), document.get("values")) {
            (Some(Value::Table(map)), None) => maps.push((name, map.clone())),
            (None, Some(Value::Table(set))) => {
                values.insert(name, pairs(set));
            }
            _ => panic!("{name} is neither a map nor a value set"),
        }
    }
    maps.sort_by(|one, other| one.0.cmp(&other.0));
    (Checker::new(values), maps)
}

#[test]
fn both_emulators_have_what_the_maps_name() {
    let (mut checker, maps) = catalogue();
    let names: Vec<&str> = maps.iter().map(|(name, _)| name.as_str()).collect();
    let expect = [
        "customer-groups",
        "customers-accounts",
        "customers-contacts",
        "legal-entities-companies",
        "payment-terms",
        "released-products",
        "units",
        "vendor-groups",
        "vendors",
    ];
    assert!(expect.iter().all(|name| names.contains(name)), "{names:?}");
    for (name, map) in &maps {
        checker.map(name, map);
    }
    assert!(checker.problems.is_empty(), "{:#?}", checker.problems);
}

#[test]
fn the_check_finds_what_is_wrong() {
    let (mut checker, maps) = catalogue();
    let (_, good) = maps.iter().find(|(name, _)| name == "customers-accounts").unwrap();
    let key = |name: &str, value: &str| format!("{{ finops = \"{name}\", dataverse = \"{value}\" }}");
    for (part, text, expect) in [
        ("finops", "'Customers'".to_owned(), "there is no table Customers"),
        ("key", format!("[{}]", key("CustomerAccount", "accountnumber")), "is not the key of CustomersV3"),
        ("filter", "{ finops = \"Colour eq 'red'\" }".to_owned(), "the filter names Colour"),
        ("field", format!("[{}]", key("Colour", "name")), "has no column Colour"),
        ("field", format!("[{}]", key("OrganizationName", "colour")), "accounts has no column colour"),
        ("field", format!("[{}]", key("PaymentTerms", "msdyn_paymentterm.colour")), "has no column colour"),
        ("field", format!("[{}]", key("PaymentTerms", "msdyn_paymentterm.msdyn_description")), "no alternate key"),
        ("field", format!("[{}]", key("CreditLimit", "name")), "CreditLimit (Decimal)"),
        (
            "field",
            "[{ finops = 'OnHoldStatus', dataverse = 'msdyn_onholdstatus', values = { No = 806380000 } }]".to_owned(),
            "has the members",
        ),
        (
            "field",
            "[{ finops = 'IsOneTimeCustomer', dataverse = 'msdyn_onetimecustomer', values = { No = 0, Yes = 1 } }]"
                .to_owned(),
            "does not hold",
        ),
        (
            "field",
            "[{ dataverse = 'customertypecode', direction = 'to-dataverse', default = 99 }]".to_owned(),
            "does not fit",
        ),
    ] {
        let mut bad = good.clone();
        let parsed: toml::Table = format!("{part} = {text}").parse().unwrap();
        bad.extend(parsed);
        checker.problems.clear();
        checker.map("customers-accounts", &bad);
        let said = checker.problems.join("\n");
        assert!(said.contains(expect), "{part} = {text}: {said}");
    }
}
