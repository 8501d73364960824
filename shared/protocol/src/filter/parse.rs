//! Parses a filter (RFC 7644 §3.4.2.2, figure 1) by recursive descent. `not` binds more tightly than `and`, and
//! `and` more tightly than `or`. The parser checks the depth before it descends, so that no input overflows the
//! stack.

mod literal;

use schema::{Attribute, DataType, Dialect, Leniency, ResourceType};
use serde_json::Value;

use super::lex::{Token, tokens};
use super::namespace::{Namespace, sub_attribute};
use super::typecheck::typecheck;
use super::{Filter, Operator, ParseError};
use crate::Error;
use crate::limits::{FILTER_BYTES, FILTER_DEPTH};
use crate::path::AttributePath;

impl Filter {
    /// Parses a filter for a resource type.
    ///
    /// # Errors
    /// [`Error::InvalidFilter`], with the position of the mistake, for a filter with a syntax error, a filter that
    /// is longer than [`FILTER_BYTES`] or nested deeper than [`FILTER_DEPTH`], an attribute that the type does not
    /// have, an operator or a literal that does not fit the attribute, and a deviation that the dialect does not
    /// tolerate.
    ///
    /// # Examples
    /// ```
    /// use protocol::Filter;
    /// use schema::{Dialect, Kind, resource_type};
    /// use serde_json::json;
    ///
    /// let user = resource_type(Kind::User);
    /// let filter = Filter::parse(user, r#"userName eq "ADA" and active eq true"#, &Dialect::strict())?;
    ///
    /// let ada = json!({"userName": "ada", "active": true});
    /// assert!(filter.matches(ada.as_object().unwrap()), "userName is compared without case");
    ///
    /// let error = Filter::parse(user, "userName is ada", &Dialect::strict()).unwrap_err();
    /// assert_eq!(error.scim_type(), Some("invalidFilter"));
    /// # Ok::<(), protocol::Error>(())
    /// ```
    pub fn parse(definition: &'static ResourceType, text: &str, dialect: &Dialect) -> Result<Filter, Error> {
        Self::parse_in(Namespace::Resource(definition), text, dialect)
    }

    /// Parses a filter of a query for all resource types, to be evaluated on one of them (RFC 7644 §3.4.2.1): an
    /// attribute that only another type has is an attribute without a value.
    ///
    /// # Errors
    /// As [`Filter::parse`], but an attribute is only unknown if no type has it.
    pub fn parse_for_all_types(
        definition: &'static ResourceType,
        text: &str,
        dialect: &Dialect,
    ) -> Result<Filter, Error> {
        Self::parse_in(Namespace::Any(definition), text, dialect)
    }

    fn parse_in(namespace: Namespace, text: &str, dialect: &Dialect) -> Result<Filter, Error> {
        if text.len() > FILTER_BYTES {
            let length = text.len();
            return Err(Error::InvalidFilter(format!(
                "The filter has {length} bytes, but at most {FILTER_BYTES} are allowed. Shorten it."
            )));
        }
        let parse = || {
            let mut parser = Parser::new(text, dialect)?;
            let filter = parser.or(namespace, 0)?;
            parser.end()?;
            Ok(filter)
        };
        parse().map_err(|error: ParseError| Error::InvalidFilter(format!("The filter is invalid {error}.")))
    }
}

/// Rejects an attribute that is never returned (RFC 7643 §7), so that its values cannot be guessed by filters.
fn refuse_secret(at: usize, path: AttributePath) -> Result<(), ParseError> {
    if path.is_secret() {
        return Err(ParseError::new(
            at,
            format!("`{path}` is secret and cannot be used in a filter; use another attribute"),
        ));
    }
    Ok(())
}

