//! Prints who can use layers: `cargo run --example layer-access -- <ARN of a layer or of a layer version>…`, or `--all`.
//! Reads only, with the credentials of the person who runs it.

mod access;
mod arguments;
mod asker;
mod progress;
mod report;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use futures_util::{StreamExt, stream};
use lambda_permission_provider::permission::arn::{LayerArn, LayerVersionArn};
use lambda_permission_provider::policy::failure::{Failure, Kind};
use lambda_permission_provider::policy::look::Look;

use crate::arguments::{Arguments, USAGE, Wanted};
use crate::asker::Asker;
use crate::progress::Progress;
use crate::report::{Report, Version};

/// A call failed, or what it told is not what was expected.
const FAILED: u8 = 1;
/// The arguments are wrong, and nobody was called.
const WRONG_ARGUMENTS: u8 = 2;
/// Something is public.
const PUBLIC: u8 = 3;

/// How many layers are listed at a time.
const AT_A_TIME: usize = 8;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(Arguments { help: true, .. }) => return print(USAGE, 0),
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("{wrong}");
            return WRONG_ARGUMENTS.into();
        }
    };
    match look(arguments.layers).await {
        Ok(report) => {
            let text = if arguments.json {
                format!("{:#}\n", report.json())
            } else {
                report.to_string()
            };
            print(&text, if report.is_public() { PUBLIC } else { 0 })
        }
        Err(reason) => {
            eprintln!("{reason}");
            FAILED.into()
        }
    }
}

fn print(text: &str, code: u8) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => code.into(),
        Err(error) => {
            eprintln!(
                "not printed: got `{error}` from the standard output, let it take everything"
            );
            FAILED.into()
        }
    }
}

/// Who can use `layers`, or every layer of the account where none is named.
async fn look(layers: BTreeMap<LayerArn, Wanted>) -> Result<Report, String> {
    let asker = Asker::find(layers.keys().next()).await?;
    if let Some(foreign) = layers
        .keys()
        .find(|layer| *layer.account() != asker.account)
    {
        let account = &asker.account;
        return Err(format!(
            "layer of another account: got `{foreign}` with credentials of `{account}`, run it with credentials of that account"
        ));
    }
    let layers: Vec<(LayerArn, Wanted)> = if layers.is_empty() {
        let layers = asker.layers().await?;
        layers.into_iter().map(|layer| (layer, None)).collect()
    } else {
        layers.into_iter().collect()
    };
    let look = Look::of_account(asker.account, &asker.config);
    let versions = versions(&look, layers).await?;
    policies(&look, versions).await
}

/// The versions that there are, as far as they are wanted.
async fn versions(
    look: &Look,
    layers: Vec<(LayerArn, Wanted)>,
) -> Result<Vec<LayerVersionArn>, String> {
    let (all, mut progress, mut found) = (layers.len(), Progress::begin(), Vec::new());
    let listing = stream::iter(layers)
        .map(async |(layer, wanted)| (look.versions(&layer).await, layer, wanted));
    let mut listing = std::pin::pin!(listing.buffered(AT_A_TIME).enumerate());
    while let Some((done, (versions, layer, wanted))) = listing.next().await {
        let versions = versions.map_err(|failure| reason(&failure))?;
        found.extend(chosen(&layer, versions, wanted)?);
        progress.tell(done + 1, all, "layers listed");
    }
    Ok(found)
}

/// Those of `versions` that are wanted, if they are all there: Lambda answers the same for a version without a policy and for
/// one that is not there, and a mistyped ARN must not look safe.
fn chosen(
    layer: &LayerArn,
    versions: Vec<LayerVersionArn>,
    wanted: Wanted,
) -> Result<Vec<LayerVersionArn>, String> {
    let Some(wanted) = wanted else {
        let none = || format!("no such layer: got no version of `{layer}`, correct the ARN");
        return if versions.is_empty() {
            Err(none())
        } else {
            Ok(versions)
        };
    };
    let is_there = |number: &u64| versions.iter().any(|version| version.version() == *number);
    if let Some(missing) = wanted.iter().find(|number| !is_there(number)) {
        let there = versions.len();
        return Err(format!(
            "no such layer version: got `{layer}:{missing}`, which is none of the {there} that there are, correct the ARN"
        ));
    }
    Ok(versions
        .into_iter()
        .filter(|version| wanted.contains(&version.version()))
        .collect())
}

/// What the policy of each of `versions` says.
async fn policies(look: &Look, versions: Vec<LayerVersionArn>) -> Result<Report, String> {
    let (all, mut progress, mut found) = (versions.len(), Progress::begin(), Vec::new());
    let mut policies = std::pin::pin!(look.policies(versions));
    while let Some(policy) = policies.next().await {
        let policy = policy.map_err(|failure| reason(&failure))?;
        found.push(Version::of(&policy));
        progress.tell(found.len(), all, "versions read");
    }
    Ok(Report(found))
}

/// What failed, with the remedy of a person at a command line.
fn reason(failure: &Failure) -> String {
    let remedy = match failure.kind {
        Kind::Denied => "run it with credentials that may do that",
        Kind::Expired | Kind::Unrecognized => {
            "run it with credentials that are valid, in a region that is enabled"
        }
        Kind::StaleSignature => "set this machine's clock and run it again",
        Kind::Throttled | Kind::Changed => "run it again when less is going on in the region",
        Kind::Unavailable | Kind::Unreachable | Kind::Unreadable => {
            "check the region and this machine's way to Lambda's API, and run it again"
        }
        Kind::Misconfigured => "correct the credentials and the region that it is to use",
        Kind::NotFound | Kind::UnknownPrincipal | Kind::Full | Kind::Refused => {
            "correct what this message names"
        }
    };
    format!("{}, {remedy}", failure.without_remedy())
}
