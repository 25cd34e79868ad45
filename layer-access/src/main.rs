//! Prints who can use layers: `layer-access <ARN of a layer or of a layer version>…`, or `layer-access --all`.
//! Reads only, with the credentials of the user.

mod access;
mod account;
mod arguments;
mod inventory;
mod origin;
mod progress;
mod report;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use futures_util::{StreamExt, stream};
use lambda_permission_provider::aws::error::{ApiError, ErrorKind};
use lambda_permission_provider::policy::arn::{LayerArn, LayerVersionArn};

use crate::account::Account;
use crate::arguments::{Arguments, Selected, USAGE};
use crate::inventory::Inventory;
use crate::progress::Progress;
use crate::report::{Report, Version};

/// A call failed, or returned something unexpected.
const FAILED: u8 = 1;
/// The arguments are invalid, and no call was made.
const INVALID_ARGUMENTS: u8 = 2;
/// Something is public.
const PUBLIC: u8 = 3;

/// How many layers are listed at a time.
const CONCURRENCY: usize = 8;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(Arguments { help: true, .. }) => return print(USAGE, 0),
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return INVALID_ARGUMENTS.into();
        }
    };
    match report(arguments.layers).await {
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
                "not printed: got `{error}` from the standard output, let it accept all of it"
            );
            FAILED.into()
        }
    }
}

/// Who can use `layers`, or every layer of the account where none is given.
async fn report(layers: BTreeMap<LayerArn, Selected>) -> Result<Report, String> {
    let account = Account::find(layers.keys().next()).await?;
    if let Some(foreign) = layers
        .keys()
        .find(|layer| *layer.location().account() != account.id)
    {
        let account = &account.id;
        return Err(format!(
            "layer of another account: got `{foreign}` with credentials of `{account}`, use credentials of that account"
        ));
    }
    let layers: Vec<(LayerArn, Selected)> = if layers.is_empty() {
        let layers = account.layers().await?;
        layers.into_iter().map(|layer| (layer, None)).collect()
    } else {
        layers.into_iter().collect()
    };
    let inventory = Inventory::new(account.id, &account.config);
    let versions = versions(&inventory, layers).await?;
    policies(&inventory, versions).await
}

/// The selected versions.
async fn versions(
    inventory: &Inventory,
    layers: Vec<(LayerArn, Selected)>,
) -> Result<Vec<LayerVersionArn>, String> {
    let (all, mut progress, mut found) = (layers.len(), Progress::start(), Vec::new());
    let listing = stream::iter(layers)
        .map(async |(layer, selected)| (inventory.versions(&layer).await, layer, selected));
    let mut listing = std::pin::pin!(listing.buffered(CONCURRENCY).enumerate());
    while let Some((done, (versions, layer, selected))) = listing.next().await {
        let versions = versions.map_err(|error| reason(&error))?;
        found.extend(select(&layer, versions, selected)?);
        progress.report(done + 1, all, "layers listed");
    }
    Ok(found)
}

/// The selected ones of `versions`, if they all exist: Lambda responds alike for a version without a policy and for one that does not
/// exist, and a mistyped ARN must not look safe.
fn select(
    layer: &LayerArn,
    versions: Vec<LayerVersionArn>,
    selected: Selected,
) -> Result<Vec<LayerVersionArn>, String> {
    let Some(selected) = selected else {
        let none = || format!("no such layer: got no version of `{layer}`, correct the ARN");
        return if versions.is_empty() {
            Err(none())
        } else {
            Ok(versions)
        };
    };
    let exists = |number: &u64| versions.iter().any(|version| version.version() == *number);
    if let Some(missing) = selected.iter().find(|number| !exists(number)) {
        let there = versions.len();
        return Err(format!(
            "no such layer version: got `{layer}:{missing}`, which is none of the {there} that exist, correct the ARN"
        ));
    }
    Ok(versions
        .into_iter()
        .filter(|version| selected.contains(&version.version()))
        .collect())
}

/// Who can use each of `versions`.
async fn policies(inventory: &Inventory, versions: Vec<LayerVersionArn>) -> Result<Report, String> {
    let (all, mut progress, mut found) = (versions.len(), Progress::start(), Vec::new());
    let mut policies = std::pin::pin!(inventory.policies(versions));
    while let Some(policy) = policies.next().await {
        let (version, policy) = policy.map_err(|error| reason(&error))?;
        found.push(Version::new(version, &policy));
        progress.report(found.len(), all, "versions read");
    }
    Ok(Report(found))
}

/// The error, with the remedy of a person at a command line.
fn reason(error: &ApiError) -> String {
    let remedy = match error.kind {
        ErrorKind::AccessDenied => "use credentials that are allowed to",
        ErrorKind::Expired | ErrorKind::Unrecognized => {
            "use credentials that are valid, in a region that is enabled"
        }
        ErrorKind::StaleSignature => "set this machine's clock and try again",
        ErrorKind::Throttled | ErrorKind::Conflict => {
            "try again when fewer calls are made in the region"
        }
        ErrorKind::OutcomeUnknown | ErrorKind::NetworkFailure | ErrorKind::MalformedResponse => {
            "check the region and this machine's network path to Lambda's API, and try again"
        }
        ErrorKind::Misconfigured => "correct the credentials and the region",
        ErrorKind::NotFound
        | ErrorKind::NotYetFound
        | ErrorKind::UnknownPrincipal
        | ErrorKind::PolicyTooLarge
        | ErrorKind::PublicAccessBlocked
        | ErrorKind::InvalidRequest => "correct what this message names",
    };
    format!("{}, {remedy}", error.without_remedy())
}
