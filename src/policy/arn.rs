//! ARNs of layers and layer versions, and the partitions, regions and account ids in them, parsed strictly and printed as they were
//! written.

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
pub struct ParseAccountIdError;

impl FromStr for AccountId {
    type Err = ParseAccountIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .then(|| Self(text.to_owned()))
            .ok_or(ParseAccountIdError)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a resource is: what its ARN names before the kind and the name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceLocation {
    partition: String,
    region: String,
    account: AccountId,
}

impl ResourceLocation {
    /// The location from these fields of an ARN; none where one of them has not its form.
    #[must_use]
    pub fn parse(partition: &str, region: &str, account: &str) -> Option<Self> {
        (is_partition(partition) && is_region(region)).then_some(())?;
        Some(Self {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.parse().ok()?,
        })
    }

    /// The location of `arn`, an ARN of anything in a region and an account.
    #[must_use]
    pub fn of_arn(arn: &str) -> Option<Self> {
        let mut fields = arn.split(':').skip(1);
        let (partition, _service) = (fields.next()?, fields.next());
        Self::parse(partition, fields.next()?, fields.next()?)
    }

    /// The partition, such as `aws`.
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The region, such as `eu-west-1`.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The same region and account in another partition.
    pub(super) fn in_partition(&self, partition: &str) -> Self {
        Self {
            partition: partition.to_owned(),
            ..self.clone()
        }
    }

    /// The same partition and region in another account.
    #[must_use]
    pub fn in_account(&self, account: AccountId) -> Self {
        Self {
            account,
            ..self.clone()
        }
    }
}

/// The beginning of the ARN of every resource of Lambda there.
impl fmt::Display for ResourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            region,
            account,
        } = self;
        // Without a format, which would have to be interpreted: each line of the log has an ARN.
        for part in ["arn:", partition, ":lambda:", region, ":", &account.0] {
            f.write_str(part)?;
        }
        Ok(())
    }
}

/// A layer without a version: `arn:<partition>:lambda:<region>:<account>:layer:<name>`.
///
/// Source: the `LayerArn` pattern of
/// [Lambda's API](https://docs.aws.amazon.com/lambda/latest/api/API_LayersListItem.html).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerArn {
    location: ResourceLocation,
    name: String,
}

/// The text is not a layer ARN.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("not `arn:<partition>:lambda:<region>:<account>:layer:<name>`")]
pub struct ParseLayerArnError;

impl LayerArn {
    /// A layer by its bare name (1 to 140 letters, digits, `-` or `_`) in the account and region of `place`, an ARN
    /// of anything there.
    ///
    /// # Errors
    /// If the name is not one of a layer, or `place` names no partition, region and account.
    pub fn by_name(name: &str, place: &str) -> Result<Self, ParseLayerArnError> {
        let location = ResourceLocation::of_arn(place).filter(|_| is_word(name, MAX_NAME_LEN));
        let name = name.to_owned();
        location
            .map(|location| Self { location, name })
            .ok_or(ParseLayerArnError)
    }

    /// Where the layer is.
    #[must_use]
    pub fn location(&self) -> &ResourceLocation {
        &self.location
    }

    /// The same account, region and name in another partition.
    #[must_use]
    pub fn in_partition(&self, partition: &str) -> Self {
        Self {
            location: self.location.in_partition(partition),
            name: self.name.clone(),
        }
    }

    /// The bare name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for LayerArn {
    type Err = ParseLayerArnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // One part more than there may be, and not one for each colon of a text of any length.
        let fields: Vec<&str> = text.splitn(8, ':').collect();
        let ["arn", partition, "lambda", region, account, "layer", name] = fields[..] else {
            return Err(ParseLayerArnError);
        };
        let location = ResourceLocation::parse(partition, region, account);
        let location = location.filter(|_| is_word(name, MAX_NAME_LEN));
        let name = name.to_owned();
        location
            .map(|location| Self { location, name })
            .ok_or(ParseLayerArnError)
    }
}

impl fmt::Display for LayerArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.location.fmt(f)?;
        f.write_str(":layer:")?;
        f.write_str(&self.name)
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
pub struct ParseLayerVersionArnError;

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
        Self::new(self.layer.in_partition(partition), self.version)
    }
}

impl FromStr for LayerVersionArn {
    type Err = ParseLayerVersionArnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (layer, version) = text.rsplit_once(':').ok_or(ParseLayerVersionArnError)?;
        let layer = layer
            .parse()
            .map_err(|ParseLayerArnError| ParseLayerVersionArnError)?;
        let version = version_number(version).ok_or(ParseLayerVersionArnError)?;
        Ok(Self::new(layer, version))
    }
}

