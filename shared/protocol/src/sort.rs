//! The order of a list (RFC 7644 §3.4.2.3), and the position of a resource in it, at which a page can begin.

use std::cmp::Ordering;

use schema::{DataType, Dialect, Kind, Object, ResourceId};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

use crate::Error;
use crate::compare::comparison_key;
use crate::path::AttributePath;

/// Bytes of a text in a saved position. A cursor contains one, and is part of a URL.
const SAVED_TEXT_BYTES: usize = 512;
/// The hash of no text.
const NO_HASH: u64 = 0;

/// The `sortOrder` of a query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Ascending,
    Descending,
}

/// A value in the form in which it is compared. All values of an attribute have the same variant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SortKey {
    #[serde(rename = "b")]
    Boolean(bool),
    /// The floating-point number in an order-preserving form, then the exact integer: whether it is not negative,
    /// and its 64 bits.
    #[serde(rename = "n")]
    Number(u64, Option<(bool, u64)>),
    /// Seconds since 1970, and nanoseconds.
    #[serde(rename = "i")]
    Instant(i64, i32),
    #[serde(rename = "t")]
    Text(String),
}

/// The position of a resource in a list. It stays valid when the resource is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// `None` if the resource has no value to sort by.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SortKey>,
    #[serde(rename = "k")]
    pub kind: Kind,
    #[serde(rename = "d", with = "id_text")]
    pub id: ResourceId,
    /// A hash of the whole text, if `key` is only its beginning.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    text_hash: Option<u64>,
}

impl Order {
    /// Parses `sortOrder`, in any case.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for anything but `ascending` and `descending`.
    pub(crate) fn parse(text: &str) -> Result<Order, Error> {
        match text {
            text if text.eq_ignore_ascii_case("ascending") => Ok(Order::Ascending),
            text if text.eq_ignore_ascii_case("descending") => Ok(Order::Descending),
            _ => Err(Error::InvalidValue("sortOrder must be `ascending` or `descending`.".to_owned())),
        }
    }
}

impl Position {
    /// The position of a resource with this sort key.
    pub fn new(key: Option<SortKey>, kind: Kind, id: ResourceId) -> Self {
        Position { key, kind, id, text_hash: None }
    }

    /// The position as a cursor or a bookmark keeps it: with the beginning of a long text, and a hash of all of it.
    #[must_use]
    pub fn to_saved(&self) -> Position {
        match &self.key {
            Some(SortKey::Text(text)) if text.len() > SAVED_TEXT_BYTES => {
                let beginning = text.get(..text.floor_char_boundary(SAVED_TEXT_BYTES)).unwrap_or_default();
                Position { key: Some(SortKey::Text(beginning.to_owned())), text_hash: Some(hash(text)), ..self.clone() }
            }
            _ => self.clone(),
        }
    }

    /// The bytes of the text by which the resource is sorted.
    pub fn text_bytes(&self) -> usize {
        match &self.key {
            Some(SortKey::Text(text)) => text.len(),
            _ => 0,
        }
    }

    /// How many of these positions, which are sorted and not saved, come before the page that follows this one.
    ///
    /// A saved position with the beginning of a text says only with its resource where it was. If the resource was
    /// deleted or its text was changed, the page begins with the first text of that beginning: a resource may come
    /// twice, and none is missed.
    pub fn count_before_next(&self, sorted: &[Position], order: Order) -> usize {
        let Some(text_hash) = self.text_hash else {
            return sorted.partition_point(|it| it.compare(self, order).is_le());
        };
        let is_same = |it: &Position| (it.kind, &it.id) == (self.kind, &self.id) && it.hash() == Some(text_hash);
        match sorted.iter().position(is_same) {
            Some(index) => index + 1,
            None => sorted.partition_point(|it| !it.begins_like(self) && it.compare(self, order).is_lt()),
        }
    }

