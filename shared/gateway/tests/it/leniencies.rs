//! Every leniency by its name. With a lenient token, the request that needs it succeeds, and exactly this leniency
//! is recorded. With a strict token, the request is rejected with what to send instead, and nothing changes.

use std::time::{Duration, Instant};

use edge::{Request, Response};
use protocol::{Caller, Error, Exchange, Parameters, Precondition, Projection, Query, Reply, token};
use schema::{Dialect, GROUP, Kind, Leniency, Object, USER};
use serde_json::{Value, json};
use service::Context;
use service::tokens::{IssueRequest, authorize, issue};

use crate::directory::directory;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// A request that needs a leniency.
enum LenientRequest {
    /// PUT of a user with these attributes and its `userName`.
    Put(Value),
    /// PATCH of a user by one operation.
    Patch(Value),
    /// PATCH of a user by a whole message.
    Message(Value),
    /// PATCH of a group by one operation.
    Group(Value),
    /// PATCH of a group that adds a user with these sub-attributes.
    Member(Value),
    Filter(&'static str),
    /// A filter as API Gateway hands it on, with a space in place of each `+`.
    FilterWithPlus(&'static str),
    Bulk(Value),
    /// PUT of a user without a `Content-Type`.
    Untyped,
    /// A token as the whole of the header.
    BareToken,
}

/// A request that needs this leniency and no other. The `match` makes sure that every leniency has one.
fn lenient_request(leniency: Leniency) -> LenientRequest {
    let put = |name: &str, value: Value| LenientRequest::Put(json!({"schemas": [USER], name: value}));
    let patch =
        |op: &str, path: &str, value: Value| LenientRequest::Patch(json!({"op": op, "path": path, "value": value}));
    let manager = format!("{ENTERPRISE}:manager");
    match leniency {
        Leniency::UnknownAttributes => put("shoeSize", json!(43)),
        Leniency::MissingSchemas => LenientRequest::Put(json!({"schemas": null})),
        Leniency::UnknownSchemas => LenientRequest::Put(json!({"schemas": [USER, "urn:scim:schemas:core:1.0"]})),
        Leniency::UnlistedExtensions => put(ENTERPRISE, json!({"department": "D"})),
        Leniency::EmptyStrings => put("title", json!("")),
        Leniency::StringBooleans => patch("replace", "active", json!("False")),
        Leniency::BareValues => patch("replace", &manager, json!("m")),
        Leniency::SingleForList => put("emails", json!({"value": "a@x"})),
        Leniency::WrappedValues => patch("replace", "title", json!([{"$ref": null, "value": "T"}])),
        Leniency::JsonInStrings => put("roles", json!([{"value": "{\"value\":\"Admin\"}"}])),
        Leniency::TextReferences => put("profileUrl", json!("no URI")),
        Leniency::ListForSingle => patch("replace", &manager, json!([{"value": "m"}])),
        Leniency::SeveralPrimaries => {
            put("emails", json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]))
        }
        Leniency::UrlSafeBase64 => put("x509Certificates", json!([{"value": "-_-_"}])),
        Leniency::OlderNames => patch("replace", &manager, json!({"managerId": "m"})),
        Leniency::CoreSchemaObject => put(USER, json!({"title": "T"})),
        Leniency::UnknownMembers => LenientRequest::Group(json!({"op": "add", "path": "members",
            "value": [{"value": "0191b1c8-7a60-7c3e-8a3e-0123456789ab"}]})),
        Leniency::MemberTypes => LenientRequest::Member(json!({"type": "Group"})),
        Leniency::PathsAsNames => patch("replace", ENTERPRISE, json!({"manager.value": "m"})),
        Leniency::ReadOnlyValues => patch("replace", &manager, json!({"value": "m", "displayName": "M"})),
        Leniency::OperationCase => patch("Replace", "title", json!("T")),
        Leniency::NoOperations => LenientRequest::Message(json!({"schemas": [PATCH], "Operations": []})),
        Leniency::ElementsByFilter => patch("add", "emails[type eq \"work\"].value", json!("a@x")),
        Leniency::FiltersOnSingleValues => {
            LenientRequest::Patch(json!({"op": "remove", "path": format!("{manager}[value eq \"m\"]")}))
        }
        Leniency::NestedNames => patch("replace", "emails", json!({"emails": [{"value": "a@x"}]})),
        Leniency::DotsAfterUris => patch("replace", &format!("{ENTERPRISE}.department"), json!("D")),
        Leniency::ValuesOnRemove => patch("remove", "emails", json!([{"value": "a@x"}])),
        Leniency::RelativePaths => LenientRequest::Bulk(json!({"method": "POST", "path": "Users", "bulkId": "a",
            "data": {"schemas": [USER], "userName": "relative"}})),
        Leniency::BareExtensionNames => patch("replace", "department", json!("D")),
        Leniency::PlusInQueries => LenientRequest::FilterWithPlus("userName eq \"plusInQueries lenient@a.example\""),
        Leniency::UnquotedLiterals => LenientRequest::Filter("externalId eq jyoung"),
        Leniency::ValuePathComparisons => LenientRequest::Filter("emails[type eq \"work\"].value eq \"a@x\""),
        Leniency::ComplexComparisons => {
            LenientRequest::Filter("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq \"m\"")
        }
        Leniency::MissingContentType => LenientRequest::Untyped,
        Leniency::BareTokens => LenientRequest::BareToken,
    }
}

