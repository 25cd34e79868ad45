//! The report for people: what is the same on several versions of a layer stands in one row.

use std::collections::BTreeMap;

use lambda_permission_provider::audit::finding::{Finding, FindingKind};
use lambda_permission_provider::audit::report::{AuditedStatement, Counted, Report};
use lambda_permission_provider::policy::target::PolicyTarget;

/// What a row says for a statement that no stack has.
const NO_OWNER: &str = "no stack";

/// A layer or a function, and who can use it.
#[derive(Debug, PartialEq, Eq)]
pub struct Section {
    /// The ARN of the layer or of the function.
    pub arn: String,
    /// What its rows are about: versions of a layer, or qualifiers of a function.
    pub column: &'static str,
    /// A row for each statement.
    pub rows: Vec<Row>,
}

/// A statement, on one or several versions of a layer.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// Such as `1-3, 7`, or the qualifier of a function.
    pub of: String,
    /// Whom it grants to; none where the statement is of a form that has to be read itself.
    pub who: Option<String>,
    /// Its id.
    pub statement_id: String,
    /// The resource that has it.
    pub owner: String,
    /// Whether everybody can use it.
    pub is_public: bool,
    /// The statement itself.
    pub statement: String,
}

/// A finding, on one or several versions of a layer.
pub struct FindingRow<'a> {
    /// The first of them.
    pub finding: &'a Finding,
    /// Such as `tools:1-3`.
    pub of: String,
    /// What to do. A command is that for the first of several versions.
    pub remedy: String,
}

/// The layers and functions with statements, in the order in which they were read.
pub fn sections(report: &Report) -> Vec<Section> {
    let mut sections: Vec<(String, Vec<(Place, Row)>)> = Vec::new();
    for policy in &report.policies {
        let (arn, place) = place_of(&policy.target);
        if sections.last().is_none_or(|(last, _)| *last != arn) {
            sections.push((arn, Vec::new()));
        }
        let rows = policy
            .statements
            .iter()
            .map(|statement| (place.clone(), row(statement)));
        if let Some((_, section)) = sections.last_mut() {
            section.extend(rows);
        }
    }
    let sections = sections.into_iter().map(|(arn, rows)| {
        let column = rows.first().map_or("", |(place, _)| place.column());
        let rows = merged(rows, |row| format!("{row:?}"));
        let rows = rows.into_iter().map(|(of, row)| Row { of, ..row });
        Section {
            arn,
            column,
            rows: rows.collect(),
        }
    });
    sections.collect()
}

/// The findings that are accepted, or those that are not.
pub fn findings(report: &Report, is_accepted: bool) -> Vec<FindingRow<'_>> {
    let findings = report.findings.iter();
    let wanted = findings.filter(|finding| finding.accepted.is_some() == is_accepted);
    let placed = wanted.map(|finding| (place_of(&finding.target).1, finding));
    let rows = merged(placed.collect(), |finding| finding.fingerprint.clone());
    let rows = rows.into_iter().map(|(of, finding)| {
        let name = match &finding.target {
            PolicyTarget::LayerVersion(version) => version.layer().name().to_owned(),
            PolicyTarget::Function(function) => function.name().to_owned(),
        };
        let remedy = finding.remedy();
        let is_many = matches!(finding.target, PolicyTarget::LayerVersion(_))
            && of.contains([',', '-'])
            && remedy.contains("--version-number");
        let each = if is_many {
            ", and so for each version"
        } else {
            ""
        };
        FindingRow {
            of: if of.is_empty() {
                name
            } else {
                format!("{name}:{of}")
            },
            remedy: format!("{remedy}{each}"),
            finding,
        }
    });
    rows.collect()
}

/// Where a statement is, within a layer or a function.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Version(u64),
    Qualifier(String),
}

impl Place {
    fn column(&self) -> &'static str {
        match self {
            Self::Version(_) => "version",
            Self::Qualifier(_) => "qualifier",
        }
    }
}

fn place_of(target: &PolicyTarget) -> (String, Place) {
    match target {
        PolicyTarget::LayerVersion(version) => (
            version.layer().to_string(),
            Place::Version(version.version()),
        ),
        PolicyTarget::Function(function) => {
            let qualifier = function.qualifier().map(ToString::to_string);
            let place = Place::Qualifier(qualifier.unwrap_or_default());
            (function.clone().with_qualifier(None).to_string(), place)
        }
    }
}

