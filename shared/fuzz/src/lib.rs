//! What is done with each text that a fuzzer, or the corpus that it has left, comes up with: a target for each kind of text that somebody
//! outside can send. A target fails by a panic.
//!
//!     .ci/fuzz.py 60                 all targets, a minute each
//!     cargo test -p fuzz             what was found interesting so far, once
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a target fails by a panic"
)]

mod cursor;
mod event;
#[path = "../../schema/src/extension.rs"]
mod extension;
mod extensions;
mod paths;
mod resources;

use protocol::{Filter, Patch};
use schema::{
    Attribute, DataType, Dialect, Kind, Mutability, Object, Registry, Returned, Schema, Uniqueness, resource_type,
};

pub use cursor::cursor;
pub use event::{event, token};
pub use extensions::{extension, extension_in_use};
pub use paths::path;

/// A target, by its name.
pub type Target = (&'static str, fn(&str));

pub const TARGETS: [Target; 7] = [
    ("cursor", cursor),
    ("event", event),
    ("extension", extension),
    ("filter", filter),
    ("patch", patch),
    ("path", path),
    ("token", token),
];

/// A longer filter is refused, and escapes make one longer.
const LONGEST: usize = 4096;

/// Each way in which a text can be read.
fn readings() -> impl Iterator<Item = (Kind, Dialect)> {
    Kind::ALL.into_iter().flat_map(|kind| [(kind, Dialect::lenient()), (kind, Dialect::strict())])
}

/// A filter (RFC 7644 §3.4.2.2): what is understood means the same when it is printed and read again.
pub fn filter(text: &str) {
    for (kind, dialect) in readings() {
        let (definition, resource) = (resource_type(kind), resources::of(kind));
        for parse in [Filter::parse, Filter::parse_among_all] {
            let Ok(filter) = parse(definition, text, &dialect) else { continue };
            let printed = filter.to_string();
            if printed.len() > LONGEST {
                continue;
            }
            let again = parse(definition, &printed, &Dialect::lenient()).expect("what is printed is understood");
            assert_eq!(again.to_string(), printed);
            assert_eq!(again.matches(resource), filter.matches(resource), "{printed}");
        }
    }
}

/// The body of a PATCH (RFC 7644 §3.5.2): what it makes of a resource is a resource.
pub fn patch(text: &str) {
    let Ok(body) = serde_json::from_str::<Object>(text) else { return };
    for (kind, dialect) in readings() {
        let definition = resource_type(kind);
        let Ok(patch) = Patch::parse(definition, &body, &dialect) else { continue };
        let Ok(patched) = patch.apply(resources::of(kind)) else { continue };
        let read = definition.read(&patched, &Dialect::lenient());
        let read = read.unwrap_or_else(|invalid| panic!("{invalid:?}: {:?}", patched));
        assert_eq!(definition.missing(&read), None);
        // All of it again: it may be refused, and it ends.
        drop(patch.apply(&patched));
    }
}
