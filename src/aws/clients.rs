//! The clients of Lambda's API: with the provider's own credentials, or with those of a role that a resource names.
//! The only file that knows STS's SDK.

use std::cell::RefCell;

use aws_config::SdkConfig;
use aws_sdk_sts::Client as Sts;
use aws_sdk_sts::config::{Builder, Credentials};
use tokio::time::Instant;

use super::call::{attempt_timeout, classify, log_call, no_retries};
use super::error::{ASSUME_ROLE, ApiError, ErrorKind};
use super::lambda::{self, LambdaApi};
use super::organizations::OrganizationsApi;
use super::rate_limiter::RateLimiter;
use super::session_policy::{LISTING_POLICY, session_policy};
use super::stack_resource::{ResourceState, StackResource};
use super::stacks;
use crate::deadline::SESSION_DURATION;
use crate::http::Http;
use crate::policy::arn::AccountId;
use crate::policy::role::Role;
use crate::policy::target::TargetSet;

/// The session name where Lambda's request id cannot be one.
const SESSION_NAME: &str = "lambda-permission-provider";

/// The clients of one execution environment, or of one request of it.
#[derive(Clone, Debug)]
pub struct LambdaClients {
    config: SdkConfig,
    http: Http,
    own: LambdaApi,
    /// The name of the sessions, by which a call in the trail of the role's account leads to the request in the function's log.
    session_name: String,
    /// The clients of assumed roles, each with its session policy: a request needs one, seldom two, and asks for it with each policy.
    assumed: RefCell<Vec<(Role, String, LambdaApi)>>,
}

impl LambdaClients {
    /// The clients with the credentials of `config`, which sends its requests by `http`.
    #[must_use]
    pub fn new(config: SdkConfig, http: Http) -> Self {
        Self {
            own: LambdaApi::new(&config),
            config,
            http,
            session_name: SESSION_NAME.to_owned(),
            assumed: RefCell::default(),
        }
    }

    /// Makes the connection that the first request will use, while Lambda still gives the function a whole processor. A failure is
    /// no error: the first call makes the connection then.
    pub async fn preconnect(&self) {
        if let Some(endpoint) = lambda::endpoint(&self.config).await {
            self.http.preconnect(endpoint).await;
        }
    }

    /// The clients for one request, which Lambda has given this id, to a function of `account`: a session of another request is not
    /// used again.
    #[must_use]
    pub fn for_request(&self, account: Option<AccountId>, request_id: &str) -> Self {
        Self {
            config: self.config.clone(),
            http: self.http.clone(),
            own: self.own.for_account(account),
            session_name: session_name(request_id),
            assumed: RefCell::default(),
        }
    }

    /// The configuration of the provider's own credentials.
    pub(crate) fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The rate limiter of all calls.
    pub(crate) fn limiter(&self) -> &RateLimiter {
        self.own.limiter()
    }

    /// Whether the provider's own credentials are those of `account`.
    pub(crate) fn is_of_account(&self, account: &str) -> bool {
        let own = self.own.account();
        own.is_some_and(|own| own.to_string() == account)
    }

    /// The state of `resource` in its stack, asked with the provider's own credentials.
    ///
    /// # Errors
    /// If CloudFormation did not say.
    pub(crate) async fn describe_stack_resource(
        &self,
        resource: &StackResource,
    ) -> Result<ResourceState, ApiError> {
        stacks::describe(&self.config, resource).await
    }

    /// The client for `targets` with the credentials of `role`, or with the provider's own.
    ///
    /// # Errors
    /// If the role cannot be assumed.
    pub(crate) async fn get(
        &self,
        role: Option<&Role>,
        targets: &TargetSet,
    ) -> Result<LambdaApi, ApiError> {
        let Some(role) = role else {
            return Ok(self.own.clone());
        };
        let policy = session_policy(targets);
        if let Some(api) = self.cached(role, &policy) {
            return Ok(api);
        }
        let credentials = self.assume(role, &policy).await?;
        let api = self.own.with_role(&self.config, role, credentials);
        let assumed = (role.clone(), policy, api.clone());
        self.assumed.borrow_mut().push(assumed);
        Ok(api)
    }

