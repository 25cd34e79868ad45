//! The one call of AWS Organizations: which accounts there are, and where. It is sent here, signed by AWS's own library: the SDK for this
//! service would make the executable larger by a twentieth for that.

use std::time::SystemTime;

use aws_config::{Region, SdkConfig};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::identity::Identity;
use http::Request;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::call::{MALFORMED, code_of_status, log_call};
use super::config::endpoint_url;
use super::error::{ApiError, ErrorKind, LIST_ACCOUNTS};
use crate::deadline::CALL_TIMEOUT;
use crate::http::{Http, NoResponse};
use crate::partition::Partition;
use crate::policy::organization::MemberAccount;
use crate::policy::role::Role;
use crate::text::one_line;

/// The most accounts that Organizations lists at once.
const PAGE_SIZE: usize = 20;

/// The operation as the JSON protocol names it.
const TARGET: &str = "AWSOrganizationsV20161128.ListAccounts";

/// Some accounts of the organization, and where the next ones begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountPage {
    /// The active ones.
    pub(crate) accounts: Vec<MemberAccount>,
    /// The token of the next page, if there is one.
    pub(crate) next: Option<String>,
}

/// The API with the credentials of a role.
///
/// Source: [ListAccounts](https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html).
#[derive(Clone, Debug)]
pub(crate) struct OrganizationsApi {
    http: Http,
    endpoint: String,
    /// The region that requests are signed for.
    region: &'static str,
    identity: Identity,
    role: Role,
}

impl OrganizationsApi {
    /// The API in the partition of `config`, with the credentials `identity` of `role`.
    pub(super) fn new(http: &Http, config: &SdkConfig, role: &Role, identity: Identity) -> Self {
        let region = config.region().map_or("", Region::as_ref);
        let partition = Partition::for_region(region);
        let flags = [config.use_fips(), config.use_dual_stack()].map(|flag| flag == Some(true));
        Self {
            http: http.clone(),
            endpoint: endpoint_url("Organizations").unwrap_or_else(|| endpoint(partition, flags)),
            region: partition.organizations_region,
            identity,
            role: role.clone(),
        }
    }

    /// The active accounts from `token` on.
    ///
    /// # Errors
    /// If Organizations did not list them, or not all that there is to know of one.
    pub(crate) async fn accounts(&self, token: Option<String>) -> Result<AccountPage, ApiError> {
        let started = Instant::now();
        let page = self.call(token).await;
        log_call(LIST_ACCOUNTS, &self.role, page.as_ref().err(), started);
        page
    }

    async fn call(&self, token: Option<String>) -> Result<AccountPage, ApiError> {
        let request = self.request(token, SystemTime::now());
        let request = request.map_err(|error| {
            self.error(ErrorKind::Misconfigured, "no request", &error.to_string())
        })?;
        let response = self.http.send(request, CALL_TIMEOUT).await;
        let (status, body) = response.map_err(|error| {
            let kind = match error {
                NoResponse::Timeout => ErrorKind::OutcomeUnknown,
                NoResponse::Connection(_) => ErrorKind::NetworkFailure,
            };
            self.error(kind, "no response", &error.to_string())
        })?;
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status != 200 {
            return Err(self.failure(status, &body));
        }
        page(&body).ok_or_else(|| {
            // What is missing may be an account that is in a unit: a list without it would revoke its grant.
            let message = "got an account without an id, a state or a path, or no list";
            self.error(ErrorKind::MalformedResponse, MALFORMED, message)
        })
    }

