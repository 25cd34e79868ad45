//! The properties `SourceArn`, `SourceArns`, `SourceAccount`, `SourceAccounts` and `EventSourceToken`: for whom a service may act.

use std::collections::BTreeSet;

use crate::policy::arn::AccountId;
use crate::policy::conditions::Conditions;
use crate::resources::account::parse_account;
use crate::resources::property_reader::PropertyReader;
use crate::text::shown;

/// For whom a service may act.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The one ARN or pattern.
    pub arn: Option<String>,
    /// The one account.
    pub account: Option<AccountId>,
    /// The list of either.
    pub list: SourceList,
    /// The token that the service must present.
    pub token: Option<String>,
}

/// A list of sources: one statement for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SourceList {
    /// There is none.
    #[default]
    None,
    /// ARNs or patterns.
    Arns(BTreeSet<String>),
    /// Accounts.
    Accounts(BTreeSet<AccountId>),
}

impl Sources {
    /// The conditions of every statement.
    pub(super) fn conditions(&self) -> Conditions {
        Conditions {
            source_arn: self.arn.clone(),
            source_account: self.account.clone(),
            event_source_token: self.token.clone(),
            ..Conditions::default()
        }
    }

    /// The source ARN and the source account as far as a change of them replaces the resource: of a list, that there is one.
    pub(super) fn replacing(&self) -> [String; 2] {
        let arn = self.arn.clone().unwrap_or_default();
        let account = self.account.as_ref();
        let account = account.map(ToString::to_string).unwrap_or_default();
        match self.list {
            SourceList::None => [arn, account],
            SourceList::Arns(_) => ["SourceArns".to_owned(), account],
            SourceList::Accounts(_) => [arn, "SourceAccounts".to_owned()],
        }
    }
}

/// The lists that a resource can have, one of them at most.
const LISTS: [&str; 3] = ["Principals", "SourceArns", "SourceAccounts"];

/// The sources. Of a single value and a list of the same, there is one or the other.
pub(super) fn read_sources(reader: &mut PropertyReader<'_>) -> Option<Sources> {
    check_lists(reader);
    let arn = reader.text("SourceArn");
    let arn = arn.and_then(|text| parse_arn(reader, "SourceArn", &text));
    let account = reader.text("SourceAccount");
    let account = account.and_then(|text| parse_account(reader, "SourceAccount", &text));
    let list = if reader.has("SourceArns") {
        let each = reader.list("SourceArns", "give one with a wildcard")?;
        let each = each.iter();
        let each = each.filter_map(|text| parse_arn(reader, "SourceArns", text));
        SourceList::Arns(each.collect())
    } else if reader.has("SourceAccounts") {
        let each = reader.list("SourceAccounts", "remove some")?;
        let each = each.iter();
        let each = each.filter_map(|text| parse_account(reader, "SourceAccounts", text));
        SourceList::Accounts(each.collect())
    } else {
        SourceList::None
    };
    let token = reader.text("EventSourceToken");
    let token = token.and_then(|text| parse_token(reader, text));
    Some(Sources {
        arn,
        account,
        list,
        token,
    })
}

/// Of a single value and a list of the same, there is one or the other, and no more than one list.
fn check_lists(reader: &mut PropertyReader<'_>) {
    for (name, list) in [
        ("SourceArn", "SourceArns"),
        ("SourceAccount", "SourceAccounts"),
    ] {
        if reader.has(name) && reader.has(list) {
            reader.errors.add(|| {
                format!("`{name}` beside a list of them: got `{list}` too, give one or the other")
            });
        }
    }
    let lists = LISTS.into_iter().filter(|list| reader.has(list));
    let lists: Vec<&str> = lists.collect();
    if let [one, other, ..] = lists[..] {
        reader.errors.add(|| {
            format!(
                "two lists: got `{one}` and `{other}`, give one list and single values beside it"
            )
        });
    }
}

/// The name of the list that the resource has.
pub(super) fn name_of_list(reader: &PropertyReader<'_>) -> Option<&'static str> {
    LISTS.into_iter().find(|list| reader.has(list))
}

/// An ARN, or a pattern of ARNs.
///
/// Source: [AddPermission](https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html).
fn parse_arn(reader: &mut PropertyReader<'_>, name: &str, text: &str) -> Option<String> {
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    let is_arn = matches!(fields[..], ["arn", partition, service, _, account, resource]
        if partition.starts_with("aws") && !service.is_empty() && !resource.is_empty()
            && (account.is_empty() || account.contains(['*', '?']) || account.parse::<AccountId>().is_ok()));
    if is_arn && text.len() <= MAX_ARN_LEN && !text.contains(char::is_whitespace) {
        return Some(text.to_owned());
    }
    let got = shown(text);
    reader.invalid(format!(
        "`{name}` is not an ARN: got {got}, give one as in `arn:aws:s3:::my-bucket`, perhaps with wildcards"
    ))
}

/// More would not fit into a policy.
const MAX_ARN_LEN: usize = 10_000;

fn parse_token(reader: &mut PropertyReader<'_>, text: String) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.len() <= 256 && text.chars().all(allowed) {
        return Some(text);
    }
    let got = shown(&text);
    reader.invalid(format!(
        "`EventSourceToken` is not a token: got {got}, give 1 to 256 letters, digits, `.`, `_` or `-`"
    ))
}
