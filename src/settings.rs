//! The operator's guardrails, read once from the environment. They refuse grants, and never a revoke.
//! Reads nothing else, and never fails: a value that cannot be read refuses every grant until it is mended.

use std::collections::BTreeSet;

use thiserror::Error;
use tracing::warn;

use crate::cloudformation::response_host::ResponseHost;
use crate::cloudformation::response_url::ResponseUrl;
use crate::permission::goal::Unwanted;
use crate::permission::intent::{Intent, Purpose};
use crate::permission::principal::Principal;
use crate::text::{joined, shown};

/// How many principals, or values that cannot be read, a reason names.
const MOST_TOLD: usize = 20;

/// What the operator has set.
#[derive(Clone, Debug)]
pub struct Settings {
    allow_public: bool,
    /// Who may be granted to; anybody where there is no list.
    allowed_principals: Option<Vec<Principal>>,
    response_hosts: Vec<ResponseHost>,
    unreadable: Vec<Refusal>,
}

/// Why nothing is granted, or why nobody is told.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A value of the environment cannot be read.
    #[error("guardrail unreadable: got `{variable}` {got}, have the provider's operator {remedy}")]
    Unreadable {
        /// The environment variable.
        variable: &'static str,
        /// What of it cannot be read.
        got: String,
        /// What can be.
        remedy: &'static str,
    },
    /// Grants to everybody are not allowed.
    #[error(
        "public grant not allowed: got `*`, grant to accounts or organizations, or have the provider's operator set `AllowPublic` to `true`"
    )]
    Public,
    /// These principals are not allowed.
    #[error(
        "principal not allowed: got {got}, grant to allowed ones ({allowed}), or have the provider's operator add it to `AllowedPrincipals`"
    )]
    Principals {
        /// Who was to be granted to.
        got: String,
        /// Who may be.
        allowed: String,
    },
    /// Answers may not be sent there.
    #[error(
        "`ResponseURL` not allowed: got `{0}`, have the provider's operator add its domain to `ResponseHosts` if stacks are to be answered there"
    )]
    ResponseHost(ResponseUrl),
}

