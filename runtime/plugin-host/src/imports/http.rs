//! Requests to hosts that the operator named.

mod answer;
mod request;

use crate::services::ServiceError;
use crate::store::State;
use crate::worlds::bindings::dualwright::plugin::http::{Failure, Host, Request, Response};

impl Host for State {
    fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, Failure>> {
        let Some(errands) = &mut self.errands else {
            return Ok(Err(Failure::Unavailable(super::ASLEEP.to_owned())));
        };
        errands.count()?;
        let outside = errands.outside();
        let (grant, request) = match request::check(&outside.http, request, errands.is_rehearsal()) {
            Ok(checked) => checked,
            Err(failure) => return Ok(Err(failure)),
        };
        let answered = errands.ask(grant.timeout, |services| async move { services.send(request).await })?;
        Ok(answered.map_err(failure).and_then(|answer| answer::release(grant, answer)))
    }
}

fn failure(error: ServiceError) -> Failure {
    match error {
        ServiceError::NotGranted(what) => Failure::NotGranted(what),
        ServiceError::Invalid(what) => Failure::Invalid(what),
        ServiceError::Unavailable(why) => Failure::Unavailable(why),
        ServiceError::TooLarge(bytes) => Failure::TooLarge(bytes),
    }
}
