//! Checks of template.yaml and of the functions behind it, each function with the IAM policy that the template
//! gives it: names and routes, alarms, permissions, what each operation costs in DynamoDB calls, leniencies,
//! tokens, the audit trail, the event outbox, the check of the table, items of other versions, and what remains of
//! deleted people.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test panics")]

mod audit;
mod bulk;
mod bus;
mod canary;
mod check;
mod cost_budget;
mod directory;
mod first_release;
mod fixture;
mod formats;
mod former_names;
mod iam;
mod leniencies;
mod monitoring;
mod outbox;
mod template;
mod tokens;