    /// The signed request.
    fn request(
        &self,
        token: Option<String>,
        now: SystemTime,
    ) -> Result<Request<Vec<u8>>, BoxError> {
        let body = match token {
            Some(token) => json!({"MaxResults": PAGE_SIZE, "NextToken": token}),
            None => json!({"MaxResults": PAGE_SIZE}),
        };
        let (content_type, body) = ("application/x-amz-json-1.1", body.to_string().into_bytes());
        let headers = [("content-type", content_type), ("x-amz-target", TARGET)];
        let mut request = Request::post(&self.endpoint).body(body)?;
        for (name, value) in headers {
            request.headers_mut().insert(name, value.parse()?);
        }
        let params = SigningParams::builder()
            .identity(&self.identity)
            .region(self.region)
            .name("organizations")
            .time(now)
            .settings(SigningSettings::default())
            .build()?
            .into();
        let uri = request.uri().to_string();
        let body = SignableBody::Bytes(request.body());
        let signable = SignableRequest::new("POST", uri, headers.into_iter(), body)?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    /// What the response says that has another status than 200.
    fn failure(&self, status: u16, body: &Value) -> ApiError {
        let text = |names: [&str; 2]| names.iter().find_map(|name| body.get(name)?.as_str());
        // The code may have its namespace before it.
        let code = text(["__type", "code"]).and_then(|code| code.rsplit('#').next());
        let message = text(["message", "Message"]).map(str::to_owned);
        let message = message.unwrap_or_else(|| format!("HTTP status {status}"));
        match code.map(one_line).or_else(|| code_of_status(status)) {
            Some(code) => self.error(ErrorKind::from_code(&code, status), &code, &message),
            None => self.error(ErrorKind::OutcomeUnknown, MALFORMED, &message),
        }
    }

    fn error(&self, kind: ErrorKind, code: &str, message: &str) -> ApiError {
        ApiError::of_organization(kind, &self.role, code, message)
    }
}

/// The endpoint of the service in `partition`, as AWS's SDKs know it.
fn endpoint(partition: Partition, [is_fips, is_dual_stack]: [bool; 2]) -> String {
    let Partition {
        name,
        organizations_region: region,
        ..
    } = partition;
    let suffix = match name {
        "aws" | "aws-us-gov" if is_dual_stack => "api.aws",
        "aws-cn" if is_dual_stack => "api.amazonwebservices.com.cn",
        _ => partition.dns_suffix,
    };
    let is_fips = is_fips && name != "aws-us-gov";
    let service = if is_fips {
        "organizations-fips"
    } else {
        "organizations"
    };
    format!("https://{service}.{region}.{suffix}")
}

/// The page that a response contains; none if anything of it is missing.
fn page(body: &Value) -> Option<AccountPage> {
    let accounts = body.get("Accounts")?.as_array()?.iter().map(member);
    let next = match body.get("NextToken") {
        None | Some(Value::Null) => None,
        Some(token) => Some(token.as_str()?.to_owned()),
    };
    Some(AccountPage {
        accounts: accounts.collect::<Option<Vec<_>>>()?.concat(),
        next: next.filter(|token| !token.is_empty()),
    })
}

/// Where an active account is; nothing of one that is not, and none where something is missing.
fn member(account: &Value) -> Option<Vec<MemberAccount>> {
    if account.get("State")?.as_str()? != "ACTIVE" {
        return Some(Vec::new());
    }
    let id = account.get("Id")?.as_str()?;
    let paths = account.get("Paths")?.as_array()?.iter();
    let members = paths.map(|path| path.as_str()?.parse::<MemberAccount>().ok());
    let members: Vec<MemberAccount> = members.collect::<Option<_>>()?;
    let is_its = |member: &MemberAccount| member.id.to_string() == id;
    (!members.is_empty() && members.iter().all(is_its)).then_some(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::TlsConfig;
    use aws_sdk_sts::config::Credentials;
    use std::time::Duration;

    #[test]
    fn an_account_counts_if_it_is_active_and_nothing_of_it_is_missing() {
        let (id, path) = (
            "111122223333",
            "o-abc1234567/r-abcd/ou-abcd-11111111/111122223333/",
        );
        for (account, members) in [
            (
                json!({"Id": id, "State": "ACTIVE", "Paths": [path]}),
                Some(1),
            ),
            (
                json!({"Id": id, "State": "SUSPENDED", "Paths": [path]}),
                Some(0),
            ),
            (json!({"Id": id, "State": "PENDING_CLOSURE"}), Some(0)),
            (json!({"State": "CLOSED"}), Some(0)),
            (
                json!({"Id": id, "State": "ACTIVE", "Paths": [path.replace(id, "444455556666")]}),
                None,
            ),
            (
                json!({"Id": id, "State": "ACTIVE", "Paths": ["o-abc1234567/"]}),
                None,
            ),
            (json!({"Id": id, "State": "ACTIVE", "Paths": []}), None),
            (json!({"Id": id, "State": "ACTIVE"}), None),
            (json!({"State": "ACTIVE", "Paths": [path]}), None),
            // As it was before `State`.
            (json!({"Id": id, "Status": "ACTIVE", "Paths": [path]}), None),
        ] {
            assert_eq!(member(&account).map(|of| of.len()), members, "{account}");
        }
    }

    #[test]
    fn a_page_has_a_list_and_perhaps_a_token() {
        let next = |body: Value| page(&body).map(|page| page.next);
        assert_eq!(next(json!({"Accounts": []})), Some(None));
        assert_eq!(next(json!({"Accounts": [], "NextToken": null})), Some(None));
        assert_eq!(next(json!({"Accounts": [], "NextToken": ""})), Some(None));
        assert_eq!(
            next(json!({"Accounts": [], "NextToken": "t"})),
            Some(Some("t".to_owned()))
        );
        assert_eq!(next(json!({"Accounts": [], "NextToken": 2})), None);
        assert_eq!(next(json!({"Accounts": {}})), None);
        assert_eq!(next(json!({})), None);
    }

    fn api(region: &'static str) -> OrganizationsApi {
        let tls = TlsConfig::from_env(|_| None).expect("a configuration");
        let http = Http::new(tls).expect("a client");
        let config = SdkConfig::builder().region(Region::new(region)).build();
        let role = Role::parse("arn:aws:iam::999988887777:role/list", None).expect("a role");
        let credentials = Credentials::new("AKID", "secret", Some("token".into()), None, "test");
        OrganizationsApi::new(&http, &config, &role, credentials.into())
    }

    #[test]
    fn the_endpoint_is_in_one_region_of_each_partition() {
        for (region, is_fips, is_dual_stack, host) in [
            (
                "eu-west-1",
                false,
                false,
                "organizations.us-east-1.amazonaws.com",
            ),
            (
                "eu-west-1",
                true,
                false,
                "organizations-fips.us-east-1.amazonaws.com",
            ),
            (
                "eu-west-1",
                true,
                true,
                "organizations-fips.us-east-1.api.aws",
            ),
            (
                "cn-north-1",
                false,
                false,
                "organizations.cn-northwest-1.amazonaws.com.cn",
            ),
            (
                "cn-north-1",
                false,
                true,
                "organizations.cn-northwest-1.api.amazonwebservices.com.cn",
            ),
            (
                "us-gov-east-1",
                false,
                false,
                "organizations.us-gov-west-1.amazonaws.com",
            ),
            (
                "us-gov-east-1",
                true,
                true,
                "organizations.us-gov-west-1.api.aws",
            ),
            (
                "eusc-de-east-1",
                false,
                true,
                "organizations.eusc-de-east-1.amazonaws.eu",
            ),
            (
                "us-iso-west-1",
                false,
                false,
                "organizations.us-iso-east-1.c2s.ic.gov",
            ),
            (
                "us-isob-east-1",
                false,
                false,
                "organizations.us-isob-east-1.sc2s.sgov.gov",
            ),
            (
                "eu-isoe-west-1",
                false,
                false,
                "organizations.eu-isoe-west-1.cloud.adc-e.uk",
            ),
            (
                "us-isof-east-1",
                true,
                false,
                "organizations-fips.us-isof-south-1.csp.hci.ic.gov",
            ),
        ] {
            let found = endpoint(Partition::for_region(region), [is_fips, is_dual_stack]);
            assert_eq!(found, format!("https://{host}"));
        }
        assert_eq!(
            api("eu-west-1").endpoint,
            "https://organizations.us-east-1.amazonaws.com"
        );
    }

    #[test]
    fn a_request_is_signed_for_the_region_of_the_endpoint() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
        let request = api("eu-west-1")
            .request(Some("next".to_owned()), now)
            .expect("a request");
        let header = |name: &str| request.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header("x-amz-target"), TARGET);
        assert_eq!(header("x-amz-security-token"), "token");
        let authorization = header("authorization");
        let scope = "AWS4-HMAC-SHA256 Credential=AKID/20261118/us-east-1/organizations/aws4_request, \
                     SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=";
        assert!(authorization.starts_with(scope), "{authorization}");
        let body: Value = serde_json::from_slice(request.body()).expect("JSON");
        assert_eq!(body, json!({"MaxResults": 20, "NextToken": "next"}));
    }

    #[test]
    fn a_failure_has_the_code_of_the_service_or_that_of_its_status() {
        for (status, body, kind, code) in [
            (
                400,
                json!({"__type": "AccessDeniedException", "Message": "m"}),
                ErrorKind::AccessDenied,
                "AccessDeniedException",
            ),
            (
                400,
                json!({"__type": "com.amazonaws.organizations#TooManyRequestsException"}),
                ErrorKind::Throttled,
                "TooManyRequestsException",
            ),
            (500, Value::Null, ErrorKind::OutcomeUnknown, "no code"),
            (429, Value::Null, ErrorKind::Throttled, "no code"),
            (302, Value::Null, ErrorKind::OutcomeUnknown, MALFORMED),
        ] {
            let error = api("eu-west-1").failure(status, &body);
            assert_eq!((error.kind, error.code()), (kind, code), "{status} {body}");
        }
    }
}
