//! The properties of a `Custom::LayerVersionPermission`, checked whole: every violation is found at once.
//! Knows nothing of what becomes of them.

use serde_json::{Map, Value};
use thiserror::Error;

use super::arn::{LayerArn, LayerVersionArn, version_number};
use super::principals::Principals;
use super::reading::{Reading, shown};
use super::role::Role;
use super::scope::Versions;
use super::statement::{ACTION, StatementId};

/// Every property that this resource knows. Those that begin with `Service` are CloudFormation's own.
pub const PROPERTIES: [&str; 13] = [
    "LayerVersionArn",
    "LayerName",
    "VersionNumber",
    "Principal",
    "Principals",
    "OrganizationId",
    "Action",
    "StatementId",
    "Versions",
    "RevisionId",
    "RoleArn",
    "ExternalId",
    "Nonce",
];

/// The most characters of the statement id of a list: the principal is added to it, an organization id at most.
const MOST_OF_LIST: usize = 100 - 35;

/// What the properties say, in the domain's own types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties {
    /// The layer version that is named.
    pub layer_version: LayerVersionArn,
    /// Whether to share it alone or every version of its layer.
    pub versions: Versions,
    /// Whom to share it with.
    pub principals: Principals,
    /// The statement id, if one was chosen.
    pub statement_id: Option<StatementId>,
    /// The revision that the policy must have for the first write.
    pub revision_id: Option<String>,
    /// The role to do it by.
    pub role: Option<Role>,
}

/// What is wrong with the properties: every violation, joined by `; `.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("{}", .0.join("; "))]
pub struct Violations(Vec<String>);

impl Properties {
    /// Reads `properties` as CloudFormation sends them; `stack_id` places a layer that is given by its bare name.
    ///
    /// # Errors
    /// Every violation, each one saying what is wrong, what was got and what to do.
    pub fn parse(properties: &Map<String, Value>, stack_id: &str) -> Result<Self, Violations> {
        let mut reading = Reading::of(properties);
        reading.refuse_unknown(&PROPERTIES);
        let layer_version = reading.layer_version(stack_id);
        let principals = reading.principals(layer_version.as_ref());
        reading.action();
        let statement_id = reading.statement_id();
        let versions = reading.versions();
        let revision_id = reading.text("RevisionId");
        let role = reading.role(layer_version.as_ref());
        match (layer_version, principals) {
            (Some(layer_version), Some(principals)) if reading.violations.is_empty() => Ok(Self {
                layer_version,
                versions,
                principals,
                statement_id,
                revision_id,
                role,
            }),
            _ => Err(Violations(reading.violations)),
        }
    }
}

