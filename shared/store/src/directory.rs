//! Connecting to the table, with the settings from the environment of a Lambda function or from the options of a
//! tool.

use std::env;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config;
use aws_sdk_dynamodb::config::retry::{RetryPartition, TokenBucket};
use aws_types::SdkConfig;
use futures_util::future::join_all;

use crate::Error;
use crate::capacity::CapacityMeter;
use crate::client::{self, optional, required};
use crate::paging::secret_cache::SecretCache;

/// The rate at which the SDK's retry token bucket refills. A retry costs 5 tokens, and 10 after a timeout.
const RETRY_TOKENS_PER_SECOND: f32 = 50.0;
const DAY_SECONDS: u64 = 24 * 60 * 60;
/// How long change records are kept, unless `AUDIT_RETENTION_DAYS` is set.
const DEFAULT_CHANGE_RETENTION: Duration = Duration::from_secs(400 * DAY_SECONDS);
/// The time after which DynamoDB shows all items of a transaction. It takes milliseconds, unless a machine fails.
pub(crate) const TORN_TIME: Duration = Duration::from_secs(10);

/// Access to the table, which contains the directories of all tenants. Clones are cheap and share the connections.
#[derive(Debug, Clone)]
pub struct Directory {
    pub(crate) client: Client,
    pub(crate) table: String,
    pub(crate) secrets: SecretCache,
    pub(crate) change_retention: Duration,
    /// For how long a delete stays pending, and a check of the table waits, until all items of a transaction are
    /// visible.
    pub(crate) torn_time: Duration,
    pub(crate) region: HomeRegion,
}

/// The region of the process, if writes depend on it, and the region to which the table belongs, once it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct HomeRegion {
    pub(crate) of_process: Option<String>,
    pub(crate) of_table: Arc<OnceLock<String>>,
}

/// The connections that a function opens before its first event, and the items that its role allows it to read for
/// that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prewarm {
    /// For a function that reads users and groups. `connections` is the largest number of calls that its frequent
    /// operations make at the same time: each call needs a connection, and a TLS handshake takes longer than the
    /// rest of a response.
    Directory { connections: usize },
    /// For a function that reads tokens only. It opens one connection.
    Tokens,
}

/// The table that a tool or a test connects to.
#[derive(Clone)]
pub struct Connection {
    /// The URL of another engine than AWS's.
    pub endpoint: Option<String>,
    pub table: String,
    pub credentials: Credentials,
}

/// The credentials of a [`Connection`].
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// The id of an access key with an arbitrary secret, for engines that check no signature.
    Key(String),
    /// AWS's configuration files and environment, as the AWS CLI reads them, without SSO.
    #[cfg(feature = "profiles")]
    Profile,
}

impl Directory {
    /// Connects by the environment of a Lambda function: the variables that Lambda sets, `TABLE`, and
    /// `AUDIT_RETENTION_DAYS`, the number of days for which change records are kept.
    ///
    /// It sends cheap reads and ignores their responses: Lambda's init phase runs at full CPU, so that is the time
    /// for TLS handshakes.
    ///
    /// # Errors
    /// [`Error::Refused`] names the variable that is missing or wrong.
    pub async fn from_environment(prewarm: Prewarm) -> Result<Self, Error> {
        let directory = Self::from_variables(|name| env::var(name).ok())?;
        directory.prewarm(prewarm).await;
        Ok(directory)
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let table = required(&variable, "TABLE")?;
        let settings = client::from_variables("DYNAMODB", &variable)?;
        let directory = Self::with_settings(&settings, table).in_region(&required(&variable, "AWS_REGION")?);
        match optional(&variable, "AUDIT_RETENTION_DAYS") {
            Some(days) => Ok(Self { change_retention: change_retention(&days)?, ..directory }),
            None => Ok(directory),
        }
    }

