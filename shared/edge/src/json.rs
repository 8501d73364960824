//! A JSON reader that rejects duplicate names in an object (RFC 8259 §4), where one of the two values would be lost
//! silently, and that limits the number of values, because a value of two bytes takes a hundred times as many in
//! memory.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The largest number of values in a body: objects, arrays and scalars all count. 40,000 members with all
/// sub-attributes have 200,000 values. The limit bounds the memory: values of the largest size, up to this number, need
/// a third of a function's memory.
pub(crate) const MAX_JSON_VALUES: usize = protocol::limits::JSON_VALUES;

/// Why a text could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    TooManyValues,
    NotJson(serde_json::Error),
}

/// Reads a text that is one JSON value.
pub(crate) fn read(text: &[u8]) -> Result<Value, ReadError> {
    let left = Cell::new(Some(MAX_JSON_VALUES));
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Reader { left: &left }.deserialize(&mut deserializer);
    match value.and_then(|value| deserializer.end().map(|()| value)) {
        Ok(value) => Ok(value),
        Err(_) if left.get().is_none() => Err(ReadError::TooManyValues),
        Err(error) => Err(ReadError::NotJson(error)),
    }
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    /// How many more values may follow; `None` once there was one too many.
    left: &'a Cell<Option<usize>>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.left.set(self.left.get().and_then(|left| left.checked_sub(1)));
        if self.left.get().is_none() {
            return Err(D::Error::custom("too many values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(self)? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let Some(first) = entries.next_key::<String>()? else { return Ok(Value::Object(Map::new())) };
        // Large bodies consist of objects with one member, and a map allocates room for three by default.
        let mut object = Map::with_capacity(1);
        object.insert(first, entries.next_value_seed(self)?);
        while let Some(name) = entries.next_key::<String>()? {
            if object.insert(name, entries.next_value_seed(self)?).is_some() {
                return Err(A::Error::custom("an object has the same name twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_unless_a_name_occurs_twice() {
        let text = r#"{"a":[1,-2,3.5,1e2,"x",true,null,{}],"b":{"a":18446744073709551615}}"#;
        assert_eq!(read(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        for twice in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"c":2,"a":3}}]"#, r#"{"a":1,"\u0061":2}"#] {
            let Err(ReadError::NotJson(error)) = read(twice.as_bytes()) else { panic!("{twice}") };
            assert!(error.to_string().contains("twice"), "{error}");
        }
        assert!(matches!(read(b"{} x"), Err(ReadError::NotJson(_))), "text after the value");
    }

    #[test]
    fn text_with_too_many_values_is_refused() {
        for (element, values) in [("1", 1), ("[]", 1), ("{\"a\":[{}]}", 3)] {
            let of = |count: usize| read(format!("[{}]", vec![element; count].join(",")).as_bytes());
            let most = (MAX_JSON_VALUES - 1) / values;
            assert!(of(most).is_ok(), "{element}");
            assert!(matches!(of(most + 1), Err(ReadError::TooManyValues)), "{element}");
        }
        // A syntax error after the last allowed value is reported as a syntax error.
        let broken = format!("[{}1x", "1,".repeat(MAX_JSON_VALUES - 2));
        assert!(matches!(read(broken.as_bytes()), Err(ReadError::NotJson(_))));
    }
}
