//! The properties of a `Custom::LayerVersionPermission`; all errors in them are found at once.

use serde_json::{Map, Value};

use super::principals::read_principals;
use super::versions::{Versions, read_versions};
use crate::policy::arn::{LayerArn, LayerVersionArn, ResourceLocation, is_word, version_number};
use crate::policy::role::Role;
use crate::policy::statement::GET_LAYER_VERSION;
use crate::policy::statement_id::StatementId;
use crate::resources::principals::Principals;
use crate::resources::property_reader::{PropertyReader, ValidationErrors};
use crate::resources::role::read_role;
use crate::resources::statement_id::{check_units, read_statement_id};
use crate::text::shown;

/// The properties of the resource type. Names that begin with `Service` are CloudFormation's own.
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

/// The properties, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties {
    /// The given layer version.
    pub layer_version: LayerVersionArn,
    /// Whether to share it alone or several versions of its layer.
    pub versions: Versions,
    /// Whom to share it with.
    pub principals: Principals,
    /// The statement id, if one was chosen.
    pub statement_id: Option<StatementId>,
    /// The revision that the policy must have for the first write.
    pub revision_id: Option<String>,
    /// The role to assume.
    pub role: Option<Role>,
}

impl Properties {
    /// Parses `properties` as CloudFormation sends them; a layer that is given by its bare name is in the account and region of
    /// `stack_id`.
    ///
    /// # Errors
    /// All errors in them, each with what is wrong, what was got and what to do.
    pub fn parse(
        properties: &Map<String, Value>,
        stack_id: &str,
    ) -> Result<Self, ValidationErrors> {
        let mut reader = PropertyReader::new(properties);
        reader.reject_unknown(&PROPERTIES, ("PrincipalOrgID", "OrganizationId"));
        let layer_version = read_layer_version(&mut reader, stack_id);
        let location = layer_version
            .as_ref()
            .map(|version| version.layer().location());
        let partition = location.map(ResourceLocation::partition);
        let principals = read_principals(&mut reader, partition);
        check_action(&mut reader);
        let list = reader.has("Principals").then_some("`Principals`");
        let statement_id = read_statement_id(&mut reader, list);
        check_units(
            &mut reader,
            statement_id.as_ref(),
            principals.as_ref(),
            false,
        );
        let versions = read_versions(&mut reader, layer_version.as_ref());
        let revision_id = reader.text("RevisionId");
        let role = read_role(&mut reader, location);
        match (layer_version, principals) {
            (Some(layer_version), Some(principals)) if reader.errors.is_empty() => Ok(Self {
                layer_version,
                versions,
                principals,
                statement_id,
                revision_id,
                role,
            }),
            _ => Err(reader.errors),
        }
    }
}

fn read_layer_version(reader: &mut PropertyReader<'_>, stack_id: &str) -> Option<LayerVersionArn> {
    match (reader.has("LayerVersionArn"), reader.has("LayerName"), reader.has("VersionNumber")) {
        (true, false, false) => read_arn(reader),
        (false, true, true) => read_name_and_number(reader, stack_id),
        (false, false, false) => reader.invalid(
            "no layer version: got neither `LayerVersionArn` nor `LayerName` with `VersionNumber`, give one of them".into(),
        ),
        (true, _, _) => reader.invalid(
            "two layer versions: got `LayerVersionArn` and `LayerName` or `VersionNumber`, give one or the other".into(),
        ),
        (false, true, false) => reader.invalid(
            "no layer version: got `LayerName` alone, add `VersionNumber` or give `LayerVersionArn` instead".into(),
        ),
        (false, false, true) => reader.invalid(
            "no layer version: got `VersionNumber` alone, add `LayerName` or give `LayerVersionArn` instead".into(),
        ),
    }
}

fn read_arn(reader: &mut PropertyReader<'_>) -> Option<LayerVersionArn> {
    let text = reader.text("LayerVersionArn")?;
    if let Ok(arn) = text.parse() {
        return Some(arn);
    }
    let form = "arn:<partition>:lambda:<region>:<account>:layer:<name>:<version>";
    let got = shown(&text);
    reader.invalid(match text.parse::<LayerArn>() {
        Ok(layer) => format!(
            "`LayerVersionArn` has no version: got the layer {got}, add one as in `{layer}:1`"
        ),
        Err(_) => {
            format!("`LayerVersionArn` is not the ARN of a layer version: got {got}, give `{form}`")
        }
    })
}

fn read_name_and_number(
    reader: &mut PropertyReader<'_>,
    stack_id: &str,
) -> Option<LayerVersionArn> {
    let layer = read_layer(reader, stack_id);
    let version = reader.text("VersionNumber").and_then(|text| {
        version_number(&text).or_else(|| {
            let got = shown(&text);
            reader.invalid(format!(
                "`VersionNumber` is not a version: got {got}, give a positive whole number"
            ))
        })
    });
    Some(LayerVersionArn::new(layer?, version?))
}

