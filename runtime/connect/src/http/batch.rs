//! `$batch`: many independent requests in one trip, each with its own answer.
//!
//! Every part stands alone (no changesets), with `Prefer: odata.continue-on-error`, so that one bad record fails alone
//! (learn.microsoft.com: power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api). A throttled
//! part was not carried out: it goes again after the wait, alone. When the batch's answer is lost, parts that may be
//! repeated go again; of the others nothing is known, and they say so.

use std::collections::VecDeque;
use std::time::Duration;

use dualwright_odata::batch::{self, Item, Limits};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::retry::{Verdict, judge};
use super::throttle::Cause;
use super::{Client, PartRequest, PartResponse, Request, Response};
use crate::ConnectError;

/// A part that has no final answer yet, with its place in the caller's list.
struct Open<'a> {
    place: usize,
    part: &'a PartRequest,
    failed: u32,
}

/// One call's state.
struct Round<'a> {
    client: &'a Client,
    answers: Vec<Option<PartResponse>>,
    queue: VecDeque<Vec<Open<'a>>>,
    patience: Duration,
    /// The longest pause that the parts now in the queue must make before they go again.
    pause: Duration,
}

impl Client {
    /// Sends many requests in as few trips as the service allows, and gives back one answer a part, in order.
    ///
    /// An `Err` part tells why there is no answer: [`ConnectError::Unavailable`] means that the part may have been
    /// carried out; any other, that it was not.
    pub async fn send_batch(&self, parts: Vec<PartRequest>) -> Vec<PartResponse> {
        let open: Vec<Open<'_>> =
            parts.iter().enumerate().map(|(place, part)| Open { place, part, failed: 0 }).collect();
        let mut round = Round {
            client: self,
            answers: parts.iter().map(|_| None).collect(),
            queue: VecDeque::new(),
            patience: self.patience(),
            pause: Duration::ZERO,
        };
        round.enqueue(open);
        while let Some(batch) = round.queue.pop_front() {
            if !round.pause.is_zero() {
                tokio::time::sleep(std::mem::take(&mut round.pause)).await;
            }
            round.trip(batch).await;
        }
        round
            .answers
            .into_iter()
            .map(|answer| {
                answer.unwrap_or_else(|| Err(self.protocol("a batch left a part without an answer")))
            })
            .collect()
    }
}

impl<'a> Round<'a> {
    fn enqueue(&mut self, open: Vec<Open<'a>>) {
        let most = self.client.most_batch_parts();
        let mut open = open.into_iter().peekable();
        while open.peek().is_some() {
            self.queue.push_back(open.by_ref().take(most).collect());
        }
    }

    async fn trip(&mut self, batch: Vec<Open<'a>>) {
        match self.client.send_of(self.request(&batch), batch.len()).await {
            Err(ConnectError::Unavailable { reason, .. }) => self.lost(batch, &reason),
            Err(error) => self.settle_all(&batch, &error),
            Ok(response) if response.status.is_success() => self.read(batch, &response),
            Ok(response) if judge(response.status, &response.headers) == Verdict::Passing => {
                self.lost(batch, &response.status.to_string());
            }
            Ok(response) => self.refused(batch, &response),
        }
    }

