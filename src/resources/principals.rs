//! The properties `Principal` and `Principals`, of which a resource has one, whatever its type accepts in them.

use std::collections::BTreeSet;

use super::account::not_accepted;
use super::property_reader::PropertyReader;
use crate::policy::principal::Principal;

/// Whom a resource grants to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principals {
    /// One principal, whose statement has the resource's statement id.
    One(Principal),
    /// A list: one statement for each, whose id is made of the resource's statement id and the principal.
    List(BTreeSet<Principal>),
}

/// The one that is given, read by `one` or by `list`; `expected` are the principals that the type accepts.
pub(super) fn read_principals(
    reader: &mut PropertyReader<'_>,
    expected: &str,
    one: impl FnOnce(&mut PropertyReader<'_>) -> Option<Principal>,
    list: impl FnOnce(&mut PropertyReader<'_>) -> Option<BTreeSet<Principal>>,
) -> Option<Principals> {
    match (reader.has("Principal"), reader.has("Principals")) {
        (true, false) => one(reader).map(Principals::One),
        (false, true) => list(reader).map(Principals::List),
        (true, true) => reader.invalid(
            "both `Principal` and `Principals` given: got both properties, give one or the other"
                .into(),
        ),
        (false, false) => reader.invalid(format!(
            "no principal: got neither `Principal` nor `Principals`, give {expected}, or a list"
        )),
    }
}

/// The entries of `Principals`, each parsed by `parse`; `expected` are those that the type accepts.
pub(super) fn read_list(
    reader: &mut PropertyReader<'_>,
    expected: &str,
    mut parse: impl FnMut(&mut PropertyReader<'_>, &str) -> Option<Principal>,
) -> Option<BTreeSet<Principal>> {
    let mut principals = BTreeSet::new();
    for text in reader.list("Principals", "grant to one organization")? {
        match parse(reader, &text) {
            Some(principal) => drop(principals.insert(principal)),
            None => reader
                .errors
                .add(|| not_accepted("Principals", &text, expected)),
        }
    }
    Some(principals)
}
