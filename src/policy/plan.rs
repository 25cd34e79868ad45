//! The changes that bring a policy to its desired state. Pure.
//! No statement is touched that the desired state does not name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::denied::Denied;
use super::desired::{DesiredState, Removal};
use super::document::PolicyDocument;
use super::size::{TooManyAccounts, ensure_fits};
use super::statement::Statement;
use super::statement_id::StatementId;
use super::statement_list::is_member;
use super::unit_grant::is_unit_member;
use crate::text::{joined, one_line};

/// How many changes the log shows one by one: a plan is logged again after each write that does not return the new revision.
const MAX_LOGGED_CHANGES: usize = 10;

/// How many guardrail violations a reason contains.
const MAX_REPORTED_VIOLATIONS: usize = 20;

/// The changes to a policy: additions come first, so that access never lapses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The writes, in this order.
    pub changes: Vec<Change>,
    /// Removals whose id belongs to another statement, which is not owned and stays.
    pub not_owned: Vec<Removal>,
}

/// One write to a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The statement is added.
    Add(Statement),
    /// The statement is removed.
    Remove(Removal),
}

/// Why the policy must not be changed.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A desired id belongs to a statement that the desired state does not name.
    #[error(
        "statement ID already in use: got `{}` in the policy, choose another `StatementId` or remove that statement",
        one_line(&.0.to_string())
    )]
    StatementIdInUse(Value),
    /// The guardrails deny what would have to be added.
    #[error("{0}")]
    Denied(String),
    /// The policy has no space for the statements of all accounts of some units.
    #[error(transparent)]
    TooManyAccounts(#[from] TooManyAccounts),
}

/// The changes that bring `policy` to the state `desired`. None are needed where it has that state already.
///
/// # Errors
/// If a desired id is in use by a statement that `desired` does not name, or if a statement would have to be added that is
/// `denied`: nothing must be changed then.
pub fn plan(
    desired: &DesiredState,
    policy: &PolicyDocument,
    denied: &Denied,
) -> Result<Plan, PlanError> {
    let removals = expand(desired.unwanted().cloned().collect(), policy);
    let mut plan = Plan {
        changes: additions(desired, &removals, policy)?,
        not_owned: Vec::new(),
    };
    ensure_allowed(&plan.changes, denied)?;
    let added = plan.changes.iter().filter_map(Change::added);
    ensure_fits(&added.collect(), desired, policy)?;
    let kept: BTreeSet<&StatementId> = desired.statements.iter().map(|kept| &kept.sid).collect();
    let mut seen = BTreeSet::new();
    let removed = removals.iter().filter(|old| !kept.contains(old.sid()));
    for removal in removed.filter(|old| old.unit().is_none()) {
        let Some(found) = policy.statement(removal.sid()) else {
            continue;
        };
        if !seen.insert(removal.sid()) {
            continue;
        }
        // Of one id, several contents may be removed.
        let mut of_sid = removals.iter().filter(|other| other.sid() == removal.sid());
        match of_sid.find_map(|removal| removal.of_found(found, &policy.target)) {
            Some(removal) => plan.changes.push(Change::Remove(removal)),
            None => plan.not_owned.push(removal.clone()),
        }
    }
    Ok(plan)
}

/// What adds the desired statements; a statement of the same id that may be removed is replaced, after all others were added.
fn additions(
    desired: &DesiredState,
    removals: &[Removal],
    policy: &PolicyDocument,
) -> Result<Vec<Change>, PlanError> {
    let mut by_sid: BTreeMap<&StatementId, Vec<&Removal>> = BTreeMap::new();
    for removal in removals {
        by_sid.entry(removal.sid()).or_default().push(removal);
    }
    let (mut additions, mut replacements) = (Vec::new(), Vec::new());
    for statement in &desired.statements {
        let Some(found) = policy.statement(&statement.sid) else {
            additions.push(Change::Add(statement.clone()));
            continue;
        };
        if policy.contains(statement) {
            continue;
        }
        // One whose principal was deleted is replaced, for its principal may exist again.
        let dead = Removal::Exact(statement.clone());
        let old = by_sid.get(&statement.sid).into_iter().flatten().copied();
        let mut old = std::iter::once(&dead).chain(old);
        let old = old.find_map(|old| old.of_found(found, &policy.target));
        let old = old.ok_or_else(|| PlanError::StatementIdInUse(found.clone()))?;
        replacements.extend([Change::Remove(old), Change::Add(statement.clone())]);
    }
    additions.extend(replacements);
    Ok(additions)
}