    /// Whether the text begins with the text of a saved position.
    fn begins_like(&self, saved: &Position) -> bool {
        match (&self.key, &saved.key) {
            (Some(SortKey::Text(text)), Some(SortKey::Text(beginning))) => text.starts_with(beginning.as_str()),
            _ => false,
        }
    }

    /// The earlier one of two saved positions. If one has only the beginning of a text, and the text of the other one
    /// begins like it, the result is before all texts of that beginning.
    #[must_use]
    pub fn earlier(self, other: Position, order: Order) -> Position {
        let covers = |one: &Position, other: &Position| one.text_hash.is_some() && other.begins_like(one);
        if self == other || !(covers(&self, &other) || covers(&other, &self)) {
            return if self.compare(&other, order).is_le() { self } else { other };
        }
        let cut = if covers(&self, &other) { self } else { other };
        Position { text_hash: Some(NO_HASH), ..cut }
    }

    fn hash(&self) -> Option<u64> {
        match &self.key {
            Some(SortKey::Text(text)) => Some(hash(text)),
            _ => None,
        }
    }

    /// Compares two positions. The order is total: by value in the given order, then users before groups, then by id.
    ///
    /// "If there is no data for the specified 'sortBy' value, they are ordered last if ascending and first if
    /// descending."
    pub fn compare(&self, other: &Position, order: Order) -> Ordering {
        let by_value = match (&self.key, &other.key) {
            (Some(one), Some(other)) => one.cmp(other),
            (one, other) => one.is_none().cmp(&other.is_none()),
        };
        let by_value = match order {
            Order::Ascending => by_value,
            Order::Descending => by_value.reverse(),
        };
        by_value.then_with(|| (self.kind, &self.id).cmp(&(other.kind, &other.id)))
    }
}

/// Resolves `sortBy` for each of `kinds`; `None` for a kind that does not have the attribute. Resources are sorted
/// by a complex attribute's `value`, as in filters.
///
/// # Errors
/// [`Error::InvalidPath`] for an attribute that no kind has, [`Error::InvalidValue`] for an attribute without an
/// order.
pub(crate) fn sort_paths(kinds: &[Kind], text: &str, dialect: &Dialect) -> Result<Vec<Option<AttributePath>>, Error> {
    let resolve = |kind: &Kind| AttributePath::resolve(schema::resource_type(*kind), text);
    let paths: Vec<Option<AttributePath>> = kinds.iter().map(resolve).collect();
    if paths.iter().all(Option::is_none) {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let names = names.join(" and ");
        return Err(Error::InvalidPath(format!(
            "sortBy: {names} has no attribute `{text}`. Sort by an attribute that exists."
        )));
    }
    for path in paths.iter().flatten() {
        path.check_spelling(text, dialect)?;
    }
    paths.into_iter().map(|path| path.map(sortable).transpose()).collect()
}

/// The attribute that has the sort key: of a complex attribute its `value`.
fn sortable(path: AttributePath) -> Result<AttributePath, Error> {
    let path = match path.leaf().is_complex().then(|| path.attribute.sub_attribute("value")) {
        None => path,
        Some(Some(value)) => AttributePath { sub: Some(value), ..path },
        Some(None) => {
            let problem =
                format!("sortBy: `{path}` is complex. Sort by one of its sub-attributes, such as `{path}.…`.");
            return Err(Error::InvalidValue(problem));
        }
    };
    if path.is_secret() {
        return Err(Error::InvalidValue(format!(
            "sortBy: `{path}` is secret and cannot be used to sort. Sort by another attribute."
        )));
    }
    Ok(path)
}

/// The sort key of a resource. A value of the wrong type counts as no value.
pub(crate) fn sort_key(path: &AttributePath, resource: &Object) -> Option<SortKey> {
    match (path.leaf().data_type, path.sort_value(resource)?) {
        (DataType::Boolean, Value::Bool(value)) => Some(SortKey::Boolean(*value)),
        (DataType::Integer | DataType::Decimal, Value::Number(number)) => number_key(number),
        (DataType::DateTime, Value::String(text)) => {
            let instant = schema::date_time(text)?;
            Some(SortKey::Instant(instant.as_second(), instant.subsec_nanosecond()))
        }
        (_, Value::String(text)) => Some(SortKey::Text(comparison_key(path.leaf(), text).into_owned())),
        _ => None,
    }
}

