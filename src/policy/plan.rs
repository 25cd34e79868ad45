//! The difference between what a policy holds and what it is to hold, as the steps that settle it. Pure.
//! Calls nobody, and touches no statement that the goal does not name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::document::Policy;
use crate::permission::goal::{Denied, Goal, OnlyIf, Unwanted};
use crate::permission::statement::{Statement, StatementId, principal_of};
use crate::text::{joined, one_line};

/// How many steps the log shows one by one: a plan is logged again after each write that does not tell the new revision.
const MOST_SHOWN: usize = 10;

/// How many refusals of the guardrails a reason tells one by one.
const MOST_TOLD: usize = 20;

/// The steps from what is to what should be: what is wanted comes first, so that access never lapses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What to do, in this order.
    pub steps: Vec<Step>,
    /// Statements that bear an unwanted id but say something else: somebody else's, and left alone.
    pub spared: Vec<Unwanted>,
}

/// One write to a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The statement is added.
    Add(Statement),
    /// The statement is removed.
    Remove(Unwanted),
}

/// A wanted id is taken by a statement that says something else.
#[derive(Debug, PartialEq, Eq, Error)]
#[error(
    "statement id taken: got `{}` in the policy, choose another `StatementId` or remove that statement",
    one_line(&found.to_string())
)]
pub struct Conflict {
    found: Value,
}

/// The steps that make `policy` hold what `goal` says. An empty plan means that it does already.
///
/// # Errors
/// If a wanted id is taken by a statement that `goal` does not name: nothing is to be done then.
pub fn plan(goal: &Goal, policy: &Policy) -> Result<Plan, Conflict> {
    let mut plan = Plan::default();
    let mut replacements = Vec::new();
    let expanded = expanded(goal, policy);
    let mut unwanted: BTreeMap<&StatementId, Vec<&Unwanted>> = BTreeMap::new();
    for old in &expanded {
        unwanted.entry(&old.sid).or_default().push(old);
    }
    for wanted in &goal.wanted {
        let Some(found) = policy.statement(&wanted.sid) else {
            plan.steps.push(Step::Add(wanted.clone()));
            continue;
        };
        if is_there(wanted, policy) {
            continue;
        }
        let mut old = unwanted.get(&wanted.sid).into_iter().flatten();
        let old = old.find(|old| old.matches(found, policy));
        let old = old.ok_or_else(|| Conflict {
            found: found.clone(),
        })?;
        replacements.extend([Step::Remove((*old).clone()), Step::Add(wanted.clone())]);
    }
    plan.steps.extend(replacements);
    let wanted: BTreeSet<&StatementId> = goal.wanted.iter().map(|wanted| &wanted.sid).collect();
    for unwanted in expanded.iter().filter(|old| !wanted.contains(&old.sid)) {
        match policy.statement(&unwanted.sid) {
            Some(found) if unwanted.matches(found, policy) => {
                plan.steps.push(Step::Remove(unwanted.clone()));
            }
            Some(_) => plan.spared.push(unwanted.clone()),
            None => {}
        }
    }
    Ok(plan)
}

/// Whether this wanted statement is in `policy`.
pub(super) fn is_there(wanted: &Statement, policy: &Policy) -> bool {
    let found = policy.statement(&wanted.sid);
    found.is_some_and(|found| wanted.is(found, &policy.layer_version))
}

/// Whether nobody is added who is denied.
///
/// # Errors
/// Every reason why not, joined by `; `.
pub(super) fn allow(steps: &[Step], denied: &Denied) -> Result<(), String> {
    let refusals = steps.iter().filter_map(|step| match step {
        Step::Add(statement) => denied.get(&statement.principal).map(String::as_str),
        Step::Remove(_) => None,
    });
    let mut refusals: Vec<&str> = refusals.collect();
    if refusals.is_empty() {
        return Ok(());
    }
    let more = refusals.len().saturating_sub(MOST_TOLD);
    refusals.truncate(MOST_TOLD);
    Err(joined(&refusals, "; ", more))
}

/// What is unwanted, each by its own id: what goes by an id alone may be a statement or a list of them.
fn expanded(goal: &Goal, policy: &Policy) -> Vec<Unwanted> {
    let mut expanded = Vec::new();
    for unwanted in &goal.unwanted {
        expanded.push(unwanted.clone());
        if unwanted.only_if != OnlyIf::Anything {
            continue;
        }
        for found in policy.statements() {
            let Some(principal) = principal_of(found, &policy.layer_version) else {
                continue;
            };
            let of_list = unwanted.sid.of_each(&principal);
            if let Some(sid) = of_list.filter(|sid| sid.names(found)) {
                expanded.push(Unwanted::exactly(Statement { sid, principal }));
            }
        }
    }
    expanded
}

