//! The DynamoDB permissions of each function, read from its IAM statements in template.yaml. Every call is checked
//! against them, as on AWS. A test run can record which permissions it has used.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::Value;
use store::IamAccess;

use crate::policy::matches;
use crate::template::TEMPLATE;

/// The environment variable that names a folder for the record. Each process appends the permissions that it has
/// used to a separate file, one `function action pattern` per line.
pub const RECORD: &str = "SCIM_RIGHTS_RECORD";

tokio::task_local! {
    static FUNCTION: String;
}

/// Runs work with the permissions of a function, by its logical id. Work outside of `as_function` may do
/// everything.
pub async fn as_function<F: Future>(function: &str, work: F) -> F::Output {
    // Boxed, because the compiler rejects types that are nested more deeply.
    FUNCTION.scope(function.to_owned(), Box::pin(work)).await
}

/// Checks a call against the permissions of the function that makes it. `Directory::with_access_check` installs it.
///
/// # Errors
/// [`PermissionError`] if the template does not allow the call.
pub fn check(access: &IamAccess) -> Result<(), PermissionError> {
    let Ok(function) = FUNCTION.try_with(Clone::clone) else { return Ok(()) };
    let granted = PERMISSIONS.get(&function).into_iter().flatten().find(|permission| permission.covers(access));
    let Some(permission) = granted else {
        let error = PermissionError { function, action: access.action, key_shape: key_shape(access) };
        tracing::error!("{error}");
        return Err(error);
    };
    record(format!("{function} {} {}", permission.action, permission.pattern));
    Ok(())
}

/// A call that the template does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionError {
    /// The logical id of the function.
    pub function: String,
    /// The name of the action without its service.
    pub action: &'static str,
    /// The partition key with `*` in place of tenants and ids.
    pub key_shape: String,
}

impl fmt::Display for PermissionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "template.yaml does not allow {} to {} {}", self.function, self.action, self.key_shape)
    }
}

impl Error for PermissionError {}

/// An action on the items whose partition key matches a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    pub action: String,
    pub pattern: String,
}

impl Permission {
    fn covers(&self, access: &IamAccess) -> bool {
        self.action == access.action && matches(&self.pattern, &access.partition_key)
    }
}

/// The permissions of all functions, by their logical ids.
pub static PERMISSIONS: LazyLock<BTreeMap<String, BTreeSet<Permission>>> = LazyLock::new(|| {
    let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap_or_default();
    let resources = at(&template, &["Resources"]).as_object().into_iter().flatten();
    let functions = resources.filter(|(_, resource)| at(resource, &["Type"]) == "AWS::Serverless::Function");
    functions.map(|(name, function)| (name.clone(), permissions(at(function, &["Properties", "Policies"])))).collect()
});

/// The permissions of a function's policies. A statement that this module does not understand grants nothing.
fn permissions(policies: &Value) -> BTreeSet<Permission> {
    let statements = list(policies).into_iter().flat_map(|policy| list(at(policy, &["Statement"])));
    statements.filter(|it| at(it, &["Effect"]) == "Allow").flat_map(granted_by).collect()
}

fn granted_by(statement: &Value) -> Vec<Permission> {
    // ForAllValues is true for a call without any key, so the Null condition has to be there too.
    let patterns = match at(statement, &["Condition", "Null", "dynamodb:LeadingKeys"]).as_str() {
        Some("false") => {
            let of = |operator: &str| list(at(statement, &["Condition", operator, "dynamodb:LeadingKeys"]));
            [of("ForAllValues:StringLike"), of("ForAllValues:StringEquals")].concat()
        }
        _ => Vec::new(),
    };
    let actions = list(at(statement, &["Action"])).into_iter().filter_map(|it| it.as_str()?.strip_prefix("dynamodb:"));
    if at(statement, &["Condition"]).is_null() {
        // A scan has no partition key. All other actions need the condition.
        let scan = actions.filter(|action| *action == "Scan");
        return scan.map(|action| Permission { action: action.to_owned(), pattern: "*".to_owned() }).collect();
    }
    let pairs = actions.flat_map(|action| patterns.iter().filter_map(move |it| Some((action, it.as_str()?))));
    pairs.map(|(action, pattern)| Permission { action: action.to_owned(), pattern: pattern.to_owned() }).collect()
}

