//! Reading a filter (RFC 7644 §3.4.2.2, figure 1) and the path of a PATCH operation (§3.5.2, figure 7).
//! Precedence: `not`, `and`, `or`. Depth is counted before the parser goes down.

use schema::{Attribute, DataType, ResourceType, Returned};
use serde_json::{Number, Value};

use super::lex::{Token, tokens};
use super::{Comparison, FILTER_BYTES, FILTER_DEPTH, Fault, Filter, Operand, Operator};
use crate::Error;
use crate::compare::prepare;
use crate::path::{AttributePath, Target};

/// The path of a PATCH operation.
#[derive(Debug)]
pub(crate) enum Place {
    Whole(Target),
    /// `emails[type eq "work"]`, and `.value` behind it.
    Elements {
        path: AttributePath,
        filter: Filter,
        sub: Option<&'static Attribute>,
    },
}

impl Filter {
    /// Reads a filter for a type of resource.
    ///
    /// # Errors
    /// [`Error::InvalidFilter`], with the place, for a filter that is not one, that is longer than 4,096 bytes or
    /// deeper than 16, that names an attribute which the type does not have, or asks of one what its type
    /// does not know.
    pub fn parse(definition: &'static ResourceType, text: &str) -> Result<Filter, Error> {
        Self::parse_in(Scope::Resource(definition), text)
    }

    /// Reads a filter that is asked of all types of resource, for one of them (RFC 7644 §3.4.2.1): an attribute that only
    /// another type has is one without a value.
    ///
    /// # Errors
    /// As for one type; an attribute has to be known to some type.
    pub fn parse_among_all(definition: &'static ResourceType, text: &str) -> Result<Filter, Error> {
        Self::parse_in(Scope::Any(definition), text)
    }

    fn parse_in(scope: Scope, text: &str) -> Result<Filter, Error> {
        if text.len() > FILTER_BYTES {
            let length = text.len();
            return Err(Error::InvalidFilter(format!(
                "The filter has {length} bytes; at most {FILTER_BYTES} are taken."
            )));
        }
        let read = || {
            let mut parser = Parser::new(text)?;
            let filter = parser.or(scope, 0)?;
            parser.end()?;
            Ok(filter)
        };
        read().map_err(|fault: Fault| Error::InvalidFilter(format!("The filter is not understood {fault}.")))
    }
}

/// Reads the path of a PATCH operation.
///
/// # Errors
/// [`Error::InvalidPath`], with the place.
pub(crate) fn place(definition: &'static ResourceType, text: &str) -> Result<Place, Error> {
    let read = || {
        if text.len() > FILTER_BYTES {
            return Err(Fault::new(1, format!("it has more than {FILTER_BYTES} bytes")));
        }
        let mut parser = Parser::new(text)?;
        let (at, word) = parser.word("an attribute")?;
        if parser.peek().is_none() {
            let unknown = || Fault::new(at, format!("{} has no attribute `{word}`", definition.kind));
            return Target::resolve(definition, word).map(Place::Whole).ok_or_else(unknown);
        }
        let path = Scope::Resource(definition).path(at, word)?;
        let filter = parser.element_filter(at, path, 0)?;
        let sub = parser.sub_attribute(path)?;
        parser.end()?;
        Ok(Place::Elements { path, filter, sub })
    };
    read().map_err(|fault: Fault| Error::InvalidPath(format!("The path is not understood {fault}.")))
}

