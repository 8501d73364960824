//! Parses the literal of a comparison (RFC 7644 §3.4.2.2).

use schema::{DataType, Leniency, value_in_json};
use serde_json::Value;

use super::Parser;
use crate::filter::lex::Token;
use crate::filter::namespace::Namespace;
use crate::filter::typecheck::{accepts_unquoted, is_resource_type};
use crate::filter::{Operator, ParseError};
use crate::path::AttributePath;

/// The right-hand side of a comparison.
pub(super) enum Literal<'t> {
    /// A string in quotes.
    Text(String),
    /// A word without quotes: a number, a boolean, null, or a string whose quotes are missing.
    Word(&'t str),
}

impl<'t> Parser<'t> {
    pub(super) fn literal(&mut self) -> Result<(usize, Literal<'t>), ParseError> {
        let keyword = |word: &str| ["and", "or", "not"].iter().any(|keyword| keyword.eq_ignore_ascii_case(word));
        match self.tokens.next() {
            Some((at, Token::Text(text))) => Ok((at, Literal::Text(text))),
            Some((at, Token::Word(word))) if !keyword(word) => Ok((at, Literal::Word(word))),
            Some((at, _)) => Err(ParseError::new(at, "expected a value")),
            None => Err(ParseError::new(self.end, "expected a value, but the text ends here")),
        }
    }

    /// The value of a literal.
    pub(super) fn literal_value(
        &self,
        literal: Literal<'_>,
        namespace: Namespace,
        path: AttributePath,
        operator: Operator,
        at: usize,
    ) -> Result<Value, ParseError> {
        match literal {
            Literal::Text(text) => Ok(Value::String(self.text(path, at, text)?)),
            Literal::Word(word) => self.unquoted(namespace, path, operator, at, word),
        }
    }

    /// The string with which a path is compared. Entra ID sends the `value` of a role as an object in a string.
    fn text(&self, path: AttributePath, at: usize, text: String) -> Result<String, ParseError> {
        match value_in_json(&text) {
            Some(value) if path.leaf().name == "value" => {
                self.tolerate(Leniency::JsonInStrings, at)?;
                Ok(value)
            }
            _ => Ok(text),
        }
    }

    /// The value of a literal without quotes. The type of the attribute decides whether it is a string: `007` is no
    /// JSON, but `userName eq 12345` means a string, too.
    fn unquoted(
        &self,
        namespace: Namespace,
        path: AttributePath,
        operator: Operator,
        at: usize,
        word: &str,
    ) -> Result<Value, ParseError> {
        let json = serde_json::from_str(word);
        let is_string = matches!(path.leaf().data_type, DataType::String | DataType::Reference);
        let is_number = matches!(json, Ok(Value::Number(_)));
        let may_be_name = is_number || matches!(json, Err(_) | Ok(Value::Bool(_)));
        if is_string && operator == Operator::Eq && may_be_name {
            // RFC 7644 §3.4.2.1 has `meta.resourceType eq User` in an example.
            if is_resource_type(path) {
                return Ok(Value::from(word));
            }
            if is_number || accepts_unquoted(namespace.holder(), path, word) {
                self.tolerate(Leniency::UnquotedLiterals, at)?;
                return Ok(Value::from(word));
            }
        }
        let boolean = word.to_ascii_lowercase().parse::<bool>().ok();
        if let Some(boolean) = boolean.filter(|_| json.is_err() && path.leaf().data_type == DataType::Boolean) {
            self.tolerate(Leniency::UnquotedLiterals, at)?;
            return Ok(Value::from(boolean));
        }
        json.map_err(|_| ParseError::new(at, Leniency::UnquotedLiterals.info().remedy))
    }
}
