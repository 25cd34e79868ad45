//! The result of delivering an event to one execution environment.

use std::time::Duration;

use fake_aws::response_bucket::Put;
use fake_aws::runtime_api::Outcome;

use crate::fault::ResponseFault;
use crate::fault_plan::FaultPlan;
use crate::response::Response;

pub struct Delivery {
    /// Whether the invocation ended without an error, so that Lambda does not retry it.
    pub is_complete: bool,
    /// The response in the bucket, whether or not the provider got the acknowledgement.
    pub stored: Option<Response>,
    /// The response that was sent, whether or not it reached the bucket.
    pub sent: Option<Response>,
    /// How many calls of Lambda's API were made.
    pub calls: usize,
    /// Whether the provider knows for certain that CloudFormation did not get the response.
    pub is_response_rejected: bool,
    /// Which guarantees the delivery violated.
    pub violations: Vec<String>,
}

impl Delivery {
    pub fn new(
        outcome: Option<&Outcome>,
        puts: &[Put],
        plan: &FaultPlan,
        calls: usize,
        violations: Vec<String>,
    ) -> Self {
        let stored = |(number, put): (usize, &Put)| {
            let is_stored = put.acknowledged || plan.puts.get(number)?.is_stored();
            is_stored.then(|| Response::parse(&put.body))
        };
        let is_first_rejected =
            matches!(plan.puts.first(), Some(ResponseFault::Rejected(400 | 403)));
        Self {
            is_complete: outcome == Some(&Outcome::Ok),
            stored: puts.iter().enumerate().find_map(stored),
            sent: puts.first().map(|put| Response::parse(&put.body)),
            calls,
            is_response_rejected: puts.len() == 1
                && is_first_rejected
                && matches!(outcome, Some(Outcome::Err(_))),
            violations,
        }
    }
}

/// How long the provider waits for an acknowledgement at least.
const MIN_ACKNOWLEDGEMENT_TIMEOUT: Duration = Duration::from_secs(1);

/// The outcome of an invocation must match its PUTs: a success if and only if one was acknowledged, which is the last one.
pub fn outcome_violation(
    outcome: Option<&Outcome>,
    puts: &[Put],
    duration: Duration,
) -> Option<String> {
    let acknowledged = puts.iter().filter(|put| put.acknowledged).count();
    let is_last_acknowledged = puts.last().is_some_and(|put| put.acknowledged);
    match outcome {
        Some(Outcome::Ok) if acknowledged == 1 && is_last_acknowledged => None,
        Some(Outcome::Err(_)) if acknowledged == 0 => None,
        None if acknowledged <= 1 => None,
        // Where this machine is slow, the acknowledgement arrives after the provider has closed the connection.
        _ if acknowledged > 0 && duration >= MIN_ACKNOWLEDGEMENT_TIMEOUT => None,
        _ => Some(format!(
            "{outcome:?} after {acknowledged} acknowledged PUTs of {}",
            puts.len()
        )),
    }
}
