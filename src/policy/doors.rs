//! Opens the door to Lambda: with the provider's own credentials, or with those of a role that a resource names.
//! The only file that knows STS; does not retry.

use std::cell::RefCell;

use aws_config::SdkConfig;
use aws_sdk_sts::Client as Sts;
use aws_sdk_sts::config::{Builder, Credentials};
use tokio::time::Instant;

use super::call::{attempt_timeout, log_call, no_retries, told};
use super::failure::{Failure, Kind};
use super::lambda::{self, Lambda};
use super::pace::Pace;
use crate::http::Http;
use crate::permission::role::Role;

/// The name by which the log of the role's account knows who called.
const SESSION_NAME: &str = "lambda-permission-provider";

/// The ways to Lambda's API that one function has.
#[derive(Clone, Debug)]
pub struct Doors {
    config: SdkConfig,
    own: Lambda,
    /// The role that was assumed last, and its door: one event needs one role, seldom two, and asks for it with each policy.
    assumed: RefCell<Option<(Role, Lambda)>>,
}

impl Doors {
    /// The doors of a function with the credentials of `config`.
    #[must_use]
    pub fn new(config: SdkConfig) -> Self {
        Self {
            own: Lambda::new(&config),
            config,
            assumed: RefCell::default(),
        }
    }

    /// Makes the connection that the first event will use, while Lambda still gives the function a whole processor. Not to
    /// succeed is no error: it is tried again when it is needed.
    pub async fn connect(&self, http: &Http) {
        if let Some(address) = lambda::address(&self.config).await {
            http.connect(address).await;
        }
    }

    /// The same doors for one event of the function of this ARN: what was assumed for another event is not used again.
    #[must_use]
    pub fn of_function(&self, function_arn: &str) -> Self {
        let account = function_arn
            .split(':')
            .nth(4)
            .and_then(|account| account.parse().ok());
        Self {
            config: self.config.clone(),
            own: self.own.of_account(account),
            assumed: RefCell::default(),
        }
    }

    /// The pace of all calls through these doors.
    pub(super) fn pace(&self) -> &Pace {
        self.own.pace()
    }

    /// The door for `role`, or the provider's own.
    ///
    /// # Errors
    /// If the role cannot be assumed.
    pub(super) async fn open(&self, role: Option<&Role>) -> Result<Lambda, Failure> {
        let Some(role) = role else {
            return Ok(self.own.clone());
        };
        if let Some((known, lambda)) = &*self.assumed.borrow()
            && known == role
        {
            return Ok(lambda.clone());
        }
        let lambda = self
            .own
            .by_role(&self.config, role, self.assume(role).await?);
        *self.assumed.borrow_mut() = Some((role.clone(), lambda.clone()));
        Ok(lambda)
    }

    /// Asks STS in the function's own region, which is certainly enabled; a role of another partition cannot be assumed.
    async fn assume(&self, role: &Role) -> Result<Credentials, Failure> {
        let config = Builder::from(&self.config)
            .retry_config(no_retries())
            .timeout_config(attempt_timeout());
        let call = Sts::from_conf(config.build()).assume_role();
        let call = call
            .role_arn(role.to_string())
            .role_session_name(SESSION_NAME)
            .set_external_id(role.external_id().map(str::to_owned));
        let started = Instant::now();
        let outcome = call.send().await.map_err(|error| {
            let (kind, code, message) = told(&error);
            Failure::of_role(kind, role, &code, &message)
        });
        log_call("sts:AssumeRole", role, outcome.as_ref().err(), started);
        let credentials = outcome?.credentials.ok_or_else(|| {
            Failure::of_role(
                Kind::Refused,
                role,
                "no credentials",
                "the answer holds none",
            )
        })?;
        Ok(Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key,
            Some(credentials.session_token),
            None,
            "AssumeRole",
        ))
    }
}