impl fmt::Display for LayerVersionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.layer.fmt(f)?;
        write!(f, ":{}", self.version)
    }
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

/// Whether `text` has the form of a partition of AWS: `aws`, or that and some words as in `aws-us-gov`.
pub(super) fn is_partition(text: &str) -> bool {
    let mut words = text.split('-');
    text.len() <= MOST_OF_PLACE && words.next() == Some("aws") && words.all(is_lower)
}

/// Whether `text` has the form of a region, such as `eu-west-1` or `us-gov-west-1`: an area of two to four letters, one word
/// or two, and a number. It becomes part of a host name, which must be one of Lambda.
fn is_region(text: &str) -> bool {
    let mut words = text.split('-');
    let (area, number) = (words.next(), words.next_back());
    let is_area = |area: &str| (2..=4).contains(&area.len()) && is_lower(area);
    let is_number = |number: &str| {
        (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    let between: Vec<&str> = words.collect();
    text.len() <= MOST_OF_PLACE
        && area.is_some_and(is_area)
        && number.is_some_and(is_number)
        && (1..=2).contains(&between.len())
        && between.into_iter().all(is_lower)
}

/// The most characters of the name of a layer or of a function.
pub(super) const MAX_NAME_LEN: usize = 140;

/// The most characters of the name of a partition or of a region.
const MOST_OF_PLACE: usize = 32;

fn is_lower(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
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
            let location = arn.layer().location();
            assert_eq!(location.region(), "eu-west-1");
            assert_eq!(location.account().to_string(), "123456789012");
            assert_eq!(arn.layer().name(), "my-layer");
        }
    }

    #[test]
    fn a_version_has_up_to_63_bits() {
        for (text, is_one) in [
            ("1", true),
            ("9223372036854775807", true),
            ("9223372036854775808", false),
            ("18446744073709551616", false),
        ] {
            assert_eq!(version_number(text).is_some(), is_one, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_not_exactly_a_layer_version_is_rejected() {
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
                Err(ParseLayerVersionArnError),
                "{case}"
            );
        }
    }

    #[test]
    fn a_text_without_the_form_of_a_region_is_rejected() {
        let longest = format!("eu-{}-1", "x".repeat(27));
        let long = format!("eu-{}-1", "x".repeat(28));
        for (region, is_one) in [
            ("us-east-1", true),
            ("ap-southeast-7", true),
            ("ap-northeast-12", true),
            ("mx-central-1", true),
            ("cn-northwest-1", true),
            ("us-gov-east-1", true),
            ("us-iso-west-1", true),
            ("us-isob-east-1", true),
            ("eu-isoe-west-1", true),
            ("us-isof-south-1", true),
            ("eusc-de-east-1", true),
            ("s3", false),
            ("s3-eu-west-1", false),
            ("execute-api", false),
            ("execute-api-eu-west-1", false),
            ("elasticloadbalancing-1", false),
            ("eu", false),
            ("eu-1", false),
            ("1", false),
            ("eu-west", false),
            ("eu-west-", false),
            ("eu-west-100", false),
            ("eu-west-1a", false),
            ("eu--west-1", false),
            ("-west-1", false),
            ("eu-west-1-", false),
            ("eu-west-1-s3", false),
            ("eu-w3st-1", false),
            ("EU-WEST-1", false),
            ("eu_west_1", false),
            ("eu-wést-1", false),
            ("eu-west-１", false),
            ("eu.west-1", false),
            ("eu-west-1.evil.example", false),
            ("eu-west-1/", false),
            ("eu-west-1@evil", false),
            (" eu-west-1", false),
            ("e-west-1", false),
            ("euro-pe-west-1", true),
            ("europ-west-1", false),
            ("dkr-ecr-us-east-1", false),
            (longest.as_str(), true),
            (long.as_str(), false),
        ] {
            let arn = format!("arn:aws:lambda:{region}:123456789012:layer:my-layer");
            assert_eq!(arn.parse::<LayerArn>().is_ok(), is_one, "{region}");
            let stack = format!("arn:aws:cloudformation:{region}:123456789012:stack/s/1");
            let by_name = LayerArn::by_name("my-layer", &stack);
            assert_eq!(by_name.is_ok(), is_one, "{region}");
        }
    }

    #[test]
    fn a_text_without_the_form_of_a_partition_is_rejected() {
        let long = format!("aws-{}", "x".repeat(29));
        for partition in [
            "", "aw", "awss", "aws-", "aws--cn", "aws-zz9", "aws-CN", "aws-c n", &long,
        ] {
            assert!(!is_partition(partition), "{partition}");
        }
        assert!(is_partition(&format!("aws-{}", "x".repeat(28))));
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
            Err(ParseLayerArnError)
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
