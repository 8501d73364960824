//! The answer of an authorizer: who it is, and a policy for all methods of the API, because the gateway keeps it for the token's next
//! requests, too.

use protocol::Caller;
use serde::Serialize;
use serde_json::{Value, json};

/// The principal of every token that is refused.
const NOBODY: &str = "nobody";
/// What a token with the scope `read` may call. A search is a POST (RFC 7644 §3.4.3).
const READS: [&str; 4] = ["GET/*", "HEAD/*", "OPTIONS/*", "POST/*/.search"];
const WRITES: [&str; 4] = ["POST/*", "PUT/*", "PATCH/*", "DELETE/*"];

/// What API Gateway takes from an authorizer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    principal_id: String,
    policy_document: Value,
    /// What the functions learn: strings alone.
    context: Value,
}

/// Allows the caller what its scopes say, and nobody anything. `method` is the ARN of the method that is called.
pub(crate) fn answer(caller: Option<&Caller>, method: &str) -> Answer {
    let Some(caller) = caller else {
        return Answer {
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
    Answer {
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

/// `arn:aws:execute-api:{region}:{account}:{api}/{stage}` of a method's ARN, which goes on with `/GET/v2/Users`.
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
        let answer = answer(Some(&caller), &format!("{STAGE}/GET/v2/Users"));
        assert_eq!(answer.principal_id, "t-1");
        assert_eq!(answer.context, json!({"tenant": "acme", "token": "t-1", "scopes": scopes, "dialect": "strict"}));
        let statement = &answer.policy_document["Statement"][0];
        assert_eq!((&statement["Effect"], &statement["Action"]), (&json!("Allow"), &json!("execute-api:Invoke")));
        let resources = statement["Resource"].as_array().unwrap().iter();
        resources.map(|it| it.as_str().unwrap().strip_prefix(STAGE).unwrap().to_owned()).collect()
    }

    #[test]
    fn scopes_become_methods() {
        assert_eq!(resources("read write"), ["/*"]);
        assert_eq!(resources("read"), ["/GET/*", "/HEAD/*", "/OPTIONS/*", "/POST/*/.search"]);
        assert_eq!(resources("write"), ["/POST/*", "/PUT/*", "/PATCH/*", "/DELETE/*"]);
    }

    #[test]
    fn nobody_may_do_anything() {
        let answer = serde_json::to_value(answer(None, &format!("{STAGE}/GET/v2/Users"))).unwrap();
        let statement = json!({"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": ["*"]});
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]});
        assert_eq!(answer, json!({"principalId": "nobody", "policyDocument": policy, "context": {}}));
    }
}
