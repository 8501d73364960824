//! The places of a request that can name something of another tenant, for every route. A route that is missing here
//! fails the test.

use serde_json::{Value, json};

use crate::template::ApiRoute;
use crate::tenants::fixture::{
    OwnResources, ResourceValues, bulk_id, email, external, group_name, paging_filter, user_name,
};
use acceptance::client::{ENTERPRISE, GROUP, PATCH, USER};
use acceptance::protocol::bulk::{self, BULK};
use acceptance::request::{Request, query};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// The methods to try on a route for every other method of its path.
const OTHERS: [&str; 2] = ["OPTIONS", "PURGE"];

/// Requests to a route that name `values`, each in another place, with the name of the place. A request that changes
/// a resource changes one of `own`.
pub(crate) fn requests(route: &ApiRoute, own: &OwnResources, values: &ResourceValues) -> Vec<(String, Request)> {
    let methods = match route.method.as_deref() {
        None => OTHERS.to_vec(),
        Some(method) => vec![*METHODS.iter().find(|known| **known == method).expect("a method of SCIM")],
    };
    methods.into_iter().flat_map(|method| of_method(route, method, own, values)).collect()
}

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

fn of_method(
    route: &ApiRoute,
    method: &'static str,
    own: &OwnResources,
    values: &ResourceValues,
) -> Vec<(String, Request)> {
    let bodies = if OTHERS.contains(&method) { Vec::new() } else { bodies(route, own, values) };
    let new = |path: &str| match bodies.first() {
        Some(body) if !["GET", "HEAD", "DELETE"].contains(&method) => Request::new(method, path).json(body),
        _ => Request::new(method, path),
    };
    let mut all = Vec::new();
    let (path, others) = paths(route, own, values);
    for tags in ["If-Match", "If-None-Match"] {
        all.push((format!("{tags} on the caller's resource"), new(&path).header(tags, &values.version)));
        all.extend(others.iter().map(|other| (format!("{tags} {other}"), new(other).header(tags, &values.version))));
    }
    all.extend(others.iter().map(|other| (format!("path {other}"), new(other))));
    let in_query = |(name, value): (_, String)| (format!("query {name}"), new(&format!("{path}?{value}")));
    all.extend(queries(route, method, values).into_iter().map(in_query));
    all.extend(bodies.iter().map(|body| (format!("body {body}"), Request::new(method, &path).json(body))));
    all
}

/// The path of the route with an id of `own`, and with each value of `values` that can stand in it.
fn paths(route: &ApiRoute, own: &OwnResources, values: &ResourceValues) -> (String, Vec<String>) {
    let ResourceValues { user, group, tag, .. } = values;
    let (own, others) = match route.path.rsplit_once('{').map(|(_, end)| end) {
        None => return (route.path.clone(), Vec::new()),
        Some("id}") if route.path.contains("/Users/") => {
            (own.user.as_str(), vec![user.clone(), group.clone(), user_name(tag)])
        }
        Some("id}") => (own.group.as_str(), vec![user.clone(), group.clone(), group_name(tag).replace(' ', "%20")]),
        Some("name}") => ("User", vec![user.clone(), group.clone()]),
        Some("urn}") => (USER, vec![user.clone(), group.clone()]),
        Some("proxy+}") => {
            ("nowhere", vec![format!("v2/Users/{user}/groups"), user.clone(), format!("v3/Groups/{group}")])
        }
        Some(_) => panic!("{} has a parameter that is not covered: add its values here", route.path),
    };
    let fill = |value: &str| format!("{}{value}", route.path.rsplit_once('{').unwrap().0);
    (fill(own), others.iter().map(|other| fill(other)).collect())
}