fn read_layer(reader: &mut PropertyReader<'_>, stack_id: &str) -> Option<LayerArn> {
    let text = reader.text("LayerName")?;
    let layer = text.parse().or_else(|_| LayerArn::by_name(&text, stack_id));
    if let Ok(layer) = layer {
        return Some(layer);
    }
    let got = shown(&text);
    reader.invalid(if is_word(&text, 140) {
        let got = shown(stack_id);
        format!(
            "`LayerName` has no account and region: got the `StackId` {got}, give the layer's ARN as `LayerName`"
        )
    } else if text.parse::<LayerVersionArn>().is_ok() {
        format!(
            "`LayerName` has a version: got the layer version {got}, give it as `LayerVersionArn` instead"
        )
    } else {
        format!(
            "`LayerName` is neither a name nor a layer ARN: got {got}, give up to 140 letters, digits, `-` or `_`, or \
             `arn:<partition>:lambda:<region>:<account>:layer:<name>`"
        )
    })
}

fn check_action(reader: &mut PropertyReader<'_>) {
    if let Some(text) = reader
        .text("Action")
        .filter(|text| text != GET_LAYER_VERSION)
    {
        let got = shown(&text);
        reader.errors.add(|| format!(
            "`Action` is not one of a layer version: got {got}, give `{GET_LAYER_VERSION}` or leave it out"
        ));
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
        Properties::parse(properties, STACK).map_err(|errors| errors.to_string())
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
    fn the_properties_of_cloudformation_are_ignored() {
        let own = json!({"ServiceTimeout": "60", "ServiceOfTomorrow": {"a": []}, "Nonce": ["any", "value"]});
        assert!(parse(&with(&own)).is_ok());
    }

    #[expect(clippy::too_many_lines, reason = "one table")]
    #[test]
    fn a_reason_says_what_is_wrong_what_was_got_and_what_to_do() {
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
                json!({"x".repeat(40): "*"}),
                "unknown property: got `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`, the nearest known one is `ExternalId`, use that or \
                 remove it",
            ),
            (
                json!({"x".repeat(41): "*"}),
                "unknown property: got `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`, remove it",
            ),
            (
                json!({"Principal\u{200b}": "*"}),
                "unknown property: got `Principal\\u{200b}`, the nearest known one is `Principal`, use that or remove it",
            ),
            (
                json!({"LayerVersionArn": none, "LayerName": "my-layer\n", "VersionNumber": " 1"}),
                "`LayerName` begins or ends with white space: got `my-layer\\n`, remove the white space; \
                 `VersionNumber` begins or ends with white space: got ` 1`, remove the white space",
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
                json!({"Principal": "8.8888888888E10"}),
                "`Principal` has no account id of 12 digits: got `8.8888888888E10`, which YAML makes of an unquoted \
                 `088888888888` by reading it as a floating-point number, put the account id in quotes",
            ),
            (
                json!({"Principal": 1.402_433_619e9}),
                "`Principal` has no account id of 12 digits: got `1402433619.0`, which YAML makes of an unquoted \
                 `012345670123` by reading it as an octal number, for its leading zero, put the account id in quotes",
            ),
            (
                json!({"Principal": "arn:aws:iam::111122223333:user/\nu"}),
                "invalid `Principal`: got `arn:aws:iam::111122223333:user/\\nu`, give an account id of \
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
                json!({"Principal": none, "Principals": [format!("ou-abcd-{}", "x".repeat(32))], "StatementId": "x".repeat(55)}),
                "`StatementId` is too long for a list: got 55 characters, give at most 54 with `ou-abcd-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`",
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
    fn white_space_at_either_end_of_a_value_is_refused() {
        let role = "arn:aws:iam::123456789012:role/share";
        for (name, value) in [
            ("LayerVersionArn", ARN),
            ("LayerName", "my-layer"),
            ("VersionNumber", "1"),
            ("Principal", "111122223333"),
            ("OrganizationId", "o-abcdefghij"),
            ("Action", GET_LAYER_VERSION),
            ("StatementId", "sid"),
            ("Versions", "This"),
            ("RevisionId", "revision-1"),
            ("RoleArn", role),
            ("ExternalId", "external"),
        ] {
            for (before, after) in [
                ("", "\n"),
                ("", "\r\n"),
                (" ", ""),
                ("\t", " "),
                ("", "\u{a0}"),
            ] {
                let mut properties =
                    json!({"LayerVersionArn": ARN, "Principal": "*", "RoleArn": role});
                if matches!(name, "LayerName" | "VersionNumber") {
                    properties =
                        json!({"LayerName": "my-layer", "VersionNumber": "1", "Principal": "*"});
                }
                properties[name] = value.into();
                assert!(parse(&properties).is_ok(), "{properties}");
                let value = format!("{before}{value}{after}");
                let got = match name {
                    "ExternalId" => format!("a length of {}", value.chars().count()),
                    _ => shown(&value),
                };
                properties[name] = value.into();
                let reason = format!(
                    "`{name}` begins or ends with white space: got {got}, remove the white space"
                );
                assert_eq!(parse(&properties), Err(reason), "{properties}");
            }
        }
    }

    #[test]
    fn a_bare_name_without_a_stack_to_place_it_says_so() {
        let properties = json!({"LayerName": "my-layer", "VersionNumber": "1", "Principal": "*"});
        let properties = properties.as_object().expect("an object");
        for (stack, got) in [
            ("", "``"),
            ("stack", "`stack`"),
            (
                "arn:aws:cloudformation:s3:123456789012:stack/s/1",
                "`arn:aws:cloudformation:s3:123456789012:stack/s/1`",
            ),
        ] {
            let reason = Properties::parse(properties, stack).map_err(|errors| errors.to_string());
            assert_eq!(
                reason,
                Err(format!(
                    "`LayerName` has no account and region: got the `StackId` {got}, give the layer's ARN as `LayerName`"
                ))
            );
        }
    }

    #[test]
    fn at_most_twenty_violations_are_told_and_the_others_are_counted() {
        let unknown = |most: usize| -> Value {
            let names = (0..most).map(|number| (format!("Unknown{number:05}"), json!("*")));
            Value::Object(names.collect())
        };
        for (most, more) in [
            (20, None),
            (21, Some("; and 1 more")),
            (5000, Some("; and 4980 more")),
        ] {
            let reason = parse(&with(&unknown(most))).expect_err("errors");
            let reported = reason
                .strip_suffix(more.unwrap_or_default())
                .expect("how many more there are");
            assert_eq!(reported.split("; ").count(), 20, "{reason}");
            assert!(
                reported.ends_with(
                    "`Unknown00019`, the nearest known one is `Nonce`, use that or remove it"
                ),
                "{reason}"
            );
        }
    }

    #[test]
    fn the_statement_id_of_a_list_with_the_longest_principal_is_not_too_long() {
        let longest = format!("o-{}", "a".repeat(32));
        let sid = "x".repeat(65);
        let list = json!({"LayerVersionArn": ARN, "Principals": [longest], "StatementId": sid});
        let sid = parse(&list)
            .expect("properties")
            .statement_id
            .expect("an id");
        let of_longest = sid.in_list(&longest.parse().expect("a principal"));
        assert_eq!(of_longest.map(|sid| sid.to_string().len()), Some(100));
    }

    #[test]
    fn all_violations_come_in_one_reason() {
        let reason = parse(&json!({"Principle": "*", "Action": "*"})).expect_err("four errors");
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

    /// Whatever fills an event of 1 MB, and what it is that is wrong.
    fn large(kind: usize, text: &str) -> Value {
        let name = PROPERTIES[kind % PROPERTIES.len()];
        let many = 900_000 / (text.len() + 20);
        match kind / PROPERTIES.len() {
            0 => json!({name: text.repeat(900_000 / text.len())}),
            1 => json!({name: vec![text; many]}),
            2 => json!({name: {text: text.repeat(many)}}),
            3 => json!({name: vec![text; 128].join(","), text.repeat(many): "*"}),
            4 => json!({name: (0..128).map(|_| text.repeat(100)).collect::<Vec<_>>()}),
            _ => Value::Object(
                (0..many)
                    .map(|number| (format!("{text}{number}"), json!("")))
                    .collect(),
            ),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn no_event_of_a_megabyte_makes_a_reason_of_more_than_16_kilobytes(
            kind in 0..PROPERTIES.len() * 6,
            text in prop_oneof!["[:, a-z0-9-]{1,8}", "[🚀\u{1b}\u{202e}`\n]{1,8}", ".{1,40}"],
        ) {
            let mut properties = large(kind, &text);
            for name in ["LayerName", "VersionNumber", "Principal", "StatementId", "Action", "Versions", "RoleArn"] {
                if properties.get(name).is_none() {
                    properties[name] = "🚀".repeat(500).into();
                }
            }
            let reason = parse(&properties).expect_err("errors");
            prop_assert!(reason.len() <= 16 * 1024, "{} bytes", reason.len());
        }
    }

    #[test]
    fn the_longest_reason_is_of_less_than_16_kilobytes() {
        let widest = "🚀".repeat(5000);
        let mut properties = json!({"Principals": vec![&widest; 128]});
        for name in [
            "LayerName",
            "VersionNumber",
            "StatementId",
            "Action",
            "Versions",
            "RoleArn",
            "RevisionId",
        ] {
            properties[name] = widest.as_str().into();
        }
        let reason = parse(&properties).expect_err("errors");
        assert!(
            (14_000..16 * 1024).contains(&reason.len()),
            "{} bytes",
            reason.len()
        );
    }

    /// Not part of a normal run, for it looks at a clock.
    #[ignore = "measures a time"]
    #[test]
    fn any_event_of_a_megabyte_is_read_in_no_time() {
        for text in ["x", ":", "-", "é", "a,", "aws-", "Principal"] {
            for kind in 0..PROPERTIES.len() * 6 {
                let properties = large(kind, text);
                let started = std::time::Instant::now();
                let _ = parse(&properties);
                let took = started.elapsed();
                assert!(
                    took.as_millis() < 500,
                    "{took:?} for {text:?} of kind {kind}"
                );
            }
        }
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
