//! Lambda's API for policies over HTTP, with STS, CloudFormation and Organizations on the same port: injects faults and records every call. The rules of policies and
//! of a role stand in `layer_policies`, `function_policies`, `sts_api` and `cloudformation_api`.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_AddLayerVersionPermission.html>

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::api_call::{ApiCall, CredentialScope, Operation};
use crate::api_fault::{Fault, Faults};
use crate::cloudformation_api::{self, Stacks};
use crate::http_server::{HttpRequest, HttpResponse, serve};
use crate::inventory_api;
use crate::lambda_responses::{
    ApiResponse, added_response, error_response, malformed_policy_response, policy_response,
    throttled_response,
};
use crate::organizations_api::{self, Organization};
use crate::policies::{ApiError, Policies, Policy};
use crate::policy_api;
use crate::rate_limit::RateLimit;
use crate::sts_api::{self, Roles};
use crate::unconditional_writes::UnconditionalWrites;

/// How long after an unconditional write another one still overwrites it, where unconditional writes race.
const RACE: Duration = Duration::from_millis(20);

/// What the API knows.
#[derive(Default)]
pub struct State {
    /// The layer versions and functions, and their policies.
    pub policies: Policies,
    /// The roles that can be assumed.
    pub roles: Roles,
    /// The stacks.
    pub stacks: Stacks,
    /// The organization.
    pub organization: Organization,
    /// The calls, in the order of their responses.
    pub calls: Vec<ApiCall>,
    /// The faults to come.
    pub faults: Faults,
    /// Throttles the calls to Lambda beyond so many a second.
    pub rate_limit: Option<RateLimit>,
    /// How long the calls of an operation take until they have an effect.
    pub delays: HashMap<Operation, Duration>,
    /// Whether an unconditional write loses the statements of those that were made since it began.
    pub unconditional_writes_race: bool,
    unconditional_writes: UnconditionalWrites,
    /// What `Fault::StaleRead` returns.
    before_last_write: HashMap<String, Option<Policy>>,
}

/// The API on a loopback port.
#[derive(Clone)]
pub struct LambdaApi {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl LambdaApi {
    /// Starts the API, without any layers.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let address = serve(move |request| respond(Arc::clone(&shared), request)).await;
        Self { address, state }
    }

    /// Responds to a request that another server received.
    pub fn handle(
        &self,
        request: HttpRequest,
    ) -> impl Future<Output = HttpResponse> + Send + use<> {
        respond(Arc::clone(&self.state), request)
    }

    /// What the API knows.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next calls of `operation` meet these faults, one each, in order.
    pub fn inject(&self, operation: Operation, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.inject(operation, None, faults);
    }

    /// Every call of `operation` meets this fault.
    pub fn inject_always(&self, operation: Operation, fault: Fault) {
        self.state().faults.inject_always(operation, None, fault);
    }

    /// Ends what `inject_always` began.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// How many calls were signed by this access key since the last call of this function.
    #[must_use]
    pub fn take_number_of_calls(&self, access_key: &str) -> usize {
        let mut state = self.state();
        let before = state.calls.len();
        state
            .calls
            .retain(|call| call.credential.access_key != access_key);
        before - state.calls.len()
    }

    /// The calls since the last call of this function, a line each.
    #[must_use]
    pub fn take_calls(&self) -> Vec<String> {
        self.state()
            .calls
            .drain(..)
            .map(|call| call.to_string())
            .collect()
    }
}

/// Responds to one call. Of two unconditional writes that overlap, the later one takes effect on the policy as it was when it
/// began; neither gets its response before the other one can have taken effect, so that a writer who reads back sees it.
async fn respond(state: Arc<Mutex<State>>, request: HttpRequest) -> HttpResponse {
    if request.only_connects() {
        return HttpResponse::new(403, &[], "");
    }
    let (call, races, delay) = {
        let state = state.lock().unwrap();
        let account = state.roles.account(
            &CredentialScope::from_request(&request).access_key,
            &request,
        );
        let call = ApiCall::parse(&request, &account);
        let unconditional = call.operation == Operation::Add && call.revision.is_none();
        let mark = state.unconditional_writes.mark();
        let races = (state.unconditional_writes_race && unconditional).then_some(mark);
        let delay = state.delays.get(&call.operation).copied();
        (call, races, delay)
    };
    if let Some(delay) = delay {
        tokio::time::sleep(delay).await;
    }
    if let Some(mark) = races {
        tokio::time::sleep(RACE).await;
        state.lock().unwrap().overwrite(&call, mark);
    }
    let response = {
        let mut state = state.lock().unwrap();
        let (status, response) = state.handle(&call, &request);
        state.calls.push(ApiCall {
            status,
            ..call.clone()
        });
        response
    };
    if races.is_some() {
        tokio::time::sleep(RACE).await;
        state.lock().unwrap().unconditional_writes.complete(&call);
    }
    response
}

