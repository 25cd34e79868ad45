//! What the policy itself says about units: which accounts of which unit were granted to, by the ids of its statements. Pure.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::policy::arn::AccountId;
use crate::policy::conditions::Conditions;
use crate::policy::desired::DesiredState;
use crate::policy::document::PolicyDocument;
use crate::policy::organization::{MemberAccount, UnitId, UnitPath};
use crate::policy::principal::Principal;
use crate::policy::statement::Statement;
use crate::policy::statement_id::StatementId;
use crate::policy::unit_grant::{UnitGrant, UnitMemberId};
use crate::policy::url_statement::UrlStatement;

/// What has to be the same in the statements for the accounts of a unit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    list: StatementId,
    unit: String,
    of_url: Option<UrlStatement>,
    action: Cow<'static, str>,
    conditions: Conditions,
}

/// The accounts of one unit: those that a policy grants to, and those that are in it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnitEntry {
    /// What they are granted.
    pub(super) grant: UnitGrant,
    /// Those that the policy grants to.
    pub(super) granted: BTreeSet<AccountId>,
    /// Those that are in the unit.
    pub(super) members: BTreeSet<AccountId>,
}

/// What a policy says about units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    /// The units that have accounts, those with the most statements first.
    pub(super) entries: Vec<UnitEntry>,
    /// The resources and the last parts of units that have statements, and in which the organization has no active account.
    pub(super) unknown: BTreeSet<(StatementId, String)>,
}

impl Ledger {
    /// Reads the statements of `policy`, of the resource with the statement id `list`, or of any where there is none; `accounts` are all
    /// active ones of the organization.
    pub(super) fn read(
        policy: &PolicyDocument,
        list: Option<&StatementId>,
        accounts: &[MemberAccount],
    ) -> Self {
        let mut ledger = Self::default();
        for (key, granted) in granted(policy, list) {
            let in_unit = accounts.iter().filter_map(|account| {
                let mut units = account.units.iter();
                let unit = units.find(|unit| unit.last_part() == key.unit)?;
                Some((account, unit, account.path_to(unit)?))
            });
            let in_unit: Vec<_> = in_unit.collect();
            match in_unit.first() {
                Some((_, unit, path)) => ledger.entries.push(UnitEntry {
                    grant: key.grant((*unit).clone(), path.clone()),
                    granted,
                    members: in_unit
                        .iter()
                        .map(|(account, ..)| account.id.clone())
                        .collect(),
                }),
                None => drop(ledger.unknown.insert((key.list, key.unit))),
            }
        }
        let entries = &mut ledger.entries;
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.granted.len()));
        ledger
    }
}

impl Key {
    fn grant(self, unit: UnitId, path: UnitPath) -> UnitGrant {
        UnitGrant {
            list: self.list,
            unit,
            of_url: self.of_url,
            action: self.action,
            conditions: self.conditions,
            path: Some(path),
        }
    }
}

/// The accounts that have a statement whose id has the form of one for a unit.
fn granted(
    policy: &PolicyDocument,
    list: Option<&StatementId>,
) -> BTreeMap<Key, BTreeSet<AccountId>> {
    let mut granted: BTreeMap<Key, BTreeSet<AccountId>> = BTreeMap::new();
    for found in policy.statements() {
        let Some(statement) = Statement::parse(found, &policy.target) else {
            continue;
        };
        let Some(id) = UnitMemberId::parse(&statement.sid) else {
            continue;
        };
        let is_of_list = list.is_none_or(|list| id.list == *list);
        if is_of_list && statement.principal == Principal::Account(id.account.clone()) {
            let key = Key {
                list: id.list,
                unit: id.unit,
                of_url: id.of_url,
                action: statement.action,
                conditions: statement.conditions,
            };
            granted.entry(key).or_default().insert(id.account);
        }
    }
    granted
}

impl UnitEntry {
    /// The accounts that have left.
    pub(super) fn gone(&self) -> impl Iterator<Item = &AccountId> {
        self.granted.difference(&self.members)
    }

    /// Whether more than a third of the accounts would lose their grant at once: that is rather a mistake than a move.
    pub(super) fn is_doubtful(&self) -> bool {
        self.gone().count() * 3 > self.granted.len()
    }

    /// The statements that are missing in `policy`. An id that another statement has is left to it.
    pub(super) fn missing(&self, policy: &PolicyDocument) -> Vec<Statement> {
        let joined = self.members.difference(&self.granted);
        let statements = joined.filter_map(|account| self.grant.statement(account));
        let is_vacant = |statement: &Statement| policy.statement(&statement.sid).is_none();
        statements.filter(is_vacant).collect()
    }

    /// The state in which every account of the unit has its statement.
    pub(super) fn desired(&self) -> DesiredState {
        let statements = self
            .members
            .iter()
            .filter_map(|account| self.grant.statement(account));
        DesiredState {
            statements: statements.collect(),
            units: vec![self.grant.clone()],
            ..DesiredState::default()
        }
    }

