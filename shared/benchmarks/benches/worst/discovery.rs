//! The routes whose cost does not depend on the directory.

use crate::service::{Request, Service};

pub(crate) fn measure(service: &mut Service) {
    let schema = "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User";
    for target in
        ["/ServiceProviderConfig", "/Schemas", schema, "/ResourceTypes", "/ResourceTypes/User", "/Me", "/none"]
    {
        service.measure("plain", &Request::get(target));
        service.measure("with a long query", &Request::get(format!("{target}?{}", "a=b&".repeat(1500))));
    }
}
