//! The organization whose units are granted to: which accounts are in them, and how they move between the operations of a scenario.

use fake_aws::api_call::{ApiCall, Operation};
use fake_aws::http_server::{HttpRequest, HttpResponse};
use fake_aws::lambda_responses::ApiResponse;
use fake_aws::organizations_api::{self, Organization};
use fake_aws::policies::ApiError;
use fake_aws::sts_api;

use crate::desired_state::DesiredState;
use crate::fault::CallFault;
use crate::random_stream::RandomStream;
use crate::scenario::Scenario;

/// The role that may list the accounts.
pub const ROLE: &str = "arn:aws:iam::999999999999:role/list-accounts";

pub const UNITS: [&str; 2] = ["ou-abcd-11111111", "ou-abcd-22222222"];

/// Where the accounts are, by the number of the variant: the second unit is in the first one, or beside it.
const VARIANTS: [[(&str, &str); 4]; 3] = [
    [
        ("111122223333", "ou-abcd-11111111"),
        ("888811112222", "ou-abcd-11111111/ou-abcd-22222222"),
        ("777700001111", ""),
        ("999900001111", ""),
    ],
    [
        ("111122223333", ""),
        ("888811112222", "ou-abcd-11111111/ou-abcd-22222222"),
        ("777700001111", "ou-abcd-11111111"),
        ("999900001111", "ou-abcd-22222222"),
    ],
    [
        ("111122223333", "ou-abcd-11111111"),
        ("888811112222", "ou-abcd-22222222"),
        ("777700001111", "ou-abcd-33333333"),
        ("999900001111", "ou-abcd-11111111"),
    ],
];

/// The organization of this variant. An account that is suspended is in a unit too.
pub fn organization(variant: usize) -> Organization {
    let mut organization = Organization::default();
    organization.page_size = Some(2);
    for (account, units) in VARIANTS[variant] {
        organization.place(account, units);
    }
    organization.set("666600001111", "SUSPENDED", UNITS[0]);
    organization
}

/// The accounts that are granted to by `unit` in this variant.
pub fn members(variant: usize, unit: &str) -> Vec<&'static str> {
    let accounts = VARIANTS[variant].iter();
    let members = accounts.filter(|(_, units)| units.split('/').any(|of| of == unit));
    members.map(|(account, _)| *account).collect()
}

impl Scenario<'_> {
    /// At times accounts move before an operation.
    pub fn move_accounts_at_random(&self, operation: usize) {
        let mut rng = self.random(RandomStream::Organization(operation));
        if operation == 0 || rng.u8(..3) == 0 {
            let variant = rng.usize(..VARIANTS.len());
            self.note(&format!("organization {variant}"));
            let mut layers = self.env.lambda_api.layers();
            layers.organization = organization(variant);
            layers.organization_variant = variant;
        }
    }

    /// `desired` as a request of today makes it: with the accounts that are in the units now.
    pub fn of_today(&self, desired: &DesiredState) -> DesiredState {
        DesiredState {
            organization: self.env.lambda_api.layers().organization_variant,
            ..desired.clone()
        }
    }

    /// `target`, for which an Update is sent if it differs from `current` or if an account has moved: a user asks for that by a nonce.
    pub fn following_accounts(&self, target: DesiredState, current: &DesiredState) -> DesiredState {
        let today = self.of_today(&target);
        let has_moved = today.organization != current.organization && current.has_units();
        if target == *current && !has_moved {
            return target;
        }
        if target == *current {
            return self.of_today(&target.with_new_nonce());
        }
        today
    }
}

/// Responds to a call of Organizations or to the assumption of the role for it, which meet faults of reading only. The session has the
/// access key of the function's own credentials, so that its calls are those of the same execution environment.
pub fn respond(
    organization: &Organization,
    call: &ApiCall,
    request: &HttpRequest,
    fault: Option<CallFault>,
) -> ApiResponse {
    let failure = |status, code| {
        let error = ApiError::new(status, code, "a fault");
        if call.operation == Operation::Assume {
            sts_api::error_response(&error)
        } else {
            organizations_api::error_response(&error)
        }
    };
    match fault {
        Some(CallFault::Rejected(403, _)) => failure(400, "AccessDeniedException"),
        Some(CallFault::Rejected(..) | CallFault::ThrottledWithRetryAfter) => {
            failure(400, "TooManyRequestsException")
        }
        Some(CallFault::FailsAfterEffect(status)) => failure(status, "ServiceException"),
        Some(CallFault::ClosedBeforeEffect | CallFault::ClosedAfterEffect) => {
            (None, HttpResponse::ConnectionClosed)
        }
        Some(CallFault::Malformed(..)) if call.operation == Operation::ListAccounts => {
            let body = r#"{"Accounts":[{"Id":"111122223333","State":"ACTIVE"}]}"#;
            (Some(200), HttpResponse::new(200, &[], body))
        }
        _ if call.operation == Operation::Assume => {
            sts_api::session_response(request, &call.credential.access_key)
        }
        _ => organization.list(call),
    }
}
