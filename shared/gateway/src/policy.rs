//! Evaluation of the policy that an authorizer returns, by the rules of IAM: an explicit Deny wins over an Allow,
//! and a request that no statement allows is denied.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The response of an authorizer, as API Gateway reads it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthorizerResponse {
    principal_id: String,
    policy_document: Policy,
    #[serde(default)]
    context: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    statement: Vec<Statement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: String,
    resource: Vec<String>,
}

impl AuthorizerResponse {
    pub(crate) fn allows(&self, method_arn: &str) -> bool {
        let has = |effect: &str| {
            let mut statements = self.policy_document.statement.iter().filter(|it| it.effect == effect);
            statements.any(|it| it.resource.iter().any(|pattern| matches(pattern, method_arn)))
        };
        has("Allow") && !has("Deny")
    }

    /// The context that API Gateway passes on to the function.
    pub(crate) fn context(self) -> Value {
        let mut context = self.context;
        context.insert("principalId".to_owned(), self.principal_id.into());
        Value::Object(context)
    }
}

/// Matches a pattern in which `*` stands for any sequence of characters, including slashes. IAM's `?` is not
/// supported, because no policy of the template has it.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, mut pattern)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    while let Some((part, rest)) = pattern.split_once('*') {
        let Some((_, after)) = text.split_once(part) else { return false };
        (pattern, text) = (rest, after);
    }
    text.ends_with(pattern)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn allows(statements: &[(&str, &str)]) -> bool {
        let statements: Vec<Value> = statements
            .iter()
            .map(|(effect, resource)| json!({"Effect": effect, "Action": "execute-api:Invoke", "Resource": [resource]}))
            .collect();
        let verdict = json!({"principalId": "p", "policyDocument": {"Version": "2012-10-17", "Statement": statements}});
        serde_json::from_value::<AuthorizerResponse>(verdict).unwrap().allows("arn:x/scim/POST/v2/Users/.search")
    }

    #[test]
    fn deny_wins_over_allow_and_allow_is_required() {
        for (statements, expect) in [
            (&[("Allow", "*")][..], true),
            (&[("Allow", "arn:x/scim/*")], true),
            (&[("Allow", "arn:x/scim/POST/*/.search")], true),
            (&[("Allow", "arn:*/POST/*Users*/.search")], true),
            (&[("Allow", "arn:*/POST/*/.search/*")], false),
            (&[("Allow", "arn:x/scim/GET/*"), ("Allow", "*.search")], true),
            (&[("Allow", "arn:x/scim/GET/*")], false),
            (&[("Allow", "arn:x/scim/POST/v2/Users")], false),
            (&[("Allow", "*"), ("Deny", "*")], false),
            (&[("Allow", "*"), ("Deny", "arn:y/*")], true),
            (&[], false),
        ] {
            assert_eq!(allows(statements), expect, "{statements:?}");
        }
    }
}
