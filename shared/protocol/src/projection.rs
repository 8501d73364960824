//! The attributes that a response contains (RFC 7644 §3.9, RFC 7643 §7 "returned").

use std::collections::BTreeSet;
use std::sync::OnceLock;

use schema::{Attribute, Dialect, Kind, Leniency, Object, ResourceType, Returned, resource_types};
use serde_json::Value;

use crate::Error;
use crate::limits::PROJECTION_NAMES;
use crate::path::{AttributePath, Target};

/// The `attributes` and `excludedAttributes` of a request.
#[derive(Debug, Clone, Default)]
pub struct Projection {
    mode: Mode,
    names: BTreeSet<String>,
    /// The attributes of a user that the names select, each once. They are resolved when the first user is projected.
    user_targets: OnceLock<Vec<Target>>,
    /// The same in a group.
    group_targets: OnceLock<Vec<Target>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
/// Which of the two parameters the request has.
enum Mode {
    /// Neither: the response has the attributes that are returned by default.
    #[default]
    Default,
    /// `attributes`.
    Only,
    /// `excludedAttributes`.
    Except,
}

impl Projection {
    /// Parses the two parameters, each a comma-separated list. In a lenient dialect, a name that no schema has
    /// selects nothing, because identity providers name attributes that a service may not have.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] if both parameters are present and for more than [`PROJECTION_NAMES`] different names,
    /// [`Error::InvalidPath`] for a name that is not in
    /// attribute notation (RFC 7644 §3.10), and the error of a deviation that the dialect does not tolerate.
    ///
    /// # Examples
    /// ```
    /// use protocol::Projection;
    /// use schema::{Dialect, Kind, resource_type};
    /// use serde_json::{Value, json};
    ///
    /// let projection = Projection::parse(Some("userName"), None, &Dialect::strict())?;
    /// let user = json!({"id": "1", "userName": "ada", "title": "Countess"});
    /// let user = projection.apply(resource_type(Kind::User), user.as_object().unwrap().clone());
    /// assert_eq!(Value::Object(user), json!({"id": "1", "userName": "ada"}));
    /// # Ok::<(), protocol::Error>(())
    /// ```
    pub fn parse(attributes: Option<&str>, excluded: Option<&str>, dialect: &Dialect) -> Result<Projection, Error> {
        let names_any = |list: &&str| list.chars().any(|c| c != ',' && !c.is_whitespace());
        let attributes = attributes.filter(names_any);
        let excluded = excluded.filter(names_any);
        let (mode, list) = match (attributes, excluded) {
            (Some(_), Some(_)) => {
                let problem = "attributes and excludedAttributes cannot be sent together. Send only one of them.";
                return Err(Error::InvalidValue(problem.to_owned()));
            }
            (Some(list), None) => (Mode::Only, list),
            (None, Some(list)) => (Mode::Except, list),
            (None, None) => return Ok(Projection::default()),
        };
        let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        let names: BTreeSet<String> = names.map(str::to_owned).collect();
        if names.len() > PROJECTION_NAMES {
            return Err(Error::InvalidValue(format!(
                "The request names {} attributes; at most {PROJECTION_NAMES} are allowed. Name fewer.",
                names.len()
            )));
        }
        names.iter().try_for_each(|name| check_name(name, dialect))?;
        Ok(Projection { mode, names, ..Projection::default() })
    }

    /// Whether the request has either parameter. A PATCH then returns a body (RFC 7644 §3.5.2).
    pub fn is_requested(&self) -> bool {
        self.mode != Mode::Default
    }

    /// Whether the response contains an attribute, at least in part, so that the service must read it.
    pub fn wants(&self, definition: &'static ResourceType, attribute: &str) -> bool {
        let Some(attribute) = definition.attribute(attribute) else { return false };
        let targets = self.targets(definition);
        matches!(inclusion(self.mode, targets, None, attribute), Inclusion::Whole | Inclusion::SubAttributes)
    }

