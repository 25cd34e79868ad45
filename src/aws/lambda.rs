//! Lambda's API for resource-based policies. What call a target needs is decided here, by its kind, and nowhere else.
//! Neither retries nor compares.

use std::fmt;
use std::num::NonZeroU64;
use std::rc::Rc;

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_lambda::config::{Builder, Credentials};
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::types::LayerVersionsListItem;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tokio::time::Instant;
use url::Url;

use super::call::{MALFORMED, attempt_timeout, classify, log_call, no_retries};
use super::config::endpoint_url;
use super::error::{ApiCall, ApiError, ErrorKind};
use super::function_policy;
use super::layer_version_policy::{self, LIST};
use super::rate_limiter::RateLimiter;
use crate::policy::arn::{AccountId, LayerVersionArn, ResourceLocation};
use crate::policy::document::PolicyDocument;
use crate::policy::principal::Principal;
use crate::policy::role::Role;
use crate::policy::statement::Statement;
use crate::policy::statement_id::StatementId;
use crate::policy::target::{PolicyTarget, TargetSet};

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

    /// The account of the credentials, if it is known.
    pub(super) fn account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
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
        let name = self.name_of(layer.location(), layer.name(), layer);
        let call = layer_version_policy::list(&self.client, layer, name, marker);
        match self.call(LIST, layer, call).await {
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
        let name = self.name(target);
        let (action, read) = match target {
            PolicyTarget::LayerVersion(version) => {
                let call = layer_version_policy::get(&self.client, version, name);
                let action = layer_version_policy::GET;
                (action, self.call(action, target, call).await)
            }
            PolicyTarget::Function(function) => {
                let call = function_policy::get(&self.client, function, name);
                let action = function_policy::GET;
                (action, self.call(action, target, call).await)
            }
        };
        match read {
            Ok((document, revision)) => {
                let malformed = |message: &str| self.malformed(action, target, message);
                let (Some(document), Some(revision)) = (document, revision) else {
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
        let (target, revision) = (&policy.target, policy.revision_id.clone());
        let name = self.name(target);
        let (action, added) = match target {
            PolicyTarget::LayerVersion(version) => {
                let call =
                    layer_version_policy::add(&self.client, version, name, statement, revision);
                let action = layer_version_policy::ADD;
                (action, self.call(action, target, call).await)
            }
            PolicyTarget::Function(function) => {
                let call = function_policy::add(&self.client, function, name, statement, revision);
                let action = function_policy::ADD;
                (action, self.call(action, target, call).await)
            }
        };
        let (returned, revision) = added.map_err(|error| {
            let kind = kind_of_addition(&error, statement, target);
            error.of_kind(kind)
        })?;
        let returned = returned.as_deref().map(serde_json::from_str);
        let Some(Ok(returned)) = returned else {
            // It may have taken effect: only the policy can tell.
            let call = self.described(action, target);
            let (kind, message) = (ErrorKind::OutcomeUnknown, "got no statement");
            return Err(ApiError::new(kind, &call, MALFORMED, message));
        };
        Ok(policy.clone().with(returned, revision))
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
        let (target, revision) = (&policy.target, policy.revision_id.clone());
        let name = self.name(target);
        let removed = match target {
            PolicyTarget::LayerVersion(version) => {
                let call = layer_version_policy::remove(&self.client, version, name, sid, revision);
                self.call(layer_version_policy::REMOVE, target, call).await
            }
            PolicyTarget::Function(function) => {
                let call = function_policy::remove(&self.client, function, name, sid, revision);
                self.call(function_policy::REMOVE, target, call).await
            }
        };
        match removed {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => Ok(policy.clone().without(sid)),
        }
    }

    /// How a call names the layer or the function: what is of the own account by its bare name.
    fn name(&self, target: &PolicyTarget) -> String {
        match target {
            PolicyTarget::LayerVersion(version) => {
                let layer = version.layer();
                self.name_of(layer.location(), layer.name(), layer)
            }
            PolicyTarget::Function(function) => {
                let unqualified = function.clone().with_qualifier(None);
                self.name_of(function.location(), function.name(), &unqualified)
            }
        }
    }

    fn name_of(&self, location: &ResourceLocation, name: &str, arn: &dyn fmt::Display) -> String {
        if self.account.as_ref() == Some(location.account()) {
            name.to_owned()
        } else {
            arn.to_string()
        }
    }

    pub(super) fn malformed(
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
            resource_type: resource_type_of(action),
            role: self.role.as_ref(),
        }
    }

    /// Makes a call within the rate limit, and logs it.
    pub(super) async fn call<T, E>(
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
            ApiError::new(kind, &self.described(action, resource), &code, &message)
        });
        log_call(action, resource, outcome.as_ref().err(), started);
        outcome
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

/// What the resource of a call is called.
fn resource_type_of(action: &'static str) -> &'static str {
    if function_policy::ACTIONS.contains(&action) {
        "function"
    } else {
        "layer version"
    }
}

/// The kind of a failed addition, which may say more than that of its code. There is no code for a principal that Lambda does not
/// accept; the text only decides whether it is retried and how the reason words it. A service is known, or never will be.
fn kind_of_addition(error: &ApiError, statement: &Statement, target: &PolicyTarget) -> ErrorKind {
    let may_be_new = !matches!(statement.principal, Principal::Service(_));
    match target {
        // A layer version is published before it can be named; a function can be made and named in one template by its name.
        PolicyTarget::Function(_) if error.kind == ErrorKind::NotFound => ErrorKind::NotYetFound,
        PolicyTarget::LayerVersion(_) | PolicyTarget::Function(_)
            if error.is_about_the_principal() && may_be_new =>
        {
            ErrorKind::UnknownPrincipal
        }
        PolicyTarget::LayerVersion(_) | PolicyTarget::Function(_) => error.kind,
    }
}