/// Nothing is added that is denied.
fn ensure_allowed(changes: &[Change], denied: &Denied) -> Result<(), PlanError> {
    let added = changes.iter().filter_map(Change::added);
    let violations = added.filter_map(|statement| denied.reason(statement));
    let mut violations: Vec<&str> = violations.collect();
    if violations.is_empty() {
        return Ok(());
    }
    let more = violations.len().saturating_sub(MAX_REPORTED_VIOLATIONS);
    violations.truncate(MAX_REPORTED_VIOLATIONS);
    Err(PlanError::Denied(joined(&violations, "; ", more)))
}

/// The removals, each with its own id: a removal by id is one of a statement or of several statements of a resource.
fn expand(removals: Vec<Removal>, policy: &PolicyDocument) -> Vec<Removal> {
    let lists = removals.iter().filter_map(|removal| match removal {
        Removal::ById(list) => Some(list.clone()),
        Removal::Exact(_) | Removal::Verbatim(..) | Removal::Unit(_) => None,
    });
    let (lists, mut expanded) = (lists.collect::<Vec<_>>(), removals);
    for list in &lists {
        let found = policy.statements();
        let found = found.filter_map(|found| Statement::parse(found, &policy.target));
        // Of a chosen id, what looks like an account of a unit may be in the list of another resource.
        let is_derived = list.derived_part().as_ref() == Some(list);
        let is_ours = |found: &Statement| {
            is_member(list, found) && (is_derived || !is_unit_member(list, found))
        };
        for member in found.filter(is_ours) {
            if expanded.iter().all(|known| *known.sid() != member.sid) {
                expanded.push(Removal::Exact(member));
            }
        }
    }
    expanded
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = self.changes.iter().map(ToString::to_string);
        let not_owned = self
            .not_owned
            .iter()
            .map(|removal| format!("keep `{}`, which is not {removal}", removal.sid()));
        let number = self.changes.len() + self.not_owned.len();
        if number == 0 {
            return f.write_str("no changes");
        }
        let lines: Vec<String> = changes.chain(not_owned).take(MAX_LOGGED_CHANGES).collect();
        f.write_str(&joined(
            &lines,
            "; ",
            number.saturating_sub(MAX_LOGGED_CHANGES),
        ))
    }
}

impl Change {
    /// The statement, if it is added.
    #[must_use]
    pub fn added(&self) -> Option<&Statement> {
        match self {
            Self::Add(statement) => Some(statement),
            Self::Remove(_) => None,
        }
    }