/// Creates the user or the group that the request changes.
async fn create(context: &Context<'_>, kind: Kind, name: &str) -> String {
    let body = match kind {
        Kind::User => json!({"schemas": [USER], "userName": name}),
        Kind::Group => json!({"schemas": [GROUP], "displayName": name}),
    };
    let reply = service::create(context, kind, object(&body), &Projection::default()).await.unwrap();
    reply.body.unwrap()["id"].as_str().unwrap().to_owned()
}

fn object(value: &Value) -> &Object {
    value.as_object().unwrap()
}

/// Sends the request to the service. The result of a bulk request is that of its one operation.
async fn send(
    context: &Context<'_>,
    lenient_request: &LenientRequest,
    kind: Kind,
    id: &str,
    name: &str,
) -> Result<(), String> {
    let whole = Projection::default();
    let any = Precondition::default();
    let message = |operation: &Value| json!({"schemas": [PATCH], "Operations": [operation]});
    let body = match lenient_request {
        LenientRequest::Patch(operation) | LenientRequest::Group(operation) => message(operation),
        LenientRequest::Put(body) => {
            let mut body = body.clone();
            body["userName"] = json!(name);
            body
        }
        LenientRequest::Message(body) => body.clone(),
        LenientRequest::Bulk(operation) => json!({"schemas": [BULK], "Operations": [operation]}),
        LenientRequest::Untyped => json!({"schemas": [USER], "userName": name}),
        LenientRequest::Member(more) => {
            let mut member = more.clone();
            member["value"] = json!(create(context, Kind::User, &format!("member-of-{name}")).await);
            message(&json!({"op": "add", "path": "members", "value": [member]}))
        }
        LenientRequest::Filter(_) | LenientRequest::FilterWithPlus(_) | LenientRequest::BareToken => Value::Null,
    };
    let refused = |error: Error| format!("{} {error}", error.status());
    let done = |reply: Result<Reply, Error>| reply.map(drop).map_err(refused);
    match lenient_request {
        LenientRequest::Put(_) => done(service::replace(context, kind, id, object(&body), &whole, &any).await),
        LenientRequest::Patch(_)
        | LenientRequest::Message(_)
        | LenientRequest::Group(_)
        | LenientRequest::Member(_) => done(service::patch(context, kind, id, object(&body), &whole, &any).await),
        LenientRequest::Filter(filter) => match parse(context, kind, filter) {
            Ok(query) => done(service::list(context, &query).await),
            Err(error) => Err(refused(error)),
        },
        LenientRequest::FilterWithPlus(filter) => {
            let query = parse(context, kind, filter).unwrap();
            let is_lenient = context.exchange.caller.dialect.is_lenient();
            let query = if is_lenient { query.with_plus_signs() } else { query };
            let found = service::list(context, &query).await.unwrap().body.unwrap();
            assert_eq!(found["totalResults"], usize::from(is_lenient));
            Ok(())
        }
        LenientRequest::Bulk(_) => {
            let response = service::bulk(context, object(&body)).await.map_err(refused)?.body.unwrap();
            let report = &response["Operations"][0];
            let detail = || format!("{} {}", report["status"].as_str().unwrap(), report["response"]["detail"]);
            if report["status"] == "201" { Ok(()) } else { Err(detail()) }
        }
        LenientRequest::Untyped => {
            send_untyped(&body, &context.exchange.caller.dialect).await?;
            done(service::replace(context, kind, id, object(&body), &whole, &any).await)
        }
        LenientRequest::BareToken => {
            let label = "Okta".to_owned();
            let dialect = Some(context.exchange.caller.dialect.name().to_owned());
            let wish = IssueRequest { tenant: "acme".to_owned(), label, expires_in_days: None, scopes: None, dialect };
            let issued = issue(context.directory, wish).await.unwrap().token;
            assert!(token::parse(&issued).unwrap().has_no_scheme);
            let caller = authorize(context.directory, &issued).await.unwrap();
            // The gateway returns the same 401 whatever is wrong with a token.
            let caller = caller.ok_or("401")?;
            caller
                .dialect
                .used()
                .try_for_each(|used| context.exchange.caller.dialect.tolerate(used, ""))
                .map_err(|it| it.problem)
        }
    }
}

