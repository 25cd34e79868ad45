//! Prints what would be done for an event, calling nobody: `cargo run --example plan -- tests/events/create-account.json`.
//! What an Update or Delete takes away is supposed to be there, and what is given is not.

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
        .ok_or("no event: got no argument, give the path of one")?;
    let event = Event::read(&std::fs::read(path)?);
    let envelope = Envelope::open(&event.json)?;
    println!("answer to    {}", envelope.response_url);
    match understand(&envelope, &event) {
        Ok(intent) => tell(&intent)?,
        Err(reason) => println!("FAILED       {reason}"),
    }
    Ok(())
}

fn understand(envelope: &Envelope, event: &Event) -> Result<Intent, Box<dyn Error>> {
    envelope.check()?;
    event.check()?;
    let request = Request::parse(envelope, &event.json)?;
    println!("request      {:?} of {}", request.kind, request.logical_id);
    Ok(Intent::of(&request)?)
}

fn tell(intent: &Intent) -> Result<(), Box<dyn Error>> {
    println!("purpose      {:?}", intent.purpose);
    let Some(goals) = &intent.goals else {
        println!("plan         Lambda is not called");
        println!("SUCCESS      {}", intent.physical_id);
        return Ok(());
    };
    if let Some(role) = &goals.role {
        println!("role         {role}");
    }
    println!("layer        {}", goals.scope);
    // What would be done to every version of a layer is told of one.
    let first = format!("{}:1", goals.scope.layer()).parse()?;
    let layer_version = goals.named.clone().unwrap_or(first);
    let policy = supposed(layer_version, &goals.each)?;
    println!("plan         {}", plan(&goals.each, &policy)?);
    println!("SUCCESS      {}", intent.physical_id);
    Ok(())
}

/// A policy in which only what is unwanted stands.
fn supposed(layer_version: LayerVersionArn, goal: &Goal) -> Result<Policy, MalformedPolicy> {
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
