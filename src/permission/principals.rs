//! Whom a resource grants to, as its properties put it: one principal, or a list of them.
//! Knows nothing of the statements that they get.

use std::collections::BTreeSet;

use super::arn::LayerVersionArn;
use super::principal::{NotAPrincipal, Principal, account_before_yaml, account_of_root_arn};
use super::reading::{Reading, scalar};
use crate::text::shown;

/// Whom a resource grants to, as its properties put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principals {
    /// One, whose statement bears the resource's statement id.
    One(Principal),
    /// Any number, with a statement each, whose ids are made of the resource's statement id and the principal.
    Each(BTreeSet<Principal>),
}

impl Reading<'_> {
    /// `Principal` or `Principals`; those that name a partition must name that of the layer.
    pub(super) fn principals(
        &mut self,
        layer_version: Option<&LayerVersionArn>,
    ) -> Option<Principals> {
        let partition = layer_version.map(|arn| arn.layer().partition());
        match (self.has("Principal"), self.has("Principals")) {
            (true, false) => self.principal(partition).map(Principals::One),
            (false, true) => self.each_principal(partition).map(Principals::Each),
            (true, true) => self.refuse(
                "two kinds of principals: got `Principal` and `Principals`, give one or the other".into(),
            ),
            (false, false) => self.refuse(format!(
                "no principal: got neither `Principal` nor `Principals`, give {PRINCIPALS}, or a list"
            )),
        }
    }

    fn principal(&mut self, partition: Option<&str>) -> Option<Principal> {
        let organization = self.text("OrganizationId").and_then(|text| {
            text.parse().ok().or_else(|| {
                let got = shown(&text);
                self.refuse(format!(
                    "`OrganizationId` is not an organization's id: got {got}, give `o-` and 10 to 32 lower-case letters or digits"
                ))
            })
        });
        let text = self.text("Principal")?;
        if let Some(violation) = of_another_partition("Principal", &text, partition) {
            self.violations.add(|| violation);
        }
        match text.parse() {
            // An organization that does not parse has been refused above: nothing becomes public by mistake.
            Ok(Principal::Everyone) => {
                Some(organization.map_or(Principal::Everyone, Principal::Organization))
            }
            Ok(Principal::Account(account)) if self.has("OrganizationId") => self.refuse(format!(
                "`OrganizationId` goes with everybody only: got it with the account `{account}`, make `Principal` `*` or \
                 remove `OrganizationId`"
            )),
            Ok(principal @ Principal::Account(_)) => Some(principal),
            Ok(Principal::Organization(id)) => self.refuse(format!(
                "`Principal` is an organization: got `{id}`, make it `*` and give that as `OrganizationId`, or use `Principals`"
            )),
            Err(NotAPrincipal) => self.refuse(not_a_principal("Principal", &text, PRINCIPALS)),
        }
    }

    fn each_principal(&mut self, partition: Option<&str>) -> Option<BTreeSet<Principal>> {
        if self.has("OrganizationId") {
            return self.refuse(
                "`OrganizationId` goes with `Principal` only: got it with `Principals`, put it into that list".into(),
            );
        }
        let mut principals = BTreeSet::new();
        for text in self.entries()? {
            if let Some(violation) = of_another_partition("Principals", &text, partition) {
                self.violations.add(|| violation);
            }
            match text.parse() {
                Ok(principal) => drop(principals.insert(principal)),
                Err(NotAPrincipal) => self
                    .violations
                    .add(|| not_a_principal("Principals", &text, EACH_PRINCIPAL)),
            }
        }
        Some(principals)
    }

    /// The entries of a list, or of one text with commas, which a parameter of a template is. White space around them, which
    /// splitting a text leaves, is none of theirs.
    fn entries(&mut self) -> Option<Vec<String>> {
        let list = self.properties.get("Principals")?;
        let (each, text) = (list.as_array(), list.as_str());
        let of_text = text.map_or(1, |text| text.split(',').count());
        let length = each.map_or(of_text, Vec::len);
        if length == 0 {
            return self.refuse(
                "`Principals` is empty: got no entry, give at least one or remove the resource"
                    .into(),
            );
        }
        if length > MOST_ENTRIES {
            return self.refuse(format!(
                "`Principals` is too long: got {length} entries, give at most {MOST_ENTRIES}, or grant to one organization"
            ));
        }
        let trimmed = |text: &str| text.trim().to_owned();
        Some(match (each, text) {
            (Some(each), _) => each.iter().map(|entry| trimmed(&scalar(entry))).collect(),
            (None, Some(text)) => text.split(',').map(trimmed).collect(),
            (None, None) => vec![scalar(list)],
        })
    }
}

