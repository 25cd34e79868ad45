//! The report as text for people.

use std::fmt::Write;

use lambda_permission_provider::audit::report::Report;

use crate::grouped::{FindingRow, Row, findings, scope, sections, verdict};

/// The report. Where nobody is trusted, it says that it cannot tell who is outside.
pub fn text(report: &Report, trusts_nobody: bool) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write(&mut text, report, trusts_nobody);
    text
}

fn write(text: &mut String, report: &Report, trusts_nobody: bool) -> std::fmt::Result {
    for finding in findings(report, false) {
        write_finding(text, &finding)?;
    }
    for finding in findings(report, true) {
        write_accepted(text, &finding)?;
    }
    if !report.findings.is_empty() {
        writeln!(text)?;
    }
    for section in sections(report) {
        writeln!(text, "{}", section.arn)?;
        write_rows(text, section.column, &section.rows)?;
        writeln!(text)?;
    }
    writeln!(text, "{}", scope(report))?;
    if trusts_nobody {
        writeln!(
            text,
            "Nobody is OUTSIDE as long as --trust names no accounts or organizations."
        )?;
    }
    writeln!(text, "{}", verdict(report))
}

fn write_finding(text: &mut String, row: &FindingRow<'_>) -> std::fmt::Result {
    let FindingRow {
        finding,
        of,
        remedy,
    } = row;
    let kind = finding.kind.name();
    let (sid, detail) = (&finding.statement_id, &finding.detail);
    writeln!(text, "{kind:10}  {of}  {sid}: {detail}")?;
    writeln!(text, "{:10}  {remedy}", "")
}

fn write_accepted(text: &mut String, row: &FindingRow<'_>) -> std::fmt::Result {
    let FindingRow { finding, of, .. } = row;
    let reason = finding.accepted.as_deref().unwrap_or_default();
    let (kind, sid) = (finding.kind, &finding.statement_id);
    writeln!(text, "{:10}  {kind}  {of}  {sid}: {reason}", "accepted")
}

fn write_rows(text: &mut String, column: &str, rows: &[Row]) -> std::fmt::Result {
    let head = [column, "who", "statement id", "owner"].map(str::to_owned);
    let cells = rows.iter().map(|row| {
        let as_below = if row.is_public {
            "EVERYBODY, as below"
        } else {
            "as below"
        };
        let who = row.who.clone().unwrap_or_else(|| as_below.to_owned());
        let of = if row.of.is_empty() { "-" } else { &row.of };
        [
            of.to_owned(),
            who,
            row.statement_id.clone(),
            row.owner.clone(),
        ]
    });
    let cells: Vec<[String; 4]> = cells.collect();
    let mut widths = [0; 4];
    for row in cells.iter().chain([&head]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; 4]| {
        let padded = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("  {cell:width$}"));
        padded.collect::<String>().trim_end().to_owned()
    };
    writeln!(text, "{}", line(&head))?;
    for (row, cells) in rows.iter().zip(&cells) {
        writeln!(text, "{}", line(cells))?;
        if row.who.is_none() {
            let [of, ..] = widths;
            writeln!(text, "  {:of$}  {}", "", row.statement)?;
        }
    }
    Ok(())
}