impl Settings {
    /// Reads the settings from `variable`, which gives the value of an environment variable. One that is empty counts as not
    /// set, as a template's parameter leaves it.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let public = set("ALLOW_PUBLIC").map_or(Ok(false), |value| switch("ALLOW_PUBLIC", &value));
        let principals = set("ALLOWED_PRINCIPALS").map(|list| {
            let remedy =
                "give account ids of 12 digits, organization ids or `*`, with commas between";
            entries("ALLOWED_PRINCIPALS", &list, remedy, |entry| {
                entry.parse().ok()
            })
        });
        let hosts = set("RESPONSE_HOSTS").map(|list| {
            let remedy = "give hosts or DNS suffixes, each perhaps after `http://` and with a port, with commas between";
            entries("RESPONSE_HOSTS", &list, remedy, ResponseHost::read)
        });
        let (principals, hosts) = (principals.transpose(), hosts.transpose());
        let own_bucket = || {
            let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
            let own_bucket = region.and_then(|region| ResponseHost::of_region(&region));
            own_bucket.into_iter().collect()
        };
        let unreadable = [
            public.as_ref().err(),
            principals.as_ref().err(),
            hosts.as_ref().err(),
        ];
        Self {
            unreadable: unreadable
                .into_iter()
                .flatten()
                .flatten()
                .cloned()
                .collect(),
            allow_public: public.unwrap_or_default(),
            allowed_principals: principals.unwrap_or_default(),
            // A list that cannot be read must not leave every stack without an answer.
            response_hosts: hosts.ok().flatten().unwrap_or_else(own_bucket),
        }
    }

    /// What of the environment cannot be read.
    #[must_use]
    pub fn unreadable(&self) -> &[Refusal] {
        &self.unreadable
    }

    /// Logs what of the environment cannot be read.
    pub fn log_unreadable(&self) {
        for refusal in &self.unreadable {
            warn!(reason = %refusal, "guardrail not read");
        }
    }

    /// Whether an answer may be sent to `url`.
    ///
    /// # Errors
    /// If it may not.
    pub fn may_answer(&self, url: &ResponseUrl) -> Result<(), Refusal> {
        let allowed = self.response_hosts.iter().any(|host| host.allows(url));
        allowed
            .then_some(())
            .ok_or_else(|| Refusal::ResponseHost(url.clone()))
    }

    /// Gives `intent` as far as it may be pursued, with the principals that are denied. Taking access away always may be. Of
    /// a resource that has its grant already, only what would have to be added is refused: it may lose some of it, or be
    /// rolled back to it.
    ///
    /// # Errors
    /// What forbids it, joined by `; `.
    pub fn allow(&self, mut intent: Intent, url: &ResponseUrl) -> Result<Intent, String> {
        let Some(goals) = intent
            .goals
            .as_ref()
            .filter(|_| intent.purpose == Purpose::Grant)
        else {
            return Ok(intent);
        };
        self.may_answer(url)
            .map_err(|refusal| refusal.to_string())?;
        let wanted = goals.each.wanted.iter().map(|wanted| &wanted.principal);
        let refused = self.refused(wanted.clone());
        if !intent.keeps_id && !refused.is_empty() {
            return Err(self.reason(&refused));
        }
        // What a rollback would restore is denied like everything else.
        let replaced = goals.each.unwanted.iter().filter_map(Unwanted::principal);
        let denied = self.refused(wanted.chain(replaced)).into_iter();
        let why = |principal| self.reason(&BTreeSet::from([principal]));
        intent.denied = denied
            .map(|principal| (principal.clone(), why(principal)))
            .collect();
        Ok(intent)
    }

    /// Who of `principals` may not be granted to.
    fn refused<'a>(
        &self,
        principals: impl Iterator<Item = &'a Principal>,
    ) -> BTreeSet<&'a Principal> {
        principals
            .filter(|principal| !self.unreadable.is_empty() || !self.may_grant(principal))
            .collect()
    }

    /// Everything that forbids to grant to `refused`, each of it once.
    fn reason(&self, refused: &BTreeSet<&Principal>) -> String {
        let (public, others): (Vec<&Principal>, Vec<&Principal>) = refused
            .iter()
            .copied()
            .filter(|principal| !self.may_grant(principal))
            .partition(|principal| **principal == Principal::Everyone && !self.allow_public);
        let public = public.first().map(|_| Refusal::Public);
        let allowed = self.allowed_principals.iter().flatten();
        let others = (!others.is_empty()).then(|| Refusal::Principals {
            got: listed(others.into_iter()),
            allowed: listed(allowed),
        });
        let unreadable = self.unreadable.iter().take(MOST_TOLD).cloned();
        let refusals = unreadable.chain(others).chain(public);
        let reasons: Vec<String> = refusals.map(|refusal| refusal.to_string()).collect();
        reasons.join("; ")
    }

    fn may_grant(&self, principal: &Principal) -> bool {
        let allowed = self.allowed_principals.as_ref();
        let is_listed = allowed.is_none_or(|allowed| allowed.contains(principal));
        is_listed && (*principal != Principal::Everyone || self.allow_public)
    }
}

/// The first of `principals`, and how many more there are.
fn listed<'a>(principals: impl Iterator<Item = &'a Principal>) -> String {
    let mut all: Vec<String> = principals
        .map(|principal| format!("`{principal}`"))
        .collect();
    let more = all.len().saturating_sub(MOST_TOLD);
    all.truncate(MOST_TOLD);
    joined(&all, ", ", more)
}

fn switch(variable: &'static str, value: &str) -> Result<bool, Vec<Refusal>> {
    value.parse().map_err(|_| {
        vec![Refusal::Unreadable {
            variable,
            got: format!("= {}", shown(value)),
            remedy: "set it to `true` or `false`",
        }]
    })
}