    /// The id of the statement that is added or removed.
    #[must_use]
    pub fn sid(&self) -> &StatementId {
        match self {
            Self::Add(statement) => &statement.sid,
            Self::Remove(removal) => removal.sid(),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(statement) => write!(f, "add {statement}"),
            Self::Remove(removal) => write!(f, "remove {removal}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::conditions::Conditions;
    use crate::policy::principal::Principal;
    use crate::policy::statement::GET_LAYER_VERSION;
    use crate::policy::target::PolicyTarget;
    use crate::policy::unit_grant::UnitGrant;
    use proptest::prelude::*;
    use serde_json::json;

    fn target() -> PolicyTarget {
        "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1"
            .parse()
            .expect("an ARN")
    }

    fn statement(sid: &str, principal: &str) -> Statement {
        let principal = match principal {
            "*" => Principal::Everyone,
            id if id.starts_with("o-") => {
                Principal::Organization(id.parse().expect("an organization"))
            }
            id => Principal::Account(id.parse().expect("an account")),
        };
        let sid = sid.parse().expect("a statement id");
        Statement::layer_version(sid, principal)
    }

    fn written(statement: &Statement) -> Value {
        statement.to_json(&target())
    }

    fn policy(statements: &[Value]) -> PolicyDocument {
        let document = json!({"Version": "2012-10-17", "Id": "default", "Statement": statements});
        PolicyDocument::parse(target(), &document.to_string(), Some("r1".into())).expect("a policy")
    }

    fn state(desired: &[Statement], removals: &[Statement]) -> DesiredState {
        DesiredState {
            statements: desired.to_vec(),
            removals: removals.iter().cloned().map(Removal::Exact).collect(),
            ..DesiredState::default()
        }
    }

    /// What Lambda would make of the changes.
    fn applied(plan: &Plan, mut statements: Vec<Value>) -> Vec<Value> {
        for change in &plan.changes {
            match change {
                Change::Add(statement) => statements.push(written(statement)),
                Change::Remove(gone) => {
                    statements.retain(|found| found["Sid"] != gone.sid().as_ref());
                }
            }
        }
        statements
    }

    #[test]
    fn a_policy_outside_of_the_set_loses_either_content_of_the_statement_and_no_other() {
        let [new, old, foreign] =
            ["111122223333", "444455556666", "*"].map(|principal| statement("s1", principal));
        for was in [true, false] {
            let outside =
                state(std::slice::from_ref(&new), std::slice::from_ref(&old)).outside(was);
            let planned = |found: &Statement| {
                let planned = plan(&outside, &policy(&[written(found)]), &Denied::new());
                planned.expect("a plan")
            };
            for owned in [&new, &old] {
                let removal = Change::Remove(Removal::Exact(owned.clone()));
                assert_eq!(planned(owned).changes, [removal], "{was}");
                assert_eq!(planned(owned).not_owned, [], "{was}");
            }
            assert_eq!(planned(&foreign).changes, [], "{was}");
            assert_eq!(planned(&foreign).not_owned.len(), 1, "{was}");
        }
    }

    #[test]
    fn a_denied_statement_is_not_added_but_may_be_kept_or_removed() {
        let [one, two, three] = [
            statement("s1", "111122223333"),
            statement("s2", "o-abcdefghij"),
            statement("s3", "444455556666"),
        ];
        let denied = [&one, &two].map(|denied| (denied.clone(), format!("no {}", denied.sid)));
        let denied = Denied::from_iter(denied);
        let all = [one.clone(), three.clone(), two.clone()];
        let rejected = plan(&state(&all, &[]), &policy(&[]), &denied);
        assert_eq!(rejected, Err(PlanError::Denied("no s1; no s2".to_owned())));
        let found = policy(&[written(&one), written(&two)]);
        let allowed = plan(&state(&[one, three], &[two]), &found, &denied);
        assert_eq!(
            allowed.map(|plan| plan.to_string()),
            Ok("add `s3` for `444455556666`; remove `s2` for `o-abcdefghij`".to_owned())
        );
    }

    #[test]
    fn a_replacement_by_a_denied_statement_changes_nothing() {
        let (old, new) = (statement("s1", "111122223333"), statement("s1", "*"));
        let denied = Denied::from_iter([(new.clone(), "no".to_owned())]);
        let rejected = plan(
            &state(&[new], std::slice::from_ref(&old)),
            &policy(&[written(&old)]),
            &denied,
        );
        assert_eq!(rejected, Err(PlanError::Denied("no".to_owned())));
    }

    #[test]
    fn a_reason_contains_twenty_violations_and_the_number_of_the_others() {
        let reported = ["no"; 20].join("; ");
        for (number, reason) in [
            (20, reported.clone()),
            (21, format!("{reported}; and 1 more")),
            (22, format!("{reported}; and 2 more")),
        ] {
            let desired: Vec<Statement> = (0..number)
                .map(|n| statement(&format!("s{n}"), "*"))
                .collect();
            let denied = desired
                .iter()
                .map(|denied| (denied.clone(), "no".to_owned()))
                .collect();
            let rejected = plan(&state(&desired, &[]), &policy(&[]), &denied);
            assert_eq!(rejected, Err(PlanError::Denied(reason)));
        }
    }

    #[test]
    fn a_plan_reads_like_what_it_does() {
        let mine = [statement("s1", "111122223333")];
        let old = [statement("s1", "o-abcdefghij")];
        let other = [statement("s2", "444455556666")];
        let foreign = json!({"Sid": "s2", "Effect": "Deny"});
        for (name, desired, removals, found, expected) in [
            (
                "missing",
                &mine[..],
                &[][..],
                vec![],
                "add `s1` for `111122223333`",
            ),
            ("there", &mine, &[], vec![written(&mine[0])], "no changes"),
            (
                "the same id with old content",
                &mine,
                &old,
                vec![written(&old[0])],
                "remove `s1` for `o-abcdefghij`; add `s1` for `111122223333`",
            ),
            (
                "another id",
                &mine,
                &other,
                vec![written(&other[0])],
                "add `s1` for `111122223333`; remove `s2` for `444455556666`",
            ),
            (
                "unchanged",
                &mine,
                &mine,
                vec![written(&mine[0])],
                "no changes",
            ),
            ("gone already", &[], &other, vec![], "no changes"),
            (
                "not owned",
                &[],
                &other,
                vec![foreign],
                "keep `s2`, which is not `s2` for `444455556666`",
            ),
        ] {
            let planned = plan(&state(desired, removals), &policy(&found), &Denied::new())
                .expect("no conflict");
            assert_eq!(planned.to_string(), expected, "{name}");
        }
    }

    #[test]
    fn a_long_plan_shows_its_first_changes_and_the_number_of_the_others() {
        for (number, end) in [(10, "`s9` for `*`"), (11, "`s9` for `*`; and 1 more")] {
            let desired: Vec<Statement> = (0..number)
                .map(|n| statement(&format!("s{n}"), "*"))
                .collect();
            let planned =
                plan(&state(&desired, &[]), &policy(&[]), &Denied::new()).expect("no conflict");
            assert!(planned.to_string().ends_with(end), "{planned}");
        }
    }

    #[test]
    fn a_statement_that_uses_the_id_is_shown() {
        let state = state(&[statement("s1", "*")], &[statement("s1", "o-abcdefghij")]);
        let conflict = plan(
            &state,
            &policy(&[json!({"Sid": "s1", "Effect": "Deny"})]),
            &Denied::new(),
        );
        assert_eq!(
            conflict.expect_err("a conflict").to_string(),
            r#"statement ID already in use: got `{"Effect":"Deny","Sid":"s1"}` in the policy, choose another `StatementId` or remove that statement"#
        );
    }

    #[test]
    fn a_statement_that_uses_the_id_is_shown_without_format_characters_and_cut() {
        let state = state(&[statement("s1", "*")], &[]);
        let found = json!({"Sid": "s1", "Note": format!("\u{202e}\n{}", "x".repeat(20_000))});
        let conflict = plan(&state, &policy(&[found]), &Denied::new()).expect_err("a conflict");
        let reason = conflict.to_string();
        let begin = r#"statement ID already in use: got `{"Note":"\u{202e}\nxxx"#;
        assert!(reason.starts_with(begin), "{reason}");
        assert!(reason.len() < 1200, "{}", reason.len());
    }

    #[test]
    fn a_removal_by_id_removes_the_statement_whatever_it_contains() {
        let removal = Removal::ById("s1".parse().expect("a statement id"));
        let state = DesiredState {
            removals: vec![removal],
            ..DesiredState::default()
        };
        let planned = plan(
            &state,
            &policy(&[json!({"Sid": "s1", "Effect": "Deny"})]),
            &Denied::new(),
        );
        assert_eq!(planned.expect("no conflict").to_string(), "remove `s1`");
    }

    #[test]
    fn a_removal_as_returned_removes_exactly_what_lambda_returned() {
        let returned =
            json!({"Sid": "s1", "Effect": "Allow", "Principal": {"AWS": "111122223333"}});
        let other = json!({"Sid": "s1", "Effect": "Allow", "Principal": {"AWS": ["111122223333"]}});
        let state = DesiredState {
            removals: vec![Removal::Verbatim(
                "s1".parse().expect("a statement id"),
                returned.clone(),
            )],
            ..DesiredState::default()
        };
        for (found, expected) in [
            (returned, "remove `s1`"),
            (other, "keep `s1`, which is not `s1`"),
        ] {
            let planned = plan(&state, &policy(&[found]), &Denied::new()).expect("no conflict");
            assert_eq!(planned.to_string(), expected);
        }
    }

    #[test]
    fn a_removal_by_id_removes_the_statements_of_a_list_of_that_id() {
        let removal = Removal::ById("s1".parse().expect("a statement id"));
        let listed = [
            written(&statement("s1-111122223333", "111122223333")),
            written(&statement("s1-public", "*")),
            written(&statement("s1-444455556666", "111122223333")),
            written(&statement("s1-other", "*")),
        ];
        let state = DesiredState {
            removals: vec![removal],
            ..DesiredState::default()
        };
        let planned = plan(&state, &policy(&listed), &Denied::new()).expect("no conflict");
        assert_eq!(
            planned.to_string(),
            "remove `s1-111122223333` for `111122223333`; remove `s1-public` for `*`"
        );
    }

    /// The policy of a function with this statement, whose principal is that of a role or its unique id.
    fn of_role(principal: &str) -> (Statement, PolicyDocument) {
        let function: PolicyTarget = "arn:aws:lambda:eu-west-1:123456789012:function:my-function"
            .parse()
            .expect("an ARN");
        let role = "arn:aws:iam::111122223333:role/deploy";
        let desired = statement("s1", "*");
        let desired = Statement {
            principal: role.parse().expect("a role"),
            ..desired
        };
        let mut found = desired.to_json(&function);
        found["Principal"] = json!({"AWS": principal});
        let document = json!({"Statement": [found]}).to_string();
        let policy = PolicyDocument::parse(function, &document, Some("r1".into()));
        (desired, policy.expect("a policy"))
    }

    #[test]
    fn a_statement_of_a_deleted_role_is_replaced_or_removed_and_never_restored() {
        let (desired, policy) = of_role("AROACKCEVSQ6C2EXAMPLE");
        let replaced = plan(
            &state(std::slice::from_ref(&desired), &[]),
            &policy,
            &Denied::new(),
        );
        let replaced = replaced.expect("no conflict");
        assert_eq!(
            replaced.to_string(),
            "remove `s1`; add `s1` for `arn:aws:iam::111122223333:role/deploy`"
        );
        let removed = plan(&state(&[], &[desired]), &policy, &Denied::new());
        let removed = removed.expect("no conflict");
        assert_eq!(removed.to_string(), "remove `s1`");
        for plan in [replaced, removed] {
            let Some(Change::Remove(removal)) = plan.changes.first() else {
                panic!("nothing is removed: {plan}");
            };
            assert_eq!(removal.statement(), None);
        }
        let (desired, policy) = of_role("AIDACKCEVSQ6C2EXAMPLE");
        let conflict = plan(&state(&[desired], &[]), &policy, &Denied::new());
        assert!(matches!(conflict, Err(PlanError::StatementIdInUse(_))));
    }

    /// A grant's statements: of a few ids and principals, so that sets of them meet often.
    fn statements() -> impl Strategy<Value = Vec<Statement>> {
        let principals = vec!["111122223333", "444455556666", "o-abcdefghij", "*"];
        let statement = (0..6u8, prop::sample::select(principals))
            .prop_map(|(n, principal)| statement(&format!("s{n}"), principal));
        prop::collection::vec(statement, 0..6).prop_map(|mut statements| {
            statements.sort();
            statements.dedup_by(|a, b| a.sid == b.sid);
            statements
        })
    }

    /// A policy in which statements as this provider writes them stand among some of any shape, which may bear the same ids.
    fn policies() -> impl Strategy<Value = Vec<Value>> {
        let foreign = prop_oneof![
            (0..6u8, "[ -~é]{0,8}").prop_map(|(n, text)| json!({"Sid": format!("s{n}"), "Effect": "Deny", "Note": text})),
            (0..6u8).prop_map(|n| {
                let mut conditional = written(&statement(&format!("s{n}"), "*"));
                conditional["Condition"] = json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}});
                conditional
            }),
            "[a-z]{0,3}".prop_map(|sid| json!({"Sid": sid, "Principal": {"AWS": ["AIDAEXAMPLE", "*"]}, "NotAction": "*"})),
            Just(json!({"Unknown": 1})),
            Just(json!("text")),
        ];
        (statements(), prop::collection::vec(foreign, 0..4)).prop_map(|(ours, foreign)| {
            let mut policy: Vec<Value> = foreign;
            let taken =
                |policy: &[Value], sid: &str| policy.iter().any(|found| found["Sid"] == sid);
            for statement in &ours {
                if !taken(&policy, statement.sid.as_ref()) {
                    policy.insert(policy.len() / 2, written(statement));
                }
            }
            let mut ids = std::collections::HashSet::new();
            policy.retain(|found| {
                found["Sid"]
                    .as_str()
                    .is_none_or(|sid| ids.insert(sid.to_owned()))
            });
            policy
        })
    }

