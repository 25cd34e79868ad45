//! The door to Lambda: the calls on the policies of layer versions, each in its turn, and what each can come to.
//! Decides nothing: it neither retries nor compares.

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
use tokio::time::Instant;
use url::Url;

use super::call::{attempt_timeout, log_call, no_retries, told};
use super::document::Policy;
use super::failure::{Failure, Kind};
use super::pace::Pace;
use crate::aws::endpoint_url;
use crate::permission::arn::{AccountId, LayerArn, LayerVersionArn};
use crate::permission::principal::Principal;
use crate::permission::role::Role;
use crate::permission::statement::{ACTION, Statement, StatementId};

/// The most layer versions that Lambda lists at once.
const PAGE: i32 = 50;

const ADD: &str = "lambda:AddLayerVersionPermission";

/// Lambda's API for the policies of layer versions, as one account sees it.
#[derive(Clone, Debug)]
pub(super) struct Lambda {
    client: Client,
    /// The account whose layers go by their bare names, that of the credentials: AWS takes either, but the local engines
    /// know a layer of the own account by nothing else.
    account: Option<AccountId>,
    /// The role whose credentials these are; none where they are the provider's own.
    role: Option<Role>,
    pace: Rc<Pace>,
}

/// Some versions of a layer, and where the next ones begin.
pub(super) struct Page {
    pub(super) versions: Vec<LayerVersionArn>,
    pub(super) next: Option<String>,
}

impl Lambda {
    /// A door with the provider's own credentials.
    pub(super) fn new(config: &SdkConfig) -> Self {
        Self {
            client: client(config.into()),
            account: None,
            role: None,
            pace: Rc::default(),
        }
    }

    /// The same door, where the credentials are those of `account`.
    pub(super) fn of_account(&self, account: Option<AccountId>) -> Self {
        Self {
            account,
            ..self.clone()
        }
    }