    fn request(&self, batch: &[Open<'a>]) -> Request {
        let boundary = format!("batch_{}", uuid::Uuid::new_v4());
        let items: Vec<Item<batch::PartRequest>> =
            batch.iter().map(|open| Item::Single(encode(self.client, open.part))).collect();
        // As a whole it may not be repeated, whatever its parts: which of them may is decided here, part by part.
        Request::new(Method::POST, "$batch", false)
            .header("content-type", &batch::content_type(&boundary))
            .header("accept", "multipart/mixed, application/json")
            .header("prefer", "odata.continue-on-error")
            .body(batch::build_request(&items, &boundary))
    }

    /// The service would not take the batch as such. If that is because of one part, the others must not suffer.
    fn refused(&mut self, mut batch: Vec<Open<'a>>, response: &Response) {
        let perhaps_one_part =
            matches!(response.status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE);
        if perhaps_one_part && batch.len() > 1 {
            let second = batch.split_off(batch.len() / 2);
            self.queue.push_back(batch);
            self.queue.push_back(second);
        } else {
            let error = self.client.failure(response);
            self.settle_all(&batch, &error);
        }
    }

    /// Nothing is known of these parts.
    fn lost(&mut self, batch: Vec<Open<'a>>, reason: &str) {
        let mut again = Vec::new();
        for mut open in batch {
            open.failed += 1;
            match self.client.retry().pause(open.failed).filter(|_| open.part.repeatable) {
                Some(pause) => {
                    self.pause = self.pause.max(pause);
                    again.push(open);
                }
                None => self.settle(open.place, Err(self.client.unavailable(reason))),
            }
        }
        self.enqueue(again);
    }

    fn read(&mut self, batch: Vec<Open<'a>>, response: &Response) {
        let answers = match decode(response) {
            Ok(answers) if answers.len() <= batch.len() => answers,
            Ok(answers) => {
                let reason = format!("a batch of {} parts was answered with {}", batch.len(), answers.len());
                return self.settle_all(&batch, &self.client.protocol(reason));
            }
            // The writes may well have been carried out: this is a lost answer, whatever else it is.
            Err(reason) => return self.lost(batch, &reason),
        };
        let (mut throttled, mut unanswered, mut again) = (Vec::new(), Vec::new(), Vec::new());
        let mut retry_after: Option<Duration> = None;
        let mut answers = answers.into_iter();
        for mut open in batch {
            let Some(answer) = answers.next() else {
                unanswered.push(open);
                continue;
            };
            match judge(answer.status, &answer.headers) {
                Verdict::Throttled(pause) => {
                    retry_after = retry_after.max(pause);
                    throttled.push(open);
                }
                Verdict::Passing if open.part.repeatable => {
                    open.failed += 1;
                    match self.client.retry().pause(open.failed) {
                        Some(pause) => {
                            self.pause = self.pause.max(pause);
                            again.push(open);
                        }
                        None => self.settle(open.place, Ok(answer)),
                    }
                }
                Verdict::Passing | Verdict::Final => self.settle(open.place, Ok(answer)),
            }
        }
        if !unanswered.is_empty() {
            self.lost(unanswered, "the batch's answer ended early");
        }
        self.enqueue(again);
        self.wait_for(throttled, retry_after);
    }

    /// These parts were not carried out. The gate is closed for everybody, and they go again behind it.
    fn wait_for(&mut self, throttled: Vec<Open<'a>>, retry_after: Option<Duration>) {
        if throttled.is_empty() {
            return;
        }
        let pause = self.client.throttled(retry_after, Cause::Load);
        if pause > self.patience {
            self.settle_all(&throttled, &self.client.given_up(Some(pause)));
            return;
        }
        self.patience = self.patience.saturating_sub(pause);
        self.enqueue(throttled);
    }

    fn settle(&mut self, place: usize, answer: PartResponse) {
        if let Some(slot) = self.answers.get_mut(place) {
            *slot = Some(answer);
        }
    }

    fn settle_all(&mut self, batch: &[Open<'a>], error: &ConnectError) {
        for open in batch {
            self.settle(open.place, Err(error.clone()));
        }
    }
}

fn encode(client: &Client, part: &PartRequest) -> batch::PartRequest {
    let mut headers = vec![("Accept".to_owned(), "application/json".to_owned())];
    if !part.body.is_empty() {
        headers.push(("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned()));
    }
    headers.retain(|(name, _)| !part.headers.contains_key(name));
    for (name, value) in &part.headers {
        if let Ok(value) = value.to_str() {
            headers.push((name.as_str().to_owned(), value.to_owned()));
        }
    }
    batch::PartRequest {
        method: part.method.as_str().to_owned(),
        url: client.rooted(&part.path),
        headers,
        body: part.body.to_vec(),
        content_id: None,
    }
}

/// The answers, in the order of the requests, which both systems keep.
fn decode(response: &Response) -> Result<Vec<Response>, String> {
    let content_type = response.header("content-type").unwrap_or_default();
    let items = batch::parse_response(content_type, &response.body, &Limits::default())
        .map_err(|error| format!("the batch's answer: {error}"))?;
    items
        .into_iter()
        .map(|item| match item {
            Item::Single(part) => answer(part),
            Item::Changeset(_) => Err("the batch's answer has a changeset that nobody sent".to_owned()),
        })
        .collect()
}

fn answer(part: batch::PartResponse) -> Result<Response, String> {
    let status = StatusCode::from_u16(part.status).map_err(|_| "a part's status is none".to_owned())?;
    let mut headers = HeaderMap::with_capacity(part.headers.len());
    for (name, value) in part.headers {
        let name = HeaderName::try_from(name).map_err(|_| "a part's header has no proper name".to_owned())?;
        let value =
            HeaderValue::try_from(value).map_err(|_| "a part's header has no proper value".to_owned())?;
        headers.append(name, value);
    }
    Ok(Response { status, headers, body: part.body.into() })
}
