//! The properties `Principal`, `OrganizationId` and `Principals`: whom a resource grants to.

use std::collections::BTreeSet;

use crate::policy::organization::{Grantee, UnitId};
use crate::policy::principal::Principal;
use crate::resources::account::{check_partition, not_accepted};
use crate::resources::principals::{self, Principals};
use crate::resources::property_reader::PropertyReader;
use crate::text::shown;

/// `Principal` or `Principals`; ARNs among them must name `partition`, that of the layer.
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

fn read_principal(reader: &mut PropertyReader<'_>, partition: Option<&str>) -> Option<Principal> {
    let organization = reader.text("OrganizationId").and_then(|text| {
        text.parse().ok().or_else(|| {
            let got = shown(&text);
            reader.invalid(format!(
                "`OrganizationId` is not an organization's id: got {got}, give `o-` and 10 to 32 lower-case letters or digits"
            ))
        })
    });
    let text = reader.text("Principal")?;
    check_partition(reader, "Principal", &text, ("layer", partition));
    match parse(&text) {
        // An organization that does not parse was rejected above: nothing becomes public by mistake.
        Some(Principal::Everyone) => {
            Some(organization.map_or(Principal::Everyone, Principal::Organization))
        }
        Some(Principal::Account(account)) if reader.has("OrganizationId") => reader.invalid(format!(
            "`OrganizationId` goes with everybody only: got it with the account `{account}`, make `Principal` `*` or \
             remove `OrganizationId`"
        )),
        Some(Principal::Organization(id)) => reader.invalid(format!(
            "`Principal` is an organization: got `{id}`, make it `*` and give that as `OrganizationId`, or use `Principals`"
        )),
        Some(principal) => Some(principal),
        None if text.parse::<UnitId>().is_ok() => reader.invalid(principals::unit_alone(&text)),
        None => reader.invalid(not_accepted("Principal", &text, PRINCIPALS)),
    }
}

fn read_list(
    reader: &mut PropertyReader<'_>,
    partition: Option<&str>,
) -> Option<BTreeSet<Grantee>> {
    if reader.has("OrganizationId") {
        return reader.invalid(
            "`OrganizationId` goes with `Principal` only: got it with `Principals`, put it into that list".into(),
        );
    }
    principals::read_list(reader, EACH_PRINCIPAL, |reader, text| {
        check_partition(reader, "Principals", text, ("layer", partition));
        let unit = text.parse().map(Grantee::Unit);
        unit.ok().or_else(|| parse(text).map(Grantee::Principal))
    })
}

const PRINCIPALS: &str = "an account id of 12 digits, `arn:<partition>:iam::<account>:root` or `*`";

const EACH_PRINCIPAL: &str = "account ids of 12 digits, organization ids, ids of organizational units, `arn:<partition>:iam::<account>:root` or `*`";

