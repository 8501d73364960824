//! Reading a filter (RFC 7644 §3.4.2.2, figure 1).
//! Precedence: `not`, `and`, `or`. Depth is counted before the parser goes down.

use schema::{Attribute, DataType, Dialect, Leniency, ResourceType};
use serde_json::Value;

use super::lex::{Token, tokens};
use super::typecheck::{fit, takes_word};
use super::{FILTER_BYTES, FILTER_DEPTH, Fault, Filter, Operator};
use crate::Error;
use crate::path::AttributePath;

impl Filter {
    /// Reads a filter for a type of resource.
    ///
    /// # Errors
    /// [`Error::InvalidFilter`], with the place, for a filter that is not one, that is longer than 4,096 bytes or
    /// deeper than 16, that names an attribute which the type does not have, or asks of one what its type
    /// does not know, or that the dialect does not tolerate.
    pub fn parse(definition: &'static ResourceType, text: &str, dialect: &Dialect) -> Result<Filter, Error> {
        Self::parse_in(Scope::Resource(definition), text, dialect)
    }

    /// Reads a filter that is asked of all types of resource, for one of them (RFC 7644 §3.4.2.1): an attribute that only
    /// another type has is one without a value.
    ///
    /// # Errors
    /// As for one type; an attribute has to be known to some type.
    pub fn parse_among_all(definition: &'static ResourceType, text: &str, dialect: &Dialect) -> Result<Filter, Error> {
        Self::parse_in(Scope::Any(definition), text, dialect)
    }

    fn parse_in(scope: Scope, text: &str, dialect: &Dialect) -> Result<Filter, Error> {
        if text.len() > FILTER_BYTES {
            let length = text.len();
            return Err(Error::InvalidFilter(format!(
                "The filter has {length} bytes; at most {FILTER_BYTES} are taken."
            )));
        }
        let read = || {
            let mut parser = Parser::new(text, dialect)?;
            let filter = parser.or(scope, 0)?;
            parser.end()?;
            Ok(filter)
        };
        read().map_err(|fault: Fault| Error::InvalidFilter(format!("The filter is not understood {fault}.")))
    }
}

/// What the names in a filter are names of.
#[derive(Clone, Copy)]
pub(super) enum Scope {
    Resource(&'static ResourceType),
    /// A resource of this type, in a query of all types.
    Any(&'static ResourceType),
    Element(&'static Attribute),
}

impl Scope {
    pub(super) fn path(self, at: usize, word: &str, dialect: &Dialect) -> Result<AttributePath, Fault> {
        let spelt = |path: AttributePath| match path.check_spelling(word, dialect) {
            Ok(()) => Ok(path),
            Err(invalid) => Err(Fault::refused(at, invalid)),
        };
        match self {
            Scope::Resource(definition) => AttributePath::resolve(definition, word)
                .ok_or_else(|| Fault::new(at, format!("{} has no attribute `{word}`", definition.kind)))
                .and_then(spelt),
            Scope::Any(definition) => AttributePath::resolve_among_all(definition, word)
                .ok_or_else(|| Fault::new(at, format!("no type of resource has an attribute `{word}`")))
                .and_then(spelt),
            Scope::Element(attribute) => {
                let attribute = sub_attribute(attribute, at, word, dialect)?;
                Ok(AttributePath { extension: None, attribute, sub: None, is_of_other_type: false })
            }
        }
    }

    /// The attribute whose elements are filtered.
    fn holder(self) -> Option<&'static Attribute> {
        match self {
            Scope::Resource(_) | Scope::Any(_) => None,
            Scope::Element(attribute) => Some(attribute),
        }
    }
}

/// Whoever may not read a value may not guess it (RFC 7643 §7, `returned` "never").
fn refuse_secret(at: usize, path: AttributePath) -> Result<(), Fault> {
    match path.is_secret() {
        true => Err(Fault::new(at, format!("`{path}` is secret and cannot be filtered by"))),
        false => Ok(()),
    }
}

fn sub_attribute(
    attribute: &'static Attribute,
    at: usize,
    name: &str,
    dialect: &Dialect,
) -> Result<&'static Attribute, Fault> {
    let unknown = || Fault::new(at, format!("{} has no sub-attribute `{name}`", attribute.name));
    let sub = attribute.sub_attribute(name).ok_or_else(unknown)?;
    sub.check_name(name, name, dialect).map_err(|invalid| Fault::refused(at, invalid))?;
    Ok(sub)
}

/// What stands behind an operator.
enum Literal<'t> {
    Json(Value),
    /// A word without quotes that is no JSON.
    Word(&'t str),
}

pub(super) struct Parser<'t> {
    tokens: std::iter::Peekable<std::vec::IntoIter<(usize, Token<'t>)>>,
    end: usize,
    dialect: &'t Dialect,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str, dialect: &'t Dialect) -> Result<Self, Fault> {
        Ok(Parser { tokens: tokens(text)?.into_iter().peekable(), end: text.chars().count() + 1, dialect })
    }

