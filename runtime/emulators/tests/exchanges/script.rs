//! Recorded exchanges, as text: what goes out is marked `>`, what comes back `<`, and what the emulator sends to others by
//! itself `~`.
//!
//! ```text
//! ### A title
//! # learn.microsoft.com: the/page/that/says/so
//! > GET /api/data/v9.2/WhoAmI
//! < 200
//! < OData-Version: 4.0
//! <
//! < {"@odata.context": "{{url}}/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse", "UserId": "{{user:guid}}", "...": "..."}
//! ```

/// One rule of a protocol.
pub(crate) struct Rule {
    pub(crate) title: String,
    pub(crate) steps: Vec<Step>,
}

/// One message of an exchange, with the line it begins at.
pub(crate) struct Step {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
    pub(crate) message: Message,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To the emulator.
    Request,
    /// The answer to the request before.
    Answer,
    /// From the emulator to the listener.
    Sent,
}

/// A message as text: its first line, headers and body.
pub(crate) struct Message {
    pub(crate) first: String,
    pub(crate) headers: Vec<(String, String)>,
    /// `None` where it is not told, which is not the same as empty.
    pub(crate) body: Option<String>,
}

/// Reads a file. Every rule must name the page that it is taken from.
pub(crate) fn parse(file: &str, text: &str) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut sourced = true;
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        if let Some(title) = line.strip_prefix("### ") {
            assert!(sourced, "{file}: the rule before line {} names no page", number + 1);
            sourced = false;
            rules.push(Rule { title: title.to_owned(), steps: Vec::new() });
            continue;
        }
        sourced |= line.starts_with("# learn.microsoft.com: ") || line.starts_with("# docs.oasis-open.org: ");
        let Some((kind, first)) = marked(line) else {
            assert!(line.is_empty() || line.starts_with('#'), "{file}:{}: what is {line:?}?", number + 1);
            continue;
        };
        let mut rest = Vec::new();
        while let Some((_, line)) =
            lines.next_if(|(_, line)| marked(line).is_some_and(|(next, _)| next == kind))
        {
            rest.push(marked(line).map_or("", |(_, text)| text));
        }
        let message = message(first, &rest)
            .unwrap_or_else(|line| panic!("{file}:{}: {line:?} is no header", number + 1));
        let rule =
            rules.last_mut().unwrap_or_else(|| panic!("{file}:{}: a rule begins with ###", number + 1));
        rule.steps.push(Step { line: number + 1, kind, message });
    }
    assert!(sourced && !rules.is_empty(), "{file}: the last rule names no page");
    rules
}

fn marked(line: &str) -> Option<(Kind, &str)> {
    let kind = match line.as_bytes().first()? {
        b'>' => Kind::Request,
        b'<' => Kind::Answer,
        b'~' => Kind::Sent,
        _ => return None,
    };
    let rest = &line[1..];
    Some((kind, rest.strip_prefix(' ').unwrap_or(rest)))
}

fn message(first: &str, rest: &[&str]) -> Result<Message, String> {
    let end = rest.iter().position(|line| line.is_empty()).unwrap_or(rest.len());
    let headers = rest[..end].iter().map(|line| {
        let (name, value) = line.split_once(':').ok_or_else(|| (*line).to_owned())?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    });
    Ok(Message {
        first: first.trim().to_owned(),
        headers: headers.collect::<Result<_, String>>()?,
        body: (end < rest.len()).then(|| rest[end + 1..].join("\n")),
    })
}
