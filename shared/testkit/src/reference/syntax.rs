//! The grammar of filters (RFC 7644 §3.4.2.2, Figure 1).

use serde_json::Value;

/// A filter as it is written; names are not looked up yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Or(Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    /// `attrPath "pr"`
    Present(String),
    /// `attrPath compareOp compValue`
    Compare(String, Operator, Value),
    /// `attrPath "[" valFilter "]"`
    Values(String, Box<Expression>),
}

/// `compareOp`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Lt,
    Ge,
    Le,
}

impl Operator {
    /// Attribute operators are case insensitive (§3.4.2.2).
    fn named(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "co" => Self::Co,
            "sw" => Self::Sw,
            "ew" => Self::Ew,
            "gt" => Self::Gt,
            "lt" => Self::Lt,
            "ge" => Self::Ge,
            "le" => Self::Le,
            _ => return None,
        })
    }
}

/// Reads a whole text as `FILTER`.
pub(super) fn filter(text: &str) -> Result<Expression, String> {
    let mut parser = Parser { rest: text, is_inside: false };
    let expression = parser.alternatives()?;
    if parser.rest.is_empty() { Ok(expression) } else { Err(format!("{:?} follows the filter", parser.rest)) }
}

/// Reads `valFilter "]"` and returns what follows it.
pub(super) fn value_filter(text: &str) -> Result<(Expression, &str), String> {
    let mut parser = Parser { rest: text, is_inside: true };
    let expression = parser.alternatives()?;
    parser.expect("]")?;
    Ok((expression, parser.rest))
}

struct Parser<'t> {
    rest: &'t str,
    /// Whether this is the text between brackets, in which the grammar has no brackets.
    is_inside: bool,
}

impl<'t> Parser<'t> {
    /// "or" binds less than "and" (§3.4.2.2, order of operations).
    fn alternatives(&mut self) -> Result<Expression, String> {
        let mut left = self.conjunction()?;
        while self.skip_word(" or ") {
            left = Expression::Or(Box::new(left), Box::new(self.conjunction()?));
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Result<Expression, String> {
        let mut left = self.term()?;
        while self.skip_word(" and ") {
            left = Expression::And(Box::new(left), Box::new(self.term()?));
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Expression, String> {
        // Figure 1 has `"not" "("` without a space; the examples of Figure 2 have one. Both are read.
        if self.skip_word("not(") || self.skip_word("not (") {
            let inner = self.alternatives()?;
            self.expect(")")?;
            return Ok(Expression::Not(Box::new(inner)));
        }
        if self.skip_word("(") {
            let inner = self.alternatives()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let name = self.take_until(&[' ', '[', ']', '(', ')', '"'])?;
        if self.skip_word("[") {
            if self.is_inside {
                return Err("a value filter inside a value filter".to_owned());
            }
            let (inner, rest) = value_filter(self.rest)?;
            self.rest = rest;
            return Ok(Expression::Values(name, Box::new(inner)));
        }
        self.expect(" ")?;
        let operator = self.take_until(&[' ', '[', ']', '(', ')', '"'])?;
        if operator.eq_ignore_ascii_case("pr") {
            return Ok(Expression::Present(name));
        }
        let operator = Operator::named(&operator).ok_or_else(|| format!("there is no operator {operator:?}"))?;
        self.expect(" ")?;
        Ok(Expression::Compare(name, operator, self.literal()?))
    }

    /// `compValue`, by the rules of JSON.
    fn literal(&mut self) -> Result<Value, String> {
        let length = match self.rest.strip_prefix('"') {
            Some(text) => string_length(text).ok_or("a string does not end")? + 1,
            None => self.rest.find([' ', ')', ']']).unwrap_or(self.rest.len()),
        };
        let (literal, rest) = self.rest.split_at(length);
        let value: Value = serde_json::from_str(literal).map_err(|_| format!("{literal:?} is no literal of JSON"))?;
        if value.is_array() || value.is_object() {
            return Err("arrays and objects are no comparison values".to_owned());
        }
        self.rest = rest;
        Ok(value)
    }

    fn take_until(&mut self, ends: &[char]) -> Result<String, String> {
        let (word, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        if word.is_empty() { Err(format!("a word is missing before {rest:?}")) } else { Ok(word.to_owned()) }
    }

    /// Literal strings of ABNF are case insensitive (RFC 5234 §2.3).
    fn skip_word(&mut self, word: &str) -> bool {
        let is_next = self.rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        if is_next {
            self.rest = &self.rest[word.len()..];
        }
        is_next
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        if self.skip_word(word) { Ok(()) } else { Err(format!("{word:?} is missing before {:?}", self.rest)) }
    }
}

/// The length of a JSON string with the quote at its end, without the one at its beginning.
fn string_length(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !is_escaped => return Some(at + 1),
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    None
}
