//! Splits a filter into tokens with their positions (RFC 7644 §3.4.2.2).

use super::ParseError;

/// A token of a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'t> {
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    /// An attribute path, an operator, a keyword, or a literal that is not a string.
    Word(&'t str),
    /// A string literal without its quotes.
    Text(String),
}

/// Splits a filter into tokens. The number next to each token is its position in characters, counted from 1.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token<'_>)>, ParseError> {
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

/// Decodes a string literal.
fn string(at: usize, literal: &str) -> Result<String, ParseError> {
    if quoted_length(literal).is_none() {
        return Err(ParseError::new(at, "the string that begins here has no closing quote"));
    }
    serde_json::from_str(literal)
        .map_err(|_| ParseError::new(at, "the string that begins here is not a JSON string (RFC 8259 §7)"))
}

/// Splits a filter into words, quoted strings, brackets and white space, without losing a character. A string
/// without a closing quote extends to the end.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let length = match first {
            '(' | ')' | '[' | ']' => 1,
            '"' => quoted_length(rest).unwrap_or(rest.len()),
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

/// The length of the JSON string at the beginning of a text, including its quotes.
fn quoted_length(text: &str) -> Option<usize> {
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
