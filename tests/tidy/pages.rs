//! The tables of the pages are those of the code and of the template, and their links lead somewhere.

use std::collections::BTreeSet;
use std::path::Path;

use lambda_permission_provider::aws::error::ErrorKind;
use lambda_permission_provider::reasons::REASONS;
use lambda_permission_provider::refresh;
use lambda_permission_provider::resources::resource::ResourceType;
use lambda_permission_provider::resources::{function_permission, layer_version_permission};
use lambda_permission_provider::telemetry::{MESSAGES, METRICS, NAMESPACE};
use lambda_permission_provider::{config, tls};

use crate::document::{declared, files, plain, quoted, read, root, rows, section, table};
use crate::sources::sources;

const LAYERS: &str = "docs/layer-version-permission.md";
const CONFIGURATION: &str = "docs/configuration.md";
const OBSERVABILITY: &str = "docs/observability.md";
const TROUBLESHOOTING: &str = "docs/troubleshooting.md";

/// What is in backticks in the first cells of the tables of a section.
fn first_cells(page: &str, heading: &str) -> Vec<String> {
    let rows = rows(&section(page, heading)).into_iter();
    rows.flat_map(|row| quoted(&row[0])).collect()
}

/// The first cells of the table that begins with `head`.
fn names(text: &str, head: &str) -> Vec<String> {
    let rows = table(text, head).into_iter();
    rows.map(|row| plain(&row[0]).to_owned()).collect()
}

#[test]
fn the_documents_list_the_properties_of_the_code() {
    let properties = names(&section(LAYERS, "Properties"), "property");
    assert_eq!(properties, layer_version_permission::properties::PROPERTIES);
    let reference = read("docs/function-permission.md");
    let properties = names(&reference, "property");
    assert_eq!(properties, function_permission::properties::PROPERTIES);
}

#[test]
fn the_documents_list_the_return_values_of_the_code() {
    let values = first_cells(LAYERS, "Return values");
    assert_eq!(values, ResourceType::LayerVersionPermission.return_values());
    let reference = read("docs/function-permission.md");
    let values = names(&reference, "`Fn::GetAtt`");
    assert_eq!(values, ResourceType::FunctionPermission.return_values());
}

#[test]
fn the_configuration_lists_the_parameters_of_the_template_with_their_defaults() {
    let default = |lines: &str| {
        let mut lines = lines.lines();
        let default = lines.find_map(|line| line.trim().strip_prefix("Default: "));
        default.unwrap().trim_matches('\'').to_owned()
    };
    let expected: Vec<_> = declared("Parameters")
        .iter()
        .map(|(name, lines)| (name.clone(), default(lines)))
        .collect();
    let listed: Vec<_> = table(&section(CONFIGURATION, "Parameters"), "parameter")
        .iter()
        .map(|row| (plain(&row[0]).to_owned(), plain(&row[1]).to_owned()))
        .collect();
    assert_eq!(listed, expected);
}

#[test]
fn the_configuration_lists_the_outputs_of_the_template() {
    let outputs = declared("Outputs").into_iter();
    let outputs: Vec<_> = outputs.map(|(name, _)| name).collect();
    assert_eq!(names(&section(CONFIGURATION, "Outputs"), "output"), outputs);
}

#[test]
fn the_pages_name_every_environment_variable_of_the_code() {
    let pages = read(CONFIGURATION) + &read(TROUBLESHOOTING);
    for variable in config::VARIABLES.iter().chain(&tls::VARIABLES) {
        assert!(pages.contains(&format!("`{variable}`")), "{variable}");
    }
}

#[test]
fn the_page_of_errors_lists_every_reason_of_the_code() {
    let kinds = ["layer version", "function"];
    let kinds = kinds.map(|kind| ErrorKind::ALL.map(|error| error.head(kind)));
    let reasons = REASONS.map(str::to_owned).into_iter();
    let reasons: BTreeSet<String> = reasons.chain(kinds.into_iter().flatten()).collect();
    let listed: BTreeSet<String> = first_cells(TROUBLESHOOTING, "Errors").into_iter().collect();
    let missing: Vec<_> = reasons.difference(&listed).collect();
    let unknown: Vec<_> = listed.difference(&reasons).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "missing {missing:?}, unknown {unknown:?}"
    );
}

#[test]
fn the_index_of_reasons_is_complete() {
    let sources = sources();
    let given: BTreeSet<String> = sources
        .iter()
        // No stack sees those of the audit and of a refresh.
        .filter(|source| !["audit", "reasons", "refresh"].contains(&source.module()))
        .flat_map(|source| {
            let reasons = source.reasons().into_iter();
            // These heads are put together with the rest elsewhere.
            let heads = ["cannot assume role", "cannot list accounts"].into_iter();
            let heads = heads.filter(|head| source.code.contains(head));
            reasons.chain(heads.map(str::to_owned))
        })
        .collect();
    let listed = BTreeSet::from(REASONS.map(str::to_owned));
    assert_eq!(given, listed);
}