fn row(statement: &AuditedStatement) -> Row {
    let access = &statement.access;
    // On another version it is the same statement.
    let mut shown = access.statement.clone();
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("Resource");
    }
    Row {
        of: String::new(),
        who: access.who(),
        statement_id: access.statement_id.clone(),
        owner: statement
            .owner
            .as_ref()
            .map_or_else(|| NO_OWNER.to_owned(), ToString::to_string),
        is_public: access.is_public,
        statement: shown.to_string(),
    }
}

/// The entries, of which those of versions with the same key are one. They stay in the order of the first of each.
fn merged<T>(entries: Vec<(Place, T)>, key: impl Fn(&T) -> String) -> Vec<(String, T)> {
    let mut merged: Vec<(Vec<u64>, String, T)> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (place, entry) in entries {
        match place {
            Place::Qualifier(qualifier) => merged.push((Vec::new(), qualifier, entry)),
            Place::Version(number) => {
                let key = key(&entry);
                let index = known.get(&key).copied();
                if let Some((numbers, ..)) = index.and_then(|index| merged.get_mut(index)) {
                    numbers.push(number);
                } else {
                    known.insert(key, merged.len());
                    merged.push((vec![number], String::new(), entry));
                }
            }
        }
    }
    let shown = |(numbers, qualifier, entry): (Vec<u64>, String, T)| {
        let of = if numbers.is_empty() {
            qualifier
        } else {
            ranges(numbers)
        };
        (of, entry)
    };
    merged.into_iter().map(shown).collect()
}

/// Such as `1-3, 7`.
fn ranges(mut numbers: Vec<u64>) -> String {
    numbers.sort_unstable();
    numbers.dedup();
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let shown = ranges.iter().map(|(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// How many findings of each kind there are, in words.
pub fn verdict(report: &Report) -> String {
    let new = FindingKind::ALL.iter().filter_map(|kind| {
        let new = report.new_findings(*kind).count();
        (new > 0).then(|| format!("{new} {kind}"))
    });
    let new: Vec<String> = new.collect();
    let found = if new.is_empty() {
        "Nothing new was found".to_owned()
    } else {
        format!("Found {}", new.join(", "))
    };
    let accepted = report
        .findings
        .iter()
        .filter(|finding| finding.accepted.is_some());
    let accepted = match accepted.count() {
        0 => String::new(),
        accepted => format!("; {accepted} accepted in the baseline"),
    };
    let outdated = match report.outdated {
        0 => String::new(),
        outdated => format!(
            "; {} of the baseline found no more",
            counted(outdated, "entry", "entries")
        ),
    };
    format!("{found}{accepted}{outdated}.")
}

/// What was looked at, in words.
pub fn scope(report: &Report) -> String {
    let Counted {
        stacks,
        layers,
        layer_versions,
        functions,
        function_policies,
    } = report.counted;
    let of_layers = format!(
        "{} of {}",
        counted(layer_versions, "version", "versions"),
        counted(layers, "layer", "layers")
    );
    let of_functions = format!(
        "{} of {}",
        counted(function_policies, "policy", "policies"),
        counted(functions, "function", "functions")
    );
    let looked_at = [
        (layers > 0 || functions == 0).then_some(of_layers),
        (functions > 0).then_some(of_functions),
        Some(counted(stacks, "stack", "stacks")),
    ];
    let looked_at: Vec<String> = looked_at.into_iter().flatten().collect();
    format!(
        "Looked at {} in {} of account {}.",
        looked_at.join(", "),
        report.regions.join(", "),
        report.account
    )
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successive_versions_are_a_range() {
        for (numbers, shown) in [
            (vec![1], "1"),
            (vec![3, 1, 2], "1-3"),
            (vec![7, 1, 2, 2, 9], "1-2, 7, 9"),
        ] {
            assert_eq!(ranges(numbers), shown);
        }
    }

    #[test]
    fn versions_with_the_same_key_are_merged_and_qualifiers_are_not() {
        let version = Place::Version;
        let alias = || Place::Qualifier("live".to_owned());
        let entries = vec![
            (version(3), "a"),
            (version(2), "b"),
            (version(1), "a"),
            (alias(), "a"),
            (alias(), "a"),
        ];
        assert_eq!(
            merged(entries, |entry| (*entry).to_owned()),
            [("1, 3", "a"), ("2", "b"), ("live", "a"), ("live", "a")]
                .map(|(of, entry)| (of.to_owned(), entry))
        );
    }
}
