//! Lambda's API for resource-based policies. What a call needs of a target is decided here, by its kind, and nowhere else.
//! Neither retries nor compares.

use std::fmt;
use std::num::NonZeroU64;
use std::rc::Rc;

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_lambda::config::{Builder, Config, Credentials, Region};
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::types::LayerVersionsListItem;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::json;
use tokio::time::Instant;
use url::Url;

use super::call::{attempt_timeout, classify, log_call, no_retries};
use super::config::endpoint_url;
use super::error::{ApiCall, ApiError, ErrorKind};
use super::rate_limiter::RateLimiter;
use crate::policy::arn::{AccountId, LayerArn, LayerVersionArn};
use crate::policy::document::PolicyDocument;
use crate::policy::principal::Principal;
use crate::policy::role::Role;
use crate::policy::statement::{LAYER_VERSION_ACTION, Statement};
use crate::policy::statement_id::StatementId;
use crate::policy::target::{PolicyTarget, TargetSet};

/// The most layer versions that Lambda lists at once.
const PAGE_SIZE: i32 = 50;

const ADD: &str = "lambda:AddLayerVersionPermission";
const GET: &str = "lambda:GetLayerVersionPolicy";
const LIST: &str = "lambda:ListLayerVersions";
const REMOVE: &str = "lambda:RemoveLayerVersionPermission";

/// The IAM actions that the calls need.
pub const ACTIONS: [&str; 4] = [GET, ADD, REMOVE, LIST];

/// The error code of a response that cannot be parsed.
const MALFORMED: &str = "malformed response";

/// Lambda's API as one account calls it.
#[derive(Clone, Debug)]
pub struct LambdaApi {
    client: Client,
    /// The account of the credentials, whose layers are called by their bare names: AWS accepts name and ARN, but the local engines
    /// know a layer of the own account by its name only.
    account: Option<AccountId>,
    /// The role whose credentials these are; none where they are the provider's own.
    role: Option<Role>,
    limiter: Rc<RateLimiter>,
}

/// Some targets of a set, and where the next ones begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The targets.
    pub targets: Vec<PolicyTarget>,
    /// The marker of the next page, if there is one.
    pub next: Option<String>,
}