    /// The client of Organizations with the credentials of `role`.
    ///
    /// # Errors
    /// If the role cannot be assumed.
    pub(crate) async fn organizations(&self, role: &Role) -> Result<OrganizationsApi, ApiError> {
        let credentials = self.assume(role, LISTING_POLICY).await;
        let credentials = credentials.map_err(ApiError::about_organization)?;
        Ok(OrganizationsApi::new(
            &self.http,
            &self.config,
            role,
            credentials.into(),
        ))
    }

    fn cached(&self, role: &Role, policy: &str) -> Option<LambdaApi> {
        let assumed = self.assumed.borrow();
        let mut cached = assumed.iter();
        let found = cached.find(|(cached, of, _)| cached == role && of == policy);
        found.map(|(_, _, api)| api.clone())
    }

    /// Calls STS in the function's own region, which is certainly enabled; a role of another partition cannot be assumed.
    async fn assume(&self, role: &Role, policy: &str) -> Result<Credentials, ApiError> {
        let config = Builder::from(&self.config)
            .retry_config(no_retries())
            .timeout_config(attempt_timeout());
        let call = Sts::from_conf(config.build()).assume_role();
        let call = call
            .role_arn(role.to_string())
            .role_session_name(&self.session_name)
            .duration_seconds(i32::try_from(SESSION_DURATION.as_secs()).unwrap_or_default())
            .policy(policy)
            .set_external_id(role.external_id().map(str::to_owned));
        let started = Instant::now();
        let outcome = call.send().await.map_err(|error| {
            let (kind, code, message) = classify(&error);
            ApiError::of_role(kind, role, &code, &without_external_id(role, message))
        });
        log_call(ASSUME_ROLE, role, outcome.as_ref().err(), started);
        let credentials = outcome?.credentials;
        let credentials = credentials.ok_or_else(|| without_credentials(role))?;
        Ok(Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key,
            Some(credentials.session_token),
            None,
            "AssumeRole",
        ))
    }
}

fn without_credentials(role: &Role) -> ApiError {
    let (code, message) = ("no credentials", "the response contains none");
    ApiError::of_role(ErrorKind::InvalidRequest, role, code, message)
}

/// Lambda's request id, as far as it can be a session name.
///
/// Source: [AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html), `RoleSessionName`.
fn session_name(request_id: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(*c);
    let name: String = request_id.chars().filter(allowed).take(64).collect();
    if name.len() < 2 {
        return SESSION_NAME.to_owned();
    }
    name
}

/// STS repeats a parameter that it rejects, and the external id is a secret.
fn without_external_id(role: &Role, message: String) -> String {
    match role.external_id() {
        Some(external_id) => message.replace(external_id, "***"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_name_is_the_request_id_as_far_as_sts_allows_it() {
        let long = "x".repeat(65);
        for (request_id, name) in [
            (
                "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            ),
            ("a_b+c=d,e.f@g-h", "a_b+c=d,e.f@g-h"),
            ("a b/c:d\n\u{e9}e", "abcde"),
            (long.as_str(), &long[1..]),
            ("ab", "ab"),
            ("a", SESSION_NAME),
            ("é!", SESSION_NAME),
            ("", SESSION_NAME),
        ] {
            assert_eq!(session_name(request_id), name, "{request_id}");
        }
    }

    #[test]
    fn an_external_id_that_sts_repeats_is_not_shown() {
        let arn = "arn:aws:iam::123456789012:role/share";
        let shown = |external_id: Option<&str>| {
            let role = Role::parse(arn, external_id.map(str::to_owned)).expect("a role");
            without_external_id(&role, "Value 'secret' at 'externalId'".to_owned())
        };
        assert_eq!(shown(Some("secret")), "Value '***' at 'externalId'");
        assert_eq!(shown(None), "Value 'secret' at 'externalId'");
    }
}
