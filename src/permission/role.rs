//! The role by which a layer of another account is reached.
//! Assumes nothing.

use std::fmt;

use super::arn::{AccountId, LayerVersionArn, is_partition};
use super::reading::{Reading, length};
use crate::text::shown;

/// A role to assume, with the external id that its trust policy may ask for. That id is a secret: where several accounts share
/// one provider, it is what keeps them from each other's roles. So it is never printed, not even by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Role {
    arn: String,
    account: AccountId,
    external_id: Option<String>,
}

impl Role {
    /// A role by its ARN, `arn:<partition>:iam::<account>:role/<path and name>`, of at most 2048 characters.
    ///
    /// Source: [IAM identifiers](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html) and
    /// [AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
    #[must_use]
    pub fn read(arn: &str, external_id: Option<String>) -> Option<Self> {
        // One part more than there may be, and not one for each colon of a text of any length.
        let fields: Vec<&str> = arn.splitn(7, ':').collect();
        let ["arn", partition, "iam", "", account, role] = fields[..] else {
            return None;
        };
        let name = role.strip_prefix("role/").filter(|name| !name.is_empty())?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "+=,.@_/-".contains(c);
        (arn.len() <= 2048 && is_partition(partition) && name.chars().all(allowed)).then_some(())?;
        Some(Self {
            arn: arn.to_owned(),
            account: account.parse().ok()?,
            external_id,
        })
    }

    /// The account that the role is one of.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The external id to assume it with.
    #[must_use]
    pub fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut role = f.debug_struct("Role");
        role.field("arn", &self.arn).finish_non_exhaustive()
    }
}

impl Reading<'_> {
    /// The role, which must be one of the layer's own account: a layer's policy lets no other account write to it.
    pub(super) fn role(&mut self, layer_version: Option<&LayerVersionArn>) -> Option<Role> {
        let external_id = self.external_id();
        let text = self.text("RoleArn")?;
        let Some(role) = Role::read(&text, external_id) else {
            let got = shown(&text);
            return self.refuse(format!(
                "`RoleArn` is not the ARN of a role: got {got}, give `arn:<partition>:iam::<account>:role/<name>`"
            ));
        };
        let layer = layer_version.map(LayerVersionArn::layer);
        let own =
            layer.map(|layer| format!("arn:{}:iam::{}:role/", layer.partition(), layer.account()));
        match own.filter(|own| !text.starts_with(own)) {
            Some(own) => {
                let got = shown(&text);
                self.refuse(format!(
                    "`RoleArn` is of another account than the layer: got {got}, give a role as in `{own}<name>`"
                ))
            }
            None => Some(role),
        }
    }

    /// What is wrong with it is told without showing it.
    fn external_id(&mut self) -> Option<String> {
        let text = self.secret("ExternalId")?;
        if !self.has("RoleArn") {
            return self.refuse(
                "`ExternalId` goes with `RoleArn` only: got it alone, add `RoleArn` or leave it out".into(),
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
        self.refuse(format!(
            "`ExternalId` is not an external id: got {got}{with}, give 2 to 1224 letters, digits or `_+=,.@:/-`"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(properties: &Value) -> Result<Option<Role>, String> {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1";
        let mut reading = Reading::of(properties.as_object().expect("an object"));
        let role = reading.role(Some(&arn.parse().expect("an ARN")));
        let violations = reading.violations;
        violations
            .is_empty()
            .then_some(role)
            .ok_or(violations.to_string())
    }

    #[test]
    fn a_role_of_the_layers_account_is_taken() {
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
    fn every_violation_is_told() {
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
                "`RoleArn` is of another account than the layer: got `arn:aws:iam::111122223333:role/share`, give a role as in \
                 `arn:aws:iam::123456789012:role/<name>`",
            ),
            (
                json!({"RoleArn": "arn:aws-cn:iam::123456789012:role/share"}),
                "`RoleArn` is of another account than the layer: got `arn:aws-cn:iam::123456789012:role/share`, give a role as \
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
        let role = Role::read(
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

    #[test]
    fn what_is_not_quite_a_role_is_refused() {
        let long = format!("arn:aws:iam::123456789012:role/{}", "x".repeat(2048));
        let colons = format!("arn:aws:iam::123456789012:role/share{}", ":".repeat(5000));
        for text in [
            "arn:aws:iam::123456789012:role/share:1",
            "arn:aws:iam::123456789012:user/share",
            "arn:aws:iam:eu-west-1:123456789012:role/share",
            "arn:aws-:iam::123456789012:role/share",
            long.as_str(),
            colons.as_str(),
        ] {
            assert_eq!(Role::read(text, None), None, "{text}");
        }
    }
}