/// The principal of this name, if a layer version can be shared with it.
fn parse(text: &str) -> Option<Principal> {
    let principal: Principal = text.parse().ok()?;
    match principal {
        Principal::Account(_) | Principal::Organization(_) | Principal::Everyone => Some(principal),
        Principal::Service(_) | Principal::Identity(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(properties: &Value) -> Result<Principals, String> {
        let mut reader = PropertyReader::new(properties.as_object().expect("an object"));
        let principals = read_principals(&mut reader, Some("aws"));
        let errors = reader.errors.to_string();
        principals.filter(|_| errors.is_empty()).ok_or(errors)
    }

    #[test]
    fn a_list_has_neither_order_nor_doubles() {
        let each = [
            "111122223333",
            "444455556666",
            "o-abcdefghij",
            "ou-abcd-12345678",
            "*",
        ];
        let each = each.map(|text| text.parse().expect("a principal"));
        let each = Principals::List(each.into_iter().collect());
        for list in [
            json!([
                "111122223333",
                "444455556666",
                "o-abcdefghij",
                "*",
                "ou-abcd-12345678"
            ]),
            json!([
                "*",
                "ou-abcd-12345678",
                "o-abcdefghij",
                444_455_556_666_u64,
                "111122223333",
                "111122223333"
            ]),
            json!("arn:aws:iam::111122223333:root, 444455556666,o-abcdefghij , *,ou-abcd-12345678"),
            json!("111122223333,\n444455556666,\n\to-abcdefghij,*,ou-abcd-12345678\n"),
            json!([
                "111122223333",
                " 444455556666",
                "o-abcdefghij\n",
                "\t* ",
                "ou-abcd-12345678 "
            ]),
        ] {
            assert_eq!(
                read(&json!({"Principals": list})),
                Ok(each.clone()),
                "{list}"
            );
        }
    }

    #[test]
    fn a_list_may_have_128_entries() {
        let ids: Vec<String> = (0..128).map(|number| format!("{number:012}")).collect();
        for list in [json!(ids), json!(ids.join(", "))] {
            let Ok(Principals::List(each)) = read(&json!({"Principals": list})) else {
                panic!("not a list: {list}");
            };
            assert_eq!(each.len(), 128);
        }
    }

    #[test]
    fn a_unit_is_no_single_principal() {
        let reason =
            "`Principal` is an organizational unit: got `ou-abcd-12345678`, use `Principals`";
        let read = read(&json!({"Principal": "ou-abcd-12345678"}));
        assert_eq!(read, Err(reason.to_owned()));
    }

    #[test]
    fn a_reason_says_what_is_wrong_with_the_principals() {
        for (properties, reason) in [
            (
                json!({"Principal": "*", "Principals": "*"}),
                "both `Principal` and `Principals` given: got both properties, give one or the other",
            ),
            (
                json!({"Principals": []}),
                "`Principals` is empty: got no entry, give at least one or remove the resource",
            ),
            (
                json!({"Principals": ""}),
                "invalid `Principals`: got ``, give account ids of 12 digits, organization ids, ids of organizational units, \
                 `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principals": ["111122223333", "1402433619", {"a": 1}]}),
                "`Principals` has no account id of 12 digits: got `1402433619`, which YAML makes of an unquoted \
                 `012345670123` by reading it as an octal number, for its leading zero, put the account id in quotes; \
                 invalid `Principals`: got `{\"a\":1}`, give account ids of 12 digits, organization \
                 ids, ids of organizational units, `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principals": ["*", ""]}),
                "invalid `Principals`: got ``, give account ids of 12 digits, organization ids, ids of organizational units, \
                 `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principals": ["*", " "]}),
                "invalid `Principals`: got ``, give account ids of 12 digits, organization ids, ids of organizational units, \
                 `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principals": "*, ,"}),
                "invalid `Principals`: got ``, give account ids of 12 digits, organization ids, ids of organizational units, \
                 `arn:<partition>:iam::<account>:root` or `*`; \
                 invalid `Principals`: got ``, give account ids of 12 digits, organization ids, ids of organizational units, \
                 `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principals": [["111122223333"]]}),
                "invalid `Principals`: got `[\"111122223333\"]`, give account ids of 12 digits, \
                 organization ids, ids of organizational units, `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principals": {"a": "*,*"}}),
                "invalid `Principals`: got `{\"a\":\"*,*\"}`, give account ids of 12 digits, \
                 organization ids, ids of organizational units, `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principals": null}),
                "invalid `Principals`: got `null`, give account ids of 12 digits, organization ids, ids of organizational units, \
                 `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principals": ["*", 8.888_888_888_8e10]}),
                "`Principals` has no account id of 12 digits: got `88888888888.0`, which YAML makes of an unquoted \
                 `088888888888` by reading it as a floating-point number, put the account id in quotes",
            ),
            (
                json!({"Principals": "8.8888888888E10,o-abcdefghij"}),
                "`Principals` has no account id of 12 digits: got `8.8888888888E10`, which YAML makes of an unquoted \
                 `088888888888` by reading it as a floating-point number, put the account id in quotes",
            ),
            (
                json!({"Principals": vec!["*"; 129]}),
                "`Principals` is too long: got 129 entries, give at most 128, or grant to one organization",
            ),
            (
                json!({"Principals": vec!["nobody"; 5000]}),
                "`Principals` is too long: got 5000 entries, give at most 128, or grant to one organization",
            ),
            (
                json!({"Principals": ",".repeat(128)}),
                "`Principals` is too long: got 129 entries, give at most 128, or grant to one organization",
            ),
            (
                json!({"Principals": "*", "OrganizationId": "o-abcdefghij"}),
                "`OrganizationId` goes with `Principal` only: got it with `Principals`, put it into that list",
            ),
            (
                json!({"Principal": "o-abcdefghij"}),
                "`Principal` is an organization: got `o-abcdefghij`, make it `*` and give that as `OrganizationId`, or use \
                 `Principals`",
            ),
            (
                json!({"Principal": "arn:aws-cn:iam::111122223333:root"}),
                "`Principal` has an account of another partition: got `arn:aws-cn:iam::111122223333:root`, give one of the \
                 layer's own as in `arn:aws:iam::111122223333:root`",
            ),
            (
                json!({"Principals": ["*", "arn:aws-cn:iam::111122223333:root"]}),
                "`Principals` has an account of another partition: got `arn:aws-cn:iam::111122223333:root`, give one of the \
                 layer's own as in `arn:aws:iam::111122223333:root`",
            ),
        ] {
            assert_eq!(read(&properties), Err(reason.to_owned()), "{properties}");
        }
    }
}
