//! `multipart/mixed; boundary=…`.

/// The longest boundary (RFC 2046, section 5.1.1).
const MAX_BOUNDARY: usize = 70;

/// The boundary that a content type names; `None` when it is not `multipart/mixed` with one.
pub fn boundary_of(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then_some(value.trim())
    })?;
    let boundary = boundary.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"')).unwrap_or(boundary);
    let plain = |c: char| c.is_ascii_graphic();
    (!boundary.is_empty() && boundary.len() <= MAX_BOUNDARY && boundary.chars().all(plain))
        .then_some(boundary)
}

/// The content type for a body with this boundary.
pub fn content_type(boundary: &str) -> String {
    format!("multipart/mixed; boundary={boundary}")
}

#[cfg(test)]
mod tests {
    use super::boundary_of;

    #[test]
    fn boundaries_are_found() {
        assert_eq!(boundary_of("multipart/mixed;boundary=batch_1"), Some("batch_1"));
        assert_eq!(boundary_of("Multipart/Mixed; charset=utf-8; Boundary=\"a=b\""), Some("a=b"));
        for text in [
            "",
            "application/json",
            "multipart/mixed",
            "multipart/mixed;boundary=",
            "multipart/form-data;boundary=x",
        ] {
            assert_eq!(boundary_of(text), None, "{text}");
        }
    }
}
