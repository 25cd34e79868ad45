//! The account of the credentials, found where AWS's own tools find them.

use std::error::Error;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use lambda_permission_provider::http::Http;
use lambda_permission_provider::policy::arn::AccountId;
use lambda_permission_provider::tls::TlsConfig;

/// An account.
pub struct Account {
    /// Credentials and region.
    pub config: SdkConfig,
    /// Its id.
    pub id: AccountId,
    /// The region of the configuration.
    pub region: String,
}

impl Account {
    /// Finds the credentials, and their account by a call in `region` or in the one that is configured.
    pub async fn find(region: Option<&str>) -> Result<Self, String> {
        let no_tls = |error: &dyn Error| {
            format!(
                "no TLS: got `{error}`, correct `AWS_CA_BUNDLE` or `SSL_CERT_FILE`, or leave them out"
            )
        };
        let tls = TlsConfig::from_env(|name| std::env::var(name).ok());
        let http =
            Http::new(tls.map_err(|error| no_tls(&error))?).map_err(|error| no_tls(&error))?;
        let region = match region {
            Some(region) => Some(Region::new(region.to_owned())),
            None => configured_region().await,
        };
        let region = region
            .ok_or("no region: got none from the environment or the profile, set `AWS_REGION` or give `--region`")?;
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(region.clone())
            .http_client(http);
        let config = config.load().await;
        let sts = aws_sdk_sts::Client::new(&config);
        let identity = sts.get_caller_identity().send().await.map_err(|error| {
            let got = describe(&error);
            format!(
                "no credentials that work: got {got} from `sts:GetCallerIdentity`, set `AWS_PROFILE`, or the variables that \
                 `aws configure export-credentials --format env` prints"
            )
        })?;
        let account = identity.account().unwrap_or_default();
        let account = account.parse().map_err(|error| {
            format!("no account: got `{account}` from `sts:GetCallerIdentity`, {error}")
        })?;
        Ok(Self {
            config,
            id: account,
            region: region.to_string(),
        })
    }
}

/// The region of the environment or of the profile; the one of the instance is not used.
async fn configured_region() -> Option<Region> {
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .region()
        .await
}

/// A failed call by the service's code and message, or by the innermost error: the SDK's own text contains neither.
fn describe<E: ProvideErrorMetadata + Error + 'static, R: std::fmt::Debug + 'static>(
    error: &SdkError<E, R>,
) -> String {
    if let Some(service) = error.as_service_error() {
        let (code, message) = (
            service.code().unwrap_or("no code"),
            service.message().unwrap_or("no message"),
        );
        return format!("`{code}` (`{message}`)");
    }
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    format!("no response (`{cause}`)")
}