fn filters(values: &ResourceValues) -> Vec<String> {
    let ResourceValues { user, group, tag, version, .. } = values;
    let name = user_name(tag);
    let display = group_name(tag);
    let external = external(tag);
    let email = email(tag);
    vec![
        format!("id eq \"{user}\""),
        format!("id eq \"{group}\""),
        format!("not (id eq \"{user}\") or meta.version eq {}", json!(version)),
        format!("userName eq \"{name}\""),
        format!("userName sw \"{tag}\""),
        format!("displayName eq \"{display}\""),
        format!("displayName sw \"{tag}\""),
        format!("externalId eq \"{external}\""),
        format!("emails.value eq \"{email}\""),
        format!("emails[value co \"{tag}\" and type eq null]"),
        format!("groups.value eq \"{group}\""),
        format!("members.value eq \"{user}\""),
        format!("members[value eq \"{user}\" and type eq \"User\"]"),
        format!("{ENTERPRISE}:manager.value eq \"{user}\""),
        format!("title pr or id eq \"{group}\""),
    ]
}

/// A cursor that belongs to the list or search of this path.
fn cursor<'a>(path: &str, values: &'a ResourceValues) -> &'a str {
    let list =
        usize::from(path.contains("/Groups")) + 2 * usize::from(!path.contains("/Users") && !path.contains("/Groups"));
    &values.cursors[list]
}

/// Every query of a list; on a route that is no list, some of them.
fn queries(route: &ApiRoute, method: &str, values: &ResourceValues) -> Vec<(String, String)> {
    let is_list = method == "GET" && ["UsersList", "GroupsList", "Search"].contains(&route.function.as_str());
    let filters = filters(values).into_iter().take(if is_list { usize::MAX } else { 1 });
    let mut all: Vec<(String, String)> =
        filters.map(|filter| (filter.clone(), query(&[("filter", &filter)]))).collect();
    all.push(("cursor".to_owned(), query(&[("cursor", cursor(&route.path, values)), ("count", "1")])));
    let page = [("filter", paging_filter(&values.tag)), ("startIndex", "2".to_owned()), ("count", "1".to_owned())];
    all.push(("bookmark".to_owned(), query(&page.each_ref().map(|(name, value)| (*name, value.as_str())))));
    all
}

/// The bodies that the function of a route can read. The first one is valid on its own.
fn bodies(route: &ApiRoute, own: &OwnResources, values: &ResourceValues) -> Vec<Value> {
    match route.function.as_str() {
        "UsersCreate" | "UsersReplace" | "Me" => users(values),
        "GroupsCreate" | "GroupsReplace" => groups(own, values),
        "UsersPatch" => user_changes(values).into_iter().map(|operation| patch(&operation)).collect(),
        "GroupsPatch" => group_changes(values).into_iter().map(|operation| patch(&operation)).collect(),
        "UsersSearch" | "GroupsSearch" | "Search" => searches(&route.path, values),
        "Bulk" => bulk_requests(own, values),
        "UsersGet"
        | "UsersList"
        | "UsersDelete"
        | "GroupsGet"
        | "GroupsList"
        | "GroupsDelete"
        | "ServiceProviderConfig"
        | "ResourceTypes"
        | "Schemas"
        | "Openapi"
        | "Fallback" => Vec::new(),
        other => panic!("{other} at {} is not covered: add its bodies here", route.path),
    }
}

