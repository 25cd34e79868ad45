//! The role by which a layer of another account is reached.
//! Assumes nothing.

use std::fmt;

use super::arn::{AccountId, LayerVersionArn, is_partition};
use super::reading::{Reading, shown};

/// A role to assume, with the external id that its trust policy may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    arn: String,
    account: AccountId,
    external_id: Option<String>,
}

impl Role {
    /// A role by its ARN, `arn:<partition>:iam::<account>:role/<path and name>`.
    ///
    /// Source: [IAM identifiers](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
    #[must_use]
    pub fn read(arn: &str, external_id: Option<String>) -> Option<Self> {
        let fields: Vec<&str> = arn.split(':').collect();
        let ["arn", partition, "iam", "", account, role] = fields[..] else {
            return None;
        };
        let name = role.strip_prefix("role/").filter(|name| !name.is_empty())?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "+=,.@_/-".contains(c);
        (is_partition(partition) && name.chars().all(allowed)).then_some(())?;
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
            Some(own) => self.refuse(format!(
                "`RoleArn` is of another account than the layer: got `{role}`, give a role as in `{own}<name>`"
            )),
            None => Some(role),
        }
    }

    fn external_id(&mut self) -> Option<String> {
        let text = self.text("ExternalId")?;
        if !self.has("RoleArn") {
            return self.refuse(
                "`ExternalId` goes with `RoleArn` only: got it alone, add `RoleArn` or leave it out".into(),
            );
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
        if (2..=1224).contains(&text.len()) && text.chars().all(allowed) {
            return Some(text);
        }
        let got = shown(&text);
        self.refuse(format!(
            "`ExternalId` is none: got {got}, give 2 to 1224 letters, digits or `_+=,.@:/-`"
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
        match &reading.violations[..] {
            [] => Ok(role),
            violations => Err(violations.join("; ")),
        }
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
                "`RoleArn` is not the ARN of a role: got `arn:aws-c :iam::111122223333:role/share`, give \
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
            (
                json!({"RoleArn": "arn:aws:iam::123456789012:role/share", "ExternalId": "i"}),
                "`ExternalId` is none: got `i`, give 2 to 1224 letters, digits or `_+=,.@:/-`",
            ),
        ] {
            assert_eq!(read(&properties), Err(reason.to_owned()), "{properties}");
        }
    }
}
