//! The partitions of AWS: which regions each has, and the domain of its services.
//! Knows nothing of ARNs.

/// A partition of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// What the names of its regions begin with.
    prefix: &'static str,
    /// Its name, such as `aws-cn`.
    pub name: &'static str,
    /// The DNS suffix of its services, such as `amazonaws.com.cn`.
    pub dns_suffix: &'static str,
    /// The region with the endpoint of Organizations.
    pub organizations_region: &'static str,
}

/// The partition of all regions that are not of [`OTHERS`].
const AWS: Partition = Partition::new("", "aws", "amazonaws.com", "us-east-1");

const OTHERS: [Partition; 7] = [
    Partition::new("cn-", "aws-cn", "amazonaws.com.cn", "cn-northwest-1"),
    Partition::new("us-gov-", "aws-us-gov", "amazonaws.com", "us-gov-west-1"),
    Partition::new("us-iso-", "aws-iso", "c2s.ic.gov", "us-iso-east-1"),
    Partition::new("us-isob-", "aws-iso-b", "sc2s.sgov.gov", "us-isob-east-1"),
    Partition::new("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", "eu-isoe-west-1"),
    Partition::new("us-isof-", "aws-iso-f", "csp.hci.ic.gov", "us-isof-south-1"),
    Partition::new("eusc-", "aws-eusc", "amazonaws.eu", "eusc-de-east-1"),
];

impl Partition {
    const fn new(
        prefix: &'static str,
        name: &'static str,
        dns_suffix: &'static str,
        organizations_region: &'static str,
    ) -> Self {
        Self {
            prefix,
            name,
            dns_suffix,
            organizations_region,
        }
    }

    /// The partition that the region `region` is one of, such as that of China for `cn-north-1`. Any region whose name does not
    /// begin like those of another partition is one of `aws`.
    ///
    /// Source: [the partitions of AWS's SDKs](https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json).
    #[must_use]
    pub fn for_region(region: &str) -> Self {
        let mut others = OTHERS.into_iter();
        others
            .find(|partition| region.starts_with(partition.prefix))
            .unwrap_or(AWS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_is_of_one_partition() {
        for (region, name, dns_suffix) in [
            ("eu-west-1", "aws", "amazonaws.com"),
            ("us-west-2", "aws", "amazonaws.com"),
            ("ca-central-1", "aws", "amazonaws.com"),
            ("us-isolated-1", "aws", "amazonaws.com"),
            ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
            ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
            ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
            ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"),
            ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ] {
            let partition = Partition::for_region(region);
            let found = (partition.name, partition.dns_suffix);
            assert_eq!(found, (name, dns_suffix), "{region}");
        }
    }
}
