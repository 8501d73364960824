//! The black-box checks: what an identity provider sees over HTTP, and nothing else (RFC 7643, RFC 7644).
//!
//! Each test starts its own `local` in memory, so that nothing is shared between them. Two variables change that:
//!
//! - `SCIM_BASE_URL` with `SCIM_TOKEN`: test that server instead, whatever it holds. Tests that must start, kill or
//!   empty a server say so in one line and are left out.
//! - `DYNAMODB_ENDPOINT`: `local` keeps its data there instead of in its own memory or file.
//!
//! At build time, `SCIM_EXTENSIONS=functions/local/tests/extensions` adds the schemas that `extension` tests.
//! `OKTA_RECORDINGS` names a folder of recorded exchanges to replay (see `recordings`).
//! `SCIM_SECRETS` names a folder for what is sent and what the servers say (see `record`).
//! `SCIM_FAULTS` says how many of a hundred calls of DynamoDB fail; the client sends again what is put off.
//! `SCIM_STRICT_TOKEN` is a strict token of that server, for the tests of what it refuses.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and says where"
)]

mod authentik;
mod bad_bodies;
mod bad_filters;
mod bad_patches;
mod bad_routes;
mod bulk;
mod bulk_limits;
mod bulk_order;
mod client;
mod crowd;
mod cursors;
mod discovery;
mod durability;
mod entra;
mod entra_flagged;
mod entra_old;
mod entra_validator;
mod etags;
mod events;
mod exchanges;
mod expect;
mod extension;
mod faults;
mod filters;
mod google;
mod groups;
mod histories;
mod hostile;
mod hostile_filters;
mod hostile_heads;
mod hostile_keys;
mod hostile_texts;
mod http;
mod hundred_thousand;
mod jumpcloud;
mod killed;
mod leniencies;
mod lists;
mod okta;
mod okta_aiw;
mod okta_connect;
mod okta_import;
mod okta_oin;
mod onelogin;
mod outage;
mod outage_lost;
mod outage_site;
mod patches;
mod pingone;
mod plans;
mod private;
mod projection;
mod promise;
mod promise_client;
mod proxy;
mod record;
mod recordings;
mod replay;
mod requirements;
mod searches;
mod secrecy;
mod serial;
mod server;
mod statements;
mod tenants;
mod tenants_places;
mod tenants_site;
mod tokens;
mod uniqueness;
mod users;
mod walkers;
mod walks;

use gateway::template;
