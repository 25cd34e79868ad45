//! Policies as anybody may have written them: a plan does what its goal says, and leaves every other statement as it is.

use std::collections::BTreeSet;

use lambda_permission_provider::permission::arn::LayerVersionArn;
use lambda_permission_provider::permission::goal::{Goal, OnlyIf, Unwanted};
use lambda_permission_provider::permission::principal::Principal;
use lambda_permission_provider::permission::statement::{Statement, StatementId, principal_of};
use lambda_permission_provider::policy::document::Policy;
use lambda_permission_provider::policy::plan::{Plan, Step, plan};
use serde_json::{Value, json};

use super::assert_one_line;

/// The most statement ids of one document that goals are made of.
const MOST_IDS: usize = 4;

/// A policy's document.
pub fn hold(input: &[u8]) -> Option<()> {
    let document = std::str::from_utf8(input).ok()?;
    let parsed: Result<Value, _> = serde_json::from_str(document);
    let statements = parsed.as_ref().map(statements_of).unwrap_or_default();
    let layer_version = layer_version(&statements)?;
    let policy = Policy::read(layer_version, document, Some("r1".to_owned()));
    let has_statements =
        |parsed: &Value| parsed["Statement"].is_array() || parsed["Statement"].is_object();
    assert_eq!(parsed.as_ref().is_ok_and(has_statements), policy.is_ok());
    // What is no policy is read again, and nothing is done about it.
    let Ok(policy) = policy else {
        return parsed.ok().map(drop);
    };
    assert_eq!(
        policy.statements().collect::<Vec<_>>(),
        statements.iter().collect::<Vec<_>>()
    );
    assert_eq!(policy.len(), statements.len());
    let ids: Vec<&str> = statements.iter().filter_map(sid_of).collect();
    let distinct: BTreeSet<&str> = ids.iter().copied().collect();
    if distinct.len() < ids.len() {
        // Lambda lets no two statements have one id.
        return None;
    }
    for goal in goals(&policy.layer_version, &statements) {
        keeps_to(&goal, &policy, &statements);
    }
    Some(())
}

fn statements_of(policy: &Value) -> Vec<Value> {
    match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(single @ Value::Object(_)) => vec![single.clone()],
        _ => Vec::new(),
    }
}

/// The layer version that the policy is about, so that some statement may be ours.
fn layer_version(statements: &[Value]) -> Option<LayerVersionArn> {
    let mut named = statements
        .iter()
        .filter_map(|statement| statement["Resource"].as_str());
    let found = named.find_map(|resource| resource.parse().ok());
    let any = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";
    found.or_else(|| any.parse().ok())
}

fn sid_of(statement: &Value) -> Option<&str> {
    statement.get("Sid").and_then(Value::as_str)
}

/// Grants, changes, revokes and revokes by the id alone, of ids that are there, of parts of them, and of one that is not.
fn goals(layer_version: &LayerVersionArn, statements: &[Value]) -> Vec<Goal> {
    let mut ids: BTreeSet<&str> = statements
        .iter()
        .filter_map(sid_of)
        .take(MOST_IDS)
        .collect();
    let heads: Vec<&str> = ids
        .iter()
        .filter_map(|id| id.split_once('-'))
        .map(|(head, _)| head)
        .collect();
    ids.extend(heads);
    ids.insert("absent");
    let sids = ids.iter().filter_map(|id| id.parse::<StatementId>().ok());
    let known = ["111122223333", "o-abcdefghij", "*"];
    let known = known.iter().filter_map(|text| text.parse().ok());
    let found = statements
        .iter()
        .filter_map(|statement| principal_of(statement, layer_version));
    let principals: BTreeSet<Principal> = known.chain(found.take(MOST_IDS)).collect();
    let each = |sid: StatementId| {
        let statements: Vec<Statement> = principals
            .iter()
            .map(|principal| Statement {
                sid: sid.clone(),
                principal: principal.clone(),
            })
            .collect();
        let listed = principals.iter().filter_map(|principal| {
            Some(Statement {
                sid: sid.of_each(principal)?,
                principal: principal.clone(),
            })
        });
        let listed: Vec<Statement> = listed.collect();
        let exactly =
            |statements: &[Statement]| statements.iter().cloned().map(Unwanted::exactly).collect();
        let goal = |wanted: Vec<Statement>, unwanted: Vec<Unwanted>| Goal {
            wanted,
            unwanted,
            ..Goal::default()
        };
        let mut goals = vec![
            goal(vec![], vec![Unwanted::by_id(sid.clone())]),
            goal(listed.clone(), vec![]),
            goal(vec![], exactly(&listed)),
            goal(listed.iter().take(1).cloned().collect(), exactly(&listed)),
        ];
        for wanted in &statements {
            goals.push(goal(vec![wanted.clone()], vec![]));
            goals.push(goal(vec![wanted.clone()], exactly(&statements)));
            goals.push(goal(vec![], exactly(std::slice::from_ref(wanted))));
        }
        goals
    };
    sids.flat_map(each).collect()
}

