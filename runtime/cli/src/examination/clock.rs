//! Do the clocks agree? `latest-wins` compares times of two machines, and whoever reads two logs side by side does, too.

use std::time::{Duration, SystemTime};

use dualwright_model::System;

use super::Finding;
use crate::config::{Config, Policy};

/// More than this decides conflicts for the wrong side often enough to say so.
const SKEW_MAX_S: i64 = 5;

/// Compares the clocks of both systems with this machine's.
pub(crate) async fn check_clocks(config: &Config, findings: &mut Vec<Finding>) {
    let decides = config.maps.iter().any(|map| matches!(map.policy, Policy::LatestWins | Policy::AskMap));
    let Ok(http) = reqwest::Client::builder().timeout(Duration::from_secs(20)).build() else { return };
    for (system, environment) in [(System::Finops, &config.finops), (System::Dataverse, &config.dataverse)] {
        // Who does not answer has been found out already; who does not tell the time cannot be checked.
        let Ok(answer) = http.get(environment.url.as_str()).send().await else { continue };
        let date = answer.headers().get("date").and_then(|value| value.to_str().ok());
        let Some(there) = date.and_then(seconds_of_http_date) else { continue };
        let Ok(here) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) else { continue };
        let skew = there - i64::try_from(here.as_secs()).unwrap_or(i64::MAX);
        if skew.abs() > SKEW_MAX_S {
            let message = format!("the clock of {system} differs from this machine's by {skew} s");
            let hint = match decides {
                true => {
                    "with latest-wins the fast clock wins; synchronise the clocks, or choose another policy"
                }
                false => "times in logs cannot be compared; synchronise this machine's clock (NTP)",
            };
            findings.push(Finding::warning(system.to_string(), "clock-skew", message).hint(hint));
        } else {
            let message = format!("its clock and this machine's agree to within {SKEW_MAX_S} s");
            findings.push(Finding::good(system.to_string(), message));
        }
    }
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, the only form that servers send today (RFC 9110, 5.6.7).
fn seconds_of_http_date(text: &str) -> Option<i64> {
    let (_, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let day: i64 = parts.next()?.parse().ok()?;
    let month = parts.next()?;
    let year: i64 = parts.next()?.parse().ok()?;
    let mut clock = parts.next()?.split(':').map(str::parse::<i64>);
    let (hour, minute, second) = (clock.next()?.ok()?, clock.next()?.ok()?, clock.next()?.ok()?);
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = i64::try_from(months.iter().position(|name| *name == month)?).ok()? + 1;
    // Days since 1970-01-01 of a date in the Gregorian calendar, counted in years that begin in March.
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days =
        365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::seconds_of_http_date;

    #[test]
    fn the_date_of_an_answer_is_understood() {
        for (text, expect) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 29 Feb 2024 12:00:00 GMT", Some(1_709_208_000)),
            ("yesterday", None),
            ("Sun, 06 Nix 1994 08:49:37 GMT", None),
        ] {
            assert_eq!(seconds_of_http_date(text), expect, "{text}");
        }
    }
}