    /// The statements of the accounts that have left.
    pub(super) fn leaving(&self) -> Vec<Statement> {
        let statements = self
            .gone()
            .filter_map(|account| self.grant.statement(account));
        statements.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::target::PolicyTarget;
    use serde_json::{Value, json};

    fn target() -> PolicyTarget {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";
        arn.parse().expect("a target")
    }

    /// From `<sid> <digit>`: the digit is repeated to the id of an account.
    fn policy(statements: &[&str]) -> PolicyDocument {
        let written = |text: &&str| {
            let (sid, digit) = text.split_once(' ').expect("an id and a digit");
            let account = digit.repeat(12).parse().expect("an account");
            let sid = sid.replace('#', &digit.repeat(12));
            Statement::layer_version(sid.parse().expect("an id"), account).to_json(&target())
        };
        let statements: Vec<Value> = statements.iter().map(written).collect();
        let document = json!({"Statement": statements}).to_string();
        PolicyDocument::parse(target(), &document, Some("r".to_owned())).expect("a policy")
    }

    /// From `<digit>:<units>`.
    fn accounts(placed: &[&str]) -> Vec<MemberAccount> {
        let account = |text: &&str| {
            let (digit, units) = text.split_once(':').expect("a digit and units");
            let path = format!("o-abc1234567/r-abcd/{units}/{}/", digit.repeat(12));
            path.parse().expect("a path")
        };
        placed.iter().map(account).collect()
    }

    fn shown(statements: &[Statement]) -> Vec<String> {
        let principal = |of: &Statement| of.principal.to_string()[..1].to_owned();
        statements.iter().map(principal).collect()
    }

    #[test]
    fn the_accounts_that_joined_and_left_are_found_by_the_ids_of_the_statements() {
        let organization = accounts(&[
            "1:ou-abcd-11111111",
            "3:ou-abcd-11111111/ou-abcd-22222222",
            "4:ou-abcd-33333333",
        ]);
        let policy = policy(&[
            "s-11111111-# 1",
            "s-11111111-# 2",
            "t-33333333-# 4",
            "s-# 5",
        ]);
        let ledger = Ledger::read(&policy, None, &organization);
        let [s, t] = &ledger.entries[..] else {
            panic!("{ledger:?}");
        };
        assert_eq!(shown(&s.missing(&policy)), ["3"]);
        assert_eq!(shown(&s.leaving()), ["2"]);
        assert_eq!(
            (shown(&t.missing(&policy)), shown(&t.leaving())),
            (vec![], vec![])
        );
        assert_eq!(ledger.unknown, BTreeSet::new());
        let of_t = "t".parse().expect("an id");
        let ledger = Ledger::read(&policy, Some(&of_t), &organization);
        assert_eq!(ledger.entries, std::slice::from_ref(t));
    }

    #[test]
    fn a_unit_without_accounts_has_no_entry() {
        let policy = policy(&["s-11111111-# 1"]);
        let ledger = Ledger::read(&policy, None, &accounts(&["1:ou-abcd-22222222"]));
        assert_eq!(ledger.entries, []);
        let unknown = ("s".parse().expect("an id"), "11111111".to_owned());
        assert_eq!(ledger.unknown, BTreeSet::from([unknown]));
    }

    #[test]
    fn more_than_a_third_at_once_is_doubtful() {
        let unit = "ou-abcd-11111111";
        let of = |digits: &[&str]| -> Vec<String> {
            digits
                .iter()
                .map(|digit| format!("s-11111111-# {digit}"))
                .collect()
        };
        for (granted, members, is_doubtful) in [
            (&["1", "2", "3"][..], &["1", "2"][..], false),
            (&["1", "2", "3"], &["1"], true),
            (
                &["1", "2", "3", "4", "5", "6"],
                &["1", "2", "3", "4", "7", "8"],
                false,
            ),
            (
                &["1", "2", "3", "4", "5", "6"],
                &["1", "2", "3", "7", "8", "9"],
                true,
            ),
            (&["1", "2"], &["1"], true),
            (&["1"], &["1", "2", "3"], false),
        ] {
            let statements = of(granted);
            let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
            let placed: Vec<String> = members.iter().map(|of| format!("{of}:{unit}")).collect();
            let placed: Vec<&str> = placed.iter().map(String::as_str).collect();
            let ledger = Ledger::read(&policy(&statements), None, &accounts(&placed));
            assert_eq!(
                ledger.entries[0].is_doubtful(),
                is_doubtful,
                "{granted:?} {members:?}"
            );
        }
    }

    #[test]
    fn an_id_that_another_statement_has_is_left_to_it() {
        let mut statements: Vec<Value> =
            policy(&["s-11111111-# 1"]).statements().cloned().collect();
        statements.push(json!({"Sid": "s-11111111-222222222222", "Effect": "Deny"}));
        let document = json!({"Statement": statements}).to_string();
        let policy = PolicyDocument::parse(target(), &document, None).expect("a policy");
        let unit = ["1:ou-abcd-11111111", "2:ou-abcd-11111111"];
        let ledger = Ledger::read(&policy, None, &accounts(&unit));
        assert_eq!(ledger.entries[0].missing(&policy), []);
    }
}