impl Reading<'_> {
    fn layer_version(&mut self, stack_id: &str) -> Option<LayerVersionArn> {
        match (self.has("LayerVersionArn"), self.has("LayerName"), self.has("VersionNumber")) {
            (true, false, false) => self.by_arn(),
            (false, true, true) => self.by_name_and_number(stack_id),
            (false, false, false) => self.refuse(
                "no layer version: got neither `LayerVersionArn` nor `LayerName` with `VersionNumber`, give one of them".into(),
            ),
            (true, _, _) => self.refuse(
                "two layer versions: got `LayerVersionArn` and `LayerName` or `VersionNumber`, give one or the other".into(),
            ),
            (false, true, false) => self.refuse(
                "no layer version: got `LayerName` alone, add `VersionNumber` or give `LayerVersionArn` instead".into(),
            ),
            (false, false, true) => self.refuse(
                "no layer version: got `VersionNumber` alone, add `LayerName` or give `LayerVersionArn` instead".into(),
            ),
        }
    }

    fn by_arn(&mut self) -> Option<LayerVersionArn> {
        let text = self.text("LayerVersionArn")?;
        if let Ok(arn) = text.parse() {
            return Some(arn);
        }
        let form = "arn:<partition>:lambda:<region>:<account>:layer:<name>:<version>";
        let got = shown(&text);
        self.refuse(match text.parse::<LayerArn>() {
            Ok(layer) => format!(
                "`LayerVersionArn` has no version: got the layer {got}, add one as in `{layer}:1`"
            ),
            Err(_) => format!(
                "`LayerVersionArn` is not the ARN of a layer version: got {got}, give `{form}`"
            ),
        })
    }

    fn by_name_and_number(&mut self, stack_id: &str) -> Option<LayerVersionArn> {
        let layer = self.text("LayerName").and_then(|text| {
            let layer = text.parse().or_else(|_| LayerArn::by_name(&text, stack_id));
            layer.ok().or_else(|| {
                let got = shown(&text);
                if text.parse::<LayerVersionArn>().is_ok() {
                    return self.refuse(format!(
                        "`LayerName` has a version: got the layer version {got}, give it as `LayerVersionArn` instead"
                    ));
                }
                self.refuse(format!(
                    "`LayerName` is neither a name nor a layer ARN: got {got}, give up to 140 letters, digits, `-` or `_`, or \
                     `arn:<partition>:lambda:<region>:<account>:layer:<name>`"
                ))
            })
        });
        let version = self.text("VersionNumber").and_then(|text| {
            version_number(&text).or_else(|| {
                let got = shown(&text);
                self.refuse(format!(
                    "`VersionNumber` is not a version: got {got}, give a positive whole number"
                ))
            })
        });
        Some(LayerVersionArn::new(layer?, version?))
    }

    fn action(&mut self) {
        if let Some(text) = self.text("Action").filter(|text| text != ACTION) {
            let got = shown(&text);
            self.violations.push(format!(
                "`Action` is not one of a layer version: got {got}, give `{ACTION}` or leave it out"
            ));
        }
    }

    fn statement_id(&mut self) -> Option<StatementId> {
        let text = self.text("StatementId")?;
        if self.has("Principals") && text.len() > MOST_OF_LIST {
            let got = text.len();
            return self.refuse(format!(
                "`StatementId` is too long for a list: got {got} characters, give at most {MOST_OF_LIST} with `Principals`"
            ));
        }
        text.parse().ok().or_else(|| {
            let got = shown(&text);
            self.refuse(format!(
                "`StatementId` is not a statement id: got {got}, give 1 to 100 letters, digits, `-` or `_`"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1";
    const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";

    fn parse(properties: &Value) -> Result<Properties, String> {
        let properties = properties.as_object().expect("an object");
        Properties::parse(properties, STACK).map_err(|violations| violations.to_string())
    }

    /// The grant of version 1 to account 111122223333, with some properties changed, or removed by null.
    fn with(changes: &Value) -> Value {
        let mut properties =
            json!({"ServiceToken": "arn:…", "LayerVersionArn": ARN, "Principal": "111122223333"});
        for (name, value) in changes.as_object().expect("an object") {
            properties[name] = value.clone();
            if *value == json!({"remove": true}) {
                properties.as_object_mut().expect("an object").remove(name);
            }
        }
        properties
    }

    #[test]
    fn each_spelling_of_a_layer_version_is_the_same_one() {
        let none = json!({"remove": true});
        for changes in [
            json!({}),
            json!({"LayerVersionArn": none, "LayerName": "my-layer", "VersionNumber": "1"}),
            json!({"LayerVersionArn": none, "LayerName": "my-layer", "VersionNumber": 1}),
            json!({"LayerVersionArn": none, "LayerName": ARN.trim_end_matches(":1"), "VersionNumber": "1"}),
        ] {
            let parsed = parse(&with(&changes)).expect("properties");
            assert_eq!(parsed.layer_version.to_string(), ARN, "{changes}");
        }
    }

    #[test]
    fn each_principal_has_its_spellings() {
        for (changes, principal) in [
            (json!({"Principal": "111122223333"}), "111122223333"),
            (json!({"Principal": 111_122_223_333_u64}), "111122223333"),
            (
                json!({"Principal": "arn:aws:iam::111122223333:root"}),
                "111122223333",
            ),
            (
                json!({"Principal": "*", "OrganizationId": "o-abcdefghij"}),
                "o-abcdefghij",
            ),
            (json!({"Principal": "*"}), "*"),
        ] {
            let parsed = parse(&with(&changes)).expect("properties");
            let one = Principals::One(principal.parse().expect("a principal"));
            assert_eq!(parsed.principals, one, "{changes}");
        }
    }

    #[test]
    fn what_belongs_to_cloudformation_is_not_ours() {
        let own = json!({"ServiceTimeout": "60", "ServiceOfTomorrow": {"a": []}, "Nonce": ["any", "value"]});
        assert!(parse(&with(&own)).is_ok());
    }

    #[expect(clippy::too_many_lines, reason = "one table")]
    #[test]
    fn every_violation_says_what_is_wrong_what_was_got_and_what_to_do() {
        let none = json!({"remove": true});
        for (changes, reason) in [
            (
                json!({"OrganisationId": "o-abcdefghij"}),
                "unknown property: got `OrganisationId`, the nearest known one is `OrganizationId`, use that or remove it",
            ),
            (
                json!({"principal": "*"}),
                "unknown property: got `principal`, the nearest known one is `Principal`, use that or remove it",
            ),
            (
                json!({"Principal": "*", "OrganizationId": ""}),
                "`OrganizationId` is empty: got an empty string, give it a value or leave it out",
            ),
            (
                json!({"RevisionId": ""}),
                "`RevisionId` is empty: got an empty string, give it a value or leave it out",
            ),
            (
                json!({"Principal": ["1", "2"]}),
                r#"`Principal` is not a single value: got `["1","2"]`, give one string"#,
            ),
            (
                json!({"StatementId": null}),
                "`StatementId` is not a single value: got `null`, give one string",
            ),
            (
                json!({"LayerVersionArn": none}),
                "no layer version: got neither `LayerVersionArn` nor `LayerName` with `VersionNumber`, give one of them",
            ),
            (
                json!({"LayerName": "my-layer"}),
                "two layer versions: got `LayerVersionArn` and `LayerName` or `VersionNumber`, give one or the other",
            ),
            (
                json!({"LayerVersionArn": none, "LayerName": "my-layer"}),
                "no layer version: got `LayerName` alone, add `VersionNumber` or give `LayerVersionArn` instead",
            ),
            (
                json!({"LayerVersionArn": none, "VersionNumber": "1"}),
                "no layer version: got `VersionNumber` alone, add `LayerName` or give `LayerVersionArn` instead",
            ),
            (
                json!({"LayerVersionArn": "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer"}),
                "`LayerVersionArn` has no version: got the layer `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer`, \
                 add one as in `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`",
            ),
            (
                json!({"LayerVersionArn": "my-layer:1"}),
                "`LayerVersionArn` is not the ARN of a layer version: got `my-layer:1`, \
                 give `arn:<partition>:lambda:<region>:<account>:layer:<name>:<version>`",
            ),
            (
                json!({"LayerVersionArn": none, "LayerName": "my layer", "VersionNumber": "0"}),
                "`LayerName` is neither a name nor a layer ARN: got `my layer`, give up to 140 letters, digits, `-` or `_`, \
                 or `arn:<partition>:lambda:<region>:<account>:layer:<name>`; \
                 `VersionNumber` is not a version: got `0`, give a positive whole number",
            ),
            (
                json!({"LayerVersionArn": none, "LayerName": ARN, "VersionNumber": "1"}),
                "`LayerName` has a version: got the layer version `arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1`, \
                 give it as `LayerVersionArn` instead",
            ),
            (
                json!({"Versions": "all"}),
                "`Versions` is neither `This` nor `All`: got `all`, give one of these or leave it out",
            ),
            (
                json!({"Versions": "All", "RevisionId": "r1"}),
                "`RevisionId` goes with one version only: got it with `Versions: All`, leave one of the two out",
            ),
            (
                json!({"Principal": none}),
                "no principal: got neither `Principal` nor `Principals`, give an account id of 12 digits, \
                 `arn:<partition>:iam::<account>:root` or `*`, or a list",
            ),
            (
                json!({"Principal": "1402433619"}),
                "`Principal` has no account id of 12 digits: got `1402433619`, which YAML makes of an unquoted \
                 `012345670123` by reading it as an octal number, for its leading zero, put the account id in quotes",
            ),
            (
                json!({"Principal": "12345678901"}),
                "`Principal` has no account id of 12 digits: got `12345678901`, which YAML makes of an unquoted \
                 `012345678901` by reading it without its leading zero, put the account id in quotes",
            ),
            (
                json!({"Principal": "arn:aws:iam::111122223333:user/\nu"}),
                "`Principal` has none of a layer version: got `arn:aws:iam::111122223333:user/ u`, give an account id of \
                 12 digits, `arn:<partition>:iam::<account>:root` or `*`",
            ),
            (
                json!({"Principal": "*", "OrganizationId": "O-ABCDEFGHIJ"}),
                "`OrganizationId` is not an organization's id: got `O-ABCDEFGHIJ`, give `o-` and 10 to 32 lower-case \
                 letters or digits",
            ),
            (
                json!({"OrganizationId": "o-abcdefghij"}),
                "`OrganizationId` goes with everybody only: got it with the account `111122223333`, make `Principal` `*` \
                 or remove `OrganizationId`",
            ),
            (
                json!({"Action": "*"}),
                "`Action` is not one of a layer version: got `*`, give `lambda:GetLayerVersion` or leave it out",
            ),
            (
                json!({"Principal": none, "Principals": "*", "StatementId": "x".repeat(66)}),
                "`StatementId` is too long for a list: got 66 characters, give at most 65 with `Principals`",
            ),
            (
                json!({"StatementId": "a b"}),
                "`StatementId` is not a statement id: got `a b`, give 1 to 100 letters, digits, `-` or `_`",
            ),
        ] {
            assert_eq!(parse(&with(&changes)), Err(reason.to_owned()), "{changes}");
        }
    }

    #[test]
    fn a_list_leaves_room_in_its_statement_ids_for_the_longest_principal() {
        let longest = format!("o-{}", "a".repeat(32));
        let sid = "x".repeat(MOST_OF_LIST);
        let list = json!({"LayerVersionArn": ARN, "Principals": [longest], "StatementId": sid});
        let sid = parse(&list)
            .expect("properties")
            .statement_id
            .expect("an id");
        let of_longest = sid.of_each(&longest.parse().expect("a principal"));
        assert_eq!(of_longest.map(|sid| sid.to_string().len()), Some(100));
    }

    #[test]
    fn all_violations_come_in_one_reason() {
        let reason = parse(&json!({"Principle": "*", "Action": "*"})).expect_err("four violations");
        assert_eq!(reason.split("; ").count(), 4, "{reason}");
    }

    #[test]
    fn a_long_value_is_cut_before_it_fills_the_reason() {
        let reason =
            parse(&with(&json!({"Principal": "é".repeat(5000)}))).expect_err("not a principal");
        assert!(
            reason.contains(&format!("got `{}…`", "é".repeat(160))),
            "{reason}"
        );
    }

    proptest! {
        #[test]
        fn no_value_panics_the_parser(name in "[A-Za-z]{0,20}", value in ".*") {
            let _ = parse(&with(&json!({name: value.clone()})));
            for known in PROPERTIES {
                let _ = parse(&with(&json!({known: value.clone()})));
            }
        }
    }
}
