//! Reaching the table: from a Lambda's environment, or by an explicit connection.
//!
//! The client is built by hand and its TLS is ring's, because the defaults cost a cold start tens of milliseconds of CPU.

use std::env;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{self, Region, SharedHttpClient};
use aws_smithy_http_client::tls;
use futures_util::future::join_all;

use crate::Error;
use crate::capacity::Meter;
use crate::key::Key;
use crate::paging::cursor_secret::Secrets;

/// The SDK's own first pause is a second, longer than a whole request of ours.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
/// A repeat costs 5, or 10 after a timeout.
const RETRY_TOKENS_PER_SECOND: f32 = 50.0;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);
const DAY: u64 = 24 * 60 * 60;
/// How long change records are kept, unless `AUDIT_RETENTION_DAYS` says otherwise.
const CHANGES_KEPT: Duration = Duration::from_secs(400 * DAY);

/// The directory of all tenants: one table. Cloning it is cheap and shares the connections.
#[derive(Debug, Clone)]
pub struct Directory {
    pub(crate) client: Client,
    pub(crate) table: String,
    pub(crate) secrets: Secrets,
    /// How long change records are kept.
    pub(crate) changes_kept: Duration,
}

/// Which items the function may read, for the requests that open connections before the first event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prewarm {
    /// People and groups, by so many calls at once as the function makes at the most for what is asked often: each has a connection
    /// of its own, and a handshake takes longer than the rest of an answer.
    Directory { connections: usize },
    /// Tokens alone, by one call.
    Tokens,
}

/// A table somewhere.
#[derive(Clone)]
pub struct Connection {
    /// The URL of another engine than AWS's.
    pub endpoint: Option<String>,
    pub table: String,
    pub credentials: Credentials,
}

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// The id of an access key, with a made-up secret: for the engines that check no signature.
    Key(String),
    /// AWS's configuration files, SSO not included, and environment, as its command line reads them.
    #[cfg(feature = "profiles")]
    Profile,
}

impl Directory {
    /// Connects with what Lambda sets in the environment, and with what the template sets: `TABLE`, and `AUDIT_RETENTION_DAYS`, for
    /// how long change records are kept. It sends cheap reads whose answers do not matter: Lambda's init phase runs at full CPU, so
    /// that is the time for handshakes.
    pub async fn from_environment(prewarm: Prewarm) -> Result<Self, Error> {
        let directory = Self::from_variables(|name| env::var(name).ok())?;
        directory.prewarm(prewarm).await;
        Ok(directory)
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let optional = |name: &str| variable(name).filter(|value| !value.is_empty());
        let required = |name: &str| {
            optional(name).ok_or_else(|| Error::Refused(format!("the environment variable {name} is not set")))
        };
        let table = required("TABLE")?;
        let region = Region::new(required("AWS_REGION")?);
        let (key, secret) = (required("AWS_ACCESS_KEY_ID")?, required("AWS_SECRET_ACCESS_KEY")?);
        let session = optional("AWS_SESSION_TOKEN");
        let credentials = config::Credentials::new(key, secret, session, None, "environment");
        let endpoint = optional("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| optional("AWS_ENDPOINT_URL"));
        let builder = config::Builder::new().region(region).credentials_provider(credentials);
        let changes_kept = optional("AUDIT_RETENTION_DAYS").map_or(Ok(CHANGES_KEPT), |days| retention(&days))?;
        Ok(Self { changes_kept, ..Self::build(builder, endpoint, table) })
    }

    /// Connects to a table that is named here.
    pub async fn connect(connection: Connection) -> Result<Self, Error> {
        let builder = match connection.credentials {
            Credentials::Key(id) => keyed(id),
            #[cfg(feature = "profiles")]
            Credentials::Profile => config::Builder::from(&aws_config::from_env().http_client(https()).load().await),
        };
        Ok(Self::build(builder, connection.endpoint, connection.table))
    }

    fn build(mut builder: config::Builder, endpoint: Option<String>, table: String) -> Self {
        if endpoint.is_some() {
            builder.set_endpoint_url(endpoint);
        }
        Self::over(https(), builder, table)
    }

    /// With this way of sending requests.
    pub(crate) fn over(client: SharedHttpClient, builder: config::Builder, table: String) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let config = builder
            .http_client(client)
            .retry_config(RetryConfig::standard().with_initial_backoff(FIRST_PAUSE))
            .retry_partition(retries())
            .timeout_config(timeouts)
            .interceptor(Meter)
            .build();
        Self { client: Client::from_conf(config), table, secrets: Secrets::default(), changes_kept: CHANGES_KEPT }
    }

    async fn prewarm(&self, prewarm: Prewarm) {
        let (key, connections) = match prewarm {
            Prewarm::Directory { connections } => (Key { pk: "warm#".to_owned(), sk: "warm".to_owned() }, connections),
            Prewarm::Tokens => (Key::token("warm"), 1),
        };
        let read = || self.client.get_item().table_name(&self.table).set_key(Some(key.attributes())).send();
        drop(join_all((0..connections).map(|_| read())).await);
    }
}

/// For an engine that checks no signature.
pub(crate) fn keyed(id: String) -> config::Builder {
    let credentials = config::Credentials::new(id, "made up", None, None, "fixed");
    config::Builder::new().region(Region::from_static("us-east-1")).credentials_provider(credentials)
}

fn retention(days: &str) -> Result<Duration, Error> {
    let days =
        days.parse::<u32>().map_err(|_| Error::Refused(format!("AUDIT_RETENTION_DAYS is {days:?}, no number")))?;
    Ok(Duration::from_secs(u64::from(days) * DAY))
}

/// What the SDK may spend on repeats. Its own account is filled by successes alone, so that after a spell of throttling
/// a single lost answer would not be asked for again; this one fills with time, too.
fn retries() -> RetryPartition {
    let account = TokenBucket::builder().refill_rate(RETRY_TOKENS_PER_SECOND).build();
    RetryPartition::custom("directory").token_bucket(account).build()
}

fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAMBDA: [(&str, &str); 6] = [
        ("TABLE", "directory"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "hidden"),
        ("AWS_SESSION_TOKEN", ""),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ];

    fn without(missing: &str) -> Result<Directory, Error> {
        let set = |name: &str| LAMBDA.iter().find(|(set, _)| *set == name && name != missing);
        Directory::from_variables(|name| set(name).map(|(_, value)| (*value).to_owned()))
    }

    #[tokio::test]
    async fn what_the_environment_lacks_is_named() {
        for missing in ["TABLE", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            let error = without(missing).unwrap_err();
            assert_eq!(error.to_string(), format!("refused: the environment variable {missing} is not set"));
        }
        without("AWS_ENDPOINT_URL").unwrap();
    }

    #[tokio::test]
    async fn change_records_are_kept_as_long_as_the_environment_says() {
        let with = |days: &str| {
            let set = |name: &str| LAMBDA.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
            Directory::from_variables(
                |name| if name == "AUDIT_RETENTION_DAYS" { Some(days.to_owned()) } else { set(name) },
            )
        };
        for (days, expect) in [("", 400), ("30", 30), ("3650", 3650)] {
            assert_eq!(with(days).unwrap().changes_kept, Duration::from_secs(expect * DAY), "{days}");
        }
        assert!(with("a year").is_err() && with("-1").is_err());
    }

    #[tokio::test]
    async fn a_failed_warm_up_does_not_matter_and_no_secret_is_shown() {
        let directory = without("nothing").unwrap();
        directory.prewarm(Prewarm::Tokens).await;
        assert_eq!(directory.table, "directory");
        assert!(!format!("{directory:?}").contains("hidden"));
    }
}