impl Unwanted {
    /// Whether `found` is the statement that is meant.
    pub(super) fn matches(&self, found: &Value, policy: &Policy) -> bool {
        match &self.only_if {
            OnlyIf::Anything => true,
            OnlyIf::Says(said) => found == said,
            OnlyIf::Grants(principal) => {
                let (sid, principal) = (self.sid.clone(), principal.clone());
                Statement { sid, principal }.is_in_any_partition(found, &policy.layer_version)
            }
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps.iter().map(ToString::to_string);
        let spared = self
            .spared
            .iter()
            .map(|unwanted| format!("leave `{}`, which is not {unwanted}", unwanted.sid));
        let number = self.steps.len() + self.spared.len();
        if number == 0 {
            return f.write_str("nothing to do");
        }
        let lines: Vec<String> = steps.chain(spared).take(MOST_SHOWN).collect();
        f.write_str(&joined(&lines, "; ", number.saturating_sub(MOST_SHOWN)))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(statement) => write!(f, "add {statement}"),
            Self::Remove(unwanted) => write!(f, "remove {unwanted}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::arn::LayerVersionArn;
    use crate::permission::principal::Principal;
    use proptest::prelude::*;
    use serde_json::json;

    fn layer_version() -> LayerVersionArn {
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
        Statement { sid, principal }
    }

    fn written(statement: &Statement) -> Value {
        statement.written(&layer_version())
    }

    fn policy(statements: &[Value]) -> Policy {
        let document = json!({"Version": "2012-10-17", "Id": "default", "Statement": statements});
        Policy::read(layer_version(), &document.to_string(), Some("r1".into())).expect("a policy")
    }

    fn goal(wanted: &[Statement], unwanted: &[Statement]) -> Goal {
        Goal {
            wanted: wanted.to_vec(),
            unwanted: unwanted.iter().cloned().map(Unwanted::exactly).collect(),
            ..Goal::default()
        }
    }

    /// What Lambda would make of the steps.
    fn applied(plan: &Plan, mut statements: Vec<Value>) -> Vec<Value> {
        for step in &plan.steps {
            match step {
                Step::Add(statement) => statements.push(written(statement)),
                Step::Remove(gone) => statements.retain(|found| found["Sid"] != gone.sid.as_ref()),
            }
        }
        statements
    }

    #[test]
    fn a_denied_principal_is_not_added_but_may_be_removed() {
        let [one, two] = [
            statement("s1", "111122223333"),
            statement("s2", "o-abcdefghij"),
        ];
        let refusal =
            |statement: &Statement| (statement.principal.clone(), format!("no {}", statement.sid));
        let denied = [&one, &two].map(refusal).into();
        let add = |statement: &Statement| Step::Add(statement.clone());
        let remove = Step::Remove(Unwanted::exactly(one.clone()));
        let steps = [add(&one), add(&statement("s3", "444455556666")), add(&two)];
        assert_eq!(allow(&steps, &denied), Err("no s1; no s2".to_owned()));
        assert_eq!(allow(&[remove, steps[1].clone()], &denied), Ok(()));
    }

    #[test]
    fn twenty_refusals_are_told_one_by_one_and_more_by_their_number() {
        let one = statement("s1", "111122223333");
        let denied = [(one.principal.clone(), "no".to_owned())].into();
        let told = ["no"; 20].join("; ");
        for (steps, reason) in [
            (20, told.clone()),
            (21, format!("{told}; and 1 more")),
            (22, format!("{told}; and 2 more")),
        ] {
            let steps = vec![Step::Add(one.clone()); steps];
            assert_eq!(allow(&steps, &denied), Err(reason));
        }
    }

    #[test]
    fn a_plan_reads_like_what_it_does() {
        let mine = [statement("s1", "111122223333")];
        let old = [statement("s1", "o-abcdefghij")];
        let other = [statement("s2", "444455556666")];
        let foreign = json!({"Sid": "s2", "Effect": "Deny"});
        for (name, wanted, unwanted, found, expected) in [
            (
                "missing",
                &mine[..],
                &[][..],
                vec![],
                "add `s1` for `111122223333`",
            ),
            (
                "there",
                &mine,
                &[],
                vec![written(&mine[0])],
                "nothing to do",
            ),
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
                "nothing to do",
            ),
            ("gone already", &[], &other, vec![], "nothing to do"),
            (
                "somebody else's",
                &[],
                &other,
                vec![foreign],
                "leave `s2`, which is not `s2` for `444455556666`",
            ),
        ] {
            let planned = plan(&goal(wanted, unwanted), &policy(&found)).expect("no conflict");
            assert_eq!(planned.to_string(), expected, "{name}");
        }
    }

    #[test]
    fn a_long_plan_shows_its_first_steps_and_their_number() {
        for (number, end) in [(10, "`s9` for `*`"), (11, "`s9` for `*`; and 1 more")] {
            let wanted: Vec<Statement> = (0..number)
                .map(|n| statement(&format!("s{n}"), "*"))
                .collect();
            let planned = plan(&goal(&wanted, &[]), &policy(&[])).expect("no conflict");
            assert!(planned.to_string().ends_with(end), "{planned}");
        }
    }

    #[test]
    fn a_statement_in_the_way_is_shown() {
        let goal = goal(&[statement("s1", "*")], &[statement("s1", "o-abcdefghij")]);
        let conflict = plan(&goal, &policy(&[json!({"Sid": "s1", "Effect": "Deny"})]));
        assert_eq!(
            conflict.expect_err("a conflict").to_string(),
            r#"statement id taken: got `{"Effect":"Deny","Sid":"s1"}` in the policy, choose another `StatementId` or remove that statement"#
        );
    }

    #[test]
    fn a_statement_in_the_way_is_shown_without_format_characters_and_cut() {
        let goal = goal(&[statement("s1", "*")], &[]);
        let found = json!({"Sid": "s1", "Note": format!("\u{202e}\n{}", "x".repeat(20_000))});
        let conflict = plan(&goal, &policy(&[found])).expect_err("a conflict");
        let reason = conflict.to_string();
        let begin = r#"statement id taken: got `{"Note":"\u{202e}\nxxx"#;
        assert!(reason.starts_with(begin), "{reason}");
        assert!(reason.len() < 1200, "{}", reason.len());
    }

    #[test]
    fn by_its_id_alone_a_statement_goes_whatever_it_says() {
        let unwanted = Unwanted::by_id("s1".parse().expect("a statement id"));
        let goal = Goal {
            unwanted: vec![unwanted],
            ..Goal::default()
        };
        let planned = plan(&goal, &policy(&[json!({"Sid": "s1", "Effect": "Deny"})]));
        assert_eq!(planned.expect("no conflict").to_string(), "remove `s1`");
    }

    #[test]
    fn what_lambda_has_returned_goes_if_it_is_exactly_that() {
        let returned =
            json!({"Sid": "s1", "Effect": "Allow", "Principal": {"AWS": "111122223333"}});
        let other = json!({"Sid": "s1", "Effect": "Allow", "Principal": {"AWS": ["111122223333"]}});
        let goal = Goal {
            unwanted: vec![Unwanted {
                sid: "s1".parse().expect("a statement id"),
                only_if: OnlyIf::Says(returned.clone()),
            }],
            ..Goal::default()
        };
        for (found, expected) in [
            (returned, "remove `s1`"),
            (other, "leave `s1`, which is not `s1`"),
        ] {
            let planned = plan(&goal, &policy(&[found])).expect("no conflict");
            assert_eq!(planned.to_string(), expected);
        }
    }

    #[test]
    fn by_its_id_alone_a_list_goes_as_far_as_it_is_one() {
        let unwanted = Unwanted::by_id("s1".parse().expect("a statement id"));
        let listed = [
            written(&statement("s1-111122223333", "111122223333")),
            written(&statement("s1-public", "*")),
            written(&statement("s1-444455556666", "111122223333")),
            written(&statement("s1-other", "*")),
        ];
        let goal = Goal {
            unwanted: vec![unwanted],
            ..Goal::default()
        };
        let planned = plan(&goal, &policy(&listed)).expect("no conflict");
        assert_eq!(
            planned.to_string(),
            "remove `s1-111122223333` for `111122223333`; remove `s1-public` for `*`"
        );
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
        fn applying_a_plan_yields_the_wanted_statements_and_leaves_the_others_byte_for_byte(
            before in statements(),
            wanted in statements(),
            observed in policies(),
        ) {
            let goal = goal(&wanted, &before);
            let Ok(planned) = plan(&goal, &policy(&observed)) else {
                // A wanted id is taken by what neither set declares.
                let is_taken = |wanted: &Statement| observed.iter().any(|found| {
                    found["Sid"] == wanted.sid.as_ref()
                        && *found != written(wanted)
                        && before.iter().all(|old| old.sid != wanted.sid || *found != written(old))
                });
                prop_assert!(wanted.iter().any(is_taken));
                return Ok(());
            };
            let after = applied(&planned, observed.clone());
            prop_assert_eq!(plan(&goal, &policy(&after)).map(|plan| plan.steps), Ok(vec![]));
            let declared = |found: &Value| before.iter().chain(&wanted).any(|ours| *found == written(ours));
            let (ours, others): (Vec<&Value>, Vec<&Value>) = after.iter().partition(|found| declared(found));
            let wanted: Vec<Value> = wanted.iter().map(written).collect();
            prop_assert_eq!(ours.len(), wanted.len());
            prop_assert!(wanted.iter().all(|statement| ours.contains(&statement)));
            let text = |statements: Vec<&Value>| statements.iter().map(ToString::to_string).collect::<Vec<_>>();
            prop_assert_eq!(text(others), text(observed.iter().filter(|found| !declared(found)).collect()));
        }

        #[test]
        fn access_never_lapses_but_where_an_id_keeps_its_name_and_changes_its_content(
            before in statements(),
            wanted in statements(),
            observed in policies(),
        ) {
            let goal = goal(&wanted, &before);
            let Ok(Plan { steps, .. }) = plan(&goal, &policy(&observed)) else { return Ok(()) };
            let replaced = |sid: &str| steps.iter().any(|step| matches!(step, Step::Add(added) if added.sid.as_ref() == sid));
            let last_add = steps.iter().rposition(|step| matches!(step, Step::Add(_)));
            for (index, step) in steps.iter().enumerate() {
                if let Step::Remove(gone) = step {
                    prop_assert!(replaced(gone.sid.as_ref()) || last_add.is_none_or(|last| last < index), "{}", step);
                }
            }
        }
    }
}