    proptest! {
        #[test]
        fn applying_a_plan_yields_the_desired_statements_and_keeps_the_others_byte_for_byte(
            before in statements(),
            desired in statements(),
            observed in policies(),
        ) {
            let state = state(&desired, &before);
            let Ok(planned) = plan(&state, &policy(&observed), &Denied::new()) else {
                // A desired id is in use by a statement that neither set declares.
                let in_use = |desired: &Statement| observed.iter().any(|found| {
                    found["Sid"] == desired.sid.as_ref()
                        && *found != written(desired)
                        && before.iter().all(|old| old.sid != desired.sid || *found != written(old))
                });
                prop_assert!(desired.iter().any(in_use));
                return Ok(());
            };
            let after = applied(&planned, observed.clone());
            prop_assert_eq!(plan(&state, &policy(&after), &Denied::new()).map(|plan| plan.changes), Ok(vec![]));
            let declared = |found: &Value| before.iter().chain(&desired).any(|ours| *found == written(ours));
            let (ours, others): (Vec<&Value>, Vec<&Value>) = after.iter().partition(|found| declared(found));
            let desired: Vec<Value> = desired.iter().map(written).collect();
            prop_assert_eq!(ours.len(), desired.len());
            prop_assert!(desired.iter().all(|statement| ours.contains(&statement)));
            let text = |statements: Vec<&Value>| statements.iter().map(ToString::to_string).collect::<Vec<_>>();
            prop_assert_eq!(text(others), text(observed.iter().filter(|found| !declared(found)).collect()));
        }

        #[test]
        fn access_never_lapses_but_where_an_id_keeps_its_name_and_changes_its_content(
            before in statements(),
            desired in statements(),
            observed in policies(),
        ) {
            let state = state(&desired, &before);
            let Ok(Plan { changes, .. }) = plan(&state, &policy(&observed), &Denied::new()) else { return Ok(()) };
            let replaced = |sid: &str| changes.iter().any(|change| matches!(change, Change::Add(added) if added.sid.as_ref() == sid));
            let last_add = changes.iter().rposition(|change| matches!(change, Change::Add(_)));
            for (index, change) in changes.iter().enumerate() {
                if let Change::Remove(gone) = change {
                    prop_assert!(replaced(gone.sid().as_ref()) || last_add.is_none_or(|last| last < index), "{}", change);
                }
            }
        }
    }

