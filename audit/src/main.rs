//! Says who can use the Lambda layers and functions of an AWS account, and which stack each grant belongs to.
//! Reads only, with the credentials of the user.

mod account;
mod arguments;
mod csv;
mod grouped;
mod html;
mod progress;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind as IoErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use lambda_permission_provider::audit::Audit;
use lambda_permission_provider::audit::baseline::Baseline;
use lambda_permission_provider::audit::finding::Finding;
use lambda_permission_provider::audit::report::Report;
use lambda_permission_provider::inventory::Region;

use crate::account::Account;
use crate::arguments::{Arguments, Format};
use crate::progress::ProgressLine;

/// Something new was found.
const FINDINGS: u8 = 1;
/// It could not look, and printed nothing. Invalid arguments have the same code.
const FAILED: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = tokio::select! {
        outcome = audit(&arguments) => outcome,
        _ = tokio::signal::ctrl_c() => Err("interrupted: nothing was printed, run it again".to_owned()),
    };
    match outcome.and_then(|report| print(&report, &arguments)) {
        Ok(code) => code.into(),
        Err(reason) => {
            eprintln!("{reason}");
            FAILED.into()
        }
    }
}

/// The report, after what was found has been added to the baseline, if that was asked for.
async fn audit(arguments: &Arguments) -> Result<Report, String> {
    let mut baseline = baseline(arguments)?;
    let targets = &arguments.targets;
    let first = targets.iter().map(|target| target.location().region());
    let first = first
        .chain(arguments.regions.iter().map(String::as_str))
        .next();
    let account = Account::find(first).await?;
    let foreign = targets
        .iter()
        .find(|target| *target.location().account() != account.id);
    if let Some(foreign) = foreign {
        let id = &account.id;
        return Err(format!(
            "resource of another account: got `{foreign}` with credentials of `{id}`, use credentials of that account"
        ));
    }
    let mut regions: BTreeSet<String> = arguments.regions.iter().cloned().collect();
    regions.extend(
        targets
            .iter()
            .map(|target| target.location().region().to_owned()),
    );
    if regions.is_empty() {
        regions.insert(account.region.clone());
    }
    let regions = regions.iter();
    let audit = Audit {
        regions: regions
            .map(|region| Region::new(account.id.clone(), &account.config, region))
            .collect(),
        account: account.id,
        selection: targets.clone(),
        trusted: arguments.trusted.clone(),
        baseline: baseline.clone(),
    };
    let mut line = ProgressLine::start();
    let report = audit.run(&mut |progress| line.report(progress)).await;
    let mut report = report.map_err(|error| error.to_string())?;
    if let (Some(path), Some(why)) = (&arguments.baseline, &arguments.accept) {
        accept(&mut report.findings, &mut baseline, why);
        write(path, &baseline)?;
    }
    Ok(report)
}

fn accept(findings: &mut [Finding], baseline: &mut Baseline, why: &str) {
    for finding in findings
        .iter_mut()
        .filter(|finding| finding.accepted.is_none())
    {
        baseline.accept(finding, why);
        finding.accepted = Some(why.to_owned());
    }
}

/// The accepted findings. A file that is to be written need not exist.
fn baseline(arguments: &Arguments) -> Result<Baseline, String> {
    if arguments
        .accept
        .as_ref()
        .is_some_and(|reason| reason.trim().is_empty())
    {
        return Err(
            "no reason: got an empty one for `--accept`, say why the findings are accepted"
                .to_owned(),
        );
    }
    let Some(path) = &arguments.baseline else {
        return Ok(Baseline::default());
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == IoErrorKind::NotFound && arguments.accept.is_some() => {
            return Ok(Baseline::default());
        }
        Err(error) => {
            return Err(format!(
                "baseline not read: got `{error}` for `{}`, correct the path, or make it with `--accept`",
                path.display()
            ));
        }
    };
    Baseline::parse(&text).map_err(|error| format!("{error} (`{}`)", path.display()))
}

fn write(path: &Path, baseline: &Baseline) -> Result<(), String> {
    let text = baseline.to_text().map_err(|error| error.to_string());
    let written = text.and_then(|text| fs::write(path, text).map_err(|error| error.to_string()));
    written.map_err(|error| {
        format!(
            "baseline not written: got `{error}` for `{}`, correct the path",
            path.display()
        )
    })
}

/// Prints the report; the exit code.
fn print(report: &Report, arguments: &Arguments) -> Result<u8, String> {
    let text = match arguments.format {
        Format::Table => table::text(report, arguments.trusted.is_empty()),
        Format::Json => format!("{:#}\n", report.to_json()),
        Format::Csv => csv::text(report)?,
        Format::Html => html::page(report),
    };
    let printed = std::io::stdout().write_all(text.as_bytes());
    printed.map_err(|error| {
        format!("not printed: got `{error}` from the standard output, let it accept all of it")
    })?;
    let mut failing = arguments.failing().iter();
    let is_new = failing.any(|kind| report.new_findings(*kind).next().is_some());
    Ok(if is_new { FINDINGS } else { 0 })
}
