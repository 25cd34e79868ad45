//! Resources with several statements: a list has one for each entry, and a function URL has two.
//! The id of each is made of the resource's statement id and what the statement is for.

use super::conditions::Conditions;
use super::principal::Principal;
use super::statement::Statement;
use super::statement_id::StatementId;
use super::unit_grant::is_unit_member;
use super::url_statement::UrlStatement;

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    /// One of several principals.
    Principal(Principal),
    /// One of several sources, by its ARN or its account.
    Source(String),
}

/// The id of the statement for `entry`, if there is a list, and for `of_url`, if there are two statements for each, of the resource
/// with the statement id `sid`; none if it would be too long.
#[must_use]
pub fn member_id(
    sid: &StatementId,
    entry: Option<&Entry>,
    of_url: Option<UrlStatement>,
) -> Option<StatementId> {
    match (entry, of_url) {
        (None, None) => Some(sid.clone()),
        (None, Some(of_url)) => sid.with_suffix(of_url.suffix()),
        (Some(Entry::Principal(principal)), None) => sid.in_list(principal),
        (Some(Entry::Source(source)), None) => sid.in_list_of(source),
        (Some(entry), Some(of_url)) => {
            let text = match entry {
                Entry::Principal(principal) => principal.to_string(),
                Entry::Source(source) => source.clone(),
            };
            // No entry contains a space, so that no other one has this text.
            sid.in_list_of(&format!("{text} {}", of_url.suffix()))
        }
    }
}

/// Whether `statement` is one of several statements of the resource with the statement id `sid`.
#[must_use]
pub fn is_member(sid: &StatementId, statement: &Statement) -> bool {
    let Conditions {
        source_arn,
        source_account,
        ..
    } = &statement.conditions;
    let entries = [
        None,
        Some(Entry::Principal(statement.principal.clone())),
        source_arn.clone().map(Entry::Source),
        source_account
            .as_ref()
            .map(|account| Entry::Source(account.to_string())),
    ];
    let of_url = UrlStatement::of(statement);
    let is_of = |entry: Option<&Entry>, of_url| {
        member_id(sid, entry, of_url).is_some_and(|member| member == statement.sid)
    };
    statement.sid != *sid
        && entries
            .iter()
            .any(|entry| is_of(entry.as_ref(), None) || is_of(entry.as_ref(), of_url))
        || is_unit_member(sid, statement)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::statement::{INVOKE_FUNCTION, INVOKE_FUNCTION_URL};
    use std::borrow::Cow;

    fn statement(sid: &str, principal: &str, conditions: Conditions) -> Statement {
        let is_url = conditions.function_url_auth_type.is_some();
        Statement {
            sid: sid.parse().expect("a statement id"),
            principal: principal.parse().expect("a principal"),
            action: Cow::Borrowed(if is_url {
                INVOKE_FUNCTION_URL
            } else {
                INVOKE_FUNCTION
            }),
            conditions,
        }
    }

    fn list() -> StatementId {
        "team".parse().expect("a statement id")
    }

    #[test]
    fn each_member_has_an_id_that_says_what_it_is_for() {
        let principal = |text: &str| Entry::Principal(text.parse().expect("a principal"));
        let source = |text: &str| Entry::Source(text.to_owned());
        for (entry, of_url, id) in [
            (None, None, "team"),
            (None, Some(UrlStatement::Url), "team-url"),
            (None, Some(UrlStatement::Invoke), "team-invoke"),
            (Some(principal("111122223333")), None, "team-111122223333"),
            (Some(principal("o-abcdefghij")), None, "team-o-abcdefghij"),
            (Some(principal("*")), None, "team-public"),
            (
                Some(principal("events.amazonaws.com")),
                None,
                "team-lvtr2o6h76",
            ),
            (
                Some(source("arn:aws:s3:::my-bucket")),
                None,
                "team-sinhfyzuqz",
            ),
            (Some(source("111122223333")), None, "team-v2zcczqp6c"),
            (
                Some(principal("111122223333")),
                Some(UrlStatement::Url),
                "team-vsthye4km6",
            ),
            (
                Some(principal("111122223333")),
                Some(UrlStatement::Invoke),
                "team-2dtedceqpk",
            ),
        ] {
            let member = member_id(&list(), entry.as_ref(), of_url).expect("not too long");
            assert_eq!(member.as_ref(), id, "{entry:?} {of_url:?}");
        }
    }

    #[test]
    fn a_member_is_recognized_by_what_it_is_for() {
        let none = Conditions::default();
        let arn = Conditions {
            source_arn: Some("arn:aws:s3:::my-bucket".to_owned()),
            ..Conditions::default()
        };
        let account = Conditions {
            source_account: Some("111122223333".parse().expect("an account")),
            ..Conditions::default()
        };
        let url = Conditions {
            function_url_auth_type: Some("NONE".parse().expect("an authorization")),
            ..Conditions::default()
        };
        let via_url = Conditions {
            invoked_via_function_url: true,
            ..Conditions::default()
        };
        let of = |entry: Option<Entry>, of_url| {
            let id = member_id(&list(), entry.as_ref(), of_url);
            id.expect("not too long").to_string()
        };
        let source = |text: &str| Some(Entry::Source(text.to_owned()));
        for (sid, principal, conditions, is_one) in [
            ("team-111122223333".to_owned(), "111122223333", &none, true),
            ("team-444455556666".to_owned(), "111122223333", &none, false),
            ("team".to_owned(), "111122223333", &none, false),
            (
                "other-111122223333".to_owned(),
                "111122223333",
                &none,
                false,
            ),
            (
                of(source("arn:aws:s3:::my-bucket"), None),
                "s3.amazonaws.com",
                &arn,
                true,
            ),
            (
                of(source("arn:aws:s3:::other"), None),
                "s3.amazonaws.com",
                &arn,
                false,
            ),
            (
                of(source("111122223333"), None),
                "s3.amazonaws.com",
                &account,
                true,
            ),
            (
                of(source("111122223333"), None),
                "s3.amazonaws.com",
                &none,
                false,
            ),
            ("team-url".to_owned(), "*", &url, true),
            ("team-url".to_owned(), "*", &via_url, false),
            ("team-invoke".to_owned(), "*", &via_url, true),
            ("team-invoke".to_owned(), "*", &none, false),
        ] {
            let statement = statement(&sid, principal, conditions.clone());
            assert_eq!(is_member(&list(), &statement), is_one, "{statement:?}");
        }
        let entry = Entry::Principal("111122223333".parse().expect("a principal"));
        let sid = of(Some(entry), Some(UrlStatement::Url));
        assert!(is_member(&list(), &statement(&sid, "111122223333", url)));
    }
}