fn users(values: &ResourceValues) -> Vec<Value> {
    let ResourceValues { user, group, tag, .. } = values;
    let with = |more: Value| {
        let mut body = json!({ "schemas": [USER, ENTERPRISE], "userName": "new" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    vec![
        with(json!({ "userName": user_name(tag) })),
        with(json!({ "externalId": external(tag) })),
        with(json!({ "emails": [{ "value": email(tag), "type": "work" }] })),
        with(json!({ ENTERPRISE: { "manager": { "value": user } } })),
        with(json!({ "id": user, "meta": { "version": values.version } })),
        with(json!({ "groups": [{ "value": group }] })),
    ]
}

fn groups(own: &OwnResources, values: &ResourceValues) -> Vec<Value> {
    let ResourceValues { user, group, tag, .. } = values;
    let with = |name: &str, members: Value| json!({ "schemas": [GROUP], "displayName": name, "members": members });
    vec![
        with(&group_name(tag), json!([])),
        with("new", json!([{ "value": user }])),
        with("new", json!([{ "value": own.user }, { "value": group, "type": "Group" }])),
        with("new", json!([{ "value": user, "$ref": format!("https://x.example/scim/v2/Users/{user}") }])),
        with("new", json!([{ "value": format!("bulkId:{}", bulk_id(tag)) }])),
        json!({ "schemas": [GROUP], "displayName": "new", "externalId": external(tag) }),
    ]
}

fn patch(operation: &Value) -> Value {
    json!({ "schemas": [PATCH], "Operations": [operation] })
}

fn user_changes(values: &ResourceValues) -> Vec<Value> {
    let ResourceValues { user, group, tag, .. } = values;
    vec![
        json!({ "op": "replace", "path": "userName", "value": user_name(tag) }),
        json!({ "op": "add", "path": "externalId", "value": external(tag) }),
        json!({ "op": "add", "path": format!("{ENTERPRISE}:manager.value"), "value": user }),
        json!({ "op": "replace", "path": format!("emails[value eq \"{}\"].type", email(tag)), "value": "work" }),
        json!({ "op": "remove", "path": format!("emails[value eq \"{}\"]", email(tag)) }),
        json!({ "op": "remove", "path": format!("groups[value eq \"{group}\"]") }),
        json!({ "op": "replace", "value": { "id": user } }),
    ]
}

fn group_changes(values: &ResourceValues) -> Vec<Value> {
    let ResourceValues { user, group, tag, .. } = values;
    vec![
        json!({ "op": "replace", "path": "displayName", "value": group_name(tag) }),
        json!({ "op": "add", "path": "members", "value": [{ "value": user }] }),
        json!({ "op": "add", "path": "members", "value": [{ "value": group }] }),
        json!({ "op": "replace", "path": "members", "value": [{ "value": user }] }),
        json!({ "op": "remove", "path": format!("members[value eq \"{user}\"]") }),
        json!({ "op": "remove", "path": "members", "value": [{ "value": user }] }),
        json!({ "op": "replace", "path": format!("members[value eq \"{user}\"].display"), "value": "x" }),
        json!({ "op": "replace", "value": { "id": group, "externalId": external(tag) } }),
    ]
}

fn searches(path: &str, values: &ResourceValues) -> Vec<Value> {
    let page =
        |filter: &str, start: usize| json!({ "schemas": [SEARCH], "filter": filter, "startIndex": start, "count": 1 });
    let mut all: Vec<Value> = filters(values).iter().map(|filter| page(filter, 1)).collect();
    all.push(page(&paging_filter(&values.tag), 2));
    all.push(json!({ "schemas": [SEARCH], "cursor": cursor(path, values), "count": 1 }));
    all
}

fn bulk_requests(own: &OwnResources, values: &ResourceValues) -> Vec<Value> {
    let ResourceValues { user, group, tag, version, .. } = values;
    let own_path = format!("/Users/{}", own.user);
    let post = |path: &str, data: Value| json!({ "method": "POST", "path": path, "bulkId": "a", "data": data });
    let mut all = vec![bulk::user("a", &user_name(tag)), bulk::user(&bulk_id(tag), "new")];
    all.extend(users(values).into_iter().map(|data| post("/Users", data)));
    all.extend(groups(own, values).into_iter().map(|data| post("/Groups", data)));
    let targets = [format!("/Users/{user}"), format!("/Groups/{group}"), format!("/Users/bulkId:{}", bulk_id(tag))];
    for path in &targets {
        all.push(bulk::delete(path));
        all.push(json!({ "method": "DELETE", "path": path, "version": version }));
    }
    let [rename, push] = [patch(&user_changes(values)[0]), patch(&group_changes(values)[1])];
    for path in &targets {
        all.push(json!({ "method": "PUT", "path": path, "data": users(values)[0] }));
        all.push(json!({ "method": "PATCH", "path": path, "data": rename }));
    }
    all.push(json!({ "method": "PATCH", "path": format!("/Groups/{}", own.group), "data": push }));
    all.push(json!({ "method": "PATCH", "path": own_path, "version": version, "data": rename }));
    all.push(json!({ "method": "DELETE", "path": own_path, "version": version }));
    all.into_iter().map(|operation| json!({ "schemas": [BULK], "Operations": [operation] })).collect()
}
