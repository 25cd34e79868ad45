//! The properties of a `Custom::FunctionPermission`; all errors in them are found at once.

use serde_json::{Map, Value};

use super::action::{Action, read_action};
use super::function::read_function;
use super::principals::{read_organization, read_principals};
use super::sources::{Sources, name_of_list, read_sources};
use crate::policy::arn::ResourceLocation;
use crate::policy::function_arn::FunctionArn;
use crate::policy::principal::OrganizationId;
use crate::policy::role::Role;
use crate::policy::statement_id::StatementId;
use crate::resources::principals::Principals;
use crate::resources::property_reader::{PropertyReader, ValidationErrors};
use crate::resources::role::read_role;
use crate::resources::statement_id::{check_units, read_statement_id};

/// The properties of the resource type. Names that begin with `Service` are CloudFormation's own.
pub const PROPERTIES: [&str; 18] = [
    "FunctionName",
    "Qualifier",
    "Action",
    "Principal",
    "Principals",
    "PrincipalOrgID",
    "SourceArn",
    "SourceArns",
    "SourceAccount",
    "SourceAccounts",
    "EventSourceToken",
    "FunctionUrlAuthType",
    "InvokedViaFunctionUrl",
    "StatementId",
    "RevisionId",
    "RoleArn",
    "ExternalId",
    "Nonce",
];

/// The properties, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties {
    /// The function, or the alias or version of it.
    pub function: FunctionArn,
    /// What is allowed.
    pub action: Action,
    /// To whom.
    pub principals: Principals,
    /// The organization that the principal must be in.
    pub organization: Option<OrganizationId>,
    /// For whom a service may act.
    pub sources: Sources,
    /// The statement id, if one was chosen.
    pub statement_id: Option<StatementId>,
    /// The revision that the policy must have for the first write.
    pub revision_id: Option<String>,
    /// The role to assume.
    pub role: Option<Role>,
}

impl Properties {
    /// Parses `properties` as CloudFormation sends them; a function that is given by its bare name is in the account and region of
    /// `stack_id`.
    ///
    /// # Errors
    /// All errors in them, each with what is wrong, what was got and what to do.
    pub fn parse(
        properties: &Map<String, Value>,
        stack_id: &str,
    ) -> Result<Self, ValidationErrors> {
        let mut reader = PropertyReader::new(properties);
        reader.reject_unknown(&PROPERTIES, ("OrganizationId", "PrincipalOrgID"));
        let function = read_function(&mut reader, stack_id);
        let location = function.as_ref().map(FunctionArn::location);
        let partition = location.map(ResourceLocation::partition);
        let action = read_action(&mut reader);
        let principals = read_principals(&mut reader, partition);
        let organization = read_organization(&mut reader);
        let sources = read_sources(&mut reader);
        let statement_id = read_sid(&mut reader, action.as_ref(), principals.as_ref());
        let revision_id = reader.text("RevisionId");
        let role = read_role(&mut reader, location);
        match (function, action, principals, sources) {
            (Some(function), Some(action), Some(principals), Some(sources))
                if reader.errors.is_empty() =>
            {
                Ok(Self {
                    function,
                    action,
                    principals,
                    organization,
                    sources,
                    statement_id,
                    revision_id,
                    role,
                })
            }
            _ => Err(reader.errors),
        }
    }
}

/// The statement id; what each statement is for is added to it, if there are several.
fn read_sid(
    reader: &mut PropertyReader<'_>,
    action: Option<&Action>,
    principals: Option<&Principals>,
) -> Option<StatementId> {
    let list = list(reader, action);
    let statement_id = read_statement_id(reader, list.as_deref());
    let is_url = matches!(action, Some(Action::FunctionUrl(_)));
    check_units(reader, statement_id.as_ref(), principals, is_url);
    statement_id
}

