//! The audit on a schedule: all layers and functions of the function's own account and region, as log lines and metrics.

use aws_config::SdkConfig;
use lambda_runtime::{Context, Error};
use tracing::{error, info, warn};

use super::Audit;
use super::baseline::Baseline;
use super::finding::{Finding, FindingKind};
use super::report::Report;
use super::trusted::Trusted;
use crate::inventory::Region;
use crate::policy::function_arn::FunctionArn;
use crate::telemetry::emit_metrics;
use crate::text::shown;

/// What the function's handler is called in its configuration. The provider's own is called `bootstrap`.
pub const HANDLER: &str = "audit";

/// The variables.
pub const VARIABLES: [&str; 2] = [BASELINE, TRUSTED];

/// The fingerprints of accepted findings, with commas between.
const BASELINE: &str = "AUDIT_BASELINE";
/// The accounts and organizations that may be granted to, with commas between.
const TRUSTED: &str = "AUDIT_TRUSTED";

/// The metrics: the findings of each kind that are not accepted, all of those, and those that are accepted.
pub const METRICS: [(&str, &str); 8] = [
    (FindingKind::Public.metric(), "Count"),
    (FindingKind::Outside.metric(), "Count"),
    (FindingKind::Changed.metric(), "Count"),
    (FindingKind::Missing.metric(), "Count"),
    (FindingKind::OwnerGone.metric(), "Count"),
    (FindingKind::Unowned.metric(), "Count"),
    ("NewFindings", "Count"),
    ("AcceptedFindings", "Count"),
];

/// The audit that the environment variables describe.
#[derive(Clone, Debug)]
pub struct ScheduledAudit {
    config: SdkConfig,
    trusted: Trusted,
    baseline: Baseline,
}

impl ScheduledAudit {
    /// Reads the configuration from `variable`, which gives the value of an environment variable.
    ///
    /// # Errors
    /// If a variable has an invalid value.
    pub fn from_env(
        config: SdkConfig,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let text = |name| variable(name).unwrap_or_default();
        Ok(Self {
            config,
            trusted: Trusted::parse(&text(TRUSTED))?,
            baseline: Baseline::of_fingerprints(&text(BASELINE)),
        })
    }

    /// Looks at everything, and logs what it finds.
    ///
    /// # Errors
    /// If it could not look: Lambda retries, and the function's alarm tells it.
    pub async fn run(&self, context: &Context) -> Result<(), Error> {
        let arn = &context.invoked_function_arn;
        let function: Result<FunctionArn, _> = arn.parse();
        let Ok(function) = function else {
            return Err(failed(&format!(
                "not a function: got {} as the function's own ARN, run it on Lambda",
                shown(arn)
            )));
        };
        let location = function.location();
        let account = location.account();
        let audit = Audit {
            regions: vec![Region::new(
                account.clone(),
                &self.config,
                location.region(),
            )],
            account: account.clone(),
            selection: Vec::new(),
            trusted: self.trusted.clone(),
            baseline: self.baseline.clone(),
        };
        // Boxed: it holds many calls at a time.
        let mut ignored = |_| ();
        let report = Box::pin(audit.run(&mut ignored)).await;
        let report = report.map_err(|error| failed(&error.to_string()))?;
        report.findings.iter().for_each(log);
        let (statements, findings) = (report.statements(), report.findings.len());
        info!(statements, findings, "audit finished");
        emit_metrics(context, METRICS.iter().zip(values(&report)));
        Ok(())
    }
}

/// The values of the metrics.
fn values(report: &Report) -> [u64; METRICS.len()] {
    let new = |kind| report.new_findings(kind).count();
    let of_kinds = FindingKind::ALL.map(new);
    let all: usize = of_kinds.iter().sum();
    let [public, outside, changed, missing, gone, unowned] = of_kinds;
    let accepted = report.findings.len() - all;
    let values = [
        public, outside, changed, missing, gone, unowned, all, accepted,
    ];
    values.map(|number| u64::try_from(number).unwrap_or(u64::MAX))
}

fn log(found: &Finding) {
    let Finding {
        kind,
        target,
        statement_id,
        owner,
        detail,
        fingerprint,
        accepted,
    } = found;
    let (finding, resource, remedy) = (kind.name(), target.to_string(), found.remedy());
    let stack_id = owner.as_ref().map_or("", |owner| &owner.resource.stack_id);
    if accepted.is_some() {
        info!(
            finding,
            resource, statement_id, stack_id, detail, fingerprint, "accepted finding"
        );
    } else {
        warn!(
            finding,
            resource, statement_id, stack_id, detail, remedy, fingerprint, "finding"
        );
    }
}

fn failed(reason: &str) -> Error {
    error!(reason, "audit failed");
    reason.to_owned().into()
}