    fn unit(action: &'static str) -> UnitGrant {
        UnitGrant {
            list: "s".parse().expect("a statement id"),
            unit: "ou-abcd-11111111".parse().expect("a unit"),
            of_url: None,
            action: action.into(),
            conditions: Conditions::default(),
            path: None,
        }
    }

    fn member(unit: &UnitGrant, digit: u64) -> Statement {
        let account = digit.to_string().repeat(12).parse().expect("an account");
        unit.statement(&account).expect("a statement")
    }

    #[test]
    fn accounts_that_have_left_a_unit_are_removed_after_others_were_added() {
        let unit = unit(GET_LAYER_VERSION);
        let [one, two, three] = [1, 2, 3].map(|digit| member(&unit, digit));
        let mut state = state(&[one.clone(), three.clone()], &[]);
        state.units = vec![unit.clone()];
        state.leftovers = vec![Removal::Unit(unit.clone())];
        let other = written(&statement("s-22222222-111111111111", "111111111111"));
        let policy = policy(&[written(&one), written(&two), other]);
        let planned = plan(&state.resolve(&policy), &policy, &Denied::new()).expect("a plan");
        let removed = Change::Remove(Removal::Exact(two));
        assert_eq!(planned.changes, [Change::Add(three), removed]);
        assert_eq!(planned.not_owned, []);
        // Without resolving, nothing is known to be removed.
        let planned = plan(&state, &policy, &Denied::new()).expect("a plan");
        assert_eq!(planned.changes.len(), 1);
    }

