//! The statements for the accounts of an organizational unit. A policy knows no units: each account has a statement of its own, whose
//! id says which unit it is for, so that the policy itself tells which accounts were granted to.

use std::borrow::Cow;
use std::fmt;

use super::arn::AccountId;
use super::conditions::Conditions;
use super::document::PolicyDocument;
use super::organization::{UnitId, UnitPath, is_last_part};
use super::principal::Principal;
use super::statement::Statement;
use super::statement_id::StatementId;
use super::url_statement::UrlStatement;

/// What the id of the statement for one account of a unit says: `<list>-<last part of the unit's id>-<account>`, and which of the two
/// statements of a function URL it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitMemberId {
    /// The statement id of the resource.
    pub list: StatementId,
    /// The last part of the id of the unit.
    pub unit: String,
    /// The account.
    pub account: AccountId,
    /// Which statement of a function URL it is, where there are both.
    pub of_url: Option<UrlStatement>,
}

impl UnitMemberId {
    /// Parses an id of this form. The list of the accounts of a resource with the id `<list>-<something like a unit>` has ids of the
    /// same form.
    #[must_use]
    pub fn parse(sid: &StatementId) -> Option<Self> {
        let of_url = UrlStatement::ALL.into_iter().find_map(|of_url| {
            let suffix = format!("-{}", of_url.suffix());
            Some((of_url, sid.as_ref().strip_suffix(&suffix)?))
        });
        let (of_url, text) = match of_url {
            Some((of_url, text)) => (Some(of_url), text),
            None => (None, sid.as_ref()),
        };
        let (text, account) = text.rsplit_once('-')?;
        let (list, unit) = text.rsplit_once('-')?;
        is_last_part(unit).then_some(())?;
        Some(Self {
            list: list.parse().ok()?,
            unit: unit.to_owned(),
            account: account.parse().ok()?,
            of_url,
        })
    }

    /// The id; none if it would be too long.
    #[must_use]
    pub fn statement_id(&self) -> Option<StatementId> {
        let Self { unit, account, .. } = self;
        let of_account = self.list.with_suffix(&format!("{unit}-{account}"))?;
        match self.of_url {
            Some(of_url) => of_account.with_suffix(of_url.suffix()),
            None => Some(of_account),
        }
    }
}

/// What every account of a unit is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitGrant {
    /// The statement id of the resource, with which the ids of the statements begin.
    pub list: StatementId,
    /// The unit.
    pub unit: UnitId,
    /// Which statement of a function URL it is, where there are both.
    pub of_url: Option<UrlStatement>,
    /// What the statements allow.
    pub action: Cow<'static, str>,
    /// What they demand besides the principal.
    pub conditions: Conditions,
    /// Where the unit is, once its accounts were listed.
    pub path: Option<UnitPath>,
}

impl UnitGrant {
    /// The statement for `account`; none if its id would be too long.
    #[must_use]
    pub fn statement(&self, account: &AccountId) -> Option<Statement> {
        let id = UnitMemberId {
            list: self.list.clone(),
            unit: self.unit.last_part().to_owned(),
            account: account.clone(),
            of_url: self.of_url,
        };
        Some(Statement {
            sid: id.statement_id()?,
            principal: Principal::Account(account.clone()),
            action: self.action.clone(),
            conditions: self.conditions.clone(),
        })
    }

    /// Whether `statement` is the one for an account.
    #[must_use]
    pub fn has(&self, statement: &Statement) -> bool {
        self.of_id(&statement.sid).as_ref() == Some(statement)
    }

    /// The statements for accounts that `policy` contains, whichever these are.
    #[must_use]
    pub fn found_in(&self, policy: &PolicyDocument) -> Vec<Statement> {
        let found = policy.statements().filter_map(|found| {
            let statement = self.of_id(&found.get("Sid")?.as_str()?.parse().ok()?)?;
            let is_it = statement.matches_in_any_partition(found, &policy.target);
            is_it.then_some(statement)
        });
        found.collect()
    }

    /// Whether the statements of `other` have the same ids.
    #[must_use]
    pub fn has_ids_of(&self, other: &Self) -> bool {
        self.list == other.list && self.unit.last_part() == other.unit.last_part()
    }

    /// Whether the statements of `other` are the same.
    #[must_use]
    pub fn grants_same(&self, other: &Self) -> bool {
        let conditions = (&self.action, &self.conditions);
        self.has_ids_of(other)
            && self.of_url == other.of_url
            && conditions == (&other.action, &other.conditions)
    }