impl State {
    fn overwrite(&mut self, call: &ApiCall, mark: usize) {
        self.unconditional_writes
            .overwrite(&mut self.policies, call, mark);
    }

    fn handle(&mut self, call: &ApiCall, request: &HttpRequest) -> ApiResponse {
        if call.operation == Operation::Assume {
            self.roles.record(request);
        } else if call.operation == Operation::ListAccounts
            && !self.roles.may_list_accounts(&call.credential.access_key)
        {
            let message = "You don't have permissions to access this resource.";
            let error = ApiError::new(400, "AccessDeniedException", message);
            return organizations_api::error_response(&error);
        } else if call.credential.service == "lambda"
            && !self.roles.allows(&call.credential.access_key, &call.arn)
        {
            let message = format!("no session policy allows it on {}", call.arn);
            return error_response(&ApiError::new(403, "AccessDeniedException", &message));
        } else if let Some(rate_limit) = &mut self.rate_limit
            && call.credential.service == "lambda"
            && !rate_limit.allows(Instant::now())
        {
            return throttled_response(rate_limit.sends_retry_after);
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        self.perform_with_faults(call, &body)
    }

    fn perform_with_faults(&mut self, call: &ApiCall, body: &Value) -> ApiResponse {
        match self.faults.take(call) {
            Some(Fault::Rejected(status, code, message)) => {
                let error = ApiError::new(status, code, message);
                match call.operation {
                    Operation::Assume => sts_api::error_response(&error),
                    Operation::Describe => cloudformation_api::error_response(&error),
                    Operation::ListAccounts => organizations_api::error_response(&error),
                    Operation::Inventory if call.credential.service == "cloudformation" => {
                        cloudformation_api::error_response(&error)
                    }
                    Operation::List
                    | Operation::Get
                    | Operation::Add
                    | Operation::Remove
                    | Operation::Inventory => error_response(&error),
                }
            }
            Some(Fault::ResponseLost) => {
                self.perform(call, body);
                (None, HttpResponse::ConnectionClosed)
            }
            Some(Fault::NoResponse) => (None, HttpResponse::NoResponse),
            Some(Fault::WriteLost) => {
                let statements = self.policies.statements(&call.arn);
                let response = self.perform(call, body);
                self.policies.publish(&call.arn);
                for statement in statements {
                    self.policies.put_statement(&call.arn, statement);
                }
                response
            }
            Some(Fault::StaleRead) => match &self.before_last_write[&call.arn] {
                Some(policy) => policy_response(policy),
                None => {
                    error_response(&ApiError::new(404, "ResourceNotFoundException", "none yet"))
                }
            },
            Some(Fault::MalformedPolicy(policy)) => malformed_policy_response(policy),
            Some(Fault::RespondsWith(status, body_text)) => {
                self.perform(call, body);
                (Some(status), HttpResponse::new(status, &[], body_text))
            }
            Some(Fault::RespondsWithoutEffect(status, body_text)) => {
                (Some(status), HttpResponse::new(status, &[], body_text))
            }
            Some(Fault::AddsOtherStatement(statement)) => {
                self.policies.put_statement(&call.arn, statement.clone());
                let now = self.policies.policy(&call.arn).unwrap();
                let now = (!call.is_about_function()).then_some(now.revision.as_str());
                added_response(&statement, now)
            }
            Some(Fault::ConcurrentAdd(statement)) => {
                self.policies.put_statement(&call.arn, statement);
                self.perform(call, body)
            }
            Some(Fault::ConcurrentRemove(sid)) => {
                self.policies.delete_statement(&call.arn, sid);
                self.perform(call, body)
            }
            Some(Fault::VersionDeleted) => {
                self.policies.unpublish(&call.arn);
                self.perform(call, body)
            }
            None => self.perform(call, body),
        }
    }

    fn perform(&mut self, call: &ApiCall, body: &Value) -> ApiResponse {
        if matches!(call.operation, Operation::Add | Operation::Remove) {
            self.before_last_write
                .insert(call.arn.clone(), self.policies.policy(&call.arn).cloned());
        }
        match call.operation {
            Operation::Assume => return self.roles.assume(),
            Operation::Describe => return self.stacks.describe(call),
            Operation::ListAccounts => return self.organization.list(call),
            Operation::Inventory if call.credential.service == "cloudformation" => {
                return self.stacks.list(call);
            }
            Operation::Inventory => return inventory_api::perform(&self.policies, call),
            Operation::List | Operation::Get | Operation::Add | Operation::Remove => {}
        }
        let response = policy_api::perform(&mut self.policies, call, body);
        if call.operation == Operation::Add && call.revision.is_none() && response.0 == Some(201) {
            self.unconditional_writes.record(call);
        }
        response
    }
}
