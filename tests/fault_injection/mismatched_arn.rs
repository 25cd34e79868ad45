//! Layer ARNs whose partition is not that of their region, or not the function's.
//! Which region belongs to which partition is written here a second time, independently of the code under test.

use fastrand::Rng;

/// Some regions, each with its partition. The first one is the function's.
const REGIONS: [(&str, &str); 9] = [
    ("eu-west-1", "aws"),
    ("us-east-1", "aws"),
    ("cn-north-1", "aws-cn"),
    ("cn-northwest-1", "aws-cn"),
    ("us-gov-west-1", "aws-us-gov"),
    ("us-iso-east-1", "aws-iso"),
    ("us-isob-east-1", "aws-iso-b"),
    ("eu-isoe-west-1", "aws-iso-e"),
    ("eusc-de-east-1", "aws-eusc"),
];

/// The first one is the function's.
const ACCOUNTS: [&str; 3] = ["123456789012", "123456789012", "999988887777"];

/// An ARN of the layer `name` that is valid at no endpoint of Lambda, in the function's account or in another one.
pub fn mismatched_layer_arn(rng: &mut Rng, name: &str) -> String {
    loop {
        // More often than not, the region is the function's.
        let (region, expected) = REGIONS[rng.usize(..9) * rng.usize(..2)];
        let (_, partition) = REGIONS[rng.usize(..9)];
        let account = ACCOUNTS[rng.usize(..3)];
        let is_own_account = account == ACCOUNTS[0];
        if partition != expected || is_own_account && partition != "aws" {
            return format!("arn:{partition}:lambda:{region}:{account}:layer:{name}");
        }
    }
}