/// The most entries of a list. A policy holds fewer.
const MOST_ENTRIES: usize = 128;

const PRINCIPALS: &str = "an account id of 12 digits, `arn:<partition>:iam::<account>:root` or `*`";

const EACH_PRINCIPAL: &str =
    "account ids of 12 digits, organization ids, `arn:<partition>:iam::<account>:root` or `*`";

/// A layer can only be shared within its partition, and the API would take the account for one of the same number there.
fn of_another_partition(name: &str, text: &str, partition: Option<&str>) -> Option<String> {
    let account = account_of_root_arn(text)?;
    let (partition, got) = (partition?, shown(text));
    let its_own = text.starts_with(&format!("arn:{partition}:"));
    (!its_own).then(|| {
        format!(
            "`{name}` has an account of another partition: got {got}, give one of the layer's own as in \
             `arn:{partition}:iam::{account}:root`"
        )
    })
}

fn not_a_principal(name: &str, text: &str, principals: &str) -> String {
    let got = shown(text);
    match account_before_yaml(text) {
        Some((account, how)) => format!(
            "`{name}` has no account id of 12 digits: got {got}, which YAML makes of an unquoted `{account}` by reading it \
             {how}, put the account id in quotes"
        ),
        None => format!("`{name}` has none of a layer version: got {got}, give {principals}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(properties: &Value) -> Result<Principals, String> {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";
        let mut reading = Reading::of(properties.as_object().expect("an object"));
        let principals = reading.principals(Some(&arn.parse().expect("an ARN")));
        let violations = reading.violations.to_string();
        principals
            .filter(|_| violations.is_empty())
            .ok_or(violations)
    }

    #[test]
    fn a_list_has_neither_order_nor_doubles() {
        let each = ["111122223333", "444455556666", "o-abcdefghij", "*"];
        let each = each.map(|text| text.parse().expect("a principal"));
        let each = Principals::Each(each.into_iter().collect());
        for list in [
            json!(["111122223333", "444455556666", "o-abcdefghij", "*"]),
            json!([
                "*",
                "o-abcdefghij",
                444_455_556_666_u64,
                "111122223333",
                "111122223333"
            ]),
            json!("arn:aws:iam::111122223333:root, 444455556666,o-abcdefghij , *"),
            json!("111122223333,\n444455556666,\n\to-abcdefghij,*\n"),
            json!(["111122223333", " 444455556666", "o-abcdefghij\n", "\t* "]),
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
            let Ok(Principals::Each(each)) = read(&json!({"Principals": list})) else {
                panic!("not a list: {list}");
            };
            assert_eq!(each.len(), 128);
        }
    }

    #[test]
    fn every_violation_is_told() {
        for (properties, reason) in [
            (
                json!({"Principal": "*", "Principals": "*"}),
                "two kinds of principals: got `Principal` and `Principals`, give one or the other",
            ),
            (
                json!({"Principals": []}),
                "`Principals` is empty: got no entry, give at least one or remove the resource",
            ),
            (
                json!({"Principals": ""}),
                "`Principals` has none of a layer version: got ``, give account ids of 12 digits, organization ids, \
                 `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principals": ["111122223333", "1402433619", {"a": 1}]}),
                "`Principals` has no account id of 12 digits: got `1402433619`, which YAML makes of an unquoted \
                 `012345670123` by reading it as an octal number, for its leading zero, put the account id in quotes; \
                 `Principals` has none of a layer version: got `{\"a\":1}`, give account ids of 12 digits, organization \
                 ids, `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principals": ["*", ""]}),
                "`Principals` has none of a layer version: got ``, give account ids of 12 digits, organization ids, \
                 `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principals": ["*", " "]}),
                "`Principals` has none of a layer version: got ``, give account ids of 12 digits, organization ids, \
                 `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principals": "*, ,"}),
                "`Principals` has none of a layer version: got ``, give account ids of 12 digits, organization ids, \
                 `arn:<partition>:iam::<account>:root` or `*`; \
                 `Principals` has none of a layer version: got ``, give account ids of 12 digits, organization ids, \
                 `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principals": [["111122223333"]]}),
                "`Principals` has none of a layer version: got `[\"111122223333\"]`, give account ids of 12 digits, \
                 organization ids, `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principals": {"a": "*,*"}}),
                "`Principals` has none of a layer version: got `{\"a\":\"*,*\"}`, give account ids of 12 digits, \
                 organization ids, `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principals": null}),
                "`Principals` has none of a layer version: got `null`, give account ids of 12 digits, organization ids, \
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