/// The value at a path of member names, or null.
fn at<'a>(value: &'a Value, names: &[&str]) -> &'a Value {
    names.iter().try_fold(value, |value, name| value.get(name)).unwrap_or(&Value::Null)
}

/// CloudFormation accepts a single value where it expects a list.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// The partition key with `*` in place of tenants and ids.
fn key_shape(access: &IamAccess) -> String {
    let parts = access.partition_key.split('#').enumerate();
    let parts: Vec<&str> = parts.map(|(at, part)| if at == 1 || part == "token" { part } else { "*" }).collect();
    parts.join("#")
}

/// Appends a line to the record of this process, once.
fn record(line: String) {
    static RECORDED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let Some(folder) = std::env::var_os(RECORD).map(PathBuf::from) else { return };
    let mut recorded = RECORDED.lock().unwrap_or_else(PoisonError::into_inner);
    if recorded.contains(&line) {
        return;
    }
    let file = File::options().append(true).create(true).open(folder.join(std::process::id().to_string()));
    if let Err(error) = file.and_then(|mut file| writeln!(file, "{line}")) {
        tracing::error!("the folder in {RECORD} cannot be written: {error}");
    }
    recorded.insert(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(action: &'static str, partition_key: &str) -> IamAccess {
        IamAccess { action, partition_key: partition_key.to_owned() }
    }

    #[tokio::test]
    async fn function_may_do_what_its_statements_allow() {
        for (function, action, key, expect) in [
            ("UsersGet", "GetItem", "acme#user", true),
            ("UsersGet", "PutItem", "acme#user", false),
            ("UsersGet", "GetItem", "token", false),
            ("UsersGet", "GetItem", "", false),
            ("UsersList", "PutItem", "acme#bookmark", true),
            ("UsersList", "PutItem", "acme#user", false),
            ("Authorizer", "GetItem", "token", true),
            ("Authorizer", "GetItem", "acme#user", false),
            ("Authorizer", "DeleteItem", "token", false),
            ("DirectoryCheck", "Scan", "", true),
            ("DirectoryCheck", "GetItem", "token", false),
            ("AuditList", "Scan", "", false),
            ("Me", "GetItem", "acme#user", false),
            ("Nobody", "GetItem", "acme#user", false),
        ] {
            let allowed = as_function(function, async { check(&access(action, key)).is_ok() }).await;
            assert_eq!(allowed, expect, "{function} {action} {key}");
        }
        assert_eq!(check(&access("DeleteTable", "")), Ok(()), "outside of any function");
        assert_eq!(key_shape(&access("PutItem", "acme#member#0191")), "*#member#*");
    }

    /// Every function that uses the table has permissions, and none of them lacks the condition on keys.
    #[test]
    fn every_dynamodb_action_of_the_template_is_understood() {
        let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap();
        for (name, permissions) in PERMISSIONS.iter() {
            let properties = &template["Resources"][name]["Properties"];
            let uses_table = properties["Environment"]["Variables"]["TABLE"].is_string();
            assert_eq!(uses_table, !permissions.is_empty(), "{name}");
            let names_actions = properties["Policies"].to_string().contains("dynamodb:");
            assert_eq!(names_actions, !permissions.is_empty(), "{name}");
            for statement in list(&properties["Policies"]).into_iter().flat_map(|policy| list(&policy["Statement"])) {
                // The rights on the stream are Lambda's, which calls it in the name of the function.
                if statement["Resource"].as_str().is_some_and(|resource| resource.ends_with("/stream/*")) {
                    continue;
                }
                let actions = list(&statement["Action"]).into_iter().filter_map(Value::as_str);
                let of_table = actions.filter(|action| action.starts_with("dynamodb:")).count();
                assert!(granted_by(statement).len() >= of_table, "{name}: {statement}");
            }
        }
    }
}
