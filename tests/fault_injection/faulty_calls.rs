//! Performs calls of Lambda's API with the faults that they meet.

use std::time::{Duration, Instant};

use fake_aws::api_call::{ApiCall, Operation};
use fake_aws::http_server::HttpResponse;
use fake_aws::lambda_responses::{
    ApiResponse, added_response, error_response, policy_response, throttled_response,
};
use fake_aws::policies::ApiError;
use serde_json::Value;

use crate::fault::{Alteration, CallFault, Effect, ExternalWrite, MalformedBody};
use crate::layers::Layers;
use crate::malformed_responses::malformed_response;
use crate::statement_forms::altered;

/// The maximum age of a stale read.
const MAX_STALENESS: Duration = Duration::from_millis(1_500);

impl Layers {
    /// Performs the call with its fault. Effects and responses that come later are the caller's.
    pub fn perform_with_fault(
        &mut self,
        call: &ApiCall,
        body: &Value,
        fault: CallFault,
    ) -> ApiResponse {
        match fault {
            CallFault::Delayed(_) => self.perform(call, body),
            CallFault::Rejected(429, _) => throttled_response(false),
            CallFault::ThrottledWithRetryAfter => throttled_response(true),
            CallFault::Rejected(status, code) => failure(status, code),
            CallFault::FailsAfterEffect(status) => {
                self.perform(call, body);
                failure(status, "ServiceException")
            }
            CallFault::ClosedBeforeEffect | CallFault::ClosedWithLateEffect(_) => {
                (None, HttpResponse::ConnectionClosed)
            }
            CallFault::NoResponse | CallFault::NoResponseWithLateEffect(_) => {
                (None, HttpResponse::NoResponse)
            }
            CallFault::ClosedAfterEffect => {
                self.lose_response(call, body, HttpResponse::ConnectionClosed)
            }
            CallFault::NoResponseAfterEffect => {
                self.lose_response(call, body, HttpResponse::NoResponse)
            }
            CallFault::WriteLost => self.lose_write(call, body),
            CallFault::StaleRead => self.read_stale(call, body),
            CallFault::Malformed(shape, effect) => self.corrupt_response(call, body, shape, effect),
            CallFault::StatementAltered(form) => self.alter_statement(call, body, form),
            CallFault::StatementReplaced => self.replace_statement(call, body),
            CallFault::ConcurrentWrite(write) => {
                self.write_externally(&call.arn, write, call.sid.as_deref());
                self.perform(call, body)
            }
        }
    }

    /// Takes effect, but the client receives `instead`.
    fn lose_response(
        &mut self,
        call: &ApiCall,
        body: &Value,
        instead: HttpResponse,
    ) -> ApiResponse {
        self.perform(call, body);
        (None, instead)
    }

    /// The usual response, but the unconditional write of another writer has overwritten an unconditional addition.
    fn lose_write(&mut self, call: &ApiCall, body: &Value) -> ApiResponse {
        let response = self.perform(call, body);
        if is_addition(call, &response) && call.revision.is_none() {
            self.policies
                .delete_statement(&call.arn, call.sid.as_deref().unwrap());
            self.write_externally(&call.arn, ExternalWrite::AddsOwn, None);
        }
        response
    }

    /// The policy as it was a moment ago, but not before the invocation.
    fn read_stale(&mut self, call: &ApiCall, body: &Value) -> ApiResponse {
        let invoked_at = self.environment(&call.credential.access_key).invoked_at;
        let time = Instant::now().checked_sub(MAX_STALENESS).max(invoked_at);
        let history = self
            .history
            .get(&call.arn)
            .filter(|_| call.operation == Operation::Get);
        let snapshot =
            history.and_then(|history| history.iter().rfind(|(at, _)| Some(*at) <= time));
        match snapshot.cloned() {
            Some((_, Some(policy))) => policy_response(&policy),
            Some((_, None)) => failure(404, "ResourceNotFoundException"),
            None => self.perform(call, body),
        }
    }

    /// A success with a malformed body. A write that Lambda rejects gets its usual response.
    fn corrupt_response(
        &mut self,
        call: &ApiCall,
        body: &Value,
        shape: MalformedBody,
        effect: Effect,
    ) -> ApiResponse {
        let is_write = matches!(call.operation, Operation::Add | Operation::Remove);
        if is_write && effect == Effect::Applied {
            let response = self.perform(call, body);
            if response.0.is_none_or(|status| status >= 300) {
                return response;
            }
        }
        malformed_response(call.operation, shape)
    }

    /// An addition that stores another form of the statement, and returns that.
    fn alter_statement(&mut self, call: &ApiCall, body: &Value, form: Alteration) -> ApiResponse {
        let response = self.perform(call, body);
        if !is_addition(call, &response) {
            return response;
        }
        let sid = call.sid.as_deref().unwrap();
        let statements = self.policies.statements(&call.arn);
        let requested = statements.iter().find(|found| found["Sid"] == sid);
        let stored = altered(requested.unwrap(), form);
        self.environment(&call.credential.access_key)
            .is_statement_altered = true;
        self.policies.delete_statement(&call.arn, sid);
        self.policies.put_statement(&call.arn, stored.clone());
        self.take_snapshot(&call.arn);
        let policy = self.policies.policy(&call.arn).unwrap();
        let revision = (!call.is_about_function()).then_some(policy.revision.as_str());
        added_response(&stored, revision)
    }

    /// The usual response, but another writer replaces an added statement before anybody reads it.
    fn replace_statement(&mut self, call: &ApiCall, body: &Value) -> ApiResponse {
        let response = self.perform(call, body);
        if is_addition(call, &response) {
            let sid = call.sid.as_deref();
            self.policies.delete_statement(&call.arn, sid.unwrap());
            self.write_externally(&call.arn, ExternalWrite::TakesStatementId, sid);
            // Only after an unconditional write does the provider read back, or where it is not told the new revision.
            let is_read_back = call.revision.is_none() || call.is_about_function();
            self.environment(&call.credential.access_key)
                .is_statement_replaced |= is_read_back;
        }
        response
    }
}

fn failure(status: u16, code: &str) -> ApiResponse {
    error_response(&ApiError::new(status, code, "a fault"))
}

/// Whether the call has added a statement.
fn is_addition(call: &ApiCall, response: &ApiResponse) -> bool {
    call.operation == Operation::Add && response.0 == Some(201)
}
