//! Prints the plan for an event, without any call: `cargo run --example plan -- tests/events/create-account.json`.
//! Assumes that the statements which an Update or Delete removes exist, and those which it adds do not.

use std::error::Error;

use lambda_permission_provider::cloudformation::event::Event;
use lambda_permission_provider::cloudformation::request::{Envelope, Request};
use lambda_permission_provider::policy::denied::Denied;
use lambda_permission_provider::policy::desired::{DesiredState, Removal};
use lambda_permission_provider::policy::document::{MalformedPolicy, PolicyDocument};
use lambda_permission_provider::policy::plan::plan;
use lambda_permission_provider::policy::target::PolicyTarget;
use lambda_permission_provider::resources::lifecycle;
use lambda_permission_provider::resources::operation::Operation;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("no event: got no argument, give the path of an event")?;
    let event = Event::parse(&std::fs::read(path)?);
    let envelope = Envelope::parse(&event.json)?;
    println!("response to  {}", envelope.response_url);
    match parse(&envelope, &event) {
        Ok(operation) => print_plan(&operation)?,
        Err(reason) => println!("FAILED       {reason}"),
    }
    Ok(())
}

fn parse(envelope: &Envelope, event: &Event) -> Result<Operation, Box<dyn Error>> {
    envelope.check()?;
    event.check()?;
    let request = Request::parse(envelope, &event.json)?;
    let (request_type, logical_id) = (request.request_type, &request.logical_id);
    println!("request      {request_type:?} of {logical_id}");
    Ok(lifecycle::operation(&request)?)
}

fn print_plan(operation: &Operation) -> Result<(), Box<dyn Error>> {
    println!("mode         {:?}", operation.mode);
    let Some(spec) = &operation.spec else {
        println!("plan         no calls");
        println!("SUCCESS      {}", operation.physical_id);
        return Ok(());
    };
    if let Some(role) = &spec.role {
        println!("role         {role}");
    }
    println!("targets      {}", spec.targets);
    for unit in &spec.desired.units {
        println!("unit         add {unit}: its accounts are listed when the event comes in");
    }
    for unit in spec.desired.removals.iter().filter_map(Removal::unit) {
        println!("unit         remove {unit}: the accounts that the policy has");
    }
    // With `Versions: All`, the plan of one version stands for all.
    let first = format!("{}:1", spec.targets).parse();
    let target = spec.named.clone().map_or(first, Ok)?;
    let policy = assumed_policy(target, &spec.desired)?;
    println!(
        "plan         {}",
        plan(&spec.desired, &policy, &Denied::new())?
    );
    println!("SUCCESS      {}", operation.physical_id);
    Ok(())
}

/// A policy that contains only the statements to remove.
fn assumed_policy(
    target: PolicyTarget,
    desired: &DesiredState,
) -> Result<PolicyDocument, MalformedPolicy> {
    let json_of = |removal: &Removal| match removal.statement() {
        Some(statement) => statement.to_json(&target),
        None => json!({"Sid": removal.sid().to_string()}),
    };
    let removals = desired.removals.iter();
    let removals = removals.filter(|removal| removal.unit().is_none());
    let statements: Vec<Value> = removals.map(json_of).collect();
    let document = json!({ "Statement": statements }).to_string();
    PolicyDocument::parse(target, &document, None)
}
