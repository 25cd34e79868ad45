//! ARNs of layers and layer versions, and the account ids in them, parsed strictly and printed as they were written.
//! Knows nothing of policies: who may use a layer is said elsewhere.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use thiserror::Error;

/// An AWS account id: exactly 12 digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);

/// The text is not an account id of 12 digits.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not an account id of 12 digits")]
pub struct NotAnAccountId;

impl FromStr for AccountId {
    type Err = NotAnAccountId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| Self(text.to_owned())).ok_or(NotAnAccountId)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A layer without a version: `arn:<partition>:lambda:<region>:<account>:layer:<name>`.
///
/// Source: the `LayerArn` pattern of
/// [Lambda's API](https://docs.aws.amazon.com/lambda/latest/api/API_LayersListItem.html).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerArn {
    partition: String,
    region: String,
    account: AccountId,
    name: String,
}

/// The text is not a layer ARN.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not `arn:<partition>:lambda:<region>:<account>:layer:<name>`")]
pub struct NotALayerArn;

impl LayerArn {
    /// A layer by its bare name (1 to 140 letters, digits, `-` or `_`) in the account and region of `place`, an ARN
    /// of anything that lives there.
    ///
    /// # Errors
    /// If the name is not one of a layer, or `place` names no partition, region and account.
    pub fn by_name(name: &str, place: &str) -> Result<Self, NotALayerArn> {
        let mut fields = place.split(':').skip(1);
        let (partition, _service) = (fields.next(), fields.next());
        match (partition, fields.next(), fields.next()) {
            (Some(partition), Some(region), Some(account)) => {
                format!("arn:{partition}:lambda:{region}:{account}:layer:{name}").parse()
            }
            _ => Err(NotALayerArn),
        }
    }

    /// The partition that the layer lives in, such as `aws`.
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The region that the layer lives in, such as `eu-west-1`.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The account that owns the layer.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The bare name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for LayerArn {
    type Err = NotALayerArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fields: Vec<&str> = text.split(':').collect();
        let ["arn", partition, "lambda", region, account, "layer", name] = fields[..] else {
            return Err(NotALayerArn);
        };
        if !is_partition(partition) || !is_lower(region) || !is_word(name, 140) {
            return Err(NotALayerArn);
        }
        Ok(Self {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.parse().map_err(|NotAnAccountId| NotALayerArn)?,
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for LayerArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            region,
            account,
            name,
        } = self;
        write!(f, "arn:{partition}:lambda:{region}:{account}:layer:{name}")
    }
}

/// One version of a layer: the layer's ARN, `:` and a positive number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerVersionArn {
    layer: LayerArn,
    version: NonZeroU64,
}

/// The text is not a layer version ARN.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not `arn:<partition>:lambda:<region>:<account>:layer:<name>:<version>`")]
pub struct NotALayerVersionArn;

impl LayerVersionArn {
    /// The version `version` of `layer`.
    #[must_use]
    pub fn new(layer: LayerArn, version: NonZeroU64) -> Self {
        Self { layer, version }
    }

    /// The layer that this is a version of.
    #[must_use]
    pub fn layer(&self) -> &LayerArn {
        &self.layer
    }

    /// The number of the version.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.get()
    }

    /// The same account, region, name and number in another partition.
    #[must_use]
    pub fn in_partition(&self, partition: &str) -> Self {
        let mut other = self.clone();
        partition.clone_into(&mut other.layer.partition);
        other
    }
}

impl FromStr for LayerVersionArn {
    type Err = NotALayerVersionArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (layer, version) = text.rsplit_once(':').ok_or(NotALayerVersionArn)?;
        let layer = layer.parse().map_err(|NotALayerArn| NotALayerVersionArn)?;
        let version = version_number(version).ok_or(NotALayerVersionArn)?;
        Ok(Self::new(layer, version))
    }
}

impl fmt::Display for LayerVersionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.layer, self.version)
    }
}

/// The partition of a region, by how its name begins.
///
/// Source: the partitions of [AWS's SDKs](https://docs.aws.amazon.com/general/latest/gr/rande.html).
#[must_use]
pub fn partition_of_region(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    let known = PREFIXES
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix));
    known.map_or("aws", |(_, partition)| partition)
}