fn parse(context: &Context<'_>, kind: Kind, filter: &str) -> Result<Query, Error> {
    let parameters = Parameters { filter: Some(filter.to_owned()), ..Parameters::default() };
    Query::parse(&[kind], parameters, &context.exchange.caller.dialect)
}

/// Sends a body without its media type through `edge`, as a function receives it.
async fn send_untyped(body: &Value, dialect: &Dialect) -> Result<(), String> {
    async fn accept(_: &(), request: Request) -> Result<Response, Error> {
        request.json_body()?;
        let used = request.caller().dialect.used().map(|used| used.info().name).collect();
        Ok(Response::ok(Object::from_iter([("used".to_owned(), used)])))
    }
    let authorizer = json!({"tenant": "acme", "token": "t", "scopes": "read write", "dialect": dialect.name()});
    let event = json!({"resource": "/v2/Users/{id}", "path": "/v2/Users/1", "httpMethod": "PUT", "headers": {},
        "body": body.to_string(), "isBase64Encoded": false, "requestContext": {"resourcePath": "/v2/Users/{id}",
        "path": "/scim/v2/Users/1", "stage": "scim", "httpMethod": "PUT", "identity": {}, "authorizer": authorizer}});
    let answer = edge::invoke(&(), accept, event).await.unwrap();
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    if answer["statusCode"] != 200 {
        return Err(format!("{} {}", answer["statusCode"], body["detail"]));
    }
    assert_eq!(body["used"], json!([Leniency::MissingContentType.info().name]));
    dialect.tolerate(Leniency::MissingContentType, "").map_err(|invalid| invalid.problem)
}

#[tokio::test(flavor = "multi_thread")]
async fn leniency_is_recorded_for_lenient_tokens_and_rejected_for_strict_ones() {
    let (directory, _engine) = directory().await;
    for leniency in Leniency::ALL {
        for dialect in ["strict", "lenient"] {
            let row = leniency.info();
            let lenient_request = lenient_request(leniency);
            let name = format!("{}+{dialect}@a.example", row.name);
            let caller = Caller::from_context("acme", "t", "read write", Some(dialect)).unwrap();
            let context = Context::new(
                directory,
                Exchange {
                    caller: &caller,
                    base_url: "https://api.example/scim/v2",
                    deadline: Instant::now() + Duration::from_secs(60),
                },
            );
            let kind = if matches!(lenient_request, LenientRequest::Group(_) | LenientRequest::Member(_)) {
                Kind::Group
            } else {
                Kind::User
            };
            let id = create(&context, kind, &name).await;
            let read = async || {
                let reply = service::get(&context, kind, &id, &Projection::default(), &Precondition::default()).await;
                reply.unwrap().body.unwrap()
            };
            let before = read().await;
            let outcome = send(&context, &lenient_request, kind, &id, &name).await;
            let used: Vec<&str> = caller.dialect.used().map(|used| used.info().name).collect();
            if dialect == "lenient" {
                assert_eq!((outcome, used), (Ok(()), vec![row.name]));
                continue;
            }
            if matches!(leniency, Leniency::EmptyStrings | Leniency::PlusInQueries) {
                // A strict dialect accepts the request, and reads it as the standards say.
                assert_eq!((outcome, used.len()), (Ok(()), 0), "{}", row.name);
                continue;
            }
            let refusal = outcome.expect_err(row.name);
            let status = if leniency == Leniency::MissingContentType { "415" } else { "400" };
            let says = refusal.starts_with(status) && refusal.contains(row.remedy) && refusal.contains("is strict");
            assert!(says || refusal == "401" && leniency == Leniency::BareTokens, "{}: {refusal}", row.name);
            assert_eq!((read().await, used.len()), (before, 0), "{}", row.name);
        }
    }
}