/// What gives the resource several statements, if anything does.
fn list(reader: &PropertyReader<'_>, action: Option<&Action>) -> Option<String> {
    let list = name_of_list(reader).map(|list| format!("`{list}`"));
    let is_url = matches!(action, Some(Action::FunctionUrl(_)));
    list.or_else(|| is_url.then(|| "both statements of a function URL".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const STACK: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1";

    fn parse(properties: &Value) -> Result<Properties, String> {
        let properties = properties.as_object().expect("an object");
        Properties::parse(properties, STACK).map_err(|errors| errors.to_string())
    }

    /// The grant of a function to account 111122223333, with some properties changed, or removed by null.
    fn with(changes: &Value) -> Value {
        let mut properties = json!({
            "ServiceToken": "arn:…",
            "FunctionName": "my-function",
            "Principal": "111122223333",
        });
        let map = properties.as_object_mut().expect("an object");
        map.extend(changes.as_object().expect("an object").clone());
        map.retain(|_, value| !value.is_null());
        properties
    }

    #[expect(clippy::too_many_lines, reason = "one table")]
    #[test]
    fn a_reason_says_what_is_wrong_with_a_property() {
        let not_a_function = |got: &str| {
            format!(
                "`FunctionName` is not one of a function: got `{got}`, give a name, `<name>:<alias or version>` or an ARN as \
                 in `arn:<partition>:lambda:<region>:<account>:function:<name>`"
            )
        };
        let cases = [
            (
                json!({"OrganizationId": "o-abcdefghij"}),
                "unknown property: got `OrganizationId`, the nearest known one is `PrincipalOrgID`, use that or remove it",
            ),
            (
                json!({"SourceArm": "arn:aws:s3:::b"}),
                "unknown property: got `SourceArm`, the nearest known one is `SourceArn`, use that or remove it",
            ),
            (
                json!({"FunctionName": null}),
                "no function: got no `FunctionName`, give a name or `arn:<partition>:lambda:<region>:<account>:function:<name>`",
            ),
            (
                json!({"FunctionName": "my function"}),
                &not_a_function("my function"),
            ),
            (json!({"FunctionName": "a:b:c"}), &not_a_function("a:b:c")),
            (
                json!({"FunctionName": "x".repeat(141)}),
                &not_a_function(&"x".repeat(141)),
            ),
            (
                json!({"FunctionName": "12345678901a:function:x"}),
                &not_a_function("12345678901a:function:x"),
            ),
            (
                json!({"FunctionName": "arn:aws:lambda:eu-west-1:123456789012:layer:x:1"}),
                &not_a_function("arn:aws:lambda:eu-west-1:123456789012:layer:x:1"),
            ),
            (
                json!({"FunctionName": "arn:aws:lambda:s3:123456789012:function:x"}),
                &not_a_function("arn:aws:lambda:s3:123456789012:function:x"),
            ),
            (
                json!({"FunctionName": "https://x.lambda-url.eu-west-1.on.aws/"}),
                &not_a_function("https://x.lambda-url.eu-west-1.on.aws/"),
            ),
            (
                json!({"FunctionName": "my-function:live", "Qualifier": "test"}),
                "two qualifiers: got `live` in `FunctionName` and `test` as `Qualifier`, give one",
            ),
            (
                json!({"Qualifier": "$LATEST"}),
                "`$LATEST` has no policy: got `$LATEST`, leave the qualifier out, that is the function's own policy",
            ),
            (
                json!({"FunctionName": "my-function:$LATEST.PUBLISHED"}),
                "`$LATEST` has no policy: got `$LATEST.PUBLISHED`, leave the qualifier out, that is the function's own policy",
            ),
            (
                json!({"Qualifier": "a b"}),
                "`Qualifier` is neither an alias nor a version: got `a b`, give 1 to 128 letters, digits, `-` or `_`",
            ),
            (
                json!({"Qualifier": ""}),
                "`Qualifier` is empty: got an empty string, give it a value or leave it out",
            ),
            (
                json!({"Action": "InvokeFunction"}),
                "`Action` is not one of Lambda: got `InvokeFunction`, give `lambda:InvokeFunction`, or leave it out",
            ),
            (
                json!({"Action": "lambda:Invoke*"}),
                "`Action` is not one of Lambda: got `lambda:Invoke*`, give `lambda:InvokeFunction`, or leave it out",
            ),
            (
                json!({"Action": ""}),
                "`Action` is empty: got an empty string, give it a value or leave it out",
            ),
            (
                json!({"FunctionUrlAuthType": "none"}),
                "`FunctionUrlAuthType` is neither `NONE` nor `AWS_IAM`: got `none`, give the `AuthType` of the function URL",
            ),
            (
                json!({"FunctionUrlAuthType": "NONE", "Action": "lambda:*"}),
                "`FunctionUrlAuthType` goes with `lambda:InvokeFunctionUrl` only: got it with `lambda:*`, leave `Action` out to \
                 get both statements that a function URL needs",
            ),
            (
                json!({"InvokedViaFunctionUrl": "true", "Action": "lambda:InvokeFunctionUrl"}),
                "`InvokedViaFunctionUrl` goes with `lambda:InvokeFunction` only: got it with `lambda:InvokeFunctionUrl`, leave \
                 `Action` out to get both statements that a function URL needs",
            ),
            (
                json!({"InvokedViaFunctionUrl": "maybe"}),
                "`InvokedViaFunctionUrl` is neither `true` nor `false`: got `maybe`, give one of these or leave it out",
            ),
            (
                json!({"InvokedViaFunctionUrl": "false", "FunctionUrlAuthType": "NONE"}),
                "`InvokedViaFunctionUrl` is not `true` for a function URL: got `false` without `Action`, leave it out, or give \
                 `Action`",
            ),
            (
                json!({"Principal": null}),
                "no principal: got neither `Principal` nor `Principals`, give a service as in `events.amazonaws.com`, an \
                 account id of 12 digits, a root, user or role ARN, or `*`, or a list",
            ),
            (
                json!({"Principals": "*"}),
                "both `Principal` and `Principals` given: got both properties, give one or the other",
            ),
            (
                json!({"Principal": "1402433619"}),
                "`Principal` has no account id of 12 digits: got `1402433619`, which YAML makes of an unquoted `012345670123` by \
                 reading it as an octal number, for its leading zero, put the account id in quotes",
            ),
            (
                json!({"Principal": "o-abcdefghij"}),
                "`Principal` is an organization: got `o-abcdefghij`, make it `*` and give that as `PrincipalOrgID`, or use \
                 `Principals`",
            ),
            (
                json!({"Principal": "arn:aws-cn:iam::111122223333:root"}),
                "`Principal` has an account of another partition: got `arn:aws-cn:iam::111122223333:root`, give one of the \
                 function's own as in `arn:aws:iam::111122223333:root`",
            ),
            (
                json!({"Principal": "arn:aws-cn:iam::111122223333:role/x"}),
                "`Principal` has an account of another partition: got `arn:aws-cn:iam::111122223333:role/x`, give one of the \
                 function's own as in `arn:aws:iam::111122223333:role/<name>`",
            ),
            (
                json!({"Principal": null, "Principals": ["events"]}),
                "invalid `Principals`: got `events`, give services as in `events.amazonaws.com`, account ids of 12 digits, \
                 organization ids, ids of organizational units, root, user or role ARNs, or `*`",
            ),
            (
                json!({"Principal": null, "Principals": []}),
                "`Principals` is empty: got no entry, give at least one or remove the resource",
            ),
            (
                json!({"Principal": null, "Principals": "*", "PrincipalOrgID": "o-abcdefghij"}),
                "`PrincipalOrgID` goes with `Principal` only: got it with `Principals`, leave it out, or give each principal a \
                 resource of its own",
            ),
            (
                json!({"PrincipalOrgID": "r-abcd"}),
                "`PrincipalOrgID` is not an organization's id: got `r-abcd`, give `o-` and 10 to 32 lower-case letters or digits",
            ),
            (
                json!({"SourceArn": "my-bucket"}),
                "`SourceArn` is not an ARN: got `my-bucket`, give one as in `arn:aws:s3:::my-bucket`, perhaps with wildcards",
            ),
            (
                json!({"SourceArn": "arn:aws:events:eu-west-1:1234:rule/x"}),
                "`SourceArn` is not an ARN: got `arn:aws:events:eu-west-1:1234:rule/x`, give one as in `arn:aws:s3:::my-bucket`, \
                 perhaps with wildcards",
            ),
            (
                json!({"SourceArns": ["arn:aws:s3:::b", "*"]}),
                "`SourceArns` is not an ARN: got `*`, give one as in `arn:aws:s3:::my-bucket`, perhaps with wildcards",
            ),
            (
                json!({"SourceArns": vec!["arn:aws:s3:::b"; 129]}),
                "`SourceArns` is too long: got 129 entries, give at most 128, or give one with a wildcard",
            ),
            (
                json!({"SourceAccounts": vec!["111122223333"; 129]}),
                "`SourceAccounts` is too long: got 129 entries, give at most 128, or remove some",
            ),
            (
                json!({"SourceArn": "arn:aws:s3:::b", "SourceArns": "arn:aws:s3:::c"}),
                "`SourceArn` beside a list of them: got `SourceArns` too, give one or the other",
            ),
            (
                json!({"SourceAccount": "111122223333", "SourceAccounts": "111122223333"}),
                "`SourceAccount` beside a list of them: got `SourceAccounts` too, give one or the other",
            ),
            (
                json!({"SourceAccount": "x"}),
                "invalid `SourceAccount`: got `x`, give an account id of 12 digits",
            ),
            (
                json!({"SourceAccount": "1402433619"}),
                "`SourceAccount` has no account id of 12 digits: got `1402433619`, which YAML makes of an unquoted \
                 `012345670123` by reading it as an octal number, for its leading zero, put the account id in quotes",
            ),
            (
                json!({"Principal": null, "Principals": "*", "SourceArns": "arn:aws:s3:::b"}),
                "two lists: got `Principals` and `SourceArns`, give one list and single values beside it",
            ),
            (
                json!({"EventSourceToken": "a b"}),
                "`EventSourceToken` is not a token: got `a b`, give 1 to 256 letters, digits, `.`, `_` or `-`",
            ),
            (
                json!({"StatementId": "x".repeat(66), "SourceArns": "arn:aws:s3:::b"}),
                "`StatementId` is too long for a list: got 66 characters, give at most 65 with `SourceArns`",
            ),
            (
                json!({"StatementId": "x".repeat(66), "FunctionUrlAuthType": "NONE"}),
                "`StatementId` is too long for a list: got 66 characters, give at most 65 with both statements of a function URL",
            ),
            (
                json!({
                    "Principal": null,
                    "Principals": [format!("ou-abcd-{}", "x".repeat(32))],
                    "StatementId": "x".repeat(48),
                    "FunctionUrlAuthType": "AWS_IAM",
                }),
                "`StatementId` is too long for a list: got 48 characters, give at most 47 with `ou-abcd-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`",
            ),
            (
                json!({"RoleArn": "arn:aws:iam::111122223333:role/share"}),
                "`RoleArn` is of another account: got `arn:aws:iam::111122223333:role/share`, give a role as in \
                 `arn:aws:iam::123456789012:role/<name>`",
            ),
        ];
        for (changes, reason) in cases {
            assert_eq!(parse(&with(&changes)), Err(reason.to_owned()), "{changes}");
        }
    }

    #[test]
    fn a_bare_name_without_a_stack_to_place_it_says_so() {
        let properties = with(&json!({}));
        let properties = properties.as_object().expect("an object");
        let errors = Properties::parse(properties, "stack").map_err(|errors| errors.to_string());
        assert_eq!(
            errors,
            Err("`FunctionName` has no account and region: got the `StackId` `stack`, give the function's ARN as `FunctionName`".to_owned())
        );
    }

    #[test]
    fn what_the_api_accepts_is_accepted() {
        for changes in [
            json!({"Action": "lambda:*"}),
            json!({"Action": "*"}),
            json!({"Action": "lambda:UpdateFunctionCode"}),
            json!({"FunctionUrlAuthType": "AWS_IAM"}),
            json!({"FunctionUrlAuthType": "NONE", "InvokedViaFunctionUrl": "true"}),
            json!({"Action": "lambda:invokefunctionurl", "FunctionUrlAuthType": "NONE"}),
            json!({"InvokedViaFunctionUrl": true}),
            json!({"Principal": "s3.amazonaws.com", "PrincipalOrgID": "o-abcdefghij"}),
            json!({"SourceArn": "arn:aws:execute-api:eu-west-1:123456789012:abc/*/GET/orders"}),
            json!({"SourceArn": "arn:aws:events:*:*:rule/x-?"}),
            json!({"SourceArns": "arn:aws:s3:::a, arn:aws:s3:::b", "SourceAccount": "111122223333"}),
            json!({"StatementId": "x".repeat(65), "SourceArns": "arn:aws:s3:::b"}),
            json!({"StatementId": "x".repeat(100)}),
            json!({"EventSourceToken": "a".repeat(256)}),
            json!({"Qualifier": "live", "FunctionName": "my-function:live"}),
            json!({"Nonce": {"any": "value"}, "ServiceTimeout": "60"}),
        ] {
            assert!(parse(&with(&changes)).is_ok(), "{changes}");
        }
    }

    #[test]
    fn an_empty_value_is_never_absent() {
        for name in PROPERTIES.iter().filter(|name| **name != "Nonce") {
            let reason = parse(&with(&json!({*name: ""}))).expect_err(name);
            assert!(reason.contains(&format!("`{name}`")), "{reason}");
        }
    }

    proptest! {
        #[test]
        fn no_value_panics_the_parser(value in ".*") {
            for known in PROPERTIES {
                let _ = parse(&with(&json!({known: value.clone()})));
            }
        }
    }
}