/// A positive number in plain digits without leading zeros, so that printing it gives the same text again.
/// Lambda's own type is a signed 64-bit integer.
#[must_use]
pub fn version_number(text: &str) -> Option<NonZeroU64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse()
        .ok()
        .filter(|number: &NonZeroU64| plain && i64::try_from(number.get()).is_ok())
}

/// Whether `text` is 1 to `most` letters, digits, `-` or `_`: the alphabet of layer names and of statement ids.
pub(crate) fn is_word(text: &str, most: usize) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=most).contains(&text.len()) && text.bytes().all(word)
}

/// Whether `text` is a partition of AWS: `aws`, or that and a suffix as in `aws-cn`.
pub(super) fn is_partition(text: &str) -> bool {
    text == "aws" || (text.starts_with("aws-") && is_lower(text))
}

fn is_lower(text: &str) -> bool {
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(lower)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_partition_has_layer_versions() {
        for partition in [
            "aws",
            "aws-cn",
            "aws-us-gov",
            "aws-iso",
            "aws-iso-b",
            "aws-iso-e",
            "aws-iso-f",
            "aws-eusc",
        ] {
            let text = format!("arn:{partition}:lambda:eu-west-1:123456789012:layer:my-layer:7");
            let arn: LayerVersionArn = text.parse().expect(partition);
            assert_eq!(arn.to_string(), text);
            assert_eq!(arn.version(), 7);
            assert_eq!(arn.layer().region(), "eu-west-1");
            assert_eq!(arn.layer().account().to_string(), "123456789012");
            assert_eq!(arn.layer().name(), "my-layer");
        }
    }

    #[test]
    fn what_is_not_quite_a_layer_version_is_refused() {
        for (case, text) in [
            (
                "a layer without version",
                "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer",
            ),
            (
                "version zero",
                "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:0",
            ),
            (
                "a version with a leading zero",
                "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:01",
            ),
            (
                "a signed version",
                "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:+1",
            ),
            (
                "a version over 63 bits",
                "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:9223372036854775808",
            ),
            (
                "a function",
                "arn:aws:lambda:eu-west-1:123456789012:function:my-function:1",
            ),
            (
                "eleven digits of account",
                "arn:aws:lambda:eu-west-1:12345678901:layer:my-layer:1",
            ),
            (
                "another cloud",
                "arn:gcp:lambda:eu-west-1:123456789012:layer:my-layer:1",
            ),
            ("no region", "arn:aws:lambda::123456789012:layer:my-layer:1"),
            (
                "a name with a space",
                "arn:aws:lambda:eu-west-1:123456789012:layer:my layer:1",
            ),
            (
                "a statement id behind it",
                "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1#sid",
            ),
            ("nothing", ""),
        ] {
            assert_eq!(
                text.parse::<LayerVersionArn>(),
                Err(NotALayerVersionArn),
                "{case}"
            );
        }
    }

    #[test]
    fn a_bare_name_means_the_account_and_region_of_the_stack() {
        let stack = "arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/s/1";
        let layer = LayerArn::by_name("my-layer", stack).expect("a name and a place");
        assert_eq!(
            layer.to_string(),
            "arn:aws-cn:lambda:cn-north-1:123456789012:layer:my-layer"
        );
        assert_eq!(
            LayerArn::by_name("my-layer", "not an arn"),
            Err(NotALayerArn)
        );
    }

    proptest! {
        #[test]
        fn parsing_undoes_printing(name in "[a-zA-Z0-9_-]{1,140}", account in "[0-9]{12}", version in 1..=i64::MAX) {
            let text = format!("arn:aws:lambda:us-east-1:{account}:layer:{name}:{version}");
            prop_assert_eq!(text.parse::<LayerVersionArn>().map(|arn| arn.to_string()), Ok(text));
        }

        #[test]
        fn no_text_panics_the_parser(text in ".*") {
            let _ = text.parse::<LayerVersionArn>();
            let _ = LayerArn::by_name(&text, &text);
        }
    }
}
