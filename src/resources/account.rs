//! What properties of all types have in common where an account id is expected.

use super::property_reader::PropertyReader;
use crate::policy::arn::AccountId;
use crate::policy::principal::{account_before_yaml, account_of_root_arn};
use crate::text::shown;

/// Adds an error if `text` is the root ARN of an account of another partition than `partition`, that of the `target`: the API would
/// take the account for one of the same number there.
pub(super) fn check_partition(
    reader: &mut PropertyReader<'_>,
    name: &str,
    text: &str,
    (target, partition): (&str, Option<&str>),
) {
    let (Some(account), Some(partition)) = (account_of_root_arn(text), partition) else {
        return;
    };
    if !text.starts_with(&format!("arn:{partition}:")) {
        let got = shown(text);
        reader.errors.add(|| {
            format!(
                "`{name}` has an account of another partition: got {got}, give one of the {target}'s own as in \
                 `arn:{partition}:iam::{account}:root`"
            )
        });
    }
}

/// The error of a text that is none of `accepted`, with the account id that it probably was before YAML read it.
pub(super) fn not_accepted(name: &str, text: &str, accepted: &str) -> String {
    let got = shown(text);
    match account_before_yaml(text) {
        Some((account, how)) => format!(
            "`{name}` has no account id of 12 digits: got {got}, which YAML makes of an unquoted `{account}` by reading it \
             {how}, put the account id in quotes"
        ),
        None => format!("invalid `{name}`: got {got}, give {accepted}"),
    }
}

/// An account id, the value of the property `name`.
pub(super) fn parse_account(
    reader: &mut PropertyReader<'_>,
    name: &str,
    text: &str,
) -> Option<AccountId> {
    text.parse()
        .ok()
        .or_else(|| reader.invalid(not_accepted(name, text, "an account id of 12 digits")))
}
