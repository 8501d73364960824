//! The permissions of template.yaml: a call without one is not made, and none of them is unused.

use std::collections::BTreeSet;
use std::fs;

use gateway::iam::{PERMISSIONS, Permission, RECORD, as_function};

use crate::directory::directory;

#[tokio::test(flavor = "multi_thread")]
async fn call_without_permission_is_not_made() {
    let (directory, _engine) = directory().await;
    assert_eq!(as_function("Authorizer", directory.get_token("x")).await, Ok(None));
    let refused = as_function("UsersGet", directory.get_token("x")).await.unwrap_err();
    assert!(refused.to_string().contains("could not be built"), "{refused}");
}

/// Each function that writes reads the region of the table when it starts.
#[tokio::test(flavor = "multi_thread")]
async fn functions_that_write_may_read_the_region_of_the_table() {
    let (directory, _engine) = directory().await;
    let writers = PERMISSIONS.iter().filter(|(_, all)| {
        all.iter().any(|it| {
            matches!(it.action.as_str(), "PutItem" | "UpdateItem")
                && it.pattern != "*#bookmark"
                && it.pattern != "*#secret"
        })
    });
    let writers: Vec<&String> = writers.map(|(function, _)| function).collect();
    assert!(writers.len() > 10, "{writers:?}");
    for function in writers {
        assert_eq!(as_function(function, directory.read_home_region()).await, Ok(()), "{function}");
    }
}

/// Compares the permissions that the whole suite has used with those of the template.
#[test]
#[ignore = "it reads the record of the whole suite: run SCIM_RIGHTS_RECORD=DIR cargo test --workspace first"]
fn every_right_of_the_template_is_used() {
    let folder = std::env::var_os(RECORD).expect("SCIM_RIGHTS_RECORD names the folder of the record");
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let used: BTreeSet<String> = files.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let line = |name: &String, permission: &Permission| format!("{name} {} {}", permission.action, permission.pattern);
    let all = PERMISSIONS.iter().flat_map(|(name, all)| all.iter().map(move |permission| line(name, permission)));
    let unused: Vec<String> = all.filter(|line| !used.contains(line)).collect();
    assert!(unused.is_empty(), "no test uses these permissions: {unused:#?}");
}
