//! The command line: which layers, and in which form they are printed.

use std::collections::{BTreeMap, BTreeSet};

use lambda_permission_provider::policy::arn::LayerArn;
use lambda_permission_provider::policy::target::{ParseTargetSetError, PolicyTarget, TargetSet};
use thiserror::Error;

/// What `--help` prints.
pub const USAGE: &str = "\
Prints who can use layers: layer-access [--json] <ARN of a layer or of a layer version>…
                           layer-access [--json] --all

--all   every layer of the account in the region
--json  print JSON instead of a table

Exit codes: 0 nothing is public, 3 something is, 2 the arguments are wrong, 1 a call failed.
";

/// The selected versions of a layer, by their numbers; all of them where there is no list.
pub type Selected = Option<BTreeSet<u64>>;

/// The arguments.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// The given layers; none where all of the account's are selected.
    pub layers: BTreeMap<LayerArn, Selected>,
    /// Whether to print JSON.
    pub json: bool,
    /// Whether only to print the usage.
    pub help: bool,
}

/// The arguments are invalid.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum InvalidArguments {
    /// No layer is given.
    #[error("no layer: got no argument, give ARNs of layers or of layer versions, or `--all`")]
    NoLayer,
    /// Layers are given besides all of them.
    #[error("two kinds of layers: got `--all` and an ARN, give one or the other")]
    TwoKinds,
    /// There is no such option.
    #[error("unknown option: got `{0}`, give `--all`, `--json` or ARNs")]
    UnknownOption(String),
    /// The text is no layer.
    #[error(
        "not a layer: got `{0}`, give `arn:<partition>:lambda:<region>:<account>:layer:<name>`, perhaps with `:<version>`"
    )]
    NotALayer(String),
}

impl Arguments {
    /// Parses the arguments, without the name of the program.
    pub fn parse(texts: impl IntoIterator<Item = String>) -> Result<Self, InvalidArguments> {
        let (mut arguments, mut all) = (Self::default(), false);
        for text in texts {
            match text.as_str() {
                "--help" => arguments.help = true,
                "--json" => arguments.json = true,
                "--all" => all = true,
                option if option.starts_with('-') => {
                    return Err(InvalidArguments::UnknownOption(text));
                }
                layer => {
                    let set: Result<TargetSet, ParseTargetSetError> = layer.parse();
                    let set = set.ok().filter(|set| set.function().is_none());
                    arguments.add(set.ok_or(InvalidArguments::NotALayer(text))?);
                }
            }
        }
        match (all, arguments.layers.is_empty()) {
            _ if arguments.help => Ok(arguments),
            (false, true) => Err(InvalidArguments::NoLayer),
            (true, false) => Err(InvalidArguments::TwoKinds),
            (true, true) | (false, false) => Ok(arguments),
        }
    }

    fn add(&mut self, set: TargetSet) {
        match set {
            TargetSet::AllVersions(layer) => drop(self.layers.insert(layer, None)),
            TargetSet::One(PolicyTarget::Function(_)) => {}
            TargetSet::One(PolicyTarget::LayerVersion(version)) => {
                let selected = self.layers.entry(version.layer().clone());
                // Where all versions are selected, this one is.
                if let Some(versions) = selected.or_insert_with(|| Some(BTreeSet::new())) {
                    versions.insert(version.version());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:tools";

    fn read(line: &str) -> Result<Arguments, InvalidArguments> {
        let line = line.replace("LAYER", LAYER);
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn layers_and_versions_may_be_given_in_any_order_and_twice() {
        let layer = || LAYER.parse().unwrap();
        let of_layer = |selected: Selected, json| Arguments {
            layers: [(layer(), selected)].into(),
            json,
            help: false,
        };
        for (line, expected) in [
            ("LAYER", of_layer(None, false)),
            (
                "LAYER:2 LAYER:1 --json LAYER:2",
                of_layer(Some([1, 2].into()), true),
            ),
            ("LAYER:2 LAYER LAYER:1", of_layer(None, false)),
            (
                "--json --all",
                Arguments {
                    json: true,
                    ..Arguments::default()
                },
            ),
            (
                "--help",
                Arguments {
                    help: true,
                    ..Arguments::default()
                },
            ),
        ] {
            assert_eq!(read(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn an_invalid_argument_says_what_to_give() {
        for (line, reason) in [
            (
                "",
                "no layer: got no argument, give ARNs of layers or of layer versions, or `--all`",
            ),
            (
                "--json",
                "no layer: got no argument, give ARNs of layers or of layer versions, or `--all`",
            ),
            (
                "--all LAYER",
                "two kinds of layers: got `--all` and an ARN, give one or the other",
            ),
            (
                "--al",
                "unknown option: got `--al`, give `--all`, `--json` or ARNs",
            ),
            (
                "tools",
                "not a layer: got `tools`, give `arn:<partition>:lambda:<region>:<account>:layer:<name>`, perhaps with `:<version>`",
            ),
        ] {
            assert_eq!(read(line).unwrap_err().to_string(), reason);
        }
    }
}
