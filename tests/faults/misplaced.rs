//! Layer ARNs whose partition and region do not belong together, or are not the function's.
//! Refuses to ask the code under test: which region belongs to which partition is written out here a second time.

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

const ACCOUNTS: [&str; 3] = ["123456789012", "123456789012", "999988887777"];

/// An ARN for the layer `name` that no Lambda has a layer of, in the function's account or in another one.
pub fn misplaced(rng: &mut Rng, name: &str) -> String {
    loop {
        // The region is the right one more often than not.
        let (region, its_own) = REGIONS[rng.usize(..9) * rng.usize(..2)];
        let (_, partition) = REGIONS[rng.usize(..9)];
        let account = ACCOUNTS[rng.usize(..3)];
        let of_function = account == ACCOUNTS[0];
        if partition != its_own || of_function && partition != "aws" {
            return format!("arn:{partition}:lambda:{region}:{account}:layer:{name}");
        }
    }
}
