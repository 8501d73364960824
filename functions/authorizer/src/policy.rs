//! The response of the authorizer: the caller, and a policy for all methods of the API, because API Gateway caches
//! it for the next requests with the same token.

use protocol::Caller;
use serde::Serialize;
use serde_json::{Value, json};

/// The principal of every rejected token.
const NOBODY: &str = "nobody";
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

/// Allows every call of the caller; denies everything without a caller. `method` is the ARN of the called method.
///
/// The functions check the scopes: API Gateway can only answer 401 here, which it also does for a token that is not
/// valid, and a client then discards its token (RFC 6750 §3.1 requires 403).
pub(crate) fn response(caller: Option<&Caller>, method: &str) -> AuthorizerResponse {
    let Some(caller) = caller else {
        return AuthorizerResponse {
            principal_id: NOBODY.to_owned(),
            policy_document: policy("Deny", "*"),
            context: json!({}),
        };
    };
    AuthorizerResponse {
        principal_id: caller.token.clone(),
        policy_document: policy("Allow", &format!("{}/*", stage(method))),
        context: json!({
            "tenant": caller.tenant.as_str(),
            "token": caller.token,
            "scopes": caller.scopes.to_string(),
            "dialect": caller.dialect.name(),
        }),
    }
}

fn policy(effect: &str, resource: &str) -> Value {
    let statement = json!({"Effect": effect, "Action": "execute-api:Invoke", "Resource": [resource]});
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
    fn policy_allows_every_method_and_leaves_scopes_to_the_functions() {
        for scopes in ["read write", "read", "write"] {
            assert_eq!(resources(scopes), ["/*"], "{scopes}");
        }
    }

    #[test]
    fn policy_without_caller_denies_everything() {
        let response = serde_json::to_value(response(None, &format!("{STAGE}/GET/v2/Users"))).unwrap();
        let statement = json!({"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": ["*"]});
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
        assert_eq!(response, json!({"principalId": "nobody", "policyDocument": policy, "context": {}}));
    }
}