/// The entries of a comma-separated list, or what of it cannot be read.
fn entries<T>(
    variable: &'static str,
    list: &str,
    remedy: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, Vec<Refusal>> {
    let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
    for entry in list.split(',').map(str::trim) {
        let refusal = || Refusal::Unreadable {
            variable,
            got: format!("with {}", shown(entry)),
            remedy,
        };
        match read(entry) {
            Some(value) => readable.push(value),
            None => unreadable.push(refusal()),
        }
    }
    if unreadable.is_empty() {
        Ok(readable)
    } else {
        Err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::goal::{Denied, Goal, Goals};
    use crate::permission::statement::Statement;

    const ANSWER: &str = "https://cloudformation-custom-resource-response-euwest1.s3.amazonaws.com/key?Signature=secret";

    fn settings(variables: &[(&str, &str)]) -> Settings {
        let variables = [&[("AWS_REGION", "eu-west-1")], variables].concat();
        let value = |name: &str| variables.iter().rfind(|(known, _)| *known == name);
        Settings::read(|name| value(name).map(|(_, value)| (*value).to_owned()))
    }

    fn intent(purpose: Purpose, principals: &[&str]) -> Intent {
        let statement = |principal: &&str| Statement {
            sid: "sid".parse().expect("a statement id"),
            principal: principal.parse().expect("a principal"),
        };
        let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";
        Intent {
            goals: Some(Goals {
                each: Goal {
                    wanted: principals.iter().map(statement).collect(),
                    ..Goal::default()
                },
                ..Goals::new(arn.parse().expect("an ARN"))
            }),
            leftovers: None,
            purpose,
            denied: Denied::new(),
            physical_id: "id".to_owned(),
            keeps_id: false,
            attributes: Vec::new(),
        }
    }

    fn pursue(variables: &[(&str, &str)], principals: &[&str]) -> Result<(), String> {
        let url = ResponseUrl::read(ANSWER).expect("a URL");
        let settings = settings(variables);
        let revoke = intent(Purpose::Revoke, &[]);
        assert_eq!(settings.allow(revoke.clone(), &url), Ok(revoke), "a revoke");
        settings
            .allow(intent(Purpose::Grant, principals), &url)
            .map(drop)
    }

    #[test]
    fn what_is_allowed_is_granted() {
        let everybody = ("ALLOW_PUBLIC", "true");
        for (variables, principals) in [
            (&[][..], &["111122223333", "o-abcdefghij"][..]),
            (
                &[("ALLOW_PUBLIC", ""), ("ALLOWED_PRINCIPALS", "")],
                &["111122223333"],
            ),
            (&[everybody], &["*", "111122223333"]),
            (
                &[("ALLOWED_PRINCIPALS", "o-abcdefghij, 111122223333")],
                &["111122223333", "o-abcdefghij"],
            ),
            (
                &[("ALLOWED_PRINCIPALS", "arn:aws:iam::111122223333:root")],
                &["111122223333"],
            ),
            (&[everybody, ("ALLOWED_PRINCIPALS", "*")], &["*"]),
        ] {
            assert_eq!(pursue(variables, principals), Ok(()), "{variables:?}");
        }
    }

    #[test]
    fn a_refusal_tells_the_author_and_the_operator_what_to_do() {
        for (variables, principals, reason) in [
            (
                &[][..],
                &["*"][..],
                "public grant not allowed: got `*`, grant to accounts or organizations, or have the provider's operator set \
                 `AllowPublic` to `true`",
            ),
            (
                &[
                    ("ALLOW_PUBLIC", "true"),
                    ("ALLOWED_PRINCIPALS", "o-abcdefghij,444455556666"),
                ],
                &["*", "444455556666", "111122223333"],
                "principal not allowed: got `111122223333`, `*`, grant to allowed ones (`o-abcdefghij`, `444455556666`), or \
                 have the provider's operator add it to `AllowedPrincipals`",
            ),
            (
                &[("ALLOW_PUBLIC", "yes")],
                &["111122223333"],
                "guardrail unreadable: got `ALLOW_PUBLIC` = `yes`, have the provider's operator set it to `true` or `false`",
            ),
            (
                &[("ALLOWED_PRINCIPALS", "111122223333,1234")],
                &["111122223333"],
                "guardrail unreadable: got `ALLOWED_PRINCIPALS` with `1234`, have the provider's operator give account ids of \
                 12 digits, organization ids or `*`, with commas between",
            ),
            (
                &[("ALLOW_PUBLIC", "tr\nue")],
                &["111122223333"],
                "guardrail unreadable: got `ALLOW_PUBLIC` = `tr\\nue`, have the provider's operator set it to `true` or `false`",
            ),
            (
                &[("RESPONSE_HOSTS", "ftp://x")],
                &["111122223333"],
                "guardrail unreadable: got `RESPONSE_HOSTS` with `ftp://x`, have the provider's operator give hosts or DNS \
                 suffixes, each perhaps after `http://` and with a port, with commas between",
            ),
            (
                &[("RESPONSE_HOSTS", "localhost")],
                &["111122223333"],
                "`ResponseURL` not allowed: got \
                 `https://cloudformation-custom-resource-response-euwest1.s3.amazonaws.com?***`, have the provider's operator \
                 add its domain to `ResponseHosts` if stacks are to be answered there",
            ),
        ] {
            assert_eq!(
                pursue(variables, principals),
                Err(reason.to_owned()),
                "{variables:?}"
            );
        }
    }

    #[test]
    fn all_values_that_cannot_be_read_are_known_and_twenty_are_told() {
        for (count, told) in [(0, 0), (1, 1), (20, 20), (21, 20)] {
            let list = vec!["nobody"; count].join(",");
            let variables = [("ALLOWED_PRINCIPALS", list.as_str())];
            assert_eq!(settings(&variables).unreadable().len(), count);
            let reason = pursue(&variables, &["111122223333"]).err();
            let reason = reason.unwrap_or_default();
            assert_eq!(reason.matches("guardrail unreadable").count(), told);
        }
    }

    #[test]
    fn twenty_principals_are_named_and_more_are_counted() {
        let ids: Vec<String> = (0..22).map(|number| format!("{number:012}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let named = format!("`{}`", ids[..20].join("`, `"));
        for (count, more) in [(20, ""), (21, ", and 1 more"), (22, ", and 2 more")] {
            assert_eq!(
                pursue(&[("ALLOWED_PRINCIPALS", "o-abcdefghij")], &ids[..count]),
                Err(format!(
                    "principal not allowed: got {named}{more}, grant to allowed ones (`o-abcdefghij`), or have the \
                     provider's operator add it to `AllowedPrincipals`"
                ))
            );
        }
    }

    #[test]
    fn of_a_resource_that_has_its_grant_only_what_would_be_added_is_forbidden() {
        let url = ResponseUrl::read(ANSWER).expect("a URL");
        let has_it = Intent {
            keeps_id: true,
            ..intent(Purpose::Grant, &["*", "111122223333"])
        };
        let allowed = settings(&[]).allow(has_it, &url).expect("to be pursued");
        let denied: Vec<String> = allowed.denied.keys().map(ToString::to_string).collect();
        assert_eq!(denied, ["*"]);
    }

    #[test]
    fn hosts_that_are_empty_or_cannot_be_read_leave_the_own_bucket_of_the_region() {
        let url = ResponseUrl::read(ANSWER).expect("a URL");
        for hosts in ["", " ", "ftp://x,", "localhost,ftp://x"] {
            for (variables, allowed) in [
                (&[][..], true),
                (&[("AWS_REGION", "us-east-1")], false),
                (&[("AWS_REGION", "not a region")], false),
            ] {
                let variables = [&[("RESPONSE_HOSTS", hosts)], variables].concat();
                let found = settings(&variables).may_answer(&url).is_ok();
                assert_eq!(found, allowed, "{variables:?}");
            }
        }
        for (name, allowed) in [
            ("AWS_REGION", true),
            ("AWS_DEFAULT_REGION", true),
            ("REGION", false),
        ] {
            let settings = Settings::read(|asked| (asked == name).then(|| "eu-west-1".to_owned()));
            assert_eq!(settings.may_answer(&url).is_ok(), allowed, "{name}");
        }
    }

    #[test]
    fn hosts_that_are_named_replace_the_own_bucket() {
        let url = ResponseUrl::read(ANSWER).expect("a URL");
        let settings = settings(&[("RESPONSE_HOSTS", "localhost")]);
        assert_eq!(settings.may_answer(&url), Err(Refusal::ResponseHost(url)));
    }
}