    /// Reduces a resource to the attributes that the response contains.
    pub fn apply(&self, definition: &'static ResourceType, resource: Object) -> Object {
        let targets = self.targets(definition);
        let mut projected = Object::new();
        for (name, value) in resource {
            if let Some(attribute) = definition.attribute(&name) {
                projected.extend(project(self.mode, targets, None, attribute, value).map(|value| (name, value)));
            } else if let (Some(schema), Value::Object(content)) = (definition.extension(&name), value) {
                let kept: Object = content
                    .into_iter()
                    .filter_map(|(name, value)| {
                        let attribute = schema.attribute(&name)?;
                        Some((name, project(self.mode, targets, Some(&schema.id), attribute, value)?))
                    })
                    .collect();
                if !kept.is_empty() {
                    projected.insert(name, Value::Object(kept));
                }
            }
        }
        projected
    }

    fn targets(&self, definition: &'static ResourceType) -> &[Target] {
        let targets = match definition.kind {
            Kind::User => &self.user_targets,
            Kind::Group => &self.group_targets,
        };
        targets.get_or_init(|| {
            let mut seen = BTreeSet::new();
            let found = self.names.iter().filter_map(|name| Target::resolve(definition, name));
            found.filter(|target| seen.insert(target.to_string())).collect()
        })
    }
}

/// Checks that a name is in attribute notation, and that the dialect accepts it.
fn check_name(name: &str, dialect: &Dialect) -> Result<(), Error> {
    if !is_notation(name) {
        return Err(Error::InvalidPath(format!(
            "`{name}` is not an attribute name. Send names such as userName or name.givenName."
        )));
    }
    let found: Vec<Target> = resource_types().iter().filter_map(|it| Target::resolve(it, name)).collect();
    if found.is_empty() {
        dialect.tolerate(Leniency::UnknownAttributes, name)?;
    }
    for target in found {
        if let Target::Attribute(path) = target {
            path.check_spelling(name, dialect)?;
        }
    }
    Ok(())
}

/// Whether a name is in attribute notation (RFC 7644 §3.10): `name`, `name.sub`, either of them after the URI of a
/// schema, or the URI alone.
fn is_notation(name: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "$-_".contains(c));
    let is_segment =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    match name.rsplit_once(':') {
        Some((uri, last)) => uri.split(':').all(is_segment) && last.split('.').all(is_word),
        None => {
            let digit = name.starts_with(|c: char| c.is_ascii_digit());
            !digit && name.split('.').count() <= 2 && name.split('.').all(is_word)
        }
    }
}

/// How much of an attribute the response contains.
enum Inclusion {
    Whole,
    /// Some sub-attributes.
    SubAttributes,
    Nothing,
}

/// Decides how much of an attribute the response contains. `extension` is the URI of its extension, if it belongs
/// to one.
fn inclusion(mode: Mode, targets: &[Target], extension: Option<&str>, attribute: &Attribute) -> Inclusion {
    let is_named = targets.iter().any(|target| names_whole(target, extension, attribute));
    let is_partly_named = targets.iter().any(|target| names_sub_attribute(target, extension, attribute).is_some());
    match (attribute.returned, mode) {
        (Returned::Never, _) => Inclusion::Nothing,
        (Returned::Always, _) => Inclusion::Whole,
        (_, Mode::Only) if is_named => Inclusion::Whole,
        (_, Mode::Only) if is_partly_named => Inclusion::SubAttributes,
        (_, Mode::Only) | (Returned::Request, _) => Inclusion::Nothing,
        (Returned::Default, Mode::Except) if is_named => Inclusion::Nothing,
        (Returned::Default, Mode::Except) if is_partly_named => Inclusion::SubAttributes,
        (Returned::Default, _) => Inclusion::Whole,
    }
}

