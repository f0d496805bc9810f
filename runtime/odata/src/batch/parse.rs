//! Bytes as batches.

use super::multipart::{Headers, split, take_headers, take_line};
use super::{BatchError, Item, Limits, PartRequest, PartResponse, boundary_of, header};

/// Reads the body of a `$batch` request.
///
/// # Errors
/// When the body is not a batch within the limits.
pub fn parse_request(
    content_type: &str,
    body: &[u8],
    limits: &Limits,
) -> Result<Vec<Item<PartRequest>>, BatchError> {
    parse(content_type, body, limits, request)
}

/// Reads the body of the answer to a `$batch` request.
///
/// # Errors
/// When the body is not a batch within the limits; [`BatchError::Unterminated`] when it was cut off.
pub fn parse_response(
    content_type: &str,
    body: &[u8],
    limits: &Limits,
) -> Result<Vec<Item<PartResponse>>, BatchError> {
    parse(content_type, body, limits, response)
}

type ReadPart<P> = fn(&[u8], Option<String>) -> Result<P, &'static str>;

fn parse<P>(
    content_type: &str,
    body: &[u8],
    limits: &Limits,
    read: ReadPart<P>,
) -> Result<Vec<Item<P>>, BatchError> {
    if body.len() > limits.bytes {
        return Err(BatchError::TooLong { limit: limits.bytes });
    }
    let boundary = boundary_of(content_type).ok_or(BatchError::NoBoundary)?;
    let mut count = Count { parts: 0, limit: limits.parts };
    let mut items = Vec::new();
    for part in split(body, boundary, limits.parts)? {
        items.push(item(part, &mut count, read)?);
    }
    Ok(items)
}

struct Count {
    parts: usize,
    limit: usize,
}

impl Count {
    fn next(&mut self) -> Result<(), BatchError> {
        self.parts += 1;
        if self.parts > self.limit { Err(BatchError::TooManyParts { limit: self.limit }) } else { Ok(()) }
    }

    fn error(&self, reason: &'static str) -> BatchError {
        BatchError::Part { part: self.parts, reason }
    }
}

fn item<P>(part: &[u8], count: &mut Count, read: ReadPart<P>) -> Result<Item<P>, BatchError> {
    let (headers, content) = take_headers(part).map_err(|reason| count.error(reason))?;
    let Some(boundary) = header(&headers, "content-type").and_then(boundary_of) else {
        count.next()?;
        return single(&headers, content, read).map(Item::Single).map_err(|reason| count.error(reason));
    };
    let mut parts = Vec::new();
    for part in split(content, boundary, count.limit)? {
        count.next()?;
        let (headers, content) = take_headers(part).map_err(|reason| count.error(reason))?;
        parts.push(single(&headers, content, read).map_err(|reason| count.error(reason))?);
    }
    Ok(Item::Changeset(parts))
}

fn single<P>(headers: &[(String, String)], content: &[u8], read: ReadPart<P>) -> Result<P, &'static str> {
    let kind = header(headers, "content-type").ok_or("it has no content type")?;
    if !kind.trim().to_ascii_lowercase().starts_with("application/http") {
        return Err("it is not of type application/http");
    }
    read(content, header(headers, "content-id").map(str::to_owned))
}

fn request(content: &[u8], content_id: Option<String>) -> Result<PartRequest, &'static str> {
    let (first, rest) = first_line(content)?;
    let (method, target) = first.split_once(' ').ok_or("it has no request line")?;
    // Some clients leave out the version, some do not encode the spaces of a filter.
    let url = match target.rsplit_once(' ') {
        Some((url, version)) if version.starts_with("HTTP/") => url,
        _ => target,
    };
    let (headers, body, inner_id) = message(rest)?;
    Ok(PartRequest {
        method: method.to_ascii_uppercase(),
        url: url.trim().to_owned(),
        headers,
        body,
        content_id: content_id.or(inner_id),
    })
}

fn response(content: &[u8], content_id: Option<String>) -> Result<PartResponse, &'static str> {
    let (first, rest) = first_line(content)?;
    let status = first.strip_prefix("HTTP/").and_then(|line| line.split_whitespace().nth(1));
    let status = status.and_then(|status| status.parse().ok()).ok_or("it has no status line")?;
    if !(100..=599).contains(&status) {
        return Err("its status is not one");
    }
    let (headers, mut body, inner_id) = message(rest)?;
    if status == 204 || status == 304 {
        body.clear();
    }
    Ok(PartResponse { status, headers, body, content_id: content_id.or(inner_id) })
}

fn first_line(content: &[u8]) -> Result<(&str, &[u8]), &'static str> {
    let (line, rest) = take_line(content);
    let line = std::str::from_utf8(line).map_err(|_| "its first line is not UTF-8")?;
    Ok((line.trim(), rest))
}

type Message = (Headers, Vec<u8>, Option<String>);

fn message(rest: &[u8]) -> Result<Message, &'static str> {
    let (headers, body) = take_headers(rest)?;
    let length = header(&headers, "content-length").and_then(|length| length.parse::<usize>().ok());
    let body = length.and_then(|length| body.get(..length)).unwrap_or(body);
    // Servers put another empty line where there is no body.
    let empty = body.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
    let body = if empty { Vec::new() } else { body.to_vec() };
    let content_id = header(&headers, "content-id").map(str::to_owned);
    Ok((headers, body, content_id))
}