impl LambdaApi {
    /// The API with the credentials of `config`.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            client: client(config.into()),
            account: None,
            role: None,
            limiter: Rc::default(),
        }
    }

    /// The same, where the credentials are those of `account`.
    #[must_use]
    pub fn for_account(&self, account: Option<AccountId>) -> Self {
        Self {
            account,
            ..self.clone()
        }
    }

    /// The same with the credentials of `role`.
    pub(super) fn with_role(
        &self,
        config: &SdkConfig,
        role: &Role,
        credentials: Credentials,
    ) -> Self {
        let config = Builder::from(config).credentials_provider(credentials);
        Self {
            client: client(config),
            account: Some(role.account().clone()),
            role: Some(role.clone()),
            limiter: Rc::clone(&self.limiter),
        }
    }

    pub(super) fn limiter(&self) -> &RateLimiter {
        &self.limiter
    }

    /// The targets of `set` from `marker` on, the newest first. A layer that does not exist has none.
    ///
    /// # Errors
    /// If Lambda did not list them.
    pub async fn list(&self, set: &TargetSet, marker: Option<String>) -> Result<Page, ApiError> {
        let layer = match set {
            TargetSet::One(target) => {
                return Ok(Page {
                    targets: vec![target.clone()],
                    next: None,
                });
            }
            TargetSet::AllVersions(layer) => layer,
        };
        let call = self.client.list_layer_versions();
        let call = call
            .layer_name(self.name(layer))
            .set_marker(marker)
            .max_items(PAGE_SIZE);
        let call = call.customize().config_override(in_region_of(layer));
        match self.call(LIST, layer, call.send()).await {
            Ok(page) => {
                let target = |listed: LayerVersionsListItem| {
                    let number = NonZeroU64::new(listed.version.try_into().ok()?)?;
                    let version = LayerVersionArn::new(layer.clone(), number);
                    Some(PolicyTarget::LayerVersion(version))
                };
                // A response without a list, or with something else in it, is not an empty list: a revoke would miss them all.
                let listed = page.layer_versions.map(Vec::into_iter);
                let targets = listed.and_then(|listed| listed.map(target).collect());
                let malformed = || self.malformed(LIST, layer, "got no list of versions");
                Ok(Page {
                    targets: targets.ok_or_else(malformed)?,
                    next: page.next_marker.filter(|marker| !marker.is_empty()),
                })
            }
            Err(error) if error.kind == ErrorKind::NotFound => Ok(Page::default()),
            Err(error) => Err(error),
        }
    }

    /// The policy, which is empty where the target has none, or does not exist: Lambda responds alike.
    ///
    /// # Errors
    /// If Lambda did not return it.
    pub async fn get_policy(&self, target: &PolicyTarget) -> Result<PolicyDocument, ApiError> {
        let PolicyTarget::LayerVersion(version) = target;
        let call = self.client.get_layer_version_policy();
        let call = call
            .layer_name(self.name(version.layer()))
            .version_number(number(version));
        let call = call
            .customize()
            .config_override(in_region_of(version.layer()));
        match self.call(GET, target, call.send()).await {
            Ok(response) => {
                let malformed = |message: &str| self.malformed(GET, target, message);
                let (Some(document), Some(revision)) = (response.policy, response.revision_id)
                else {
                    return Err(malformed("got no policy with a revision"));
                };
                PolicyDocument::parse(target.clone(), &document, Some(revision))
                    .map_err(|error| malformed(&error.to_string()))
            }
            Err(error) if error.kind == ErrorKind::NotFound => {
                Ok(PolicyDocument::empty(target.clone()))
            }
            Err(error) => Err(error),
        }
    }

    /// Adds `statement` to `policy`, if that still has its revision; the policy as it is then.
    ///
    /// # Errors
    /// If Lambda did not add it, or did not say whether it did.
    pub(crate) async fn add(
        &self,
        statement: &Statement,
        policy: &PolicyDocument,
    ) -> Result<PolicyDocument, ApiError> {
        let PolicyTarget::LayerVersion(version) = &policy.target;
        let (principal, organization) = match &statement.principal {
            Principal::Account(account) => (account.to_string(), None),
            Principal::Organization(organization) => {
                ("*".to_owned(), Some(organization.to_string()))
            }
            Principal::Everyone => ("*".to_owned(), None),
        };
        let call = self.client.add_layer_version_permission();
        let call = call
            .layer_name(self.name(version.layer()))
            .version_number(number(version))
            .statement_id(statement.sid.to_string())
            .action(LAYER_VERSION_ACTION)
            .principal(principal)
            .set_organization_id(organization)
            .set_revision_id(policy.revision_id.clone());
        let call = call
            .customize()
            .config_override(in_region_of(version.layer()));
        let added = self.call(ADD, &policy.target, call.send()).await?;
        let returned = added.statement.as_deref().map(serde_json::from_str);
        let Some(Ok(returned)) = returned else {
            // It may have taken effect: only the policy can tell.
            let call = self.described(ADD, &policy.target);
            let (kind, message) = (ErrorKind::OutcomeUnknown, "got no statement");
            return Err(ApiError::new(kind, &call, MALFORMED, message));
        };
        Ok(policy.clone().with(returned, added.revision_id))
    }

    /// Removes a statement from `policy`, if that still has its revision; the policy as it is then. A statement that does not exist
    /// counts as removed.
    ///
    /// # Errors
    /// If Lambda did not remove it, or did not say whether it did.
    pub(crate) async fn remove(
        &self,
        sid: &StatementId,
        policy: &PolicyDocument,
    ) -> Result<PolicyDocument, ApiError> {
        let PolicyTarget::LayerVersion(version) = &policy.target;
        let call = self.client.remove_layer_version_permission();
        let call = call
            .layer_name(self.name(version.layer()))
            .version_number(number(version))
            .statement_id(sid.to_string())
            .set_revision_id(policy.revision_id.clone());
        let call = call
            .customize()
            .config_override(in_region_of(version.layer()))
            .interceptor(OnlyNoContent);
        match self.call(REMOVE, &policy.target, call.send()).await {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => Ok(policy.clone().without(sid)),
        }
    }

    fn name(&self, layer: &LayerArn) -> String {
        if self.account.as_ref() == Some(layer.account()) {
            layer.name().to_owned()
        } else {
            layer.to_string()
        }
    }

    fn malformed(
        &self,
        action: &'static str,
        resource: &dyn fmt::Display,
        message: &str,
    ) -> ApiError {
        let call = self.described(action, resource);
        ApiError::new(ErrorKind::MalformedResponse, &call, MALFORMED, message)
    }

    fn described<'a>(
        &'a self,
        action: &'static str,
        resource: &'a dyn fmt::Display,
    ) -> ApiCall<'a> {
        ApiCall {
            action,
            resource,
            resource_type: "layer version",
            role: self.role.as_ref(),
        }
    }

    /// Makes a call within the rate limit, and logs it.
    async fn call<T, E>(
        &self,
        action: &'static str,
        resource: &dyn fmt::Display,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, ApiError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.limiter.acquire().await;
        let started = Instant::now();
        let outcome = call.await.map_err(|error| {
            let (kind, code, message) = classify(&error);
            let kind = if action == ADD && is_about_the_principal(&code, &message) {
                ErrorKind::UnknownPrincipal
            } else {
                kind
            };
            ApiError::new(kind, &self.described(action, resource), &code, &message)
        });
        log_call(action, resource, outcome.as_ref().err(), started);
        outcome
    }
}