/// Reduces the value of an attribute to the part that the response contains.
fn project(
    mode: Mode,
    targets: &[Target],
    extension: Option<&str>,
    attribute: &Attribute,
    value: Value,
) -> Option<Value> {
    let named = |sub: &Attribute| {
        targets.iter().any(|target| names_sub_attribute(target, extension, attribute) == Some(sub.name.as_str()))
    };
    let keeps_named = |sub: &Attribute| match sub.returned {
        Returned::Never => false,
        Returned::Always => true,
        Returned::Default => named(sub) == (mode == Mode::Only),
        Returned::Request => mode == Mode::Only && named(sub),
    };
    let keeps_default = |sub: &Attribute| match sub.returned {
        Returned::Never => false,
        Returned::Always | Returned::Default => true,
        Returned::Request => mode == Mode::Only && named(sub),
    };
    match inclusion(mode, targets, extension, attribute) {
        Inclusion::Nothing => None,
        Inclusion::Whole if attribute.sub_attributes.iter().all(keeps_default) => Some(value),
        Inclusion::Whole => reduce(value, &names_of(attribute, keeps_default)),
        Inclusion::SubAttributes => reduce(value, &names_of(attribute, keeps_named)),
    }
}

/// The names of the sub-attributes that a projection keeps. They are found once, and not for each element.
fn names_of(attribute: &Attribute, keeps: impl Fn(&Attribute) -> bool) -> Vec<&str> {
    attribute.sub_attributes.iter().filter(|sub| keeps(sub)).map(|sub| sub.name.as_str()).collect()
}

/// Keeps the sub-attributes with these names, in a complex value or in each element. `None` if nothing is left.
fn reduce(value: Value, kept: &[&str]) -> Option<Value> {
    match value {
        Value::Array(elements) => {
            let elements: Vec<Value> = elements.into_iter().filter_map(|element| reduce(element, kept)).collect();
            (!elements.is_empty()).then_some(Value::Array(elements))
        }
        Value::Object(element) => {
            let element: Object = element.into_iter().filter(|(name, _)| kept.contains(&name.as_str())).collect();
            (!element.is_empty()).then_some(Value::Object(element))
        }
        other => Some(other),
    }
}

fn same_extension(path: &AttributePath, extension: Option<&str>) -> bool {
    path.extension.map(|schema| schema.id.as_str()) == extension
}

fn names_whole(target: &Target, extension: Option<&str>, attribute: &Attribute) -> bool {
    match target {
        Target::Extension(schema) => extension == Some(schema.id.as_str()),
        Target::Core => extension.is_none(),
        Target::Attribute(path) => {
            path.sub.is_none() && path.attribute.name == attribute.name && same_extension(path, extension)
        }
    }
}

