//! Where the provider's function runs, and which targets it can reach from there: its credentials are valid in one partition.

use thiserror::Error;

use crate::partition::Partition;
use crate::policy::arn::{AccountId, ResourceLocation};
use crate::policy::function_arn::FunctionArn;
use crate::policy::target::TargetSet;

/// The partition, the region and the account of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderLocation<'a> {
    /// The ARN of the function.
    arn: &'a str,
    /// None where they are not known.
    known: Option<(&'a str, &'a str)>,
    account: &'a str,
}

/// A target that the provider cannot reach.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UnreachableTarget {
    /// Its ARN names another partition than the function's, or than the one of its region.
    #[error(
        "target in another partition: got `{got}` in `{target}`, give the partition `{expected}`, which is that of the {of}"
    )]
    Partition {
        /// What the ARN names.
        got: String,
        /// What it should name.
        expected: String,
        /// Whose partition that is.
        of: &'static str,
        /// The ARN.
        target: String,
    },
    /// It is in a region of another partition than the function's.
    #[error(
        "target in another partition: got region `{region}` in `{target}`, share it by a provider in that partition"
    )]
    Region {
        /// The region.
        region: String,
        /// The ARN.
        target: String,
    },
}

impl<'a> ProviderLocation<'a> {
    /// Where the function of this ARN runs.
    #[must_use]
    pub fn parse(arn: &'a str) -> Self {
        let fields: Vec<&str> = arn.split(':').collect();
        match fields[..] {
            ["arn", partition, "lambda", region, account, "function", ..] => Self {
                arn,
                known: Some((partition, region)),
                account,
            },
            _ => Self {
                arn,
                known: None,
                account: "",
            },
        }
    }

    /// The provider's own function, if that is known: whoever may invoke it with invented events has its role.
    #[must_use]
    pub fn function(&self) -> Option<FunctionArn> {
        let location = ResourceLocation::of_arn(self.arn)?;
        FunctionArn::new(location, self.arn.split(':').nth(6)?).ok()
    }

    /// The account that it runs in, if that is known.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        self.account.parse().ok()
    }

    /// Whether the provider may have granted in `targets`: for those of its own account it names no partition to Lambda, so that
    /// a wrong one made no difference.
    #[must_use]
    pub fn may_have_granted(&self, targets: &TargetSet) -> bool {
        match self.check(targets) {
            Ok(()) => true,
            Err(UnreachableTarget::Partition { .. }) => {
                targets.location().account().to_string() == self.account
            }
            Err(UnreachableTarget::Region { .. }) => false,
        }
    }

    /// Checks that the provider can reach `targets`.
    ///
    /// # Errors
    /// If it cannot.
    pub fn check(&self, targets: &TargetSet) -> Result<(), UnreachableTarget> {
        let of_region = match self.known {
            // The function's own region is in its partition, even one that is not in the table yet.
            Some((partition, region)) if region == targets.location().region() => partition,
            Some(_) | None => Partition::for_region(targets.location().region()).name,
        };
        let of_function = self.known.map_or(of_region, |(partition, _)| partition);
        if of_region != of_function {
            return Err(UnreachableTarget::Region {
                region: targets.location().region().to_owned(),
                target: targets.to_string(),
            });
        }
        if targets.location().partition() == of_region {
            return Ok(());
        }
        Err(UnreachableTarget::Partition {
            got: targets.location().partition().to_owned(),
            expected: of_region.to_owned(),
            of: if self.known.is_some() {
                "function"
            } else {
                "region"
            },
            target: targets.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(function: &str, partition: &str, region: &str) -> Result<(), String> {
        let layer = format!("arn:{partition}:lambda:{region}:123456789012:layer:my-layer");
        let layer = layer.parse().expect("a layer");
        ProviderLocation::parse(function)
            .check(&layer)
            .map_err(|unreachable| unreachable.to_string())
    }

    #[test]
    fn a_target_is_reachable_in_any_region_of_the_partition_of_the_function() {
        for (function, partition, region) in [
            ("arn:aws:lambda:eu-west-1:1:function:f", "aws", "eu-west-1"),
            (
                "arn:aws:lambda:eu-west-1:1:function:f",
                "aws",
                "ap-southeast-7",
            ),
            (
                "arn:aws-cn:lambda:cn-north-1:1:function:f",
                "aws-cn",
                "cn-northwest-1",
            ),
            (
                "arn:aws-us-gov:lambda:us-gov-west-1:1:function:f",
                "aws-us-gov",
                "us-gov-east-1",
            ),
            (
                "arn:aws-eusc:lambda:eusc-de-east-1:1:function:f",
                "aws-eusc",
                "eusc-de-east-1",
            ),
            (
                "arn:aws-new:lambda:xx-north-1:1:function:f:alias",
                "aws-new",
                "xx-north-1",
            ),
            ("", "aws-cn", "cn-north-1"),
            ("f", "aws", "eu-west-1"),
        ] {
            assert_eq!(
                reached(function, partition, region),
                Ok(()),
                "{function} {region}"
            );
        }
    }

    #[test]
    fn only_a_layer_of_the_own_account_may_have_been_granted_in_another_partition() {
        for (account, partition, region, granted) in [
            ("123456789012", "aws", "eu-west-1", true),
            ("123456789012", "aws-cn", "eu-west-1", true),
            ("123456789012", "aws-cn", "cn-north-1", false),
            ("210987654321", "aws", "eu-west-1", true),
            ("210987654321", "aws-cn", "eu-west-1", false),
            ("210987654321", "aws-cn", "cn-north-1", false),
        ] {
            let location =
                ProviderLocation::parse("arn:aws:lambda:eu-west-1:123456789012:function:f");
            let layer = format!("arn:{partition}:lambda:{region}:{account}:layer:my-layer");
            let layer = layer.parse().expect("a layer");
            assert_eq!(location.may_have_granted(&layer), granted, "{layer}");
        }
    }

    #[test]
    fn a_target_of_another_partition_is_unreachable() {
        let function = "arn:aws:lambda:eu-west-1:1:function:f";
        let layer = |partition: &str, region: &str| {
            format!("arn:{partition}:lambda:{region}:123456789012:layer:my-layer")
        };
        for (function, partition, region, end) in [
            (
                function,
                "aws-cn",
                "eu-west-1",
                "give the partition `aws`, which is that of the function",
            ),
            (
                function,
                "aws-zz",
                "us-west-2",
                "give the partition `aws`, which is that of the function",
            ),
            (
                "arn:aws-us-gov:lambda:us-gov-west-1:1:function:f",
                "aws",
                "us-gov-west-1",
                "give the partition `aws-us-gov`, which is that of the function",
            ),
            (
                "",
                "aws",
                "cn-north-1",
                "give the partition `aws-cn`, which is that of the region",
            ),
        ] {
            let (got, layer) = (partition, layer(partition, region));
            assert_eq!(
                reached(function, partition, region),
                Err(format!(
                    "target in another partition: got `{got}` in `{layer}`, {end}"
                ))
            );
        }
        for (partition, region) in [
            ("aws", "cn-north-1"),
            ("aws-cn", "cn-north-1"),
            ("aws", "us-iso-east-1"),
            ("aws-us-gov", "us-gov-east-1"),
        ] {
            let layer = layer(partition, region);
            assert_eq!(
                reached(function, partition, region),
                Err(format!(
                    "target in another partition: got region `{region}` in `{layer}`, share it by a provider in that partition"
                ))
            );
        }
    }
}
