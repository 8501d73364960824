//! What each function may do with the table by its IAM statements in template.yaml: checked at every call, as on AWS, and written down
//! where a test asks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::Value;
use store::IamAccess;

use crate::policy::is_like;
use crate::template::TEMPLATE;
use crate::terminal;

/// The folder for a file of what was used; a line is `function action pattern`.
pub(crate) const RECORD: &str = "SCIM_RIGHTS_RECORD";

tokio::task_local! {
    static FUNCTION: String;
}

/// Runs the work of a function, by its logical id, with this function's rights. Work outside of any is the machine's owner's.
pub(crate) async fn of<F: Future>(function: &str, work: F) -> F::Output {
    // Boxed, because the compiler gives up on types that are nested any deeper.
    FUNCTION.scope(function.to_owned(), Box::pin(work)).await
}

/// The guard of the directory.
pub(crate) fn check(wanted: &IamAccess) -> Result<(), String> {
    let Ok(function) = FUNCTION.try_with(Clone::clone) else { return Ok(()) };
    let granted = RIGHTS.get(&function).into_iter().flatten().find(|right| right.covers(wanted));
    let Some(right) = granted else {
        let problem = format!("template.yaml does not allow {function} to {} {}", wanted.action, shape(wanted));
        terminal::complain(&problem);
        return Err(problem);
    };
    note(format!("{function} {} {}", right.action, right.pattern));
    Ok(())
}

/// An action on the items of some partition keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Right {
    pub(crate) action: String,
    pub(crate) pattern: String,
}

impl Right {
    fn covers(&self, wanted: &IamAccess) -> bool {
        self.action == wanted.action && is_like(&self.pattern, &wanted.partition_key)
    }
}

/// By the logical ids of functions.
pub(crate) static RIGHTS: LazyLock<BTreeMap<String, BTreeSet<Right>>> = LazyLock::new(|| {
    let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap_or_default();
    let resources = at(&template, &["Resources"]).as_object().into_iter().flatten();
    let functions = resources.filter(|(_, resource)| at(resource, &["Type"]) == "AWS::Serverless::Function");
    functions.map(|(name, function)| (name.clone(), rights(at(function, &["Properties", "Policies"])))).collect()
});

/// The rights of a function's policies. A statement that is not read whole grants nothing.
fn rights(policies: &Value) -> BTreeSet<Right> {
    let statements = list(policies).into_iter().flat_map(|policy| list(at(policy, &["Statement"])));
    let statements = statements.filter(|it| at(it, &["Effect"]) == "Allow");
    statements.flat_map(granted).collect()
}

fn granted(statement: &Value) -> Vec<Right> {
    // Of no key at all, ForAllValues alone would be true.
    let patterns = match at(statement, &["Condition", "Null", "dynamodb:LeadingKeys"]).as_str() {
        Some("false") => {
            let of = |operator: &str| list(at(statement, &["Condition", operator, "dynamodb:LeadingKeys"]));
            [of("ForAllValues:StringLike"), of("ForAllValues:StringEquals")].concat()
        }
        _ => Vec::new(),
    };
    let actions = list(at(statement, &["Action"])).into_iter().filter_map(|it| it.as_str()?.strip_prefix("dynamodb:"));
    let pairs = actions.flat_map(|action| patterns.iter().filter_map(move |it| Some((action, it.as_str()?))));
    pairs.map(|(action, pattern)| Right { action: action.to_owned(), pattern: pattern.to_owned() }).collect()
}

/// What lies under these names, or null.
fn at<'a>(value: &'a Value, names: &[&str]) -> &'a Value {
    names.iter().try_fold(value, |value, name| value.get(name)).unwrap_or(&Value::Null)
}

/// A list of one may stand without brackets.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// The key without what it has of a tenant and of a resource.
fn shape(wanted: &IamAccess) -> String {
    let parts = wanted.partition_key.split('#').enumerate();
    let parts: Vec<&str> = parts.map(|(at, part)| if at == 1 || part == "token" { part } else { "*" }).collect();
    parts.join("#")
}

/// A function's use of a right, once for each process.
fn note(line: String) {
    static NOTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let Some(folder) = std::env::var_os(RECORD).map(PathBuf::from) else { return };
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    if noted.contains(&line) {
        return;
    }
    let file = File::options().append(true).create(true).open(folder.join(std::process::id().to_string()));
    if let Err(error) = file.and_then(|mut file| writeln!(file, "{line}")) {
        terminal::complain(&format!("{RECORD} cannot be written: {error}"));
    }
    noted.insert(line);
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::tests::directory;

    fn wanted(action: &'static str, partition_key: &str) -> IamAccess {
        IamAccess { action, partition_key: partition_key.to_owned() }
    }

    #[tokio::test]
    async fn a_function_may_do_what_its_statements_say() {
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
            ("Me", "GetItem", "acme#user", false),
            ("Nobody", "GetItem", "acme#user", false),
        ] {
            let allowed = of(function, async { check(&wanted(action, key)).is_ok() }).await;
            assert_eq!(allowed, expect, "{function} {action} {key}");
        }
        assert_eq!(check(&wanted("DeleteTable", "")), Ok(()), "outside of any function");
        assert_eq!(shape(&wanted("PutItem", "acme#member#0191")), "*#member#*");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_call_without_the_right_is_not_made() {
        let (directory, _engine) = directory().await;
        assert_eq!(of("Authorizer", directory.get_token("x")).await, Ok(None));
        let refused = of("UsersGet", directory.get_token("x")).await.unwrap_err();
        assert!(refused.to_string().contains("could not be built"), "{refused}");
    }

    /// Every function that uses the table has rights, and no right is without the condition on keys.
    #[test]
    fn every_dynamodb_action_of_the_template_is_read() {
        let template: Value = serde_saphyr::from_str(TEMPLATE).unwrap();
        for (name, rights) in RIGHTS.iter() {
            let properties = &template["Resources"][name]["Properties"];
            let written = properties["Policies"].to_string().matches("dynamodb:").count();
            let uses_table = properties["Environment"]["Variables"]["TABLE"].is_string();
            assert_eq!((uses_table, written > 0), (!rights.is_empty(), !rights.is_empty()), "{name}");
            for statement in list(&properties["Policies"]).into_iter().flat_map(|policy| list(&policy["Statement"])) {
                let actions = list(&statement["Action"]).into_iter().filter_map(Value::as_str);
                let of_table = actions.filter(|action| action.starts_with("dynamodb:")).count();
                assert!(granted(statement).len() >= of_table, "{name}: {statement}");
            }
        }
    }

    /// What the whole suite has used, against the template: none of its rights is idle.
    #[test]
    #[ignore = "it needs what the whole suite wrote down: SCIM_RIGHTS_RECORD=DIR cargo test --workspace, then this"]
    fn every_right_of_the_template_is_used() {
        let folder = std::env::var_os(RECORD).expect("SCIM_RIGHTS_RECORD names the record");
        let files = fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
        let used: BTreeSet<String> =
            files.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        let line = |name: &String, right: &Right| format!("{name} {} {}", right.action, right.pattern);
        let all = RIGHTS.iter().flat_map(|(name, rights)| rights.iter().map(move |right| line(name, right)));
        let idle: Vec<String> = all.filter(|line| !used.contains(line)).collect();
        assert!(idle.is_empty(), "never used: {idle:#?}");
    }
}
