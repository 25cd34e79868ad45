//! Plays STS for one operation: which roles may be assumed, and which layer the credentials are for that each is given.
//! Refuses to know what the credentials are used for.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::executable::SESSION_TOKEN;
use crate::lambda_call::form_value;
use crate::layer_policies::Refusal;
use crate::server::{Asked, Reply};

/// The account that the function's own credentials belong to.
const OWN_ACCOUNT: &str = "123456789012";

/// The length of a session: the least that STS gives, and the longest that a function runs.
const SECONDS: &str = "900";

/// What one request asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumption {
    pub role: String,
    pub external_id: Option<String>,
    pub session: String,
    /// The layer that the session policy allows to write to, and none other.
    pub layer: String,
}

struct Credentials {
    access_key: String,
    secret_key: String,
    session_token: String,
    account: String,
}

#[derive(Default)]
pub struct Roles {
    /// By ARN, the roles that trust the provider, and the external id that they demand.
    trusting: BTreeMap<String, Option<String>>,
    /// By role and layer.
    credentials: BTreeMap<(String, String), Credentials>,
    /// What was asked for, refused or not.
    pub asked_for: Vec<Assumption>,
}

impl Roles {
    pub fn trust(&mut self, role: &str, external_id: Option<&str>) {
        self.trusting
            .insert(role.to_owned(), external_id.map(str::to_owned));
    }

    /// The access keys by which the assumed role is known, one for each layer.
    pub fn access_keys(&self, role: &str) -> Vec<&str> {
        let of_role = self.credentials.iter().filter(|((of, _), _)| of == role);
        of_role
            .map(|(_, given)| given.access_key.as_str())
            .collect()
    }

    /// Whether the session policy, if there is one, allows a call about this layer or layer version.
    pub fn allows(&self, access_key: &str, arn: &str) -> bool {
        let mut known = self.credentials.iter();
        let assumed = known.find(|(_, known)| known.access_key == access_key);
        assumed.is_none_or(|((_, layer), _)| arn == layer || arn.starts_with(&format!("{layer}:")))
    }

    /// What the log must not hold.
    pub fn secrets(&self) -> Vec<String> {
        let secret = |of: &Credentials| [of.secret_key.clone(), of.session_token.clone()];
        self.credentials.values().flat_map(secret).collect()
    }

    /// The account of who signed this request. Panics where the token does not belong to the key.
    pub fn account(&self, access_key: &str, asked: &Asked) -> String {
        let mut known = self.credentials.values();
        let assumed = known.find(|known| known.access_key == access_key);
        let token = assumed.map_or(SESSION_TOKEN, |role| &role.session_token);
        if let Some(sent) = asked.headers.get("x-amz-security-token") {
            assert_eq!(sent, token, "the session token of {access_key}");
        }
        assumed.map_or(OWN_ACCOUNT, |role| &role.account).to_owned()
    }

    /// Notes what is asked for, whatever it will be answered. Panics where a session is longer than it need be, or allowed
    /// more.
    pub fn note(&mut self, asked: &Asked) {
        assert_eq!(form_value(asked, "Action").unwrap(), "AssumeRole");
        assert_eq!(form_value(asked, "Version").unwrap(), "2011-06-15");
        assert_eq!(form_value(asked, "DurationSeconds").unwrap(), SECONDS);
        self.asked_for.push(Assumption {
            role: form_value(asked, "RoleArn").unwrap(),
            external_id: form_value(asked, "ExternalId"),
            session: form_value(asked, "RoleSessionName").unwrap(),
            layer: layer_of_policy(&form_value(asked, "Policy").unwrap()),
        });
    }

    /// Answers what was noted last.
    pub fn assume(&mut self) -> (Option<u16>, Reply) {
        let asked = self.asked_for.last().unwrap().clone();
        let trusts = self.trusting.get(&asked.role);
        if trusts.is_none_or(|demanded| demanded.is_some() && *demanded != asked.external_id) {
            let role = &asked.role;
            let message = format!(
                "User: arn:aws:sts::{OWN_ACCOUNT}:assumed-role/provider/layer-permission is not authorized to perform: sts:AssumeRole on resource: {role}"
            );
            return refused(&Refusal::new(403, "AccessDenied", &message));
        }
        let number = self.credentials.len();
        let account = asked.role.split(':').nth(4).unwrap().to_owned();
        let credentials = self
            .credentials
            .entry((asked.role.clone(), asked.layer.clone()))
            .or_insert_with(|| Credentials {
                access_key: format!("ASIA{account}{number:04}"),
                secret_key: format!("SECRETKEY-OF-ROLE-{number}"),
                session_token: format!("SESSIONTOKEN-OF-ROLE-{number}"),
                account,
            });
        answered(200, &success(&asked, credentials))
    }
}

/// The one layer that an inline session policy is about. Panics where it allows anything else.
fn layer_of_policy(policy: &str) -> String {
    assert!(policy.len() <= 2048, "too long for STS: {policy}");
    let policy: Value = serde_json::from_str(policy).unwrap();
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

fn success(asked: &Assumption, given: &Credentials) -> String {
    let (account, session) = (&given.account, &asked.session);
    let (_, name) = asked.role.split_once(":role/").unwrap();
    let (key, secret, token) = (&given.access_key, &given.secret_key, &given.session_token);
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">
  <AssumeRoleResult>
    <AssumedRoleUser>
      <AssumedRoleId>AROA123EXAMPLE123:{session}</AssumedRoleId>
      <Arn>arn:aws:sts::{account}:assumed-role/{name}/{session}</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{key}</AccessKeyId>
      <SecretAccessKey>{secret}</SecretAccessKey>
      <SessionToken>{token}</SessionToken>
      <Expiration>2099-01-31T12:00:00Z</Expiration>
    </Credentials>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</AssumeRoleResponse>
"
    )
}

pub fn refused(refusal: &Refusal) -> (Option<u16>, Reply) {
    let (code, message) = (&refusal.code, &refusal.message);
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">
  <Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>
  <RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId>
</ErrorResponse>
"
    );
    answered(refusal.status, &body)
}

fn answered(status: u16, body: &str) -> (Option<u16>, Reply) {
    let headers = [("Content-Type", "text/xml")];
    (Some(status), Reply::new(status, &headers, body.to_owned()))
}
