//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use lambda_permission_provider::audit::finding::FindingKind;
use lambda_permission_provider::audit::trusted::Trusted;
use lambda_permission_provider::policy::target::TargetSet;

/// Says who can use the Lambda layers and functions of an AWS account, which stack each grant belongs to, and what to look at.
///
/// It reads only, with your credentials. Findings: PUBLIC, OUTSIDE, CHANGED, MISSING, OWNER GONE and UNOWNED.
#[derive(Debug, Parser)]
#[command(
    name = "lambda-permission-audit",
    version,
    after_help = "Exit codes: 0 nothing new was found, 1 something was, 2 it could not look, and printed nothing.",
    max_term_width = 120
)]
pub struct Arguments {
    /// ARNs of layers, layer versions and functions; without any, everything in the regions
    pub targets: Vec<TargetSet>,
    /// Regions to look at, with commas between [default: those of the ARNs, or the configured one]
    #[arg(long = "region", value_name = "REGIONS", value_delimiter = ',')]
    pub regions: Vec<String>,
    /// Account ids and organization ids that may be granted to, with commas between; without any, nothing is OUTSIDE
    #[arg(long = "trust", value_name = "IDS", value_parser = Trusted::parse, default_value = "", hide_default_value = true)]
    pub trusted: Trusted,
    /// File of accepted findings, each with a reason
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Add what is found to the baseline, with this reason
    #[arg(long, value_name = "REASON", requires = "baseline")]
    pub accept: Option<String>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Findings that make the exit code 1, with commas between [default: all]
    #[arg(long = "fail-on", value_name = "FINDINGS", value_delimiter = ',')]
    pub fail_on: Vec<FindingKind>,
}

/// How the result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people
    Table,
    /// All of it, for programs
    Json,
    /// The findings, for spreadsheets
    Csv,
    /// A page for a browser, in one file
    Html,
}

impl Arguments {
    /// The kinds of findings that make the exit code 1.
    pub fn failing(&self) -> &[FindingKind] {
        if self.fail_on.is_empty() {
            &FindingKind::ALL
        } else {
            &self.fail_on
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:tools";

    fn parse(line: &str) -> Result<Arguments, String> {
        let words = line.split_whitespace();
        let parsed =
            Arguments::try_parse_from(["lambda-permission-audit"].into_iter().chain(words));
        parsed.map_err(|error| error.to_string())
    }

    #[test]
    fn without_arguments_all_of_the_configured_region_is_printed_as_a_table() {
        let arguments = parse("").unwrap();
        assert!(arguments.targets.is_empty() && arguments.regions.is_empty());
        assert!(arguments.trusted.is_empty());
        assert_eq!(arguments.format, Format::Table);
        assert_eq!(arguments.failing(), FindingKind::ALL);
    }

    #[test]
    fn lists_have_commas() {
        let line = format!(
            "{LAYER} --region eu-west-1,us-east-1 --fail-on public,owner-gone --format html {LAYER}:2"
        );
        let arguments = parse(&line).unwrap();
        assert_eq!(arguments.targets.len(), 2);
        assert_eq!(arguments.regions, ["eu-west-1", "us-east-1"]);
        assert_eq!(
            arguments.failing(),
            [FindingKind::Public, FindingKind::OwnerGone]
        );
        assert_eq!(arguments.format, Format::Html);
    }

    #[test]
    fn an_invalid_argument_says_what_to_give() {
        for (line, reason) in [
            (
                "tools",
                "invalid value 'tools' for '[TARGETS]...': not the ARN of a layer, a layer version or a function",
            ),
            (
                "--trust *",
                "got `*`, give account ids of 12 digits or organization ids",
            ),
            (
                "--fail-on DRIFT",
                "no such finding: got `DRIFT`, give PUBLIC, OUTSIDE, CHANGED, MISSING, OWNER GONE, UNOWNED",
            ),
            ("--format xml", "[possible values: table, json, csv, html]"),
            ("--accept because", "--baseline <FILE>"),
            ("--al", "unexpected argument '--al' found"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }
}
