//! The words of a filter (RFC 7644 §3.4.2.2), each with the place where it stands.

use super::Fault;

/// One word of a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'t> {
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    /// An attribute path, an operator, a keyword, or a literal that is no string.
    Word(&'t str),
    Text(String),
}

/// Cuts a filter into its words. The number beside each is where it begins, counted in characters from 1.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token<'_>)>, Fault> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut at = 1;
    while let Some(first) = rest.chars().next() {
        let single = match first {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            '[' => Some(Token::OpenBracket),
            ']' => Some(Token::CloseBracket),
            _ => None,
        };
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if let Some(token) = single {
            tokens.push((at, token));
            1
        } else if first == '"' {
            let length =
                quoted(rest).ok_or_else(|| Fault::new(at, "the string that begins here has no closing quote"))?;
            let (literal, _) = rest.split_at_checked(length).unwrap_or((rest, ""));
            let value = serde_json::from_str(literal)
                .map_err(|_| Fault::new(at, "the string that begins here is not a JSON string (RFC 8259 §7)"))?;
            tokens.push((at, Token::Text(value)));
            length
        } else {
            let end = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"');
            let length = rest.find(end).unwrap_or(rest.len());
            let (word, _) = rest.split_at_checked(length).unwrap_or((rest, ""));
            tokens.push((at, Token::Word(word)));
            length
        };
        let (seen, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
        at += seen.chars().count();
        rest = tail;
    }
    Ok(tokens)
}

/// The length of the JSON string that a text begins with, quotes included.
fn quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}
