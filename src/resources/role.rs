//! The properties `RoleArn` and `ExternalId`: the role that the provider assumes.

use super::property_reader::{PropertyReader, length};
use crate::policy::arn::ResourceLocation;
use crate::policy::role::Role;
use crate::text::shown;

/// The role, which must be one of the partition and account of `target`: no other account can change its policy.
pub(super) fn read_role(
    reader: &mut PropertyReader<'_>,
    target: Option<&ResourceLocation>,
) -> Option<Role> {
    let external_id = read_external_id(reader);
    let text = reader.text("RoleArn")?;
    let Some(role) = Role::parse(&text, external_id) else {
        let got = shown(&text);
        return reader.invalid(format!(
            "`RoleArn` is not the ARN of a role: got {got}, give `arn:<partition>:iam::<account>:role/<name>`"
        ));
    };
    let own = target.map(|target| {
        let (partition, account) = (target.partition(), target.account());
        format!("arn:{partition}:iam::{account}:role/")
    });
    match own.filter(|own| !text.starts_with(own)) {
        Some(own) => {
            let got = shown(&text);
            reader.invalid(format!(
                "`RoleArn` is of another account: got {got}, give a role as in `{own}<name>`"
            ))
        }
        None => Some(role),
    }
}

/// A reason does not contain the value.
fn read_external_id(reader: &mut PropertyReader<'_>) -> Option<String> {
    let text = reader.secret("ExternalId")?;
    if !reader.has("RoleArn") {
        return reader.invalid(
            "`ExternalId` goes with `RoleArn` only: got it alone, add `RoleArn` or leave it out"
                .into(),
        );
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
    let wrong = text.chars().find(|c| !allowed(*c));
    if wrong.is_none() && (2..=1224).contains(&text.len()) {
        return Some(text);
    }
    let got = length(&text);
    let with = wrong.map(|c| format!(" with {}", shown(&c.to_string())));
    let with = with.unwrap_or_default();
    reader.invalid(format!(
        "`ExternalId` is not an external id: got {got}{with}, give 2 to 1224 letters, digits or `_+=,.@:/-`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(properties: &Value) -> Result<Option<Role>, String> {
        let target = ResourceLocation::of_arn("arn:aws:lambda:eu-west-1:123456789012:layer:x");
        let mut reader = PropertyReader::new(properties.as_object().expect("an object"));
        let role = read_role(&mut reader, target.as_ref());
        let errors = reader.errors;
        errors.is_empty().then_some(role).ok_or(errors.to_string())
    }

    #[test]
    fn a_role_of_the_account_of_the_layer_is_accepted() {
        for arn in [
            "arn:aws:iam::123456789012:role/share",
            "arn:aws:iam::123456789012:role/a/path/Share@+=,._-",
        ] {
            let role =
                read(&json!({"RoleArn": arn, "ExternalId": "a:b/c-1"})).expect("no violation");
            let role = role.expect("a role");
            assert_eq!(role.to_string(), arn);
            assert_eq!(role.account().to_string(), "123456789012");
            assert_eq!(role.external_id(), Some("a:b/c-1"));
        }
        assert_eq!(read(&json!({})), Ok(None));
    }

    #[test]
    fn a_reason_says_what_is_wrong_with_a_role() {
        for (properties, reason) in [
            (
                json!({"RoleArn": "share"}),
                "`RoleArn` is not the ARN of a role: got `share`, give `arn:<partition>:iam::<account>:role/<name>`",
            ),
            (
                json!({"RoleArn": "arn:aws:iam::123456789012:role/"}),
                "`RoleArn` is not the ARN of a role: got `arn:aws:iam::123456789012:role/`, give \
                 `arn:<partition>:iam::<account>:role/<name>`",
            ),
            (
                json!({"RoleArn": "arn:aws-c\n:iam::111122223333:role/share"}),
                "`RoleArn` is not the ARN of a role: got `arn:aws-c\\n:iam::111122223333:role/share`, give \
                 `arn:<partition>:iam::<account>:role/<name>`",
            ),
            (
                json!({"RoleArn": "arn:aws:iam::111122223333:role/share"}),
                "`RoleArn` is of another account: got `arn:aws:iam::111122223333:role/share`, give a role as in \
                 `arn:aws:iam::123456789012:role/<name>`",
            ),
            (
                json!({"RoleArn": "arn:aws-cn:iam::123456789012:role/share"}),
                "`RoleArn` is of another account: got `arn:aws-cn:iam::123456789012:role/share`, give a role as \
                 in `arn:aws:iam::123456789012:role/<name>`",
            ),
            (
                json!({"ExternalId": "id"}),
                "`ExternalId` goes with `RoleArn` only: got it alone, add `RoleArn` or leave it out",
            ),
        ] {
            assert_eq!(read(&properties), Err(reason.to_owned()), "{properties}");
        }
    }

    #[test]
    fn an_external_id_is_never_shown() {
        for (external_id, reason) in [
            (
                json!("i"),
                "`ExternalId` is not an external id: got a length of 1, give 2 to 1224 letters, digits or `_+=,.@:/-`",
            ),
            (
                json!("secret".repeat(300)),
                "`ExternalId` is not an external id: got a length of 1800, give 2 to 1224 letters, digits or `_+=,.@:/-`",
            ),
            (
                json!("my secret\nof 2"),
                "`ExternalId` is not an external id: got a length of 14 with ` `, give 2 to 1224 letters, digits or \
                 `_+=,.@:/-`",
            ),
            (
                json!("my-\u{202e}secret"),
                "`ExternalId` is not an external id: got a length of 10 with `\\u{202e}`, give 2 to 1224 letters, digits or \
                 `_+=,.@:/-`",
            ),
            (
                json!("sécret"),
                "`ExternalId` is not an external id: got a length of 6 with `é`, give 2 to 1224 letters, digits or \
                 `_+=,.@:/-`",
            ),
            (
                json!("secret\n"),
                "`ExternalId` begins or ends with white space: got a length of 7, remove the white space",
            ),
            (
                json!(["secret"]),
                "`ExternalId` is not a single value: got a list, give one string",
            ),
            (
                json!({"secret": "secret"}),
                "`ExternalId` is not a single value: got an object, give one string",
            ),
            (
                json!(null),
                "`ExternalId` is not a single value: got `null`, give one string",
            ),
            (
                json!(""),
                "`ExternalId` is empty: got an empty string, give it a value or leave it out",
            ),
        ] {
            let role = "arn:aws:iam::123456789012:role/share";
            let properties = json!({"RoleArn": role, "ExternalId": external_id});
            assert_eq!(read(&properties), Err(reason.to_owned()), "{properties}");
        }
        let role = Role::parse(
            "arn:aws:iam::123456789012:role/share",
            Some("secret".into()),
        );
        let debugged = format!("{:?}", role.expect("a role"));
        assert_eq!(
            debugged,
            r#"Role { arn: "arn:aws:iam::123456789012:role/share", .. }"#
        );
    }

    #[test]
    fn a_role_has_up_to_2048_characters_and_an_external_id_2_to_1224() {
        let start = "arn:aws:iam::123456789012:role/";
        for (of_role, of_external_id, is_taken) in [
            (2048, 1224, true),
            (2049, 1224, false),
            (2048, 1225, false),
            (32, 2, true),
            (32, 1, false),
            (31, 2, false),
        ] {
            let arn = start.to_owned() + &"x".repeat(of_role - start.len());
            let external_id = "x".repeat(of_external_id);
            let taken = read(&json!({"RoleArn": arn, "ExternalId": external_id}));
            assert_eq!(taken.is_ok(), is_taken, "{of_role} {of_external_id}");
        }
    }
}