/// What the names in a filter are names of.
#[derive(Clone, Copy)]
enum Scope {
    Resource(&'static ResourceType),
    /// A resource of this type, in a query of all types.
    Any(&'static ResourceType),
    Element(&'static Attribute),
}

impl Scope {
    fn path(self, at: usize, word: &str) -> Result<AttributePath, Fault> {
        match self {
            Scope::Resource(definition) => AttributePath::resolve(definition, word)
                .ok_or_else(|| Fault::new(at, format!("{} has no attribute `{word}`", definition.kind))),
            Scope::Any(definition) => AttributePath::resolve_among_all(definition, word)
                .ok_or_else(|| Fault::new(at, format!("no type of resource has an attribute `{word}`"))),
            Scope::Element(attribute) => attribute
                .sub_attribute(word)
                .map(|attribute| AttributePath { extension: None, attribute, sub: None })
                .ok_or_else(|| Fault::new(at, format!("{} has no sub-attribute `{word}`", attribute.name))),
        }
    }
}

struct Parser<'t> {
    tokens: std::iter::Peekable<std::vec::IntoIter<(usize, Token<'t>)>>,
    end: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Result<Self, Fault> {
        Ok(Parser { tokens: tokens(text)?.into_iter().peekable(), end: text.chars().count() + 1 })
    }

    fn peek(&mut self) -> Option<&Token<'t>> {
        self.tokens.peek().map(|(_, token)| token)
    }

    fn next_is(&mut self, token: &Token<'_>) -> bool {
        self.tokens.next_if(|(_, next)| next == token).is_some()
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let is_keyword = |token: &Token<'_>| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(keyword));
        self.tokens.next_if(|(_, next)| is_keyword(next)).is_some()
    }

    fn word(&mut self, expected: &str) -> Result<(usize, &'t str), Fault> {
        match self.tokens.next() {
            Some((at, Token::Word(word))) => Ok((at, word)),
            Some((at, _)) => Err(Fault::new(at, format!("expected {expected}"))),
            None => Err(Fault::new(self.end, format!("expected {expected}, but it ends here"))),
        }
    }

    fn end(&mut self) -> Result<(), Fault> {
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
        let path = scope.path(at, word)?;
        if self.peek() == Some(&Token::OpenBracket) {
            let mut filter = self.element_filter(at, path, depth)?;
            // Entra: `emails[type eq "work"].value eq "x"`, one element that matches both.
            if let Some(sub) = self.sub_attribute(path)? {
                let sub = AttributePath { extension: None, attribute: sub, sub: None };
                filter = Filter::And(vec![filter, self.comparison(at, sub)?]);
            }
            return Ok(Filter::Element { path, filter: Box::new(filter) });
        }
        self.comparison(at, path)
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

    fn element_filter(&mut self, at: usize, path: AttributePath, depth: usize) -> Result<Filter, Fault> {
        let here = self.tokens.peek().map_or(self.end, |(at, _)| *at);
        if !self.next_is(&Token::OpenBracket) {
            return Err(Fault::new(here, "expected `[`"));
        }
        if path.sub.is_some() || !path.attribute.is_complex() {
            return Err(Fault::new(at, format!("`{path}` has no sub-attributes to filter by")));
        }
        self.nested(Scope::Element(path.attribute), here, depth, &Token::CloseBracket)
    }

    /// `.value` behind a closing bracket.
    fn sub_attribute(&mut self, path: AttributePath) -> Result<Option<&'static Attribute>, Fault> {
        let dotted = |token: &Token<'_>| matches!(token, Token::Word(word) if word.starts_with('.'));
        let Some((at, Token::Word(word))) = self.tokens.next_if(|(_, token)| dotted(token)) else { return Ok(None) };
        let name = word.trim_start_matches('.');
        let sub = path.attribute.sub_attribute(name);
        sub.map(Some).ok_or_else(|| Fault::new(at, format!("{} has no sub-attribute `{name}`", path.attribute.name)))
    }

    fn comparison(&mut self, at: usize, path: AttributePath) -> Result<Filter, Fault> {
        if path.leaf().returned == Returned::Never {
            return Err(Fault::new(at, format!("`{path}` is secret and cannot be filtered by")));
        }
        let (operator_at, word) = self.word("an operator")?;
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let operator = Operator::named(word).ok_or_else(|| {
            Fault::new(operator_at, format!("`{word}` is no operator (eq ne co sw ew gt ge lt le pr)"))
        })?;
        let (literal_at, literal) = self.literal()?;
        // PingOne: `emails eq "x"`; Entra: `members eq "x"`. A complex attribute is compared by its `value`.
        let path = match path.leaf().is_complex().then(|| path.attribute.sub_attribute("value")) {
            None => path,
            Some(Some(value)) => AttributePath { sub: Some(value), ..path },
            Some(None) => {
                return Err(Fault::new(at, format!("`{path}` is complex; compare one of its sub-attributes")));
            }
        };
        compare(path, operator, &literal).map_err(|problem| {
            let place = if matches!(literal, Value::Null) { operator_at } else { literal_at.min(operator_at) };
            Fault::new(place, problem)
        })
    }

    fn literal(&mut self) -> Result<(usize, Value), Fault> {
        match self.tokens.next() {
            Some((at, Token::Text(text))) => Ok((at, Value::String(text))),
            Some((at, Token::Word(word))) => match serde_json::from_str(word) {
                Ok(value) => Ok((at, value)),
                Err(_) => Err(Fault::new(at, "the value is not quoted; put it in double quotes")),
            },
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

/// Fits a literal and an operator to the type of the attribute.
fn compare(path: AttributePath, operator: Operator, literal: &Value) -> Result<Filter, String> {
    let attribute = path.leaf();
    let kind = attribute.data_type;
    if literal.is_null() {
        return match operator {
            Operator::Eq => Ok(Filter::Not(Box::new(Filter::Present(path)))),
            Operator::Ne => Ok(Filter::Present(path)),
            _ => Err(format!("`{}` cannot be asked of null", operator.name())),
        };
    }
    let refused = match kind {
        DataType::Boolean => operator.is_order() || operator.is_substring(),
        DataType::Binary => operator.is_order(),
        DataType::Integer | DataType::Decimal => operator.is_substring(),
        _ => false,
    };
    if refused {
        return Err(format!("`{}` cannot be asked of `{path}`, which is of type {kind:?}", operator.name()));
    }
    let operand = operand(attribute, operator, literal);
    let operand = operand.ok_or_else(|| format!("the value is not of `{path}`'s type, {kind:?}"))?;
    Ok(Filter::Compare(Comparison { path, operator, operand }))
}

fn operand(attribute: &Attribute, operator: Operator, literal: &Value) -> Option<Operand> {
    match (attribute.data_type, literal) {
        (DataType::Boolean, Value::Bool(value)) => Some(Operand::Boolean(*value)),
        // Entra: `roles[primary eq "True"]`.
        (DataType::Boolean, Value::String(text)) => text.to_ascii_lowercase().parse().ok().map(Operand::Boolean),
        (DataType::Integer | DataType::Decimal, Value::Number(number)) => Some(Operand::Number(Number::clone(number))),
        (DataType::DateTime, Value::String(text)) => {
            let instant = match schema::date_time(text) {
                Some(instant) => instant,
                None if operator.is_substring() => jiff::Timestamp::UNIX_EPOCH,
                None => return None,
            };
            Some(Operand::DateTime { written: text.clone(), instant })
        }
        (DataType::String | DataType::Reference | DataType::Binary, Value::String(text)) => {
            Some(Operand::Text { written: text.clone(), prepared: prepare(attribute, text) })
        }
        _ => None,
    }
}
