//! The report as one page for a browser, which loads nothing and runs nothing.

use lambda_permission_provider::audit::report::Report;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::grouped::{FindingRow, Row, Section, findings, scope, sections, verdict};

const STYLE: &str = include_str!("page.css");

/// Forbids the browser to load anything, whatever a name in the account may contain.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The page.
pub fn page(report: &Report) -> String {
    let title = format!("Lambda permissions of account {}", report.account);
    let (new, accepted) = (findings(report, false), findings(report, true));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(CONTENT_POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                p.verdict { (verdict(report)) }
                p { (scope(report)) }
                @if !new.is_empty() {
                    h2 { "Findings" }
                    (finding_table(&new))
                }
                @if !accepted.is_empty() {
                    details {
                        summary { "Accepted in the baseline (" (accepted.len()) ")" }
                        (finding_table(&accepted))
                    }
                }
                h2 { "Who can use what" }
                @for section in &sections(report) { (section_of(section)) }
            }
        }
    };
    page.into_string()
}

fn finding_table(rows: &[FindingRow<'_>]) -> Markup {
    html! {
        div.scroll {
            table.findings {
                thead {
                    tr { th { "Finding" } th { "Resource" } th { "Statement id" } th { "What was found, and what to do" } }
                }
                tbody {
                    @for row in rows {
                        tr {
                            td { span.kind data-kind=(row.finding.kind.name()) { (row.finding.kind.name()) } }
                            td title=(row.finding.target) { (row.of) }
                            td { code { (row.finding.statement_id) } }
                            td {
                                (row.finding.detail)
                                @match &row.finding.accepted {
                                    Some(reason) => { div.remedy { "accepted: " (reason) } }
                                    None => { div.remedy { (with_code(&row.remedy)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn section_of(section: &Section) -> Markup {
    html! {
        h3 { code { (section.arn) } }
        div.scroll {
            table {
                thead {
                    tr { th { (section.column) } th { "who" } th { "statement id" } th { "owner" } }
                }
                tbody { @for row in &section.rows { (row_of(row)) } }
            }
        }
    }
}

fn row_of(row: &Row) -> Markup {
    html! {
        tr.public[row.is_public] {
            td { (row.of) }
            td {
                @match &row.who {
                    Some(who) => { (who) }
                    None => { code { (row.statement) } }
                }
            }
            td { code { (row.statement_id) } }
            td { (row.owner) }
        }
    }
}

/// What stands between backticks is code.
fn with_code(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
