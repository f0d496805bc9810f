//! The HTTP client that every connector uses: sign-in, throttling, retries and batches, in one place.
//!
//! What it promises: what the service allows is spent evenly, before it has to refuse; a throttled request is waited
//! out, not failed; a passing fault is tried again when, and only
//! when, the request says that it may be repeated; a token is renewed before it expires and once when it is refused;
//! and no secret, token, key or filter value ever shows in a log or an error (I11).
//!
//! What is not here: what an answer means. Any status that is not one of the above comes back as a [`Response`].

mod batch;
mod budget;
mod client;
mod failure;
mod message;
#[cfg(test)]
mod protected;
mod redact;
mod retry;
#[cfg(test)]
mod tests;
mod throttle;
mod token;
mod transport;

pub use client::{Client, ClientConfig};
pub use failure::ErrorBody;
pub use message::{PartRequest, PartResponse, Request, Response};
pub use redact::Secret;
pub use retry::RetryPolicy;
pub use token::SignIn;

pub(crate) use redact::chain;
