//! The request of one bulk operation to the endpoint of a resource (RFC 7644 §3.7).

use schema::{Kind, Object};

use crate::Precondition;

/// The method of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Create,
    Replace,
    Patch,
    Delete,
}

/// One request to a resource's endpoint.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub kind: Kind,
    /// The id of the resource; empty in a POST as it was parsed. It may be a reference, as may values in `data`.
    pub id: String,
    /// The entity tag that the resource must have; not for a POST.
    pub version: Option<String>,
    /// The body; empty in a DELETE.
    pub data: Object,
}

impl Method {
    const ALL: [Method; 4] = [Method::Create, Method::Replace, Method::Patch, Method::Delete];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Method::Create => "POST",
            Method::Replace => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    /// Finds a method by its name, in any case.
    pub(super) fn from_name(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(name))
    }
}

impl Call {
    /// The precondition: `version` corresponds to `If-Match` of a single request.
    pub fn precondition(&self) -> Precondition {
        Precondition::new(self.version.as_deref(), None)
    }
}