fn names_sub_attribute(target: &Target, extension: Option<&str>, attribute: &Attribute) -> Option<&'static str> {
    match target {
        Target::Attribute(path) if path.attribute.name == attribute.name && same_extension(path, extension) => {
            path.sub.map(|sub| sub.name.as_str())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schema::resource_type;
    use serde_json::json;

    use super::*;

    fn parse(attributes: Option<&str>, excluded: Option<&str>) -> Result<Projection, Error> {
        Projection::parse(attributes, excluded, &Dialect::lenient())
    }

    /// A search of 5 MB names the same attribute 290,000 times; each name is resolved once.
    #[test]
    fn names_are_counted_and_resolved_once() {
        let names = |count: usize, name: &dyn Fn(usize) -> String| (0..count).map(name).collect::<Vec<_>>().join(",");
        let repeated =
            Projection::parse(Some(&names(290_000, &|_| "title".to_owned())), None, &Dialect::lenient()).unwrap();
        assert_eq!(repeated.targets(resource_type(Kind::User)).len(), 1);
        let both = Projection::parse(Some("title,TITLE,displayName"), None, &Dialect::lenient()).unwrap();
        assert_eq!([Kind::User, Kind::Group].map(|kind| both.targets(resource_type(kind)).len()), [2, 1]);
        let status = |count| Projection::parse(Some(&names(count, &|at| format!("x{at}"))), None, &Dialect::lenient());
        assert!(status(PROJECTION_NAMES).is_ok());
        assert_eq!(status(PROJECTION_NAMES + 1).map(|_| ()).map_err(|error| error.status()), Err(400));
    }

    #[test]
    fn projection_selects_attributes_by_returned_and_name() {
        const E: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let whole = json!({"schemas": ["s"], "id": "1", "userName": "b", "name": {"givenName": "G", "familyName": "F"},
            "emails": [{"value": "v", "type": "work"}, {"type": "home"}], E: {"department": "D", "division": "V"}});
        let ids = |rest: Value| {
            let mut object = json!({"schemas": ["s"], "id": "1"}).as_object().unwrap().clone();
            object.extend(rest.as_object().unwrap().clone());
            Value::Object(object)
        };
        for (attributes, excluded, expect) in [
            (None, None, whole.clone()),
            (Some("USERNAME"), None, ids(json!({"userName": "b"}))),
            (
                Some("name.givenName, emails.value"),
                None,
                ids(json!({"name": {"givenName": "G"}, "emails": [{"value": "v"}]})),
            ),
            (Some("urn:ietf:params:scim:schemas:core:2.0:User:userName"), None, ids(json!({"userName": "b"}))),
            (Some(&*format!("{E}:department")), None, ids(json!({E: {"department": "D"}}))),
            (Some(E), None, ids(json!({E: {"department": "D", "division": "V"}}))),
            (Some("nope"), None, ids(json!({}))),
            (
                None,
                Some("id,schemas,emails,name.familyName,userName"),
                ids(json!({"name": {"givenName": "G"}, E: {"department": "D", "division": "V"}})),
            ),
            (
                None,
                Some(E),
                ids(json!({"userName": "b", "name": {"givenName": "G", "familyName": "F"},
                        "emails": [{"value": "v", "type": "work"}, {"type": "home"}]})),
            ),
        ] {
            let projection = parse(attributes, excluded).unwrap();
            let once = projection.apply(resource_type(Kind::User), whole.as_object().unwrap().clone());
            assert_eq!(Value::Object(once.clone()), expect, "{attributes:?} {excluded:?}");
            assert_eq!(projection.apply(resource_type(Kind::User), once.clone()), once, "idempotent");
        }
    }

    #[test]
    fn sub_attributes_are_returned_by_their_returned_characteristic() {
        let sub = |name: &str, returned: &str| {
            json!({"name": name, "type": "string", "multiValued": false, "description": "", "required": false,
                "mutability": "readWrite", "returned": returned, "uniqueness": "none"})
        };
        let mut badge = sub("badge", "default");
        badge["type"] = json!("complex");
        badge["subAttributes"] =
            json!([sub("a", "always"), sub("d", "default"), sub("r", "request"), sub("n", "never")]);
        let badge: &'static Attribute = Box::leak(Box::new(serde_json::from_value(badge).unwrap()));
        let value = json!({"a": "1", "d": "2", "r": "3", "n": "4"});
        let name = |sub: Option<&str>| {
            let sub = sub.map(|sub| badge.sub_attribute(sub).unwrap());
            Target::Attribute(AttributePath { extension: None, attribute: badge, sub, is_of_other_type: false })
        };
        for (mode, targets, expect) in [
            (Mode::Default, vec![], Some("ad")),
            (Mode::Only, vec![], None),
            (Mode::Only, vec![name(None)], Some("ad")),
            (Mode::Only, vec![name(Some("r"))], Some("ar")),
            (Mode::Only, vec![name(Some("n"))], Some("a")),
            (Mode::Only, vec![name(None), name(Some("r"))], Some("adr")),
            (Mode::Except, vec![], Some("ad")),
            (Mode::Except, vec![name(Some("a")), name(Some("d"))], Some("a")),
            (Mode::Except, vec![name(None)], None),
        ] {
            let got = project(mode, &targets, None, badge, value.clone());
            let names = got.map(|got| got.as_object().unwrap().keys().cloned().collect::<String>());
            assert_eq!(names.as_deref(), expect, "{mode:?} {targets:?}");
        }
    }

    #[test]
    fn name_outside_attribute_notation_is_refused() {
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        for (name, expect) in [
            ("userName", true),
            ("name.givenName", true),
            ("members.$ref", true),
            ("noSuch-thing_2", true),
            (urn, true),
            (&format!("{urn}:manager.value"), true),
            ("urn:example:made-up:1.0", true),
            ("http://schemas.example/2006/Group:x", true),
            ("a..b", false),
            (".a", false),
            ("a.", false),
            ("a.b.c", false),
            ("2fa", false),
            ("emails[", false),
            ("emails[type eq \"work\"]", false),
            ("user Name", false),
            ("urn:", false),
            (":userName", false),
            ("urn::x", false),
            (&format!("{urn}:"), false),
            (&format!("{urn}:a..b"), false),
            ("naïve", false),
            ("*", false),
        ] {
            assert_eq!(is_notation(name), expect, "{name}");
            assert_eq!(parse(None, Some(name)).is_ok(), expect, "{name}");
        }
    }

    #[test]
    fn invalid_parameters_are_refused_and_members_are_only_read_if_returned() {
        assert!(parse(Some("a"), Some("b")).is_err());
        assert!(parse(Some("a[b"), None).is_err());
        assert!(parse(Some("a,,b,"), None).is_ok());
        assert!(!parse(Some(" , "), Some("")).unwrap().is_requested(), "a list of nothing is none");
        let wants =
            |attributes, excluded| parse(attributes, excluded).unwrap().wants(resource_type(Kind::Group), "members");
        assert!(wants(None, None) && wants(Some("members.value"), None) && wants(None, Some("members.display")));
        assert!(!wants(Some("displayName"), None) && !wants(None, Some("Members")));
    }

    /// Every attribute of a user and every part of one, in attribute notation.
    fn every_name() -> Vec<String> {
        let user = resource_type(Kind::User);
        let named = |prefix: &str, attribute: &Attribute| {
            let whole = format!("{prefix}{}", attribute.name);
            let parts = attribute.sub_attributes.iter().map(|sub| format!("{whole}.{}", sub.name));
            std::iter::once(whole.clone()).chain(parts).collect::<Vec<_>>()
        };
        let core = user.attributes().flat_map(|attribute| named("", attribute));
        let extensions = user.extensions.iter().flat_map(|extension| {
            let prefix = format!("{}:", extension.schema.id);
            extension.schema.attributes.iter().flat_map(move |attribute| named(&prefix, attribute))
        });
        core.chain(extensions).chain([schema::USER.to_owned(), "nope".to_owned()]).collect()
    }

    /// A user with every attribute that there is.
    fn everything() -> Object {
        let value = |attribute: &Attribute| {
            let one = if attribute.is_complex() {
                attribute
                    .sub_attributes
                    .iter()
                    .map(|sub| (sub.name.clone(), json!(sub.name)))
                    .collect::<Object>()
                    .into()
            } else {
                json!(attribute.name)
            };
            if attribute.multi_valued { json!([one, one]) } else { one }
        };
        let user = resource_type(Kind::User);
        let core = user.attributes().map(|attribute| (attribute.name.clone(), value(attribute)));
        let extensions = user.extensions.iter().map(|extension| {
            let attributes = extension.schema.attributes.iter();
            let content: Object = attributes.map(|attribute| (attribute.name.clone(), value(attribute))).collect();
            (extension.schema.id.clone(), Value::Object(content))
        });
        core.chain(extensions).collect()
    }

    proptest! {
        /// A second application of a projection changes nothing; attributes that are returned `always` are present
        /// and those that are `never` returned are not; every default attribute is in the result of `attributes` or
        /// of `excludedAttributes` with the same list.
        #[test]
        fn a_projection_is_idempotent_and_has_a_complement(
            names in prop::collection::vec(prop::sample::select(every_name()), 1..8),
        ) {
            let user = resource_type(Kind::User);
            let list = names.join(",");
            let run = |projection: &Projection, resource: Object| projection.apply(user, resource);
            let only = parse(Some(&list), None).unwrap();
            let except = parse(None, Some(&list)).unwrap();
            let shown = run(&only, everything());
            let left = run(&except, everything());
            for (projection, once) in [(&only, &shown), (&except, &left)] {
                prop_assert_eq!(&run(projection, once.clone()), once);
                prop_assert!(once.contains_key("id") && once.contains_key("schemas") && !once.contains_key("password"));
            }
            let default = run(&Projection::default(), everything());
            for name in default.keys() {
                prop_assert!(shown.contains_key(name) || left.contains_key(name), "{} is in neither", name);
            }
        }
    }
}
