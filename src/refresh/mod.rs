//! Follows the accounts that join and leave organizational units, on a schedule: between the events of a stack nothing else would.
//! Which accounts were granted to, the policies themselves say. On any doubt nothing is removed.

mod ledger;
mod policies;
mod sources;
mod status;

use lambda_runtime::Context;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use self::policies::Policies;
use self::sources::sources;
pub use self::status::METRICS;
use self::status::RefreshStatus;
use crate::aws::clients::LambdaClients;
use crate::config::Config;
use crate::deadline::Deadlines;
use crate::inventory::Region;
use crate::policy::function_arn::FunctionArn;
use crate::policy::organization::MemberAccount;
use crate::reconcile::units::list_accounts;
use crate::telemetry::RequestScope;
use crate::text::shown;

/// The length of the longest event that is parsed for this: that of the schedule has 33 bytes, and most requests have more.
const MAX_EVENT_LEN: usize = 100;

/// Whether it is the event by which a schedule asks for a refresh, `{"Refresh": "OrganizationalUnits"}`.
#[must_use]
pub fn is_requested(event: &[u8]) -> bool {
    event.len() < MAX_EVENT_LEN
        && serde_json::from_slice::<Value>(event)
            .is_ok_and(|event| event == json!({"Refresh": "OrganizationalUnits"}))
}

/// One refresh.
pub struct Refresh<'a> {
    clients: &'a LambdaClients,
    config: &'a Config,
    end: Instant,
    status: RefreshStatus,
}

impl<'a> Refresh<'a> {
    /// A refresh that ends before the deadline of the function, which `context` tells.
    #[must_use]
    pub fn new(clients: &'a LambdaClients, config: &'a Config, context: &Context) -> Self {
        Self {
            clients,
            config,
            end: Deadlines::at(context.deadline).work,
            status: RefreshStatus::default(),
        }
    }

    /// Adds the statements of accounts that have joined a unit, and removes those of accounts that have left. What fails is logged and
    /// counted, and the next refresh does it: Lambda has nothing to retry.
    pub async fn run(&self, context: &Context) {
        let _lines_with_id = RequestScope::enter(&context.request_id, &Value::Null);
        let arn = &context.invoked_function_arn;
        match arn.parse::<FunctionArn>() {
            Ok(function) => {
                let refreshed = self.refresh(&function, &context.request_id);
                if timeout_at(self.end, refreshed).await.is_err() {
                    let (done, all) = self.status.progress.get();
                    self.status.report(&format!(
                        "timed out: got {done} of {all} resources done, raise the function's timeout"
                    ));
                }
            }
            Err(_) => self.status.report(&format!(
                "not a function: got {} as the function's own ARN, run it on Lambda",
                shown(arn)
            )),
        }
        self.status.finish(context);
    }

    async fn refresh(&self, function: &FunctionArn, request_id: &str) {
        let location = function.location();
        let account = location.account();
        let clients = self.clients.for_request(Some(account.clone()), request_id);
        let Some(accounts) = self.accounts(&clients).await else {
            return;
        };
        let region = Region::new(account.clone(), clients.config(), location.region());
        let export = format!("{}-ServiceToken", function.name());
        let named = &self.config.refresh_targets;
        let mut sources = sources(&region, &export, named, &self.status).await;
        let policies = Policies {
            region: &region,
            guardrails: &self.config.guardrails,
            function,
            accounts: &accounts,
            lists: &sources.iter().filter_map(|of| of.list.clone()).collect(),
            status: &self.status,
        };
        // If it always were the same ones, a time too short for all would never be enough for the last.
        let first = fastrand::usize(..=sources.len());
        sources.rotate_left(first);
        for (done, source) in sources.iter().enumerate() {
            self.status.progress.set((done, sources.len()));
            policies.refresh(source).await;
        }
    }

    /// The active accounts of the organization, if all of them are known.
    async fn accounts(&self, clients: &LambdaClients) -> Option<Vec<MemberAccount>> {
        let Some(role) = &self.config.organizations_role else {
            self.status.report(
                "organizational units not configured: got no `OrganizationsRoleArn`, set it or leave `RefreshSchedule` empty",
            );
            return None;
        };
        match list_accounts(clients, role, self.end).await {
            Ok(accounts) => {
                self.status.accounts.set(accounts.len());
                Some(accounts)
            }
            Err(error) => {
                self.status.report(&error.to_string());
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_event_of_the_schedule_asks_for_a_refresh() {
        let with_url = r#"{"Refresh":"OrganizationalUnits","ResponseURL":"https://x"}"#;
        for (event, is_refresh) in [
            (r#"{"Refresh":"OrganizationalUnits"}"#, true),
            (" {\"Refresh\": \"OrganizationalUnits\"}\n", true),
            (with_url, false),
            (r#"{"Refresh":"Units"}"#, false),
            (r#""Refresh""#, false),
            ("{}", false),
            ("", false),
        ] {
            assert_eq!(is_requested(event.as_bytes()), is_refresh, "{event}");
        }
    }
}
