use std::path::Path;
use std::time::Duration;

use super::{ByteCount, Config, Policy, Secret, ServiceUrl, Side, TEMPLATE, duration};

const SMALL: &str = r#"
[finops]
url = "http://127.0.0.1:7301/"
tenant = "t"
client-id = "c"
client-secret = { env = "A" }
[dataverse]
url = "https://contoso.crm.dynamics.com"
tenant = "t"
client-id = "c"
client-secret = { file = "secret.txt" }
[[map]]
file = "a.toml"
"#;

fn parse(text: &str) -> Result<Config, String> {
    let path = Path::new("shop.toml");
    let config = Config::parse(text, path, Path::new("folder"));
    config.and_then(|config| config.check_maps(path).map(|()| config)).map_err(|failure| failure.to_string())
}

fn check_refused(text: &str, place: &str, words: &str) {
    let error = parse(text).unwrap_err();
    assert!(error.contains(place), "{error}");
    assert!(error.contains(words), "{error}");
}

#[test]
fn the_template_is_a_valid_configuration() {
    let config = parse(TEMPLATE).unwrap();
    assert_eq!(config.maps.len(), 1);
    assert_eq!(config.finops.client_secret, Secret::Variable("DUALWRIGHT_FINOPS_SECRET".into()));
    assert_eq!(config.sync.sweep_interval, Duration::from_secs(900));
}

#[test]
fn the_template_states_the_defaults() {
    let (stated, default) = (parse(TEMPLATE).unwrap(), parse(SMALL).unwrap());
    assert_eq!(format!("{:?}", stated.sync), format!("{:?}", default.sync));
    assert_eq!(stated.health, default.health);
    assert_eq!(format!("{:?}", stated.store), format!("{:?}", default.store));
    assert_eq!(stated.control.listen, default.control.listen);
    assert_eq!(stated.maps[0].policy, default.maps[0].policy);
}

#[test]
fn what_is_left_out_has_a_default() {
    let config = parse(SMALL).unwrap();
    assert_eq!(config.finops.url.as_str(), "http://127.0.0.1:7301");
    assert_eq!(config.finops.token_url(), "https://login.microsoftonline.com/t/oauth2/v2.0/token");
    assert_eq!(config.control.public_url(config.control.listen), "http://127.0.0.1:7900");
    assert_eq!((config.maps[0].policy, config.maps[0].master), (Policy::FinopsWins, Side::Finops));
    assert!(config.maps[0].initial_sync);
    assert_eq!(config.resolve(&config.maps[0].file), Path::new("folder/a.toml"));
}

#[test]
fn errors_name_file_and_line() {
    check_refused(&SMALL.replacen("tenant", "tennant", 1), "shop.toml:4:1", "unknown field `tennant`");
    check_refused(&SMALL.replace("[[map]]\nfile = \"a.toml\"\n", ""), "shop.toml", "names no map");
    check_refused(
        &SMALL.replace("\"http://127.0.0.1:7301/\"", "\"shop\""),
        "shop.toml:3:7",
        "not an address",
    );
    check_refused(&format!("{SMALL}policy = \"mine\"\n"), "shop.toml:14:10", "finops-wins");
    check_refused(&format!("{SMALL}[[map]]\nfile = \"a.toml\"\n"), "shop.toml", "listed twice");
    check_refused(&format!("{SMALL}[sync]\nbatch-rows = 0\n"), "shop.toml", "batch-rows");
    check_refused(&format!("{SMALL}[sync]\npoll-interval = \"0s\"\n"), "shop.toml:15:17", "length of time");
}

/// I11: the message and the place of a wrong secret never repeat it.
#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    for literal in ["\"hunter2\"", "hunter2", "'hunter2", "4711.4711", "4711", "[\"hunter2\"]"] {
        let error = parse(&SMALL.replace("{ env = \"A\" }", literal)).unwrap_err();
        assert!(error.contains("shop.toml:6"), "{error}");
        assert!(!error.contains("hunter2") && !error.contains("4711"), "{error}");
    }
    check_refused(&SMALL.replace("{ env = \"A\" }", "\"x\""), "shop.toml:6:17", "must not be written");
    check_refused(
        &SMALL.replace("{ env = \"A\" }", "{ env = \"A\", file = \"b\" }"),
        "shop.toml:6",
        "named by",
    );
}

/// I11
#[test]
fn secrets_come_from_files_without_their_line_end_and_print_as_dots() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret.txt"), "hunter2\n").unwrap();
    let secret = Secret::File("secret.txt".into()).read(folder.path()).unwrap();
    assert_eq!(secret.reveal(), "hunter2");
    assert_eq!(format!("{secret:?}"), "•••");
    std::fs::write(folder.path().join("empty.txt"), "\n").unwrap();
    assert!(Secret::File("empty.txt".into()).read(folder.path()).is_err());
    assert!(Secret::Variable("DUALWRIGHT_TEST_NOT_SET".into()).read(folder.path()).is_err());
}

#[test]
fn secrets_do_not_travel_in_the_clear() {
    for good in ["https://x.crm.dynamics.com", "http://127.0.0.1:80", "http://localhost:1/", "http://[::1]:1"]
    {
        assert!(ServiceUrl::parse(good).is_ok(), "{good}");
    }
    for bad in ["http://x.crm.dynamics.com", "ftp://x", "https://u:p@x", "https://x?a=b", "x", ""] {
        assert!(ServiceUrl::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn lengths_of_time_and_amounts_of_memory_have_a_unit() {
    for (text, millis) in [("500ms", 500), ("30s", 30_000), ("15m", 900_000), ("24h", 86_400_000)] {
        assert_eq!(duration::parse(text), Ok(Duration::from_millis(millis)));
    }
    for bad in ["", "5", "s", "-1s", "1.5s", "1w", "0s", "99999999999999999999s", "99999999999999999d"] {
        assert!(duration::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(ByteCount::parse("64MiB").map(ByteCount::get), Ok(64 << 20));
    for bad in ["64", "64MB", "0MiB", "99999999999999999999GiB", "MiB"] {
        assert!(ByteCount::parse(bad).is_err(), "{bad}");
    }
}