    /// The statement of this id.
    fn of_id(&self, sid: &StatementId) -> Option<Statement> {
        let id = UnitMemberId::parse(sid)?;
        let is_of = id.list == self.list && id.unit == self.unit.last_part();
        let is_of = is_of && id.of_url == self.of_url;
        is_of.then(|| self.statement(&id.account))?
    }
}

impl fmt::Display for UnitGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` for `{}`", self.list, self.unit)
    }
}

/// Whether `statement` has the form of one for an account of a unit, of the resource with the statement id `sid`. Where that was
/// chosen, the account may as well be in the list of a resource whose id is longer.
#[must_use]
pub fn is_unit_member(sid: &StatementId, statement: &Statement) -> bool {
    let id = UnitMemberId::parse(&statement.sid);
    id.is_some_and(|id| id.list == *sid && statement.principal == Principal::Account(id.account))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::statement::GET_LAYER_VERSION;
    use crate::policy::target::PolicyTarget;
    use serde_json::{Value, json};

    fn sid(text: &str) -> StatementId {
        text.parse().expect("a statement id")
    }

    fn grant(list: &str, unit: &str) -> UnitGrant {
        UnitGrant {
            list: sid(list),
            unit: unit.parse().expect("a unit"),
            of_url: None,
            action: Cow::Borrowed(GET_LAYER_VERSION),
            conditions: Conditions::default(),
            path: None,
        }
    }

    #[test]
    fn an_id_says_which_unit_and_account_it_is_for() {
        for (text, parsed) in [
            ("s-12345678-111122223333", Some(("s", "12345678", None))),
            (
                "a-b-12345678-111122223333-url",
                Some(("a-b", "12345678", Some(UrlStatement::Url))),
            ),
            (
                "s-12345678-111122223333-invoke",
                Some(("s", "12345678", Some(UrlStatement::Invoke))),
            ),
            ("s-1234567-111122223333", None),
            ("s-Platform-111122223333", None),
            ("s-12345678-11112222333", None),
            ("s-111122223333", None),
            ("12345678-111122223333", None),
            ("-12345678-111122223333", None),
            ("s-12345678-111122223333-other", None),
        ] {
            let id = UnitMemberId::parse(&sid(text));
            let found = id.as_ref();
            let found = found.map(|id| (id.list.as_ref(), id.unit.as_str(), id.of_url));
            assert_eq!(found, parsed, "{text}");
            if let Some(id) = id {
                assert_eq!(id.account.to_string(), "111122223333");
                assert_eq!(id.statement_id(), Some(sid(text)));
            }
        }
        let list = sid(&"x".repeat(79));
        let account = "111122223333".parse().expect("an account");
        assert_eq!(
            UnitGrant {
                list,
                ..grant("s", "ou-abcd-12345678")
            }
            .statement(&account),
            None,
            "too long"
        );
    }

    #[test]
    fn a_policy_tells_which_accounts_of_a_unit_were_granted_to() {
        let target: PolicyTarget = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1"
            .parse()
            .expect("a target");
        let of = |list: &str, unit: &str, account: &str| {
            let account = account.parse().expect("an account");
            let statement = grant(list, unit).statement(&account);
            statement.expect("a statement").to_json(&target)
        };
        let mut other_content = of("s", "ou-abcd-12345678", "444455556666");
        other_content["Principal"] = json!("*");
        let statements: Vec<Value> = vec![
            of("s", "ou-abcd-12345678", "111122223333"),
            of("s", "ou-abcd-12345678", "222233334444"),
            of("s", "ou-abcd-87654321", "111122223333"),
            of("t", "ou-abcd-12345678", "111122223333"),
            other_content,
            json!({"Effect": "Deny"}),
        ];
        let document = json!({"Statement": statements}).to_string();
        let policy = PolicyDocument::parse(target, &document, None).expect("a policy");
        let found = grant("s", "ou-abcd-12345678").found_in(&policy);
        let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "`s-12345678-111122223333` for `111122223333`",
                "`s-12345678-222233334444` for `222233334444`"
            ]
        );
        for statement in &found {
            assert!(grant("s", "ou-abcd-12345678").has(statement));
            assert!(!grant("s", "ou-abcd-87654321").has(statement));
            assert!(!grant("t", "ou-abcd-12345678").has(statement));
        }
    }
}