/// The state of the parser.
pub(super) struct Parser<'t> {
    tokens: std::iter::Peekable<std::vec::IntoIter<(usize, Token<'t>)>>,
    /// The position after the last character.
    end: usize,
    dialect: &'t Dialect,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str, dialect: &'t Dialect) -> Result<Self, ParseError> {
        Ok(Parser { tokens: tokens(text)?.into_iter().peekable(), end: text.chars().count() + 1, dialect })
    }

    fn tolerate(&self, leniency: Leniency, at: usize) -> Result<(), ParseError> {
        self.dialect.tolerate(leniency, "").map_err(|violation| ParseError::not_tolerated(at, violation))
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

    pub(super) fn word(&mut self, expected: &str) -> Result<(usize, &'t str), ParseError> {
        match self.tokens.next() {
            Some((at, Token::Word(word))) => Ok((at, word)),
            Some((at, _)) => Err(ParseError::new(at, format!("expected {expected}"))),
            None => Err(ParseError::new(self.end, format!("expected {expected}, but the text ends here"))),
        }
    }

    pub(super) fn end(&mut self) -> Result<(), ParseError> {
        match self.tokens.next() {
            None => Ok(()),
            Some((at, Token::Word(word))) => {
                Err(ParseError::new(at, format!("expected `and`, `or` or the end, got `{word}`")))
            }
            Some((at, _)) => Err(ParseError::new(at, "expected `and`, `or` or the end")),
        }
    }

    fn or(&mut self, namespace: Namespace, depth: usize) -> Result<Filter, ParseError> {
        let mut terms = vec![self.and(namespace, depth)?];
        while self.keyword("or") {
            terms.push(self.and(namespace, depth)?);
        }
        Ok(one_or(terms, Filter::Or))
    }

    fn and(&mut self, namespace: Namespace, depth: usize) -> Result<Filter, ParseError> {
        let mut terms = vec![self.term(namespace, depth)?];
        while self.keyword("and") {
            terms.push(self.term(namespace, depth)?);
        }
        Ok(one_or(terms, Filter::And))
    }

    fn term(&mut self, namespace: Namespace, depth: usize) -> Result<Filter, ParseError> {
        let at = self.tokens.peek().map_or(self.end, |(at, _)| *at);
        if self.next_is(&Token::Open) {
            return self.nested(namespace, at, depth, &Token::Close);
        }
        let (at, word) = self.word("an attribute, `not` or `(`")?;
        if word.eq_ignore_ascii_case("not") && self.next_is(&Token::Open) {
            return Ok(Filter::Not(Box::new(self.nested(namespace, at, depth, &Token::Close)?)));
        }
        let path = namespace.path(at, word, self.dialect)?;
        if self.peek() == Some(&Token::OpenBracket) {
            let mut filter = self.element_filter(at, path, depth)?;
            // The same element must match the filter and the comparison.
            if let Some(sub) = self.sub_attribute(path)? {
                self.tolerate(Leniency::ValuePathComparisons, at)?;
                let sub = AttributePath { extension: None, attribute: sub, sub: None, is_of_other_type: false };
                filter = Filter::And(vec![filter, self.comparison(Namespace::Element(path.attribute), at, sub)?]);
            }
            return Ok(Filter::Element { path, filter: Box::new(filter) });
        }
        self.comparison(namespace, at, path)
    }

    /// Parses the filter after an opening parenthesis or bracket, and the closing one.
    fn nested(
        &mut self,
        namespace: Namespace,
        at: usize,
        depth: usize,
        close: &Token<'_>,
    ) -> Result<Filter, ParseError> {
        if depth >= FILTER_DEPTH {
            return Err(ParseError::new(at, format!("it is nested deeper than {FILTER_DEPTH} levels")));
        }
        let filter = self.or(namespace, depth + 1)?;
        if self.next_is(close) {
            return Ok(filter);
        }
        let here = self.tokens.peek().map_or(self.end, |(at, _)| *at);
        Err(ParseError::new(here, format!("the bracket that opens at character {at} is not closed")))
    }

    pub(super) fn element_filter(
        &mut self,
        at: usize,
        path: AttributePath,
        depth: usize,
    ) -> Result<Filter, ParseError> {
        let here = self.tokens.peek().map_or(self.end, |(at, _)| *at);
        if !self.next_is(&Token::OpenBracket) {
            return Err(ParseError::new(here, "expected `[`"));
        }
        if path.sub.is_some() || !path.attribute.is_complex() {
            return Err(ParseError::new(at, format!("`{path}` has no sub-attributes to filter by")));
        }
        refuse_secret(at, path)?;
        self.nested(Namespace::Element(path.attribute), here, depth, &Token::CloseBracket)
    }

    /// Parses a sub-attribute after a closing bracket, such as `.value`.
    pub(super) fn sub_attribute(&mut self, path: AttributePath) -> Result<Option<&'static Attribute>, ParseError> {
        let dotted = |token: &Token<'_>| matches!(token, Token::Word(word) if word.starts_with('.'));
        let Some((at, Token::Word(word))) = self.tokens.next_if(|(_, token)| dotted(token)) else { return Ok(None) };
        let name = word.strip_prefix('.').unwrap_or(word);
        sub_attribute(path.attribute, at, name, self.dialect).map(Some)
    }

    fn comparison(&mut self, namespace: Namespace, at: usize, path: AttributePath) -> Result<Filter, ParseError> {
        refuse_secret(at, path)?;
        let (operator_at, word) = self.word("an operator")?;
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let operator = Operator::named(word).ok_or_else(|| {
            ParseError::new(operator_at, format!("`{word}` is not an operator (eq ne co sw ew gt ge lt le pr)"))
        })?;
        let (literal_at, literal) = self.literal()?;
        let path = self.compared(at, path)?;
        refuse_secret(at, path)?;
        let literal = self.literal_value(literal, namespace, path, operator, literal_at)?;
        if literal.is_string() && path.leaf().data_type == DataType::Boolean {
            self.tolerate(Leniency::StringBooleans, literal_at)?;
        }
        typecheck(path, operator, &literal).map_err(|problem| {
            let position = if matches!(literal, Value::Null) { operator_at } else { literal_at.min(operator_at) };
            ParseError::new(position, problem)
        })
    }

    /// The path that is compared: for a complex attribute its `value`, as RFC 7644 §3.4.2.2 specifies for
    /// multi-valued attributes (`emails co "example.com"`).
    fn compared(&self, at: usize, path: AttributePath) -> Result<AttributePath, ParseError> {
        if !path.leaf().is_complex() {
            return Ok(path);
        }
        let Some(value) = path.attribute.sub_attribute("value") else {
            return Err(ParseError::new(at, format!("`{path}` is complex, so compare one of its sub-attributes")));
        };
        if !path.attribute.multi_valued {
            self.tolerate(Leniency::ComplexComparisons, at)?;
        }
        Ok(AttributePath { sub: Some(value), ..path })
    }
}

/// Returns a single term as it is, and combines several.
fn one_or(mut terms: Vec<Filter>, many: impl Fn(Vec<Filter>) -> Filter) -> Filter {
    match terms.pop() {
        Some(only) if terms.is_empty() => only,
        last => many(terms.into_iter().chain(last).collect()),
    }
}
