//! Opens the door to Lambda: with the provider's own credentials, or with those of a role that a resource names.
//! The only file that knows STS; does not retry.

use std::cell::RefCell;

use aws_config::SdkConfig;
use aws_sdk_sts::Client as Sts;
use aws_sdk_sts::config::{Builder, Credentials};
use serde_json::json;
use tokio::time::Instant;

use super::call::{attempt_timeout, log_call, no_retries, told};
use super::failure::{Failure, Kind};
use super::lambda::{self, Lambda};
use super::pace::Pace;
use crate::http::Http;
use crate::permission::arn::LayerArn;
use crate::permission::role::Role;

/// The name of a session where the event has no request id that could be one.
const SESSION_NAME: &str = "lambda-permission-provider";

/// How long the credentials of a role are good for, in seconds: no function runs longer, and STS gives none for less.
const SESSION_SECONDS: i32 = 900;

/// The ways to Lambda's API that one function has.
#[derive(Clone, Debug)]
pub struct Doors {
    config: SdkConfig,
    own: Lambda,
    /// The name of the sessions, by which a call in the trail of the role's account leads to the event in the function's log.
    session_name: String,
    /// The clients whose role has been assumed, each for one layer: one event needs one, seldom two, and asks for it with
    /// each policy.
    assumed: RefCell<Vec<(Role, LayerArn, Lambda)>>,
}

impl Doors {
    /// The doors of a function with the credentials of `config`.
    #[must_use]
    pub fn new(config: SdkConfig) -> Self {
        Self {
            own: Lambda::new(&config),
            config,
            session_name: SESSION_NAME.to_owned(),
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

    /// The same doors for one event of the function of this ARN, which Lambda has given this request id: what was assumed for
    /// another event is not used again.
    #[must_use]
    pub fn of_function(&self, function_arn: &str, request_id: &str) -> Self {
        let account = function_arn
            .split(':')
            .nth(4)
            .and_then(|account| account.parse().ok());
        Self {
            config: self.config.clone(),
            own: self.own.of_account(account),
            session_name: session_name(request_id),
            assumed: RefCell::default(),
        }
    }

    /// The pace of all calls through these doors.
    pub(super) fn pace(&self) -> &Pace {
        self.own.pace()
    }

    /// The door to `layer` for `role`, or the provider's own, which is one to every layer.
    ///
    /// # Errors
    /// If the role cannot be assumed.
    pub(super) async fn open(
        &self,
        role: Option<&Role>,
        layer: &LayerArn,
    ) -> Result<Lambda, Failure> {
        let Some(role) = role else {
            return Ok(self.own.clone());
        };
        if let Some(lambda) = self.known(role, layer) {
            return Ok(lambda);
        }
        let credentials = self.assume(role, layer).await?;
        let lambda = self.own.by_role(&self.config, role, credentials);
        let assumed = (role.clone(), layer.clone(), lambda.clone());
        self.assumed.borrow_mut().push(assumed);
        Ok(lambda)
    }

    fn known(&self, role: &Role, layer: &LayerArn) -> Option<Lambda> {
        let assumed = self.assumed.borrow();
        let mut known = assumed.iter();
        let found = known.find(|(known, of, _)| known == role && of == layer);
        found.map(|(_, _, lambda)| lambda.clone())
    }

    /// Asks STS in the function's own region, which is certainly enabled; a role of another partition cannot be assumed.
    async fn assume(&self, role: &Role, layer: &LayerArn) -> Result<Credentials, Failure> {
        let config = Builder::from(&self.config)
            .retry_config(no_retries())
            .timeout_config(attempt_timeout());
        let call = Sts::from_conf(config.build()).assume_role();
        let call = call
            .role_arn(role.to_string())
            .role_session_name(&self.session_name)
            .duration_seconds(SESSION_SECONDS)
            .policy(session_policy(layer))
            .set_external_id(role.external_id().map(str::to_owned));
        let started = Instant::now();
        let outcome = call.send().await.map_err(|error| {
            let (kind, code, message) = told(&error);
            Failure::of_role(kind, role, &code, &without_external_id(role, message))
        });
        log_call("sts:AssumeRole", role, outcome.as_ref().err(), started);
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

fn without_credentials(role: &Role) -> Failure {
    let (code, message) = ("no credentials", "the answer holds none");
    Failure::of_role(Kind::Refused, role, code, message)
}

/// The request id of Lambda, as far as it may be the name of a session.
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

/// What a session may do, of all that its role may: what the provider does, on this layer and its versions.
fn session_policy(layer: &LayerArn) -> String {
    let statement = json!({
        "Effect": "Allow",
        "Action": [
            "lambda:GetLayerVersionPolicy",
            "lambda:AddLayerVersionPermission",
            "lambda:RemoveLayerVersionPermission",
            "lambda:ListLayerVersions",
        ],
        "Resource": [layer.to_string(), format!("{layer}:*")],
    });
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

/// STS repeats a parameter that it refuses, and the external id is nobody's to read.
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
    fn a_session_bears_the_request_id_as_far_as_sts_allows_it() {
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
    fn the_longest_session_policy_is_one_that_sts_takes() {
        let name = "x".repeat(140);
        let arn = format!("arn:aws-us-gov:lambda:us-gov-northwest-1:123456789012:layer:{name}");
        let policy = session_policy(&arn.parse().expect("a layer"));
        assert!(policy.len() < 2048, "{policy}");
    }

    #[test]
    fn what_sts_repeats_of_an_external_id_is_not_shown() {
        let arn = "arn:aws:iam::123456789012:role/share";
        let told = |external_id: Option<&str>| {
            let role = Role::read(arn, external_id.map(str::to_owned)).expect("a role");
            without_external_id(&role, "Value 'secret' at 'externalId'".to_owned())
        };
        assert_eq!(told(Some("secret")), "Value '***' at 'externalId'");
        assert_eq!(told(None), "Value 'secret' at 'externalId'");
    }
}
