//! Fuzz targets, one for each kind of text that a client can send. A target fails by a panic. The tests run each
//! target on its corpus.
//!
//!     .ci/fuzz.py 60                 fuzzes each target for a minute
//!     cargo test -p fuzz             runs each target once on every text of its corpus
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a target that fails panics"
)]

mod cursor;
mod event;
#[path = "../../schema/src/extension.rs"]
#[expect(unreachable_pub, reason = "the crate schema exports the error")]
mod extension;
mod extensions;
mod paths;
mod resources;
mod variants;

use protocol::limits::FILTER_BYTES;
use protocol::{Filter, Patch};
use schema::{
    Attribute, DataType, Dialect, Kind, Mutability, Object, Registry, Returned, Schema, Uniqueness, resource_type,
};

use variants::variants;

pub use cursor::cursor;
pub use event::{event, token};
pub use extensions::{extension, extension_in_use};
pub use paths::path;

/// The name of a target, and its function.
pub type FuzzTarget = (&'static str, fn(&str));

pub const TARGETS: [FuzzTarget; 7] = [
    ("cursor", cursor),
    ("event", event),
    ("extension", extension),
    ("filter", filter),
    ("patch", patch),
    ("path", path),
    ("token", token),
];

/// Fuzzes filters (RFC 7644 §3.4.2.2): a valid filter has the same meaning after it is printed and parsed again.
pub fn filter(text: &str) {
    for (kind, dialect) in variants() {
        let definition = resource_type(kind);
        let resource = resources::of(kind);
        for parse in [Filter::parse, Filter::parse_for_all_types] {
            let Ok(filter) = parse(definition, text, &dialect) else { continue };
            let printed = filter.to_string();
            // Escapes can make the printed filter longer than the limit.
            if printed.len() > FILTER_BYTES {
                continue;
            }
            let again = parse(definition, &printed, &Dialect::lenient()).expect("a printed filter is valid");
            assert_eq!(again.to_string(), printed);
            assert_eq!(again.matches(resource), filter.matches(resource), "{printed}");
        }
    }
}

/// Fuzzes bodies of PATCH (RFC 7644 §3.5.2): the outcome of a valid PATCH is a valid resource.
pub fn patch(text: &str) {
    let Ok(body) = serde_json::from_str::<Object>(text) else { return };
    for (kind, dialect) in variants() {
        let definition = resource_type(kind);
        let Ok(patch) = Patch::parse(definition, &body, &dialect) else { continue };
        let Ok(patched) = patch.apply(resources::of(kind)) else { continue };
        let validated = definition.read(&patched, &Dialect::lenient());
        let validated = validated.unwrap_or_else(|invalid| panic!("{invalid:?}: {patched:?}"));
        assert_eq!(definition.missing(&validated), None);
        // A second application may fail, but must terminate.
        drop(patch.apply(&patched));
    }
}
