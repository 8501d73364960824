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
    let mut at = 1;
    for piece in pieces(text) {
        let token = match piece {
            "(" => Some(Token::Open),
            ")" => Some(Token::Close),
            "[" => Some(Token::OpenBracket),
            "]" => Some(Token::CloseBracket),
            space if space.starts_with(char::is_whitespace) => None,
            literal if literal.starts_with('"') => Some(Token::Text(string(at, literal)?)),
            word => Some(Token::Word(word)),
        };
        tokens.extend(token.map(|token| (at, token)));
        at += piece.chars().count();
    }
    Ok(tokens)
}

fn string(at: usize, literal: &str) -> Result<String, Fault> {
    if quoted(literal).is_none() {
        return Err(Fault::new(at, "the string that begins here has no closing quote"));
    }
    serde_json::from_str(literal)
        .map_err(|_| Fault::new(at, "the string that begins here is not a JSON string (RFC 8259 §7)"))
}

/// All of a filter, cut where a word, a string in quotation marks (if it does not end, the rest), a bracket or white space
/// begins.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let length = match first {
            '(' | ')' | '[' | ']' => 1,
            '"' => quoted(rest).unwrap_or(rest.len()),
            _ if first.is_whitespace() => first.len_utf8(),
            _ => {
                let end = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"');
                rest.find(end).unwrap_or(rest.len())
            }
        };
        let (piece, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(piece)
    })
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
