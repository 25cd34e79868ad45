//! The layer and the function of one scenario: their policies with the history of each, the external writer, and what each execution environment
//! has done to them.

use std::collections::BTreeMap;
use std::time::Instant;

use fake_aws::api_call::{ApiCall, Operation};
use fake_aws::lambda_responses::ApiResponse;
use fake_aws::organizations_api::Organization;
use fake_aws::policies::{Policies, Policy};
use fake_aws::policy_api;
use fake_aws::unconditional_writes::UnconditionalWrites;
use serde_json::Value;

use crate::environment_state::EnvironmentState;
use crate::external_writer::ExternalWriter;
use crate::fault::{CallFault, ExternalWrite};
use crate::fault_plan::FaultPlan;
use crate::guardrails::Guardrails;
use crate::organization::organization;
use crate::stack_state::StackState;
use crate::trace::Trace;

/// What a read of a policy returns from some time on.
type Snapshot = (Instant, Option<Policy>);

pub struct Layers {
    pub policies: Policies,
    pub external_writer: ExternalWriter,
    /// By access key.
    environments: BTreeMap<String, EnvironmentState>,
    /// Each policy after each change.
    pub history: BTreeMap<String, Vec<Snapshot>>,
    pub unconditional_writes: UnconditionalWrites,
    pub stack: StackState,
    pub organization: Organization,
    pub organization_variant: usize,
    /// The calls that the provider must never make.
    pub violations: Vec<String>,
    pub trace: Trace,
}

impl Layers {
    pub fn new(trace: Trace) -> Self {
        Self {
            policies: Policies::default(),
            external_writer: ExternalWriter::default(),
            environments: BTreeMap::new(),
            history: BTreeMap::new(),
            unconditional_writes: UnconditionalWrites::default(),
            stack: StackState::default(),
            organization: organization(0),
            organization_variant: 0,
            violations: Vec::new(),
            trace,
        }
    }

    /// No layers and no external statements.
    pub fn reset(&mut self) {
        *self = Self::new(self.trace.clone());
    }

    pub fn publish(&mut self, arn: &str) {
        self.policies.publish(arn);
        self.history.insert(arn.to_owned(), Vec::new());
        self.take_snapshot(arn);
    }

    pub fn unpublish(&mut self, arn: &str) {
        self.policies.unpublish(arn);
        self.external_writer.forget(arn);
        self.history.remove(arn);
    }

    /// The calls signed by `access_key` meet the faults of `plan`, for the invocation that begins now.
    pub fn begin_invocation(
        &mut self,
        access_key: &str,
        plan: &FaultPlan,
        guardrails: &Guardrails,
    ) {
        self.environment(access_key)
            .begin_invocation(plan, guardrails);
    }

    pub fn environment(&mut self, access_key: &str) -> &mut EnvironmentState {
        self.environments.entry(access_key.to_owned()).or_default()
    }

    /// A principal that the guardrails deny is never added.
    pub fn check_guardrails(&mut self, call: &ApiCall, body: &Value) {
        let access_key = &call.credential.access_key;
        let guardrails = self.environment(access_key).guardrails.clone();
        let is_denied = guardrails.is_some_and(|guardrails| guardrails.deny_addition(body));
        if call.operation == Operation::Add && is_denied {
            self.violations
                .push(format!("added, though the guardrails deny it: {body}"));
        }
    }

    /// Of two unconditional writes that overlap, the later one overwrites the statement of the earlier one.
    pub fn overwrite(&mut self, call: &ApiCall, mark: usize) {
        let lost = self
            .unconditional_writes
            .overwrite(&mut self.policies, call, mark);
        for sid in lost {
            self.trace.note(&format!("    {sid} is overwritten"));
            self.trace.count("unconditional write overwritten");
        }
        self.take_snapshot(&call.arn);
    }

    pub fn write_externally(&mut self, arn: &str, write: ExternalWrite, sid: Option<&str>) {
        if self.history.contains_key(arn) {
            let written = self
                .external_writer
                .write(&mut self.policies, arn, write, sid);
            self.take_snapshot(arn);
            self.trace.note(&format!("    {written} on {arn}"));
        }
    }

    /// Performs the call without a fault, and keeps what its execution environment has done.
    pub fn perform(&mut self, call: &ApiCall, body: &Value) -> ApiResponse {
        let response = policy_api::perform(&mut self.policies, call, body);
        let is_success = response.0.is_some_and(|status| status < 300);
        let (arn, now) = (&call.arn, Instant::now());
        let environment = self.environment(&call.credential.access_key);
        match call.operation {
            Operation::Get | Operation::List => {
                environment.last_reads.insert(arn.clone(), now);
            }
            Operation::Add | Operation::Remove if is_success => {
                environment.last_write = Some(now);
                if call.operation == Operation::Add {
                    environment.last_additions.insert(arn.clone(), now);
                    let addition = call.sid.clone().map(|sid| (arn.clone(), sid));
                    environment.additions.extend(addition);
                }
                self.take_snapshot(arn);
            }
            Operation::Add
            | Operation::Remove
            | Operation::Assume
            | Operation::Describe
            | Operation::Inventory
            | Operation::ListAccounts => {}
        }
        response
    }

    /// Keeps the policy of `arn` as it is now, if there is such a layer version or function.
    pub fn take_snapshot(&mut self, arn: &str) {
        let now = (Instant::now(), self.policies.policy(arn).cloned());
        if let Some(history) = self.history.get_mut(arn) {
            history.push(now);
        }
    }

    pub fn trace_call(&self, call: &ApiCall, status: Option<u16>, fault: Option<CallFault>) {
        let environment = &call.credential.access_key[4..5];
        let target = call.arn.splitn(6, ':').nth(5).unwrap_or_default();
        let call = ApiCall {
            status,
            ..call.clone()
        };
        let suffix = fault.map_or_else(String::new, |fault| format!("  <- {fault:?}"));
        let line = format!("  {environment} {target} {call}{suffix}");
        self.trace.note(&line);
        self.trace.count("API calls");
        if let Some(fault) = fault {
            let kind = format!("{fault:?}").replace(|c: char| c.is_ascii_digit(), "");
            self.trace.count(&format!("fault of a call: {kind}"));
        }
    }
}
