//! Where the function lives, and which layers it can reach from there: its credentials are valid in one partition.
//! Calls nobody.

use thiserror::Error;

use super::arn::LayerArn;
use crate::partition::Partition;

/// The partition, the region and the account of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home<'a> {
    /// None where they are not known.
    known: Option<(&'a str, &'a str)>,
    account: &'a str,
}

/// A layer that the function cannot work on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OutOfReach {
    /// Its ARN names another partition than the function's, or than that of its region.
    #[error(
        "layer in another partition: got `{got}` in `{layer}`, give the partition `{wanted}`, which is that of the {of}"
    )]
    Partition {
        /// What the ARN names.
        got: String,
        /// What it should name.
        wanted: String,
        /// Whose partition that is.
        of: &'static str,
        /// The layer's ARN.
        layer: String,
    },
    /// It is in a region of another partition than the function's.
    #[error(
        "layer in another partition: got region `{region}` in `{layer}`, share it by a provider in that partition"
    )]
    Region {
        /// The layer's region.
        region: String,
        /// The layer's ARN.
        layer: String,
    },
}

impl<'a> Home<'a> {
    /// Where the function of this ARN lives.
    #[must_use]
    pub fn of_function(arn: &'a str) -> Self {
        let fields: Vec<&str> = arn.split(':').collect();
        match fields[..] {
            ["arn", partition, "lambda", region, account, "function", ..] => Self {
                known: Some((partition, region)),
                account,
            },
            _ => Self {
                known: None,
                account: "",
            },
        }
    }

    /// Whether the function may have granted `layer`: of one in its own account it names no partition to Lambda, so that a wrong
    /// one made no difference.
    #[must_use]
    pub fn may_have_granted(&self, layer: &LayerArn) -> bool {
        match self.reaches(layer) {
            Ok(()) => true,
            Err(OutOfReach::Partition { .. }) => layer.account().to_string() == self.account,
            Err(OutOfReach::Region { .. }) => false,
        }
    }

    /// Whether the function can work on `layer`.
    ///
    /// # Errors
    /// If not.
    pub fn reaches(&self, layer: &LayerArn) -> Result<(), OutOfReach> {
        let of_region = match self.known {
            // The function's own region is of its partition, also one that is not known here yet.
            Some((partition, region)) if region == layer.region() => partition,
            Some(_) | None => Partition::of_region(layer.region()).name,
        };
        let of_function = self.known.map_or(of_region, |(partition, _)| partition);
        if of_region != of_function {
            return Err(OutOfReach::Region {
                region: layer.region().to_owned(),
                layer: layer.to_string(),
            });
        }
        if layer.partition() == of_region {
            return Ok(());
        }
        Err(OutOfReach::Partition {
            got: layer.partition().to_owned(),
            wanted: of_region.to_owned(),
            of: if self.known.is_some() {
                "function"
            } else {
                "region"
            },
            layer: layer.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(function: &str, partition: &str, region: &str) -> Result<(), String> {
        let layer = format!("arn:{partition}:lambda:{region}:123456789012:layer:my-layer");
        let layer = layer.parse().expect("a layer");
        Home::of_function(function)
            .reaches(&layer)
            .map_err(|out_of_reach| out_of_reach.to_string())
    }

    #[test]
    fn a_layer_is_reached_in_any_region_of_the_partition_of_the_function() {
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
            let home = Home::of_function("arn:aws:lambda:eu-west-1:123456789012:function:f");
            let layer = format!("arn:{partition}:lambda:{region}:{account}:layer:my-layer");
            let layer = layer.parse().expect("a layer");
            assert_eq!(home.may_have_granted(&layer), granted, "{layer}");
        }
    }

    #[test]
    fn a_layer_of_another_partition_is_out_of_reach() {
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
                    "layer in another partition: got `{got}` in `{layer}`, {end}"
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
                    "layer in another partition: got region `{region}` in `{layer}`, share it by a provider in that partition"
                ))
            );
        }
    }
}