    #[test]
    fn the_accounts_of_a_denied_unit_are_not_added() {
        let unit = unit(GET_LAYER_VERSION);
        let (one, two) = (member(&unit, 1), member(&unit, 2));
        let mut denied = Denied::new();
        denied.deny_unit(unit, "no".to_owned());
        let state = state(&[one.clone(), two], &[]);
        let rejected = plan(&state, &policy(&[written(&one)]), &denied);
        assert_eq!(rejected, Err(PlanError::Denied("no".to_owned())));
        let named = statement("s-111111111111", "111111111111");
        assert_eq!(denied.reason(&named), None);
    }

    #[test]
    fn accounts_that_do_not_fit_are_counted_before_anything_is_written() {
        let unit = unit(GET_LAYER_VERSION);
        let members = (0..200_u64).map(|number| {
            let account = format!("{number:012}").parse().expect("an account");
            unit.statement(&account).expect("a statement")
        });
        let members: Vec<Statement> = members.collect();
        let mut state = state(&members, &[]);
        state.units = vec![unit];
        let there: Vec<Value> = members.iter().take(10).map(written).collect();
        let others = [written(&statement("other", "*"))];
        let rejected = plan(
            &state,
            &policy(&[there, others.to_vec()].concat()),
            &Denied::new(),
        );
        let expected = "policy size limit exceeded: got 200 accounts in `ou-abcd-11111111`, of which 98 fit beside 1 other statements \
                        in 20480 bytes, grant to the organization and let a service control policy narrow that to the unit \
                        (docs/organizations.md)";
        assert_eq!(
            rejected.map_err(|error| error.to_string()),
            Err(expected.to_owned())
        );
        // Of a list, Lambda says whether it fits.
        state.units.clear();
        assert!(plan(&state, &policy(&[]), &Denied::new()).is_ok());
    }
}
