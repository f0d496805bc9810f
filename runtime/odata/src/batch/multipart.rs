//! Multipart bodies (RFC 2046, section 5.1), one pass over the bytes, lines ending in CRLF or LF.

use super::BatchError;

/// More header lines than any real part has.
const MAX_HEADERS: usize = 64;
/// The longest header line.
const MAX_LINE: usize = 64 * 1024;

/// Header lines by name, as written.
pub(super) type Headers = Vec<(String, String)>;

/// Splits a body into what stands between its boundaries. `most` limits how many.
pub(super) fn split<'a>(body: &'a [u8], boundary: &str, most: usize) -> Result<Vec<&'a [u8]>, BatchError> {
    let delimiter = [b"--", boundary.as_bytes()].concat();
    let mut parts = Vec::new();
    let mut start: Option<usize> = None;
    let mut at = 0;
    while let Some(rest) = body.get(at..).filter(|rest| !rest.is_empty()) {
        let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |index| index + 1);
        let line = rest.get(..length).unwrap_or(rest);
        if let Some(last) = delimits(line, &delimiter) {
            if let Some(part) = start.and_then(|start| body.get(start..at)) {
                if parts.len() >= most {
                    return Err(BatchError::TooManyParts { limit: most });
                }
                parts.push(without_line_end(part));
            }
            if last {
                return Ok(parts);
            }
            start = Some(at + length);
        }
        at += length;
    }
    Err(if start.is_some() { BatchError::Unterminated } else { BatchError::MissingBoundary })
}

/// Whether the line is a delimiter, and if so, whether it is the closing one.
fn delimits(line: &[u8], delimiter: &[u8]) -> Option<bool> {
    match line.strip_prefix(delimiter)?.trim_ascii() {
        b"" => Some(false),
        b"--" => Some(true),
        _ => None,
    }
}

/// The line end before a delimiter belongs to the delimiter.
fn without_line_end(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}

/// Takes one line off, without its end.
pub(super) fn take_line(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == b'\n').and_then(|index| text.split_at_checked(index)) {
        Some((line, rest)) => {
            (line.strip_suffix(b"\r").unwrap_or(line), rest.strip_prefix(b"\n").unwrap_or(rest))
        }
        None => (text, b""),
    }
}

/// Takes header lines off, up to and including the empty line (or the end).
pub(super) fn take_headers(text: &[u8]) -> Result<(Headers, &[u8]), &'static str> {
    let mut headers = Vec::new();
    let mut rest = text;
    loop {
        let (line, after) = take_line(rest);
        rest = after;
        if line.is_empty() {
            return Ok((headers, rest));
        }
        if line.len() > MAX_LINE || headers.len() >= MAX_HEADERS {
            return Err("the headers are too long");
        }
        let line = std::str::from_utf8(line).map_err(|_| "a header is not UTF-8")?;
        let (name, value) = line.split_once(':').ok_or("a header has no colon")?;
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
}