fn keeps_to(goal: &Goal, policy: &Policy, before: &[Value]) {
    let written = |statement: &Statement| statement.written(&policy.layer_version);
    let is = |wanted: &Statement, found: &Value| wanted.is(found, &policy.layer_version);
    let planned = match plan(goal, policy) {
        Ok(planned) => planned,
        Err(conflict) => {
            assert_one_line(&conflict.to_string());
            let taken = |wanted: &Statement| {
                before
                    .iter()
                    .any(|found| wanted.sid.names(found) && !is(wanted, found))
            };
            assert!(goal.wanted.iter().any(taken), "no conflict: {conflict}");
            return;
        }
    };
    assert_one_line(&planned.to_string());
    let after = applied(&planned, &policy.layer_version, before);
    let by_policy = planned
        .steps
        .iter()
        .fold(policy.clone(), |policy, step| match step {
            Step::Add(statement) => policy.with(written(statement), None),
            Step::Remove(unwanted) => policy.without(&unwanted.sid),
        });
    assert!(
        by_policy.statements().eq(&after),
        "another policy: {planned}"
    );

    let text = json!({ "Statement": after }).to_string();
    let again = Policy::read(policy.layer_version.clone(), &text, None)
        .map(|after| plan(goal, &after).map(|plan| plan.steps));
    assert!(
        matches!(again, Ok(Ok(steps)) if steps.is_empty()),
        "not settled by {planned}"
    );

    for wanted in &goal.wanted {
        assert!(
            after.iter().any(|found| is(wanted, found)),
            "not there after {planned}: {wanted}"
        );
    }
    let wanted = |found: &Value| goal.wanted.iter().any(|wanted| is(wanted, found));
    let unwanted = |found: &Value| {
        goal.unwanted
            .iter()
            .any(|unwanted| is_meant(unwanted, found, &policy.layer_version))
    };
    let gone = |found: &Value| unwanted(found) && !wanted(found);
    assert!(!after.iter().any(gone), "still there after {planned}");
    let others = |statements: &[Value]| -> Vec<String> {
        let others = statements
            .iter()
            .filter(|found| !wanted(found) && !unwanted(found));
        others.map(ToString::to_string).collect()
    };
    assert_eq!(
        others(&after),
        others(before),
        "somebody else's grant, by {planned}"
    );
}

/// Whether `found` is what `unwanted` means, in whichever partition; by an id alone, whatever bears it or is of its list.
fn is_meant(unwanted: &Unwanted, found: &Value, layer_version: &LayerVersionArn) -> bool {
    let sid = &unwanted.sid;
    let says = |sid: &StatementId, principal: &Principal| {
        let statement = Statement {
            sid: sid.clone(),
            principal: principal.clone(),
        };
        statement.is_in_any_partition(found, layer_version)
    };
    let listed = |principal: Principal| {
        sid.of_each(&principal)
            .is_some_and(|sid| says(&sid, &principal))
    };
    match &unwanted.only_if {
        OnlyIf::Grants(principal) => says(sid, principal),
        OnlyIf::Says(exactly) => found == exactly,
        OnlyIf::Anything => {
            sid.names(found) || principal_of(found, layer_version).is_some_and(listed)
        }
    }
}

/// What Lambda makes of the steps.
fn applied(planned: &Plan, layer_version: &LayerVersionArn, before: &[Value]) -> Vec<Value> {
    let mut statements = before.to_vec();
    for step in &planned.steps {
        match step {
            Step::Add(statement) => {
                assert!(
                    !statements.iter().any(|found| statement.sid.names(found)),
                    "twice: {statement}"
                );
                statements.push(statement.written(layer_version));
            }
            Step::Remove(unwanted) => statements.retain(|found| !unwanted.sid.names(found)),
        }
    }
    statements
}