    /// A door with the credentials of `role`.
    pub(super) fn by_role(
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
            pace: Rc::clone(&self.pace),
        }
    }

    pub(super) fn pace(&self) -> &Pace {
        &self.pace
    }

    /// The versions of `layer` from `marker` on, the newest first. A layer that is not there has none.
    ///
    /// # Errors
    /// If Lambda did not list them.
    pub(super) async fn versions(
        &self,
        layer: &LayerArn,
        marker: Option<String>,
    ) -> Result<Page, Failure> {
        let action = "lambda:ListLayerVersions";
        let call = self.client.list_layer_versions();
        let call = call
            .layer_name(self.name(layer))
            .set_marker(marker)
            .max_items(PAGE);
        let call = call.customize().config_override(place(layer));
        match self.call(action, layer, call.send()).await {
            Ok(page) => {
                let version = |listed: LayerVersionsListItem| {
                    let number = NonZeroU64::new(listed.version.try_into().ok()?)?;
                    Some(LayerVersionArn::new(layer.clone(), number))
                };
                // A list that is not there, or not one of versions, is not an empty one: a revoke would leave them all out.
                let listed = page.layer_versions.map(Vec::into_iter);
                let versions = listed.and_then(|listed| listed.map(version).collect());
                let unreadable = || self.unreadable(action, layer, "got no list of versions");
                Ok(Page {
                    versions: versions.ok_or_else(unreadable)?,
                    next: page.next_marker.filter(|marker| !marker.is_empty()),
                })
            }
            Err(failure) if failure.kind == Kind::NotFound => Ok(Page {
                versions: Vec::new(),
                next: None,
            }),
            Err(failure) => Err(failure),
        }
    }

    /// The policy, which is empty where the layer version has none, or is not there itself: Lambda answers both alike.
    ///
    /// # Errors
    /// If Lambda did not return it.
    pub(super) async fn policy(&self, layer_version: &LayerVersionArn) -> Result<Policy, Failure> {
        let action = "lambda:GetLayerVersionPolicy";
        let call = self.client.get_layer_version_policy();
        let call = call
            .layer_name(self.name(layer_version.layer()))
            .version_number(number(layer_version));
        let call = call
            .customize()
            .config_override(place(layer_version.layer()));
        match self.call(action, layer_version, call.send()).await {
            Ok(answer) => {
                let unreadable = |message: &str| self.unreadable(action, layer_version, message);
                let (Some(document), Some(revision)) = (answer.policy, answer.revision_id) else {
                    return Err(unreadable("got no policy with a revision"));
                };
                Policy::read(layer_version.clone(), &document, Some(revision))
                    .map_err(|error| unreadable(&error.to_string()))
            }
            Err(failure) if failure.kind == Kind::NotFound => {
                Ok(Policy::none(layer_version.clone()))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Adds a statement to `policy`, if that still has its revision; gives the policy as it is then.
    ///
    /// # Errors
    /// If Lambda did not add it, or did not say whether it did.
    pub(super) async fn add(
        &self,
        statement: &Statement,
        policy: &Policy,
    ) -> Result<Policy, Failure> {
        let action = ADD;
        let layer_version = &policy.layer_version;
        let (principal, organization) = match &statement.principal {
            Principal::Account(account) => (account.to_string(), None),
            Principal::Organization(organization) => {
                ("*".to_owned(), Some(organization.to_string()))
            }
            Principal::Everyone => ("*".to_owned(), None),
        };
        let call = self.client.add_layer_version_permission();
        let call = call
            .layer_name(self.name(layer_version.layer()))
            .version_number(number(layer_version));
        let call = call.statement_id(statement.sid.to_string()).action(ACTION);
        let call = call.principal(principal).set_organization_id(organization);
        let call = call.set_revision_id(policy.revision_id.clone());
        let call = call
            .customize()
            .config_override(place(layer_version.layer()));
        let added = self.call(action, layer_version, call.send()).await?;
        let written = added.statement.as_deref().map(serde_json::from_str);
        let Some(Ok(written)) = written else {
            // It may have taken effect: only the policy can tell.
            let (kind, code) = (Kind::Unavailable, "unreadable response");
            let message = "got no statement";
            let role = self.role.as_ref();
            return Err(Failure::of_call(
                kind,
                action,
                layer_version,
                role,
                code,
                message,
            ));
        };
        Ok(policy.clone().with(written, added.revision_id))
    }

    /// Removes a statement from `policy`, if that still has its revision; gives the policy as it is then. A statement that is
    /// gone already counts as removed.
    ///
    /// # Errors
    /// If Lambda did not remove it, or did not say whether it did.
    pub(super) async fn remove(
        &self,
        sid: &StatementId,
        policy: &Policy,
    ) -> Result<Policy, Failure> {
        let action = "lambda:RemoveLayerVersionPermission";
        let layer_version = &policy.layer_version;
        let call = self.client.remove_layer_version_permission();
        let call = call
            .layer_name(self.name(layer_version.layer()))
            .version_number(number(layer_version));
        let call = call
            .statement_id(sid.to_string())
            .set_revision_id(policy.revision_id.clone());
        let call = call
            .customize()
            .config_override(place(layer_version.layer()))
            .interceptor(OnlyNoContent);
        match self.call(action, layer_version, call.send()).await {
            Err(failure) if failure.kind != Kind::NotFound => Err(failure),
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

    fn unreadable(&self, action: &str, on: &dyn fmt::Display, message: &str) -> Failure {
        let (kind, code) = (Kind::Unreadable, "unreadable response");
        Failure::of_call(kind, action, on, self.role.as_ref(), code, message)
    }

    /// Makes a call when it is its turn, logs it, and words what went wrong.
    async fn call<T, E>(
        &self,
        action: &str,
        on: &dyn fmt::Display,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.pace.turn().await;
        let started = Instant::now();
        let outcome = call.await.map_err(|error| {
            let (kind, code, message) = told(&error);
            let kind = if action == ADD && is_about_the_principal(&code, &message) {
                Kind::UnknownPrincipal
            } else {
                kind
            };
            Failure::of_call(kind, action, on, self.role.as_ref(), &code, &message)
        });
        log_call(action, on, outcome.as_ref().err(), started);
        outcome
    }
}

/// Lets no response count as a removal but the one without content that Lambda sends: a proxy's page is a success to the SDK.
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

/// Where the calls of `config` go, if they need not be signed to know.
pub(super) async fn address(config: &SdkConfig) -> Option<Url> {
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
fn place(layer: &LayerArn) -> Builder {
    Config::builder().region(Region::new(layer.region().to_owned()))
}

/// Whether Lambda does not accept the principal. It has no code of its own for that; its text decides only whether it is waited
/// for and how it is worded, never what it comes to.
fn is_about_the_principal(code: &str, message: &str) -> bool {
    code == "InvalidParameterValueException" && message.to_lowercase().contains("principal")
}

/// Lambda's type for a version is signed; the ARN's parser has made sure that it fits.
fn number(layer_version: &LayerVersionArn) -> i64 {
    i64::try_from(layer_version.version()).unwrap_or(i64::MAX)
}
