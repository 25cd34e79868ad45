//! Policies as anybody may have written them: a plan brings one to its desired state, and keeps every other statement as it is.

use std::collections::BTreeSet;

use lambda_permission_provider::policy::conditions::Conditions;
use lambda_permission_provider::policy::denied::Denied;
use lambda_permission_provider::policy::desired::{DesiredState, Removal};
use lambda_permission_provider::policy::document::PolicyDocument;
use lambda_permission_provider::policy::plan::{Change, Plan, plan};
use lambda_permission_provider::policy::principal::Principal;
use lambda_permission_provider::policy::statement::{
    GET_LAYER_VERSION, INVOKE_FUNCTION, Statement,
};
use lambda_permission_provider::policy::statement_id::StatementId;
use lambda_permission_provider::policy::statement_list::is_member;
use lambda_permission_provider::policy::target::PolicyTarget;
use serde_json::{Value, json};

use super::assert_one_line;

/// The most statement ids of one document that desired states are made of.
const MAX_IDS: usize = 4;

/// A policy's document.
pub fn check(input: &[u8]) -> Option<()> {
    let document = std::str::from_utf8(input).ok()?;
    let parsed: Result<Value, _> = serde_json::from_str(document);
    let statements = parsed.as_ref().map(statements_of).unwrap_or_default();
    let target = target_of(&statements)?;
    let policy = PolicyDocument::parse(target, document, Some("r1".to_owned()));
    let has_statements =
        |parsed: &Value| parsed["Statement"].is_array() || parsed["Statement"].is_object();
    assert_eq!(parsed.as_ref().is_ok_and(has_statements), policy.is_ok());
    // What is not a policy is read again, and nothing is written.
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
        // Lambda allows no two statements with one id.
        return None;
    }
    for state in states(&policy.target, &statements) {
        check_plan(&state, &policy, &statements);
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

/// The target that the policy is about, so that some statement may be ours.
fn target_of(statements: &[Value]) -> Option<PolicyTarget> {
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

/// Grants, changes, revokes and revokes by id, of ids that are there, of parts of them, and of one that is not.
fn states(target: &PolicyTarget, statements: &[Value]) -> Vec<DesiredState> {
    let mut ids: BTreeSet<&str> = statements.iter().filter_map(sid_of).take(MAX_IDS).collect();
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
        .filter_map(|statement| principal_of(statement, target));
    let principals: BTreeSet<Principal> = known.chain(found.take(MAX_IDS)).collect();
    let each = |sid: StatementId| {
        let statements: Vec<Statement> = principals
            .iter()
            .map(|principal| statement(sid.clone(), principal.clone(), target))
            .collect();
        let listed = principals.iter().filter_map(|principal| {
            let sid = sid.in_list(principal)?;
            Some(statement(sid, principal.clone(), target))
        });
        let listed: Vec<Statement> = listed.collect();
        let exactly =
            |statements: &[Statement]| statements.iter().cloned().map(Removal::Exact).collect();
        let state = |statements: Vec<Statement>, removals: Vec<Removal>| DesiredState {
            statements,
            removals,
            ..DesiredState::default()
        };
        let mut states = vec![
            state(vec![], vec![Removal::ById(sid.clone())]),
            state(listed.clone(), vec![]),
            state(vec![], exactly(&listed)),
            state(listed.iter().take(1).cloned().collect(), exactly(&listed)),
        ];
        for desired in &statements {
            states.push(state(vec![desired.clone()], vec![]));
            states.push(state(vec![desired.clone()], exactly(&statements)));
            states.push(state(vec![], exactly(std::slice::from_ref(desired))));
        }
        states
    };
    sids.flat_map(each).collect()
}

/// A statement without conditions.
fn statement(sid: StatementId, principal: Principal, target: &PolicyTarget) -> Statement {
    let action = match target {
        PolicyTarget::LayerVersion(_) => GET_LAYER_VERSION,
        PolicyTarget::Function(_) => INVOKE_FUNCTION,
    };
    Statement {
        sid,
        principal,
        action: action.into(),
        conditions: Conditions::default(),
    }
}

/// The principal whose statement this is, if it is one. No statement is that of two.
fn principal_of(found: &Value, target: &PolicyTarget) -> Option<Principal> {
    let sid: StatementId = sid_of(found)?.parse().ok()?;
    let mut texts = Vec::new();
    texts_in(found, &mut texts);
    let principals: BTreeSet<Principal> =
        texts.iter().filter_map(|text| text.parse().ok()).collect();
    let mut matching = principals.into_iter().filter(|principal| {
        let (sid, principal) = (sid.clone(), principal.clone());
        statement(sid, principal, target).matches_in_any_partition(found, target)
    });
    let principal = matching.next();
    assert_eq!(matching.next(), None, "two principals: {found}");
    principal
}

/// Every text in `value`.
fn texts_in(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts_in(value, texts)),
        Value::Object(members) => members.values().for_each(|value| texts_in(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn check_plan(state: &DesiredState, policy: &PolicyDocument, before: &[Value]) {
    let target = &policy.target;
    let is = |desired: &Statement, found: &Value| desired.matches(found, target);
    let planned = match plan(state, policy, &Denied::new()) {
        Ok(planned) => planned,
        Err(error) => {
            assert_one_line(&error.to_string());
            let is_in_use = |desired: &Statement| {
                let mut found = before.iter();
                found.any(|found| desired.sid.is_of(found) && !is(desired, found))
            };
            assert!(
                state.statements.iter().any(is_in_use),
                "no conflict: {error}"
            );
            return;
        }
    };
    assert_one_line(&planned.to_string());
    let after = applied(&planned, target, before);
    let changes = planned.changes.iter();
    let by_policy = changes.fold(policy.clone(), |policy, change| match change {
        Change::Add(statement) => policy.with(statement.to_json(target), None),
        Change::Remove(removal) => policy.without(removal.sid()),
    });
    assert!(
        by_policy.statements().eq(&after),
        "another policy: {planned}"
    );

    let text = json!({ "Statement": after }).to_string();
    let again = PolicyDocument::parse(target.clone(), &text, None);
    let again = again.map(|after| plan(state, &after, &Denied::new()).map(|plan| plan.changes));
    assert!(
        matches!(again, Ok(Ok(changes)) if changes.is_empty()),
        "not as desired after {planned}"
    );

    for desired in &state.statements {
        assert!(
            after.iter().any(|found| is(desired, found)),
            "not there after {planned}: {desired}"
        );
    }
    let desired = |found: &Value| {
        let mut statements = state.statements.iter();
        // The one of a deleted principal is replaced.
        statements
            .any(|desired| is(desired, found) || desired.matches_deleted_principal(found, target))
    };
    let removed = |found: &Value| {
        let mut removals = state.removals.iter();
        removals.any(|removal| removes(removal, found, target))
    };
    let should_be_gone = |found: &Value| removed(found) && !desired(found);
    assert!(
        !after.iter().any(should_be_gone),
        "still there after {planned}"
    );
    let others = |statements: &[Value]| -> Vec<String> {
        let others = statements
            .iter()
            .filter(|found| !desired(found) && !removed(found));
        others.map(ToString::to_string).collect()
    };
    assert_eq!(
        others(&after),
        others(before),
        "a statement that is not owned, by {planned}"
    );
}

/// Whether `removal` removes `found`, in whichever partition; by id, the statement of that id or those of its list.
fn removes(removal: &Removal, found: &Value, target: &PolicyTarget) -> bool {
    match removal {
        Removal::Exact(statement) => {
            statement.matches_in_any_partition(found, target)
                || statement.matches_deleted_principal(found, target)
        }
        Removal::Verbatim(_, as_read) => found == as_read,
        Removal::Unit(unit) => {
            let statement = Statement::parse(found, target);
            statement.is_some_and(|statement| unit.has(&statement))
        }
        Removal::ById(sid) => {
            let is_listed = |principal: Principal| {
                let listed = sid.in_list(&principal);
                listed.is_some_and(|listed| listed.is_of(found))
            };
            let is_member = |statement| is_member(sid, &statement);
            sid.is_of(found)
                || principal_of(found, target).is_some_and(is_listed)
                || Statement::parse(found, target).is_some_and(is_member)
        }
    }
}

/// The statements after the changes, as Lambda makes them.
fn applied(planned: &Plan, target: &PolicyTarget, before: &[Value]) -> Vec<Value> {
    let mut statements = before.to_vec();
    for change in &planned.changes {
        match change {
            Change::Add(statement) => {
                assert!(
                    !statements.iter().any(|found| statement.sid.is_of(found)),
                    "twice: {statement}"
                );
                statements.push(statement.to_json(target));
            }
            Change::Remove(removal) => statements.retain(|found| !removal.sid().is_of(found)),
        }
    }
    statements
}
