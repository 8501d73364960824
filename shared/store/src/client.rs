//! The settings of an AWS client that hold for every SDK of the workspace: region, credentials, TLS, timeouts,
//! retries.
//!
//! They are assembled by hand, and TLS is ring's, because the SDK's default loaders cost a cold start tens of
//! milliseconds of CPU.

use std::env;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Credentials, Region, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::tls;
use aws_types::SdkConfig;
#[cfg(feature = "profiles")]
use aws_types::origin::Origin;

use crate::Error;

/// The bound of the pause before the SDK's first retry. The SDK's default is one second, which is longer than an
/// entire request of this service.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);

/// The settings of a Lambda function, from the environment that Lambda sets. `service` names the service in
/// capitals, as in `AWS_ENDPOINT_URL_DYNAMODB`; that variable takes precedence over `AWS_ENDPOINT_URL`.
///
/// # Errors
/// [`Error::Refused`] names the variable that is not set.
pub fn from_environment(service: &str) -> Result<SdkConfig, Error> {
    from_variables(service, |name| env::var(name).ok())
}

pub(crate) fn from_variables(service: &str, variable: impl Fn(&str) -> Option<String>) -> Result<SdkConfig, Error> {
    let region = Region::new(required(&variable, "AWS_REGION")?);
    let key = required(&variable, "AWS_ACCESS_KEY_ID")?;
    let secret = required(&variable, "AWS_SECRET_ACCESS_KEY")?;
    let session = optional(&variable, "AWS_SESSION_TOKEN");
    let credentials = Credentials::new(key, secret, session, None, "environment");
    let endpoint = optional(&variable, &format!("AWS_ENDPOINT_URL_{service}"));
    let endpoint = endpoint.or_else(|| optional(&variable, "AWS_ENDPOINT_URL"));
    Ok(settings(region, credentials, endpoint))
}

/// The settings for an engine that checks no signature, such as DynamoDB Local. The engine receives the id of the
/// access key; the secret is arbitrary.
pub fn unsigned(access_key_id: &str, endpoint: Option<String>) -> SdkConfig {
    let credentials = Credentials::new(access_key_id, "made up", None, None, "fixed");
    settings(Region::from_static("us-east-1"), credentials, endpoint)
}

/// The settings from AWS's configuration files and environment, as the AWS CLI reads them, without SSO.
#[cfg(feature = "profiles")]
pub(crate) async fn from_profile(endpoint: Option<String>) -> SdkConfig {
    let loaded = aws_config::from_env().http_client(https()).load().await;
    let mut builder = loaded.into_builder().retry_config(retries()).timeout_config(timeouts());
    if endpoint.is_some() {
        builder.set_endpoint_url(endpoint);
        // Without this mark, an `AWS_ENDPOINT_URL_DYNAMODB` in the environment would take precedence.
        builder.insert_origin("endpoint_url", Origin::shared_config());
    }
    builder.build()
}

fn settings(region: Region, credentials: Credentials, endpoint: Option<String>) -> SdkConfig {
    let mut builder = SdkConfig::builder()
        .region(region)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(https())
        .retry_config(retries())
        .timeout_config(timeouts());
    builder.set_endpoint_url(endpoint);
    builder.build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_initial_backoff(FIRST_PAUSE)
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https()
}

/// The value of an environment variable that has to be set and not empty.
pub(crate) fn required(variable: impl Fn(&str) -> Option<String>, name: &str) -> Result<String, Error> {
    optional(variable, name).ok_or_else(|| Error::Refused(format!("the environment variable {name} is not set")))
}

/// The value of an environment variable; an empty one counts as not set.
pub(crate) fn optional(variable: impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    variable(name).filter(|value| !value.is_empty())
}