/// Integers compare exactly with each other, and rounding them to floating point preserves that order.
fn number_key(number: &Number) -> Option<SortKey> {
    let bits = (number.as_f64()? + 0.0).to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    let negative = number.as_i64().filter(|value| *value < 0).map(|value| (false, value.cast_unsigned()));
    Some(SortKey::Number(ordered, negative.or_else(|| number.as_u64().map(|value| (true, value)))))
}

/// The first eight bytes of the text's SHA-256.
fn hash(text: &str) -> u64 {
    let hash = Sha256::digest(text).iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte));
    if hash == NO_HASH { hash + 1 } else { hash }
}

mod id_text {
    use schema::ResourceId;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(id: &ResourceId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(id.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ResourceId, D::Error> {
        let text = String::deserialize(deserializer)?;
        ResourceId::parse(&text).ok_or_else(|| de::Error::custom("not an id"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Query;
    use crate::query::tests::query;

    const LETTERS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

    /// The users, named by letters, in the order that the query requests.
    fn sorted(sort_by: &str, order: &str, users: &[Value]) -> String {
        let query = query(&[Kind::User], Some(sort_by), Some(order)).unwrap();
        let mut positions: Vec<(Position, &str)> = users
            .iter()
            .zip(LETTERS)
            .map(|(user, letter)| {
                let id = ResourceId::parse(&format!("0191b1c8-7a60-7c3e-8a3e-00000000000{letter}")).unwrap();
                (query.position(Kind::User, id, user.as_object().unwrap()), letter)
            })
            .collect();
        positions.reverse();
        positions.sort_by(|(one, _), (other, _)| one.compare(other, query.order()));
        for (position, _) in &positions {
            let text = serde_json::to_string(position).unwrap();
            assert_eq!(serde_json::from_str::<Position>(&text).unwrap(), *position, "{text}");
        }
        positions.into_iter().map(|(_, letter)| letter).collect()
    }

    #[test]
    fn each_data_type_is_sorted_in_its_order() {
        let titles =
            [json!({"title": "b"}), json!({"title": "C"}), json!({}), json!({"title": "A"}), json!({"title": "B"})];
        assert_eq!(sorted("title", "ascending", &titles), "daebc");
        assert_eq!(sorted("TITLE", "Descending", &titles), "cbaed");
        let spellings = [
            json!({"title": "É b"}),
            json!({"title": "e\u{301} a"}),
            json!({"title": "ΟΔΟΣ b"}),
            json!({"title": "οδος a"}),
        ];
        assert_eq!(sorted("title", "ascending", &spellings), "badc");
        let exact = [json!({"externalId": "b"}), json!({"externalId": "C"}), json!({"externalId": "B"})];
        assert_eq!(sorted("externalId", "ascending", &exact), "cba");
        let active = [json!({"active": true}), json!({"active": false}), json!({})];
        assert_eq!(sorted("active", "ascending", &active), "bac");
        let times = [
            json!({"meta": {"created": "2024-05-13T06:42:34.5+02:00"}}),
            json!({"meta": {"created": "2024-05-13T05:00:00Z"}}),
            json!({"meta": {"created": "2024-05-13T04:42:34Z"}}),
        ];
        assert_eq!(sorted("meta.created", "ascending", &times), "cab");
        let names = [json!({"name": {"familyName": "Z"}}), json!({"name": {}}), json!({"name": {"familyName": "y"}})];
        assert_eq!(sorted("name.familyName", "ascending", &names), "cab");
        let e = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let departments = [json!({e: {"department": "z"}}), json!({e: {"department": "Y"}}), json!({})];
        assert_eq!(sorted(&format!("{e}:department"), "descending", &departments), "cab");
    }

    #[test]
    fn multi_valued_attribute_sorts_by_primary_or_first_value() {
        let emails = [
            json!({"emails": [{"value": "a"}, {"value": "z", "primary": true}]}),
            json!({"emails": [{"value": "m"}, {"value": "a", "primary": false}]}),
            json!({"emails": [{"value": "b", "primary": true}, {"value": "a"}]}),
            json!({"emails": []}),
            json!({"emails": [{"type": "work"}, {"value": "a"}]}),
        ];
        assert_eq!(sorted("emails", "ascending", &emails), "cbade");
        assert_eq!(sorted("emails.value", "descending", &emails), "deabc");
    }

    #[test]
    fn numbers_are_sorted_in_a_total_order() {
        let numbers = [
            json!(i64::MIN),
            json!(-1e3),
            json!(-2),
            json!(-1.5),
            json!(-1),
            json!(0),
            json!(0.5),
            json!(1),
            json!(9_007_199_254_740_992_i64),
            json!(9_007_199_254_740_993_i64),
            json!(u64::MAX - 1),
            json!(u64::MAX),
            json!(1e300),
        ];
        let keys: Vec<_> = numbers.iter().map(|number| number_key(number.as_number().unwrap()).unwrap()).collect();
        assert!(keys.is_sorted_by(|one, other| one < other), "{keys:?}");
        assert_eq!(number_key(&Number::from_f64(-0.0).unwrap()), number_key(&Number::from_f64(0.0).unwrap()));
    }

    /// Users whose titles have these ends behind 512 equal bytes, in the order of the query.
    fn with_long_titles(query: &Query, ends: &str) -> Vec<Position> {
        let mut positions: Vec<Position> = ends
            .chars()
            .map(|end| {
                let id = ResourceId::parse(&format!("0191b1c8-7a60-7c3e-8a3e-00000000000{end}")).unwrap();
                let user = json!({"title": format!("{}{end}", "é".repeat(256))});
                query.position(Kind::User, id, user.as_object().unwrap())
            })
            .collect();
        positions.sort_by(|one, other| one.compare(other, query.order()));
        positions
    }

    #[test]
    fn page_continues_behind_long_texts_with_the_same_beginning() {
        for (order, changed) in [("ascending", "abxd"), ("descending", "dxba")] {
            let query = query(&[Kind::User], Some("title"), Some(order)).unwrap();
            let all = with_long_titles(&query, "dbac");
            assert!(all.is_sorted_by_key(|position| position.id.as_str()) == (order == "ascending"), "{order}");
            for (index, position) in all.iter().enumerate() {
                let saved = serde_json::to_string(&position.to_saved()).unwrap();
                assert!(saved.len() < 700, "{saved}");
                let saved: Position = serde_json::from_str(&saved).unwrap();
                assert_eq!(saved.count_before_next(&all, query.order()), index + 1, "{order}");
                assert_eq!(position.text_bytes(), 513);
            }
            // The user at whose title the page ended was deleted.
            let without = with_long_titles(&query, &changed.replace('x', ""));
            let end = with_long_titles(&query, "c").pop().unwrap().to_saved();
            assert_eq!(end.count_before_next(&without, query.order()), 0, "{order}");
            let short = Position::new(Some(SortKey::Text("a".to_owned())), Kind::User, end.id.clone());
            let list: Vec<Position> = match order {
                "ascending" => [vec![short], without].concat(),
                _ => [without, vec![short]].concat(),
            };
            assert_eq!(end.count_before_next(&list, query.order()), usize::from(order == "ascending"), "{order}");
        }
    }

    /// The positions of users with these titles, in ascending order; the first title has the id 0.
    fn by_title(query: &Query, titles: &[String]) -> Vec<Position> {
        let position = |(at, title): (usize, &String)| {
            let id = ResourceId::parse(&format!("0191b1c8-7a60-7c3e-8a3e-{at:012}")).unwrap();
            query.position(Kind::User, id, json!({"title": title}).as_object().unwrap())
        };
        let mut positions: Vec<Position> = titles.iter().enumerate().map(position).collect();
        positions.sort_by(|one, other| one.compare(other, query.order()));
        positions
    }

    /// A saved text ends between two characters, so the texts that begin like it may be cut elsewhere.
    #[test]
    fn no_resource_is_skipped_behind_a_deleted_one_whatever_the_letters_at_the_cut() {
        let letters = ["a", "b", "é", "中", "😀"];
        for before in 508..=512 {
            for order in ["ascending", "descending"] {
                let query = query(&[Kind::User], Some("title"), Some(order)).unwrap();
                let titles: Vec<String> = letters
                    .iter()
                    .flat_map(|one| letters.map(|other| format!("{}{one}{other}", "a".repeat(before))))
                    .collect();
                let all = by_title(&query, &titles);
                for deleted in 0..all.len() {
                    let end = all[deleted].to_saved();
                    assert_eq!(end.count_before_next(&all, query.order()), deleted + 1, "{order} {before}");
                    let left = [&all[..deleted], &all[deleted + 1..]].concat();
                    assert!(end.count_before_next(&left, query.order()) <= deleted, "{order} {before} {deleted}");
                }
            }
        }
    }

    #[test]
    fn earlier_of_two_positions_precedes_whatever_follows_either() {
        let query = query(&[Kind::User], Some("title"), None).unwrap();
        let long = "x".repeat(512);
        let titles = [format!("{long}b"), format!("{long}a"), "y".to_owned(), format!("{long}c"), "w".to_owned()];
        let all = by_title(&query, &titles);
        for one in 0..all.len() {
            for other in 0..all.len() {
                let earlier = all[one].to_saved().earlier(all[other].to_saved(), query.order());
                let again = all[other].to_saved().earlier(earlier.clone(), query.order());
                for position in [earlier, again] {
                    assert!(position.count_before_next(&all, query.order()) <= one.min(other) + 1, "{one} {other}");
                    assert!(
                        position.count_before_next(&all, query.order()) >= usize::from(one.min(other) > 0),
                        "{one} {other}"
                    );
                }
            }
        }
    }

    #[test]
    fn short_text_is_saved_as_it_is() {
        let query = query(&[Kind::User], Some("title"), None).unwrap();
        let id = ResourceId::parse("0191b1c8-7a60-7c3e-8a3e-00000000000a").unwrap();
        for (title, bytes) in [("é".repeat(256), 512), ("é".repeat(257), 512), (format!("a{}", "é".repeat(256)), 511)]
        {
            let user = json!({"title": title});
            let position = query.position(Kind::User, id.clone(), user.as_object().unwrap());
            assert_eq!(position.to_saved().text_bytes(), bytes);
            assert_eq!(position.to_saved() == position, title.len() == 512);
        }
    }

    #[test]
    fn attribute_without_order_is_refused() {
        for (sort_by, order, scim_type, says) in [
            ("nope", None, "invalidPath", "`nope`"),
            ("name.nope", None, "invalidPath", "`name.nope`"),
            ("", None, "invalidPath", "sortBy"),
            ("members", None, "invalidPath", "User has no attribute"),
            ("name", None, "invalidValue", "complex"),
            ("meta", None, "invalidValue", "complex"),
            ("password", None, "invalidValue", "secret"),
            ("title", Some("up"), "invalidValue", "sortOrder"),
        ] {
            let error = query(&[Kind::User], Some(sort_by), order).map(drop).unwrap_err();
            assert_eq!(error.scim_type(), Some(scim_type), "{sort_by}");
            assert!(error.to_string().contains(says), "{error}");
        }
        assert!(query(&Kind::ALL, Some("members"), None).is_ok() && query(&Kind::ALL, Some("userName"), None).is_ok());
        assert!(query(&Kind::ALL, Some("nope"), None).is_err());
    }
}
