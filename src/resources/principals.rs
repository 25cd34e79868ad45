//! The properties `Principal` and `Principals`, of which a resource has one, whatever its type accepts in them.

use std::collections::BTreeSet;

use super::account::not_accepted;
use super::property_reader::PropertyReader;
use crate::policy::organization::Grantee;
use crate::policy::principal::Principal;

/// Whom a resource grants to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principals {
    /// One principal, whose statement has the resource's statement id.
    One(Principal),
    /// A list: one statement for each, or for each account of a unit, whose id is made of the resource's statement id and the
    /// principal.
    List(BTreeSet<Grantee>),
}

/// The one that is given, read by `one` or by `list`; `expected` are the principals that the type accepts.
pub(super) fn read_principals(
    reader: &mut PropertyReader<'_>,
    expected: &str,
    one: impl FnOnce(&mut PropertyReader<'_>) -> Option<Principal>,
    list: impl FnOnce(&mut PropertyReader<'_>) -> Option<BTreeSet<Grantee>>,
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
    mut parse: impl FnMut(&mut PropertyReader<'_>, &str) -> Option<Grantee>,
) -> Option<BTreeSet<Grantee>> {
    let mut principals = BTreeSet::new();
    for text in reader.list("Principals", "grant to one organization")? {
        match parse(reader, &text) {
            Some(grantee) => drop(principals.insert(grantee)),
            None => reader
                .errors
                .add(|| not_accepted("Principals", &text, expected)),
        }
    }
    Some(principals)
}

/// The error of a unit as `Principal`: it stands for several.
pub(super) fn unit_alone(unit: &str) -> String {
    format!("`Principal` is an organizational unit: got `{unit}`, use `Principals`")
}
