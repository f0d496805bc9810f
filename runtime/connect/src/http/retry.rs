//! The one retry policy: which faults pass by themselves, and how long to wait for that.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

/// Exponential backoff with full jitter: before attempt *n* a random time between nothing and `base * 2^(n-1)`, at
/// most `cap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a request is sent at most, the first time included.
    pub attempts: u32,
    /// The longest wait before the second attempt.
    pub base: Duration,
    /// The longest wait before any attempt.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 5, base: Duration::from_millis(250), cap: Duration::from_secs(10) }
    }
}

impl RetryPolicy {
    /// The longest wait after so many failed attempts.
    fn ceiling(&self, failed: u32) -> Duration {
        let doubling = 2_u32.saturating_pow(failed.saturating_sub(1).min(20));
        self.base.saturating_mul(doubling).min(self.cap)
    }

    /// A random wait after so many failed attempts; `None` when there is no further attempt.
    pub(crate) fn pause(&self, failed: u32) -> Option<Duration> {
        (failed < self.attempts).then(|| jitter(self.ceiling(failed)))
    }
}

fn jitter(ceiling: Duration) -> Duration {
    let millis = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(rand::random_range(0..=millis))
}

/// What an answer's status means for sending the request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// An answer to be read by the connector.
    Final,
    /// Not looked at: the service asks us to wait so long first (or says not how long).
    Throttled(Option<Duration>),
    /// A fault of the server or of something between us; whether the request took effect is unknown.
    Passing,
}

/// Reads an answer's status and `Retry-After`.
///
/// 429 is service protection in both systems (learn.microsoft.com: power-apps/developer/data-platform/api-limits and
/// dynamics365/fin-ops-core/dev-itpro/data-entities/service-protection-api-limits). A 503 that names a time is the
/// same thing from the front end; without one it is a fault like any other.
pub(crate) fn judge(status: StatusCode, headers: &HeaderMap) -> Verdict {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Verdict::Throttled(retry_after(headers)),
        StatusCode::SERVICE_UNAVAILABLE => match retry_after(headers) {
            Some(pause) => Verdict::Throttled(Some(pause)),
            None => Verdict::Passing,
        },
        // 501 and 505 will not change by asking again.
        StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => Verdict::Final,
        StatusCode::REQUEST_TIMEOUT => Verdict::Passing,
        status if status.is_server_error() => Verdict::Passing,
        _ => Verdict::Final,
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let wait = date.as_millisecond().saturating_sub(jiff::Timestamp::now().as_millisecond());
    Some(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::{RetryPolicy, Verdict, judge};

    fn check(status: u16, after: Option<&'static str>, expect: Verdict) {
        let mut headers = HeaderMap::new();
        if let Some(after) = after {
            headers.insert("retry-after", HeaderValue::from_static(after));
        }
        assert_eq!(judge(StatusCode::from_u16(status).unwrap(), &headers), expect, "{status} {after:?}");
    }

    #[test]
    fn throttling_and_faults_are_told_apart() {
        check(429, Some("7"), Verdict::Throttled(Some(Duration::from_secs(7))));
        check(429, None, Verdict::Throttled(None));
        check(429, Some("soon"), Verdict::Throttled(None));
        check(429, Some("Wed, 21 Oct 2015 07:28:00 GMT"), Verdict::Throttled(Some(Duration::ZERO)));
        check(503, Some("1"), Verdict::Throttled(Some(Duration::from_secs(1))));
        check(503, None, Verdict::Passing);
        check(500, Some("1"), Verdict::Passing);
        check(501, None, Verdict::Final);
        check(412, None, Verdict::Final);
        check(200, None, Verdict::Final);
    }

    #[test]
    fn the_wait_doubles_up_to_its_cap_and_then_ends() {
        let policy =
            RetryPolicy { attempts: 4, base: Duration::from_millis(100), cap: Duration::from_millis(300) };
        let ceilings: Vec<u128> = (1..5).map(|failed| policy.ceiling(failed).as_millis()).collect();
        assert_eq!(ceilings, [100, 200, 300, 300]);
        assert!(policy.pause(3).unwrap() <= Duration::from_millis(300));
        assert_eq!(policy.pause(4), None);
        assert!(RetryPolicy { attempts: u32::MAX, ..policy }.pause(u32::MAX - 1).is_some());
    }
}
