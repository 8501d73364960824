//! The attributes of User, Group and EnterpriseUser with the characteristics that filters and PATCH depend on
//! (RFC 7643 §2.2, §3.1, §4, §8.7.1).

/// The schema of users (RFC 7643 §4.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of groups (RFC 7643 §4.2).
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The extension of users (RFC 7643 §4.3).
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A type of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    User,
    Group,
}

/// Where a resource has an attribute: at its top, or in the object of the extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Core,
    Extension,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataType {
    Text,
    Boolean,
    DateTime,
    Binary,
    Reference,
    Complex,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutability {
    ReadWrite,
    ReadOnly,
    WriteOnly,
    Immutable,
}

#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) data_type: DataType,
    pub(super) is_multi_valued: bool,
    pub(super) is_case_exact: bool,
    pub(super) is_required: bool,
    pub(super) mutability: Mutability,
    pub(super) parts: &'static [Attribute],
}

impl Attribute {
    const fn of(name: &'static str, data_type: DataType) -> Self {
        // A reference and a binary value are case exact (RFC 7643 §2.3.6, §2.3.7), although §8.7.1 differs for some.
        let is_case_exact = matches!(data_type, DataType::Reference | DataType::Binary);
        Self {
            name,
            data_type,
            is_multi_valued: false,
            is_case_exact,
            is_required: false,
            mutability: Mutability::ReadWrite,
            parts: &[],
        }
    }

    const fn text(name: &'static str) -> Self {
        Self::of(name, DataType::Text)
    }

    const fn complex(name: &'static str, parts: &'static [Attribute]) -> Self {
        Self { parts, ..Self::of(name, DataType::Complex) }
    }

    const fn several(self) -> Self {
        Self { is_multi_valued: true, ..self }
    }

    const fn exact(self) -> Self {
        Self { is_case_exact: true, ..self }
    }

    const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    const fn with(self, mutability: Mutability) -> Self {
        Self { mutability, ..self }
    }

    const fn read_only(self) -> Self {
        self.with(Mutability::ReadOnly)
    }

    pub(super) fn is_complex(&self) -> bool {
        self.data_type == DataType::Complex
    }

    /// The sub-attribute of this name. Names are case insensitive (RFC 7643 §2.1).
    pub(super) fn part(&self, name: &str) -> Option<&'static Attribute> {
        find(self.parts, name)
    }
}

/// The default sub-attributes of a multi-valued attribute (RFC 7643 §2.4).
///
/// Choice: §2.4 calls `display` immutable, and §8.7.1 has it as readWrite for all attributes of users.
const fn entry(value: DataType) -> [Attribute; 4] {
    let primary = Attribute::of("primary", DataType::Boolean);
    [Attribute::of("value", value), Attribute::text("display"), Attribute::text("type"), primary]
}

const TEXTS: &[Attribute] = &entry(DataType::Text);
const REFERENCES: &[Attribute] = &entry(DataType::Reference);
const CERTIFICATES: &[Attribute] = &entry(DataType::Binary);

/// RFC 7643 §3.1. Choice: `schemas` is readOnly, and its URIs are case exact.
static COMMON: &[Attribute] = &[
    Attribute::of("schemas", DataType::Reference).several().read_only(),
    Attribute::text("id").exact().read_only(),
    Attribute::text("externalId").exact(),
    Attribute::complex(
        "meta",
        &[
            Attribute::text("resourceType").exact().read_only(),
            Attribute::of("created", DataType::DateTime).read_only(),
            Attribute::of("lastModified", DataType::DateTime).read_only(),
            Attribute::of("location", DataType::Reference).read_only(),
            Attribute::text("version").exact().read_only(),
        ],
    )
    .read_only(),
];