    /// Connects to the table that `connection` names.
    ///
    /// # Errors
    /// None today. A wrong connection shows when the directory is used.
    pub async fn connect(connection: Connection) -> Result<Self, Error> {
        let settings = match connection.credentials {
            Credentials::Key(id) => client::unsigned(&id, connection.endpoint),
            #[cfg(feature = "profiles")]
            Credentials::Profile => client::from_profile(connection.endpoint).await,
        };
        Ok(Self::with_settings(&settings, connection.table))
    }

    /// Sets for how long a delete stays pending, and a check of the table waits, until all items of a transaction are
    /// visible: ten seconds, and no time for an engine on one machine, which has an endpoint of its own.
    #[must_use]
    pub fn with_torn_time(self, torn_time: Duration) -> Self {
        Self { torn_time, ..self }
    }

    /// The same directory, except that it refuses to write to a table that belongs to another region than this one.
    #[must_use]
    pub fn in_region(self, region: &str) -> Self {
        Self { region: HomeRegion { of_process: Some(region.to_owned()), of_table: Arc::default() }, ..self }
    }

    /// The region to which the table belongs, if this process runs in another region.
    pub fn foreign_region(&self) -> Option<&str> {
        let of_table = self.region.of_table.get()?;
        (self.region.of_process.as_ref() != Some(of_table)).then_some(of_table)
    }

    pub(crate) fn with_settings(settings: &SdkConfig, table: String) -> Self {
        let config =
            config::Builder::from(settings).retry_partition(retry_partition()).interceptor(CapacityMeter).build();
        Self {
            client: Client::from_conf(config),
            table,
            secrets: SecretCache::default(),
            change_retention: DEFAULT_CHANGE_RETENTION,
            torn_time: if settings.endpoint_url().is_none() { TORN_TIME } else { Duration::ZERO },
            region: HomeRegion::default(),
        }
    }

    /// Each connection reads the region of the table. A failure is ignored: the next write finds out.
    async fn prewarm(&self, prewarm: Prewarm) {
        let connections = match prewarm {
            Prewarm::Directory { connections } => connections,
            Prewarm::Tokens => 1,
        };
        join_all((0..connections).map(|_| self.read_home_region())).await;
    }
}

fn change_retention(days: &str) -> Result<Duration, Error> {
    let days =
        days.parse::<u32>().map_err(|_| Error::Refused(format!("AUDIT_RETENTION_DAYS is {days:?}, not a number")))?;
    Ok(Duration::from_secs(u64::from(days) * DAY_SECONDS))
}

/// The SDK's retry token bucket. The default refills only on success, so after throttling even one lost response
/// would not be retried; this bucket also refills over time.
fn retry_partition() -> RetryPartition {
    let bucket = TokenBucket::builder().refill_rate(RETRY_TOKENS_PER_SECOND).build();
    RetryPartition::custom("directory").token_bucket(bucket).build()
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
    async fn missing_variable_is_named_in_the_error() {
        for missing in ["TABLE", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            let error = without(missing).unwrap_err();
            assert_eq!(error.to_string(), format!("refused: the environment variable {missing} is not set"));
        }
        without("AWS_ENDPOINT_URL").unwrap();
    }

    #[tokio::test]
    async fn audit_retention_days_sets_how_long_change_records_are_kept() {
        let with = |days: &str| {
            let set = |name: &str| LAMBDA.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
            Directory::from_variables(
                |name| if name == "AUDIT_RETENTION_DAYS" { Some(days.to_owned()) } else { set(name) },
            )
        };
        for (days, expect) in [("", 400), ("30", 30), ("3650", 3650)] {
            assert_eq!(with(days).unwrap().change_retention, Duration::from_secs(expect * DAY_SECONDS), "{days}");
        }
        assert!(with("a year").is_err() && with("-1").is_err());
    }

    #[tokio::test]
    async fn failed_prewarm_is_ignored_and_debug_output_hides_the_secret() {
        let directory = without("nothing").unwrap();
        directory.prewarm(Prewarm::Tokens).await;
        assert_eq!(directory.table, "directory");
        assert!(!format!("{directory:?}").contains("hidden"));
    }
}
