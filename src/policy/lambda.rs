//! The door to Lambda: three calls on the policy of a layer version, and what each can come to.
//! Decides nothing: it does not retry, wait or compare.

use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::config::{Builder, Config, Region};
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tracing::info;

use super::document::Policy;
use super::failure::{Failure, Kind};
use crate::permission::arn::{AccountId, LayerVersionArn};
use crate::permission::principal::Principal;
use crate::permission::statement::{ACTION, Statement, StatementId};

/// How long one call may take before it counts as unanswered.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Lambda's API for the policies of layer versions, as one account sees it.
#[derive(Clone, Debug)]
pub struct Lambda {
    client: Client,
    /// The function's own account, whose layers go by their bare names: AWS takes either, but the local engines know a
    /// layer of the own account by nothing else.
    account: Option<AccountId>,
}

impl Lambda {
    /// A door that speaks as `config` says. The SDK's own retries are off: a write is repeated only after the policy has
    /// been read again.
    pub fn new(config: impl Into<Builder>) -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(CALL_TIMEOUT)
            .build();
        let config = config
            .into()
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        Self {
            client: Client::from_conf(config.build()),
            account: None,
        }
    }

    /// The same door for the function of this ARN.
    #[must_use]
    pub fn of_function(&self, function_arn: &str) -> Self {
        let account = function_arn
            .split(':')
            .nth(4)
            .and_then(|account| account.parse().ok());
        Self {
            client: self.client.clone(),
            account,
        }
    }

    /// The policy, which is empty where the layer version has none, or is not there itself: Lambda answers both alike.
    ///
    /// # Errors
    /// If Lambda did not return it.
    pub async fn policy(&self, layer_version: &LayerVersionArn) -> Result<Policy, Failure> {
        let action = "lambda:GetLayerVersionPolicy";
        let call = self.client.get_layer_version_policy();
        let call = call
            .layer_name(self.layer_name(layer_version))
            .version_number(number(layer_version));
        let call = call.customize().config_override(place(layer_version));
        match outcome(action, layer_version, call.send().await) {
            Ok(answer) => {
                let document = answer.policy.as_deref().unwrap_or("{}");
                Policy::read(document, answer.revision_id).map_err(|error| {
                    let (code, message) = ("not JSON", error.to_string());
                    Failure::new(Kind::Unreadable, action, layer_version, code, &message)
                })
            }
            Err(failure) if failure.kind == Kind::NotFound => Ok(Policy::default()),
            Err(failure) => Err(failure),
        }
    }

    /// Adds a statement to `policy`, if that still has its revision; gives the policy as it is then.
    ///
    /// # Errors
    /// If Lambda did not add it, or did not say whether it did.
    pub async fn add(
        &self,
        layer_version: &LayerVersionArn,
        statement: &Statement,
        policy: &Policy,
    ) -> Result<Policy, Failure> {
        let action = "lambda:AddLayerVersionPermission";
        let (principal, organization) = match &statement.principal {
            Principal::Account(account) => (account.to_string(), None),
            Principal::Organization(organization) => {
                ("*".to_owned(), Some(organization.to_string()))
            }
            Principal::Everyone => ("*".to_owned(), None),
        };
        let call = self.client.add_layer_version_permission();
        let call = call
            .layer_name(self.layer_name(layer_version))
            .version_number(number(layer_version));
        let call = call.statement_id(statement.sid.to_string()).action(ACTION);
        let call = call.principal(principal).set_organization_id(organization);
        let call = call.set_revision_id(policy.revision_id.clone());
        let call = call.customize().config_override(place(layer_version));
        let added = outcome(action, layer_version, call.send().await)?;
        let written = added
            .statement
            .and_then(|text| serde_json::from_str(&text).ok());
        let written = written.unwrap_or_else(|| statement.written(layer_version));
        Ok(policy.clone().with(written, added.revision_id))
    }

    /// Removes a statement from `policy`, if that still has its revision; gives the policy as it is then. A statement that is
    /// gone already counts as removed.
    ///
    /// # Errors
    /// If Lambda did not remove it, or did not say whether it did.
    pub async fn remove(
        &self,
        layer_version: &LayerVersionArn,
        sid: &StatementId,
        policy: &Policy,
    ) -> Result<Policy, Failure> {
        let action = "lambda:RemoveLayerVersionPermission";
        let call = self.client.remove_layer_version_permission();
        let call = call
            .layer_name(self.layer_name(layer_version))
            .version_number(number(layer_version));
        let call = call
            .statement_id(sid.to_string())
            .set_revision_id(policy.revision_id.clone());
        let call = call.customize().config_override(place(layer_version));
        match outcome(action, layer_version, call.send().await) {
            Err(failure) if failure.kind != Kind::NotFound => Err(failure),
            _ => Ok(policy.clone().without(sid)),
        }
    }

    fn layer_name(&self, layer_version: &LayerVersionArn) -> String {
        let layer = layer_version.layer();
        if self.account.as_ref() == Some(layer.account()) {
            layer.name().to_owned()
        } else {
            layer.to_string()
        }
    }
}

/// The layer's own region, whatever region the function runs in.
fn place(layer_version: &LayerVersionArn) -> Builder {
    Config::builder().region(Region::new(layer_version.layer().region().to_owned()))
}

/// Lambda's type for a version is signed; the ARN's parser has made sure that it fits.
fn number(layer_version: &LayerVersionArn) -> i64 {
    i64::try_from(layer_version.version()).unwrap_or(i64::MAX)
}

/// Sorts and words what Lambda answered, and logs it.
fn outcome<T, E>(
    action: &str,
    layer_version: &LayerVersionArn,
    answer: Result<T, SdkError<E, HttpResponse>>,
) -> Result<T, Failure>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let outcome = answer.map_err(|error| failure(action, layer_version, &error));
    let code = outcome
        .as_ref()
        .map_or_else(|failure| failure.code.as_str(), |_| "done");
    info!(call = action, layer_version = %layer_version, outcome = code, "called");
    outcome
}

fn failure<E>(
    action: &str,
    layer_version: &LayerVersionArn,
    error: &SdkError<E, HttpResponse>,
) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let Some(service) = error.as_service_error() else {
        let unsent = matches!(error, SdkError::ConstructionFailure(_));
        let kind = if unsent {
            Kind::Refused
        } else {
            Kind::Unavailable
        };
        return Failure::new(kind, action, layer_version, "no answer", &root_cause(error));
    };
    let status = error
        .raw_response()
        .map_or(0, |response| response.status().as_u16());
    let code = service.code().unwrap_or("no code");
    let message = service
        .message()
        .map_or_else(|| format!("HTTP status {status}"), str::to_owned);
    Failure::new(
        Kind::of(code, status),
        action,
        layer_version,
        code,
        &message,
    )
}

/// The innermost error: the outer ones say no more than that there was one.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
