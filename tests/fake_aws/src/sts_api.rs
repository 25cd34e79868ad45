//! STS's `AssumeRole`: which roles can be assumed, and the layer that the credentials of each session are restricted to.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api_call::form_value;
use crate::function_process::SESSION_TOKEN;
use crate::http_server::HttpRequest;
use crate::lambda_responses::ApiResponse;
use crate::policies::ApiError;
use crate::query_response;

/// The namespace of the responses.
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The account that the function's own credentials belong to.
const OWN_ACCOUNT: &str = "123456789012";

/// What a session is for that lists the accounts of the organization.
const ALL_ACCOUNTS: &str = "all accounts";

/// The length of a session: the least that STS gives, and the longest that a function runs.
const SECONDS: &str = "900";

/// The parameters of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumeRoleRequest {
    /// The role's ARN.
    pub role: String,
    /// The external id.
    pub external_id: Option<String>,
    /// The name of the session.
    pub session: String,
    /// The only layer that the session policy allows to change, or `all accounts` where it allows to list those.
    pub layer: String,
}

struct Credentials {
    access_key: String,
    secret_key: String,
    session_token: String,
    account: String,
}

/// The roles that can be assumed, and their sessions.
#[derive(Default)]
pub struct Roles {
    /// By ARN, the roles that trust the provider, and the external id that they require.
    trusting: BTreeMap<String, Option<String>>,
    /// By role and layer.
    credentials: BTreeMap<(String, String), Credentials>,
    /// Whether the function's own credentials can have any access key and session token.
    pub accepts_any_credentials: bool,
    /// The requests, successful or not.
    pub requests: Vec<AssumeRoleRequest>,
}

impl Roles {
    /// The role's trust policy allows the provider to assume it, with this external id.
    pub fn trust(&mut self, role: &str, external_id: Option<&str>) {
        self.trusting
            .insert(role.to_owned(), external_id.map(str::to_owned));
    }

    /// The access keys of the role's sessions, one for each layer.
    #[must_use]
    pub fn access_keys(&self, role: &str) -> Vec<&str> {
        let of_role = self.credentials.iter().filter(|((of, _), _)| of == role);
        of_role
            .map(|(_, credentials)| credentials.access_key.as_str())
            .collect()
    }

    /// Whether the session policy, if there is one, allows a call about this layer or layer version.
    #[must_use]
    pub fn allows(&self, access_key: &str, arn: &str) -> bool {
        let mut sessions = self.credentials.iter();
        let session = sessions.find(|(_, session)| session.access_key == access_key);
        session.is_none_or(|((_, layer), _)| arn == layer || arn.starts_with(&format!("{layer}:")))
    }

    /// Whether it is the key of a session that may list the accounts of the organization.
    #[must_use]
    pub fn may_list_accounts(&self, access_key: &str) -> bool {
        let mut sessions = self.credentials.iter();
        sessions.any(|((_, of), session)| session.access_key == access_key && of == ALL_ACCOUNTS)
    }