/// The policy of a session for `targets`, of all that its role is allowed to do: the actions of the provider on their resource.
pub(super) fn session_policy(targets: &TargetSet) -> String {
    let layer = match targets {
        TargetSet::One(PolicyTarget::LayerVersion(version)) => version.layer(),
        TargetSet::AllVersions(layer) => layer,
    };
    let statement = json!({
        "Effect": "Allow",
        "Action": ACTIONS,
        "Resource": [layer.to_string(), format!("{layer}:*")],
    });
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

/// Accepts as the response to a removal only the one without content that Lambda sends: to the SDK, the page of a proxy is a success
/// too.
#[derive(Debug)]
struct OnlyNoContent;

#[dyn_dispatch_hint]
impl Intercept for OnlyNoContent {
    fn name(&self) -> &'static str {
        "OnlyNoContent"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match context.response().status() {
            status if status.is_success() && status.as_u16() != 204 => {
                Err(format!("got HTTP status {} instead of 204", status.as_u16()).into())
            }
            _ => Ok(()),
        }
    }
}

/// The endpoint that calls with `config` go to.
pub(super) async fn endpoint(config: &SdkConfig) -> Option<Url> {
    let params = Params::builder()
        .set_region(config.region().map(ToString::to_string))
        .set_use_dual_stack(config.use_dual_stack())
        .set_use_fips(config.use_fips())
        .set_endpoint(endpoint_url("Lambda"));
    let (resolver, params) = (DefaultResolver::new(), params.build().ok()?);
    let endpoint = resolver.resolve_endpoint(&params).await.ok()?;
    endpoint.url().parse().ok()
}

fn client(config: Builder) -> Client {
    let config = config
        .retry_config(no_retries())
        .timeout_config(attempt_timeout());
    Client::from_conf(config.build())
}

/// The layer's own region, whatever region the function runs in.
fn in_region_of(layer: &LayerArn) -> Builder {
    Config::builder().region(Region::new(layer.region().to_owned()))
}

/// Whether Lambda does not accept the principal. There is no code for that; the text only decides whether it is retried and how the
/// reason words it.
fn is_about_the_principal(code: &str, message: &str) -> bool {
    code == "InvalidParameterValueException" && message.to_lowercase().contains("principal")
}

/// Lambda's type for a version is signed; the ARN's parser has made sure that it fits.
fn number(version: &LayerVersionArn) -> i64 {
    i64::try_from(version.version()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_session_policy_is_within_the_limit_of_sts() {
        let name = "x".repeat(140);
        let arn = format!("arn:aws-us-gov:lambda:us-gov-northwest-1:123456789012:layer:{name}");
        let policy = session_policy(&arn.parse().expect("a layer"));
        assert!(policy.len() < 2048, "{policy}");
    }

    #[test]
    fn a_session_is_for_a_layer_with_all_its_versions() {
        let layer = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer";
        let policies = [layer.to_owned(), format!("{layer}:1"), format!("{layer}:2")]
            .map(|arn| session_policy(&arn.parse().expect("targets")));
        assert_eq!(policies[0], policies[1]);
        assert_eq!(policies[1], policies[2]);
        assert_ne!(
            policies[0],
            session_policy(&format!("{layer}2").parse().expect("targets"))
        );
    }
}
