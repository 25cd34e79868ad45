//! The findings for spreadsheets, a row each.

use lambda_permission_provider::audit::report::Report;

/// The columns.
const COLUMNS: [&str; 9] = [
    "finding",
    "resource",
    "statement_id",
    "stack_id",
    "logical_id",
    "detail",
    "remedy",
    "fingerprint",
    "accepted",
];

/// The rows, after one with the names of the columns.
pub fn text(report: &Report) -> Result<String, String> {
    let not_written =
        |error: csv::Error| format!("not printed: got `{error}`, report it as a defect");
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(not_written)?;
    for finding in &report.findings {
        let resource = finding.owner.as_ref().map(|owner| &owner.resource);
        let row = [
            finding.kind.name(),
            &finding.target.to_string(),
            &finding.statement_id,
            resource.map_or("", |resource| &resource.stack_id),
            resource.map_or("", |resource| &resource.logical_id),
            &finding.detail,
            &finding.remedy(),
            &finding.fingerprint,
            finding.accepted.as_deref().unwrap_or_default(),
        ];
        writer.write_record(row).map_err(not_written)?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