    /// The secret keys and session tokens, which must not be logged.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let secret = |of: &Credentials| [of.secret_key.clone(), of.session_token.clone()];
        self.credentials.values().flat_map(secret).collect()
    }

    /// The account of the credentials that signed this request.
    ///
    /// # Panics
    /// The session token does not belong to the access key.
    #[must_use]
    pub fn account(&self, access_key: &str, request: &HttpRequest) -> String {
        let mut sessions = self.credentials.values();
        let session = sessions.find(|session| session.access_key == access_key);
        let token = session.map_or(SESSION_TOKEN, |session| &session.session_token);
        let checks = session.is_some() || !self.accepts_any_credentials;
        if let Some(sent) = request.headers.get("x-amz-security-token")
            && checks
        {
            assert_eq!(sent, token, "the session token of {access_key}");
        }
        session
            .map_or(OWN_ACCOUNT, |session| &session.account)
            .to_owned()
    }

    /// Records a request, whatever its response will be.
    ///
    /// # Panics
    /// The session is longer than it need be, or its policy allows more than it need.
    pub fn record(&mut self, request: &HttpRequest) {
        assert_eq!(form_value(request, "Action").unwrap(), "AssumeRole");
        assert_eq!(form_value(request, "Version").unwrap(), "2011-06-15");
        assert_eq!(form_value(request, "DurationSeconds").unwrap(), SECONDS);
        self.requests.push(AssumeRoleRequest {
            role: form_value(request, "RoleArn").unwrap(),
            external_id: form_value(request, "ExternalId"),
            session: form_value(request, "RoleSessionName").unwrap(),
            layer: layer_of_policy(&form_value(request, "Policy").unwrap()),
        });
    }

    /// Responds to the request that was recorded last.
    pub fn assume(&mut self) -> ApiResponse {
        let request = self.requests.last().unwrap().clone();
        let trusts = self.trusting.get(&request.role);
        if trusts.is_none_or(|required| required.is_some() && *required != request.external_id) {
            let role = &request.role;
            let message = format!(
                "User: arn:aws:sts::{OWN_ACCOUNT}:assumed-role/provider/layer-permission is not authorized to perform: sts:AssumeRole on resource: {role}"
            );
            return error_response(&ApiError::new(403, "AccessDenied", &message));
        }
        let number = self.credentials.len();
        let account = request.role.split(':').nth(4).unwrap().to_owned();
        let credentials = self
            .credentials
            .entry((request.role.clone(), request.layer.clone()))
            .or_insert_with(|| Credentials {
                access_key: format!("ASIA{account}{number:04}"),
                secret_key: format!("SECRETKEY-OF-ROLE-{number}"),
                session_token: format!("SESSIONTOKEN-OF-ROLE-{number}"),
                account,
            });
        query_response::new(200, &success(&request, credentials))
    }
}

/// The one layer that an inline session policy is about, or all accounts. Panics if it allows anything else.
fn layer_of_policy(policy: &str) -> String {
    assert!(policy.len() <= 2048, "too long for STS: {policy}");
    let policy: Value = serde_json::from_str(policy).unwrap();
    let listing =
        json!({"Effect": "Allow", "Action": "organizations:ListAccounts", "Resource": "*"});
    if policy == json!({"Version": "2012-10-17", "Statement": [listing]}) {
        return ALL_ACCOUNTS.to_owned();
    }
    let layer = policy["Statement"][0]["Resource"][0].as_str().unwrap();
    let expected = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": [
                "lambda:GetLayerVersionPolicy",
                "lambda:AddLayerVersionPermission",
                "lambda:RemoveLayerVersionPermission",
                "lambda:ListLayerVersions",
            ],
            "Resource": [layer, format!("{layer}:*")],
        }],
    });
    assert_eq!(policy, expected);
    layer.to_owned()
}

fn success(request: &AssumeRoleRequest, credentials: &Credentials) -> String {
    let (account, session) = (&credentials.account, &request.session);
    let (_, name) = request.role.split_once(":role/").unwrap();
    let Credentials {
        access_key,
        secret_key,
        session_token,
        ..
    } = credentials;
    format!(
        "<AssumeRoleResponse xmlns=\"{NAMESPACE}\">
  <AssumeRoleResult>
    <AssumedRoleUser>
      <AssumedRoleId>AROA123EXAMPLE123:{session}</AssumedRoleId>
      <Arn>arn:aws:sts::{account}:assumed-role/{name}/{session}</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{access_key}</AccessKeyId>
      <SecretAccessKey>{secret_key}</SecretAccessKey>
      <SessionToken>{session_token}</SessionToken>
      <Expiration>2099-01-31T12:00:00Z</Expiration>
    </Credentials>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</AssumeRoleResponse>
"
    )
}

/// A session with this access key, whatever role was asked for.
///
/// # Panics
/// The request is not as the provider makes it.
#[must_use]
pub fn session_response(request: &HttpRequest, access_key: &str) -> ApiResponse {
    let mut roles = Roles::default();
    roles.record(request);
    let request = roles.requests.remove(0);
    let credentials = Credentials {
        access_key: access_key.to_owned(),
        secret_key: "SECRETKEY-OF-ROLE".to_owned(),
        session_token: "SESSIONTOKEN-OF-ROLE".to_owned(),
        account: request.role.split(':').nth(4).unwrap().to_owned(),
    };
    query_response::new(200, &success(&request, &credentials))
}

/// A failed call.
#[must_use]
pub fn error_response(error: &ApiError) -> ApiResponse {
    query_response::error(NAMESPACE, error)
}
