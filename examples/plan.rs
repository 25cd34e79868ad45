//! Prints the plan for an event, without any call: `cargo run --example plan -- tests/events/create-account.json`.
//! Assumes that the statements which an Update or Delete removes exist, and those which it adds do not.

use std::error::Error;

use lambda_permission_provider::cloudformation::event::Event;
use lambda_permission_provider::cloudformation::request::{Envelope, Request};
use lambda_permission_provider::permission::arn::LayerVersionArn;
use lambda_permission_provider::permission::goal::{Goal, Unwanted};
use lambda_permission_provider::permission::intent::Intent;
use lambda_permission_provider::permission::statement::Statement;
use lambda_permission_provider::policy::document::{MalformedPolicy, Policy};
use lambda_permission_provider::policy::plan::plan;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("no event: got no argument, give the path of an event")?;
    let event = Event::read(&std::fs::read(path)?);
    let envelope = Envelope::open(&event.json)?;
    println!("response to  {}", envelope.response_url);
    match parse(&envelope, &event) {
        Ok(intent) => print_plan(&intent)?,
        Err(reason) => println!("FAILED       {reason}"),
    }
    Ok(())
}

fn parse(envelope: &Envelope, event: &Event) -> Result<Intent, Box<dyn Error>> {
    envelope.check()?;
    event.check()?;
    let request = Request::parse(envelope, &event.json)?;
    println!("request      {:?} of {}", request.kind, request.logical_id);
    Ok(Intent::of(&request)?)
}

fn print_plan(intent: &Intent) -> Result<(), Box<dyn Error>> {
    println!("purpose      {:?}", intent.purpose);
    let Some(goals) = &intent.goals else {
        println!("plan         no calls");
        println!("SUCCESS      {}", intent.physical_id);
        return Ok(());
    };
    if let Some(role) = &goals.role {
        println!("role         {role}");
    }
    println!("layer        {}", goals.scope);
    // With `Versions: All`, the plan of one version stands for all.
    let first = format!("{}:1", goals.scope.layer()).parse()?;
    let layer_version = goals.named.clone().unwrap_or(first);
    let policy = assumed_policy(layer_version, &goals.each)?;
    println!("plan         {}", plan(&goals.each, &policy)?);
    println!("SUCCESS      {}", intent.physical_id);
    Ok(())
}

/// A policy that contains only the statements to remove.
fn assumed_policy(layer_version: LayerVersionArn, goal: &Goal) -> Result<Policy, MalformedPolicy> {
    let written = |unwanted: &Unwanted| match unwanted.principal().cloned() {
        Some(principal) => Statement {
            sid: unwanted.sid.clone(),
            principal,
        }
        .written(&layer_version),
        None => json!({"Sid": unwanted.sid.to_string()}),
    };
    let statements: Vec<Value> = goal.unwanted.iter().map(written).collect();
    let document = json!({ "Statement": statements }).to_string();
    Policy::read(layer_version, &document, None)
}