#[test]
fn the_page_of_the_log_lists_every_message_of_the_log() {
    assert_eq!(names(&section(OBSERVABILITY, "Log"), "`message`"), MESSAGES);
}

#[test]
fn the_list_of_log_messages_is_complete() {
    let sources = sources();
    let logged: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| source.log_messages())
        .collect();
    assert_eq!(logged, BTreeSet::from(MESSAGES));
}

#[test]
fn the_page_of_the_log_lists_the_metrics_of_the_code_with_their_namespace() {
    let section = section(OBSERVABILITY, "Metrics");
    assert!(section.contains(&format!("`{NAMESPACE}`")));
    let metrics: [(&str, &[(&str, &str)]); 2] = [
        ("metric", &METRICS),
        ("metric of a refresh", &refresh::METRICS),
    ];
    for (head, metrics) in metrics {
        let rows = table(&section, head);
        let listed = rows.iter().flat_map(|row| {
            let metrics = quoted(&row[0]).into_iter();
            metrics.map(|metric| (metric, row[1].to_lowercase()))
        });
        let expected = metrics.iter();
        let expected = expected.map(|(name, unit)| ((*name).to_owned(), unit.to_lowercase()));
        assert!(listed.eq(expected), "{head}");
    }
}

#[test]
fn the_runbook_removes_the_files_that_it_writes_events_to() {
    let section = section(TROUBLESHOOTING, "Runbook");
    let written: BTreeSet<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter_map(|command| command.rsplit_once(" > "))
        .map(|(_, file)| file)
        .collect();
    let removed: BTreeSet<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("    rm "))
        .flat_map(str::split_whitespace)
        .collect();
    assert!(!written.is_empty());
    assert_eq!(removed, written);
}

/// The documents for people.
fn pages() -> Vec<String> {
    let docs = files("docs").into_iter();
    let docs = docs.filter(|path| path.extension().is_some_and(|of| of == "md"));
    let docs = docs.map(|path| path.strip_prefix(root()).unwrap().display().to_string());
    let others = [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "examples/README.md",
    ];
    docs.chain(others.map(str::to_owned)).collect()
}

/// The name of a heading in a link, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_exist() {
    let mut links = 0;
    for page in pages() {
        let text = read(&page);
        let folder = Path::new(&page).parent().unwrap();
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            // The address of the repository is not known here.
            if link.starts_with("https://")
                || link.contains("../actions/")
                || link.contains("../releases/")
            {
                continue;
            }
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                page.clone().into()
            } else {
                folder.join(path)
            };
            let exists = root().join(&target).exists();
            assert!(exists, "{page}: {link} leads to no file");
            if !heading.is_empty() {
                let target = read(&target);
                let headings = target
                    .lines()
                    .filter_map(|line| Some(line.strip_prefix('#')?.trim_start_matches('#')));
                let mut anchors = headings.map(|heading| anchor(heading.trim()));
                assert!(
                    anchors.any(|anchor| anchor == heading),
                    "{page}: {link} leads to no heading"
                );
            }
            links += 1;
        }
    }
    assert!(links > 60, "{links}");
}

#[test]
fn no_line_of_a_page_is_long_outside_of_tables_and_code() {
    for page in pages() {
        let mut in_code = false;
        for line in read(&page).lines() {
            in_code ^= line.trim_start().starts_with("```");
            let is_prose = !in_code && !line.starts_with(['|', '<']) && !line.starts_with("    ");
            // A link cannot be wrapped.
            let is_short = line.chars().count() <= 160 || line.starts_with("Medians of ");
            assert!(is_short || !is_prose, "{page}: {line}");
        }
    }
}

#[test]
fn the_readme_can_be_read_in_one_go() {
    let lines = read("README.md").lines().count();
    assert!(lines <= 170, "{lines} lines");
}

#[test]
fn every_place_has_the_same_version() {
    let version = env!("CARGO_PKG_VERSION");
    let readme = read("README.md");
    assert!(readme.contains(&format!("\nVersion {version}. ")));
    let manifest = read("audit/Cargo.toml");
    assert!(manifest.contains(&format!("\nversion = \"{version}\"\n")));
    let newest = format!("\n## {version}");
    assert!(read("CHANGELOG.md").find(&newest) == read("CHANGELOG.md").find("\n## "));
    let mut named = 0;
    for page in pages() {
        for rest in read(&page).split("lambda-permission-provider-").skip(1) {
            if rest.starts_with(|first: char| first.is_ascii_digit()) {
                assert!(
                    rest.starts_with(&format!("{version}.")),
                    "{page}: {rest:.10}"
                );
                named += 1;
            }
        }
    }
    assert!(named > 5, "{named}");
}
