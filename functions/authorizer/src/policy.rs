//! The response of the authorizer: the caller, and a policy for all methods of the API, because API Gateway caches
//! it for the next requests with the same token.

use protocol::Caller;
use serde::Serialize;
use serde_json::{Value, json};

/// The principal of every rejected token.
const NOBODY: &str = "nobody";
/// The methods and paths that need the scope `read`. A search is a POST (RFC 7644 §3.4.3).
const READS: [&str; 4] = ["GET/*", "HEAD/*", "OPTIONS/*", "POST/*/.search"];
/// The methods and paths that need the scope `write`.
const WRITES: [&str; 4] = ["POST/*", "PUT/*", "PATCH/*", "DELETE/*"];

/// The response that API Gateway expects from an authorizer. The type of aws_lambda_events would also send a null
/// `usageIdentifierKey`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizerResponse {
    principal_id: String,
    policy_document: Value,
    /// Passed to the functions. All values have to be strings.
    context: Value,
}

/// Allows the caller what its scopes permit; denies everything without a caller. `method` is the ARN of the called
/// method.
pub(crate) fn response(caller: Option<&Caller>, method: &str) -> AuthorizerResponse {
    let Some(caller) = caller else {
        return AuthorizerResponse {
            principal_id: NOBODY.to_owned(),
            policy_document: policy("Deny", &["*".to_owned()]),
            context: json!({}),
        };
    };
    let stage = stage(method);
    let calls: &[&[&str]] = match (caller.scopes.read, caller.scopes.write) {
        (true, true) => &[&["*"]],
        (true, false) => &[&READS],
        (false, _) => &[&WRITES],
    };
    let resources: Vec<String> = calls.concat().iter().map(|call| format!("{stage}/{call}")).collect();
    AuthorizerResponse {
        principal_id: caller.token.clone(),
        policy_document: policy("Allow", &resources),
        context: json!({
            "tenant": caller.tenant.as_str(),
            "token": caller.token,
            "scopes": caller.scopes.to_string(),
            "dialect": caller.dialect.name(),
        }),
    }
}

fn policy(effect: &str, resources: &[String]) -> Value {
    let statement = json!({"Effect": effect, "Action": "execute-api:Invoke", "Resource": resources});
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

/// The prefix `arn:aws:execute-api:{region}:{account}:{api}/{stage}` of a method's ARN, which continues with
/// `/GET/v2/Users`.
fn stage(method: &str) -> String {
    let parts: Vec<&str> = method.splitn(3, '/').take(2).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGE: &str = "arn:aws:execute-api:eu-west-1:123456789012:abc123/scim";

    fn resources(scopes: &str) -> Vec<String> {
        let caller = Caller::from_context("acme", "t-1", scopes, Some("strict")).unwrap();
        let response = response(Some(&caller), &format!("{STAGE}/GET/v2/Users"));
        assert_eq!(response.principal_id, "t-1");
        assert_eq!(response.context, json!({"tenant": "acme", "token": "t-1", "scopes": scopes, "dialect": "strict"}));
        let statement = &response.policy_document["Statement"][0];
        assert_eq!((&statement["Effect"], &statement["Action"]), (&json!("Allow"), &json!("execute-api:Invoke")));
        let resources = statement["Resource"].as_array().unwrap().iter();
        resources.map(|it| it.as_str().unwrap().strip_prefix(STAGE).unwrap().to_owned()).collect()
    }

    #[test]
    fn policy_allows_the_methods_of_the_scopes() {
        assert_eq!(resources("read write"), ["/*"]);
        assert_eq!(resources("read"), ["/GET/*", "/HEAD/*", "/OPTIONS/*", "/POST/*/.search"]);
        assert_eq!(resources("write"), ["/POST/*", "/PUT/*", "/PATCH/*", "/DELETE/*"]);
    }

    #[test]
    fn policy_without_caller_denies_everything() {
        let response = serde_json::to_value(response(None, &format!("{STAGE}/GET/v2/Users"))).unwrap();
        let statement = json!({"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": ["*"]});
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
        assert_eq!(response, json!({"principalId": "nobody", "policyDocument": policy, "context": {}}));
    }
}
