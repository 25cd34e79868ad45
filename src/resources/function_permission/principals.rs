//! The properties `Principal`, `Principals` and `PrincipalOrgID`: whom a resource grants to.

use std::collections::BTreeSet;

use crate::policy::organization::{Grantee, UnitId};
use crate::policy::principal::{OrganizationId, Principal};
use crate::resources::account::{check_partition, not_accepted};
use crate::resources::principals::{self, Principals};
use crate::resources::property_reader::PropertyReader;
use crate::text::shown;

const PRINCIPALS: &str = "a service as in `events.amazonaws.com`, an account id of 12 digits, a root, user or role ARN, or `*`";

const EACH_PRINCIPAL: &str = "services as in `events.amazonaws.com`, account ids of 12 digits, organization ids, ids of organizational units, root, user or role ARNs, or `*`";

/// `Principal` or `Principals`; ARNs among them must name `partition`, that of the function.
pub(super) fn read_principals(
    reader: &mut PropertyReader<'_>,
    partition: Option<&str>,
) -> Option<Principals> {
    principals::read_principals(
        reader,
        PRINCIPALS,
        |reader| read_principal(reader, partition),
        |reader| read_list(reader, partition),
    )
}

/// The organization that the principal must be in.
pub(super) fn read_organization(reader: &mut PropertyReader<'_>) -> Option<OrganizationId> {
    let text = reader.text("PrincipalOrgID")?;
    if reader.has("Principals") {
        return reader.invalid(
            "`PrincipalOrgID` goes with `Principal` only: got it with `Principals`, leave it out, or give each principal a \
             resource of its own"
                .into(),
        );
    }
    text.parse().ok().or_else(|| {
        let got = shown(&text);
        reader.invalid(format!(
            "`PrincipalOrgID` is not an organization's id: got {got}, give `o-` and 10 to 32 lower-case letters or digits"
        ))
    })
}

fn read_principal(reader: &mut PropertyReader<'_>, partition: Option<&str>) -> Option<Principal> {
    let text = reader.text("Principal")?;
    check_partition_of(reader, "Principal", &text, partition);
    match text.parse() {
        Ok(Principal::Organization(id)) => reader.invalid(format!(
            "`Principal` is an organization: got `{id}`, make it `*` and give that as `PrincipalOrgID`, or use `Principals`"
        )),
        Ok(principal) => Some(principal),
        Err(_) if text.parse::<UnitId>().is_ok() => reader.invalid(principals::unit_alone(&text)),
        Err(_) => reader.invalid(not_accepted("Principal", &text, PRINCIPALS)),
    }
}

fn read_list(
    reader: &mut PropertyReader<'_>,
    partition: Option<&str>,
) -> Option<BTreeSet<Grantee>> {
    principals::read_list(reader, EACH_PRINCIPAL, |reader, text| {
        check_partition_of(reader, "Principals", text, partition);
        text.parse().ok()
    })
}

/// No role, user or account of another partition can use the function.
fn check_partition_of(
    reader: &mut PropertyReader<'_>,
    name: &str,
    text: &str,
    partition: Option<&str>,
) {
    check_partition(reader, name, text, ("function", partition));
    let (Ok(Principal::Identity(identity)), Some(partition)) = (text.parse(), partition) else {
        return;
    };
    if !text.starts_with(&format!("arn:{partition}:")) {
        let (got, account) = (shown(text), identity.account());
        reader.errors.add(|| {
            format!(
                "`{name}` has an account of another partition: got {got}, give one of the function's own as in \
                 `arn:{partition}:iam::{account}:role/<name>`"
            )
        });
    }
}