/// RFC 7643 §4.1.
static OF_USERS: &[Attribute] = &[
    Attribute::text("userName").required(),
    Attribute::complex(
        "name",
        &[
            Attribute::text("formatted"),
            Attribute::text("familyName"),
            Attribute::text("givenName"),
            Attribute::text("middleName"),
            Attribute::text("honorificPrefix"),
            Attribute::text("honorificSuffix"),
        ],
    ),
    Attribute::text("displayName"),
    Attribute::text("nickName"),
    Attribute::of("profileUrl", DataType::Reference),
    Attribute::text("title"),
    Attribute::text("userType"),
    Attribute::text("preferredLanguage"),
    Attribute::text("locale"),
    Attribute::text("timezone"),
    Attribute::of("active", DataType::Boolean),
    Attribute::text("password").with(Mutability::WriteOnly),
    Attribute::complex("emails", TEXTS).several(),
    Attribute::complex("phoneNumbers", TEXTS).several(),
    Attribute::complex("ims", TEXTS).several(),
    Attribute::complex("photos", REFERENCES).several(),
    Attribute::complex(
        "addresses",
        &[
            Attribute::text("formatted"),
            Attribute::text("streetAddress"),
            Attribute::text("locality"),
            Attribute::text("region"),
            Attribute::text("postalCode"),
            Attribute::text("country"),
            Attribute::text("type"),
            // §8.7.1 has no `primary`, but RFC 7644 §3.5.2.3 sets it in an example.
            Attribute::of("primary", DataType::Boolean),
        ],
    )
    .several(),
    // An `id` is case exact (§3.1), and so is what refers to it.
    Attribute::complex(
        "groups",
        &[
            Attribute::text("value").exact().read_only(),
            Attribute::of("$ref", DataType::Reference).read_only(),
            Attribute::text("display").read_only(),
            Attribute::text("type").read_only(),
        ],
    )
    .several()
    .read_only(),
    Attribute::complex("entitlements", TEXTS).several(),
    Attribute::complex("roles", TEXTS).several(),
    Attribute::complex("x509Certificates", CERTIFICATES).several(),
];

/// RFC 7643 §4.2; `displayName` is REQUIRED there. `display` is one of the default sub-attributes of §2.4, and the
/// examples of RFC 7644 §3.5.2 send it.
static OF_GROUPS: &[Attribute] = &[
    Attribute::text("displayName").required(),
    Attribute::complex(
        "members",
        &[
            Attribute::text("value").exact().with(Mutability::Immutable),
            Attribute::of("$ref", DataType::Reference).with(Mutability::Immutable),
            Attribute::text("display"),
            Attribute::text("type").with(Mutability::Immutable),
        ],
    )
    .several(),
];

/// RFC 7643 §4.3, as a complex attribute whose name is the URI, because its attributes stand in such an object.
pub(super) static EXTENSION: Attribute = Attribute::complex(
    ENTERPRISE,
    &[
        Attribute::text("employeeNumber"),
        Attribute::text("costCenter"),
        Attribute::text("organization"),
        Attribute::text("division"),
        Attribute::text("department"),
        Attribute::complex(
            "manager",
            &[
                Attribute::text("value").exact(),
                Attribute::of("$ref", DataType::Reference),
                Attribute::text("displayName").read_only(),
            ],
        ),
    ],
);

fn find(among: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    among.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

impl Kind {
    /// The name in `meta.resourceType`.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The URI of the core schema.
    pub fn schema(self) -> &'static str {
        match self {
            Self::User => USER,
            Self::Group => GROUP,
        }
    }

    pub(super) fn attribute(self, place: Place, name: &str) -> Option<&'static Attribute> {
        match (place, self) {
            (Place::Extension, Self::User) => EXTENSION.part(name),
            (Place::Extension, Self::Group) => None,
            (Place::Core, Self::User) => find(COMMON, name).or_else(|| find(OF_USERS, name)),
            (Place::Core, Self::Group) => find(COMMON, name).or_else(|| find(OF_GROUPS, name)),
        }
    }
}