    fn tolerate(&self, leniency: Leniency, at: usize) -> Result<(), Fault> {
        self.dialect.tolerate(leniency, "").map_err(|invalid| Fault::refused(at, invalid))
    }

    pub(super) fn peek(&mut self) -> Option<&Token<'t>> {
        self.tokens.peek().map(|(_, token)| token)
    }

    fn next_is(&mut self, token: &Token<'_>) -> bool {
        self.tokens.next_if(|(_, next)| next == token).is_some()
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let is_keyword = |token: &Token<'_>| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(keyword));
        self.tokens.next_if(|(_, next)| is_keyword(next)).is_some()
    }

    pub(super) fn word(&mut self, expected: &str) -> Result<(usize, &'t str), Fault> {
        match self.tokens.next() {
            Some((at, Token::Word(word))) => Ok((at, word)),
            Some((at, _)) => Err(Fault::new(at, format!("expected {expected}"))),
            None => Err(Fault::new(self.end, format!("expected {expected}, but it ends here"))),
        }
    }

    pub(super) fn end(&mut self) -> Result<(), Fault> {
        match self.tokens.next() {
            None => Ok(()),
            Some((at, Token::Word(word))) => {
                Err(Fault::new(at, format!("expected `and`, `or` or the end, got `{word}`")))
            }
            Some((at, _)) => Err(Fault::new(at, "expected `and`, `or` or the end")),
        }
    }

    fn or(&mut self, scope: Scope, depth: usize) -> Result<Filter, Fault> {
        let mut terms = vec![self.and(scope, depth)?];
        while self.keyword("or") {
            terms.push(self.and(scope, depth)?);
        }
        Ok(one_or(terms, Filter::Or))
    }

    fn and(&mut self, scope: Scope, depth: usize) -> Result<Filter, Fault> {
        let mut terms = vec![self.term(scope, depth)?];
        while self.keyword("and") {
            terms.push(self.term(scope, depth)?);
        }
        Ok(one_or(terms, Filter::And))
    }

    fn term(&mut self, scope: Scope, depth: usize) -> Result<Filter, Fault> {
        let at = self.tokens.peek().map_or(self.end, |(at, _)| *at);
        if self.next_is(&Token::Open) {
            return self.nested(scope, at, depth, &Token::Close);
        }
        let (at, word) = self.word("an attribute, `not` or `(`")?;
        if word.eq_ignore_ascii_case("not") && self.next_is(&Token::Open) {
            return Ok(Filter::Not(Box::new(self.nested(scope, at, depth, &Token::Close)?)));
        }
        let path = scope.path(at, word, self.dialect)?;
        if self.peek() == Some(&Token::OpenBracket) {
            let mut filter = self.element_filter(at, path, depth)?;
            // One element that matches both.
            if let Some(sub) = self.sub_attribute(path)? {
                self.tolerate(Leniency::ValuePathComparisons, at)?;
                let sub = AttributePath { extension: None, attribute: sub, sub: None, is_of_other_type: false };
                filter = Filter::And(vec![filter, self.comparison(Scope::Element(path.attribute), at, sub)?]);
            }
            return Ok(Filter::Element { path, filter: Box::new(filter) });
        }
        self.comparison(scope, at, path)
    }

    /// The filter behind an opening parenthesis or bracket.
    fn nested(&mut self, scope: Scope, at: usize, depth: usize, close: &Token<'_>) -> Result<Filter, Fault> {
        if depth >= FILTER_DEPTH {
            return Err(Fault::new(at, format!("it is nested deeper than {FILTER_DEPTH}")));
        }
        let filter = self.or(scope, depth + 1)?;
        if self.next_is(close) {
            return Ok(filter);
        }
        let here = self.tokens.peek().map_or(self.end, |(at, _)| *at);
        Err(Fault::new(here, format!("what was opened at character {at} is not closed")))
    }

    pub(super) fn element_filter(&mut self, at: usize, path: AttributePath, depth: usize) -> Result<Filter, Fault> {
        let here = self.tokens.peek().map_or(self.end, |(at, _)| *at);
        if !self.next_is(&Token::OpenBracket) {
            return Err(Fault::new(here, "expected `[`"));
        }
        if path.sub.is_some() || !path.attribute.is_complex() {
            return Err(Fault::new(at, format!("`{path}` has no sub-attributes to filter by")));
        }
        refuse_secret(at, path)?;
        self.nested(Scope::Element(path.attribute), here, depth, &Token::CloseBracket)
    }

    /// `.value` behind a closing bracket.
    pub(super) fn sub_attribute(&mut self, path: AttributePath) -> Result<Option<&'static Attribute>, Fault> {
        let dotted = |token: &Token<'_>| matches!(token, Token::Word(word) if word.starts_with('.'));
        let Some((at, Token::Word(word))) = self.tokens.next_if(|(_, token)| dotted(token)) else { return Ok(None) };
        let name = word.strip_prefix('.').unwrap_or(word);
        sub_attribute(path.attribute, at, name, self.dialect).map(Some)
    }

    fn comparison(&mut self, scope: Scope, at: usize, path: AttributePath) -> Result<Filter, Fault> {
        refuse_secret(at, path)?;
        let (operator_at, word) = self.word("an operator")?;
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let operator = Operator::named(word).ok_or_else(|| {
            Fault::new(operator_at, format!("`{word}` is no operator (eq ne co sw ew gt ge lt le pr)"))
        })?;
        let (literal_at, literal) = self.literal()?;
        let path = self.compared(at, path)?;
        refuse_secret(at, path)?;
        let literal = match literal {
            Literal::Json(value) => value,
            Literal::Word(word) if operator == Operator::Eq && takes_word(scope.holder(), path, word) => {
                self.tolerate(Leniency::UnquotedLiterals, literal_at)?;
                Value::from(word)
            }
            Literal::Word(_) => return Err(Fault::new(literal_at, Leniency::UnquotedLiterals.info().remedy)),
        };
        if literal.is_string() && path.leaf().data_type == DataType::Boolean {
            self.tolerate(Leniency::StringBooleans, literal_at)?;
        }
        fit(path, operator, &literal).map_err(|problem| {
            let place = if matches!(literal, Value::Null) { operator_at } else { literal_at.min(operator_at) };
            Fault::new(place, problem)
        })
    }

    /// What a comparison compares: of a complex attribute its `value`, as RFC 7644 §3.4.2.2 has it of one with many values
    /// (`emails co "example.com"`).
    fn compared(&self, at: usize, path: AttributePath) -> Result<AttributePath, Fault> {
        if !path.leaf().is_complex() {
            return Ok(path);
        }
        let Some(value) = path.attribute.sub_attribute("value") else {
            return Err(Fault::new(at, format!("`{path}` is complex; compare one of its sub-attributes")));
        };
        if !path.attribute.multi_valued {
            self.tolerate(Leniency::ComplexComparisons, at)?;
        }
        Ok(AttributePath { sub: Some(value), ..path })
    }

    fn literal(&mut self) -> Result<(usize, Literal<'t>), Fault> {
        let keyword = |word: &str| ["and", "or", "not"].iter().any(|keyword| keyword.eq_ignore_ascii_case(word));
        match self.tokens.next() {
            Some((at, Token::Text(text))) => Ok((at, Literal::Json(Value::String(text)))),
            Some((at, Token::Word(word))) if !keyword(word) => {
                Ok((at, serde_json::from_str(word).map_or(Literal::Word(word), Literal::Json)))
            }
            Some((at, _)) => Err(Fault::new(at, "expected a value")),
            None => Err(Fault::new(self.end, "expected a value, but it ends here")),
        }
    }
}

fn one_or(mut terms: Vec<Filter>, many: impl Fn(Vec<Filter>) -> Filter) -> Filter {
    match terms.pop() {
        Some(only) if terms.is_empty() => only,
        last => many(terms.into_iter().chain(last).collect()),
    }
}
