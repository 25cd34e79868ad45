//! The papers say what the code does: README, template and Makefile are compared with it, word by word.
//! Runs nothing of what they describe.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may end by a panic"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lambda_permission_provider::permission::properties::PROPERTIES;

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The part of the README under this heading.
fn section(heading: &str) -> String {
    let readme = read("README.md");
    let start = readme.find(&format!("\n## {heading}\n")).expect(heading);
    let section = &readme[start + 4..];
    section.split("\n## ").next().unwrap().to_owned()
}

/// The cells of the tables in `text`, a row each, without the head.
fn rows(text: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        let cells = line.trim_matches('|').split(" | ");
        cells.map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    };
    let lines: Vec<&str> = text.lines().collect();
    let body = lines.iter().enumerate().filter(|(index, line)| {
        let head = lines
            .get(index + 1)
            .is_some_and(|next| next.starts_with("| ---"));
        line.starts_with('|') && !line.starts_with("| ---") && !head
    });
    body.map(|(_, line)| cells(line)).collect()
}

/// The first cells of the rows of the table in `text` whose head begins with `head`, and the second ones.
fn table(text: &str, head: &str) -> Vec<(String, String)> {
    let start = text.find(&format!("| {head} | ")).expect(head);
    let table = text[start..].split("\n\n").next().unwrap();
    let plain = |cell: &str| cell.trim_matches([' ', '`', '|', '\'']).to_owned();
    let rows = rows(table).into_iter();
    rows.map(|row| (plain(&row[0]), plain(&row[1]))).collect()
}

/// What stands in `template.yaml` under this heading: names, and the lines of each.
fn declared(heading: &str) -> Vec<(String, String)> {
    let template = read("template.yaml");
    let block = template.split(&format!("\n{heading}:\n")).nth(1).unwrap();
    let mut declared: Vec<(String, String)> = Vec::new();
    for line in block
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with(' '))
    {
        if let Some(name) = line
            .strip_prefix("  ")
            .filter(|line| !line.starts_with([' ', '#']))
        {
            declared.push((name.trim_end_matches(':').to_owned(), String::new()));
        } else if let Some((_, lines)) = declared.last_mut() {
            lines.push_str(line);
            lines.push('\n');
        }
    }
    declared
}

/// The sources by their paths, without their tests.
fn sources() -> Vec<(PathBuf, String)> {
    fn visit(directory: PathBuf, sources: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(path, sources);
            } else {
                let code = read(&path).split("#[cfg(test)]").next().unwrap().to_owned();
                sources.push((path, code));
            }
        }
    }
    let mut sources = Vec::new();
    visit(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut sources,
    );
    sources
}

/// Every text in quotes on the lines of `text` that begins with `prefix`.
fn quoted(text: &str, prefix: &str) -> BTreeSet<String> {
    let parts = text
        .lines()
        .flat_map(|line| line.split('"').skip(1).step_by(2));
    parts
        .filter(|part| part.starts_with(prefix))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_role_may_do_what_the_code_calls_and_nothing_else() {
    let mut called = quoted(&read("src/policy/lambda.rs"), "lambda:");
    called.extend(quoted(&read("src/policy/doors.rs"), "sts:"));
    let template = read("template.yaml");
    let role = template.split("      Policies:").nth(1).unwrap();
    let actions = role.lines().filter_map(|line| {
        let line = line.trim();
        line.strip_prefix("- ")
            .or_else(|| line.strip_prefix("Action: "))
    });
    let (by_lambda, by_code): (BTreeSet<_>, BTreeSet<_>) = actions
        .filter(|action| !action.contains(' ') && action.contains(':'))
        .map(str::to_owned)
        .partition(|action| action.starts_with("logs:") || action.starts_with("sqs:"));
    assert_eq!(by_code, called);
    // What Lambda does for the function in its name.
    assert_eq!(
        by_lambda.into_iter().collect::<Vec<_>>(),
        [
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            "sqs:SendMessage"
        ]
    );
    let install = section("Install");
    for action in called {
        assert!(
            install.contains(&format!("`{action}`")),
            "{action} is not in the README"
        );
    }
}

#[test]
fn the_readme_lists_the_properties_of_the_code() {
    let rows = rows(&section("Properties"));
    let names: Vec<&str> = rows
        .iter()
        .map(|row| row[0].trim_matches([' ', '`']))
        .collect();
    assert_eq!(names, PROPERTIES);
}

#[test]
fn the_readme_lists_the_parameters_of_the_template_with_their_defaults() {
    let default = |lines: &str| {
        let default = lines
            .lines()
            .find_map(|line| line.trim().strip_prefix("Default: "));
        default.unwrap().trim_matches('\'').to_owned()
    };
    let expected: Vec<_> = declared("Parameters")
        .iter()
        .map(|(name, lines)| (name.clone(), default(lines)))
        .collect();
    assert_eq!(table(&section("Install"), "parameter"), expected);
}

#[test]
fn every_parameter_is_described_and_labelled_and_its_pattern_explained() {
    let interface = declared("Metadata")
        .into_iter()
        .find(|(name, _)| name == "AWS::CloudFormation::Interface")
        .unwrap()
        .1;
    let (groups, labels) = interface.split_once("ParameterLabels:").unwrap();
    let grouped = groups
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Parameters: ["));
    let grouped: Vec<&str> = grouped
        .flat_map(|line| line.trim_end_matches(']').split(", "))
        .collect();
    let labelled: Vec<&str> = labels
        .lines()
        .filter_map(|line| line.trim().split_once(": {default: "))
        .map(|(name, _)| name)
        .collect();
    let parameters = declared("Parameters");
    let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(labelled, names);
    let (mut sorted_groups, mut sorted_names) = (grouped, names);
    sorted_groups.sort_unstable();
    sorted_names.sort_unstable();
    assert_eq!(sorted_groups, sorted_names);
    for (name, lines) in parameters {
        assert!(lines.contains("    Description:"), "{name}");
        let explained = lines.contains("    ConstraintDescription: must be ");
        assert_eq!(lines.contains("    AllowedPattern:"), explained, "{name}");
    }
}

#[test]
fn the_readme_lists_the_outputs_of_the_template() {
    let outputs: Vec<_> = declared("Outputs")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let listed: Vec<_> = table(&section("Install"), "output")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(listed, outputs);
}

#[test]
fn the_template_tells_the_version_of_the_crate() {
    let version = env!("CARGO_PKG_VERSION");
    let outputs = declared("Outputs");
    let (_, output) = outputs.iter().find(|(name, _)| name == "Version").unwrap();
    assert!(
        output.ends_with(&format!("    Value: {version}\n\n"))
            || output.ends_with(&format!("    Value: {version}\n")),
        "{output}"
    );
    let metadata = declared("Metadata");
    let repository = &metadata.last().unwrap().1;
    assert!(repository.contains(&format!("    SemanticVersion: {version}\n")));
}

#[test]
fn the_examples_give_properties_of_the_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut resources = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = read(&path);
        // Of a resource in YAML, and of the construct in TypeScript, what is one step further in than its heading.
        for heading in ["\n    Properties:\n", "\n      properties: {\n"] {
            for part in text.split("Custom::LayerVersionPermission").skip(1) {
                let Some((_, properties)) = part.split_once(heading) else {
                    continue;
                };
                let inner = heading.find(['P', 'p']).unwrap() + 1;
                let names = properties
                    .lines()
                    .take_while(|line| line.starts_with(&" ".repeat(inner)))
                    .map(|line| &line[inner..])
                    .filter(|line| line.starts_with(char::is_alphabetic))
                    .map(|line| line.split(':').next().unwrap());
                resources += 1;
                for name in names {
                    assert!(
                        PROPERTIES.contains(&name) || name.starts_with("Service"),
                        "{name} in {}",
                        path.display()
                    );
                }
            }
        }
    }
    assert!(resources >= 8, "{resources}");
}

#[test]
fn the_template_sets_the_guardrails_that_the_code_reads_and_the_readme_names_them() {
    let settings = read("src/settings.rs");
    let settings = settings.split("#[cfg(test)]").next().unwrap();
    let read_by_code: BTreeSet<&str> = settings
        .split("set(\"")
        .skip(1)
        .map(|call| call.split('"').next().unwrap())
        .collect();
    let template = read("template.yaml");
    let variables = template.split("        Variables:\n").nth(1).unwrap();
    let set: BTreeSet<&str> = variables
        .lines()
        .map_while(|line| line.strip_prefix("          "))
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(set, read_by_code);
    let install = section("Install");
    for variable in set {
        assert!(install.contains(&format!("`{variable}`")), "{variable}");
    }
}

#[test]
fn the_readme_lists_every_reason_of_the_code() {
    let code: String = sources().into_iter().map(|(_, code)| code).collect();
    let wrong = code
        .split("fn wrong")
        .nth(1)
        .unwrap()
        .split("\n    }\n")
        .next()
        .unwrap();
    let mut reasons = quoted(wrong, "");
    for line in code.lines() {
        let Some((head, _)) = line.split_once(": got ") else {
            continue;
        };
        let head = head
            .rsplit('"')
            .next()
            .unwrap()
            .replace("{name}", "…")
            .replace('`', "");
        if head != "{wrong}" {
            reasons.insert(head.trim().to_owned());
        }
    }
    reasons.insert("out of time".to_owned());
    let listed: BTreeSet<String> = rows(&section("When it fails"))
        .iter()
        .flat_map(|row| row[0].split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    let missing: Vec<_> = reasons
        .iter()
        .filter(|reason| !listed.contains(*reason))
        .collect();
    let unknown: Vec<_> = listed
        .iter()
        .filter(|reason| !reasons.contains(*reason))
        .collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "missing {missing:?}, unknown {unknown:?}"
    );
}

#[test]
fn the_readme_lists_the_attributes_of_the_code() {
    let intent = read("src/permission/intent.rs");
    let declared = intent.split("attributes = vec![").nth(1).unwrap();
    let reconcile = read("src/policy/reconcile.rs");
    let found = reconcile.split("fn attributes_of").nth(1).unwrap();
    let names = |code: &str, end: &str| quoted(code.split(end).next().unwrap(), "");
    let attributes: BTreeSet<_> = names(declared, "];")
        .union(&names(found, "\n}\n"))
        .cloned()
        .collect();
    let listed: BTreeSet<String> = rows(&section("Return values"))
        .iter()
        .flat_map(|row| row[0].split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, attributes);
}

#[test]
fn every_make_target_has_a_help_text_and_the_readme_names_only_those() {
    let makefile = read("Makefile");
    let phony = makefile
        .lines()
        .filter_map(|line| line.strip_prefix(".PHONY: "));
    let targets: BTreeSet<&str> = phony.flat_map(str::split_whitespace).collect();
    assert!(targets.contains("check"), "{targets:?}");
    for target in &targets {
        let rule = makefile
            .lines()
            .find(|line| line.starts_with(&format!("{target}:")));
        assert!(
            rule.is_some_and(|rule| rule.contains("## ")),
            "{target} has no help text"
        );
    }
    for line in (read("README.md") + &read("examples/README.md")).lines() {
        let command = line.trim_start().strip_prefix("make ");
        if let Some(target) = command.and_then(|rest| rest.split_whitespace().next()) {
            assert!(
                target == "#" || targets.contains(target),
                "the README names {target}"
            );
        }
    }
}

#[test]
fn what_a_newcomer_is_told_of_the_code_is_there() {
    let guide = read("CONTRIBUTING.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut functions = 0;
    for line in guide.lines() {
        let named = line.split('`').skip(1).step_by(2);
        let is_path = |name: &&str| name.contains('/') && !name.starts_with("//");
        let (paths, others): (Vec<&str>, Vec<&str>) = named.partition(is_path);
        for path in &paths {
            assert!(root.join(path).exists(), "{path} is not there");
        }
        let is_hop = line.starts_with("| `src/") && line.contains("` | `");
        if let [path, ..] = paths[..]
            && is_hop
        {
            let code = read(path).split("#[cfg(test)]").next().unwrap().to_owned();
            for function in others {
                let is_there = code.contains(&format!("fn {function}("))
                    || code.contains(&format!("fn {function}<"));
                assert!(is_there, "{path} has no function {function}");
                functions += 1;
            }
        }
    }
    assert!(functions > 30, "{functions} functions are named");
}

#[test]
fn the_public_check_runs_what_the_continuous_integration_runs() {
    let workflow = read(".github/workflows/check.yml");
    let runs: Vec<&str> = workflow
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- run: "))
        .collect();
    assert_eq!(runs.last(), Some(&".ci/run"));
    let toolchain = |line: &&&str| line.starts_with("rustup default ");
    let version = |text: &str| -> Vec<u64> { text.split('.').flat_map(str::parse).collect() };
    let installed = runs.iter().find(toolchain).unwrap();
    let installed = version(installed.rsplit(' ').next().unwrap());
    let manifest = read("Cargo.toml");
    let oldest = manifest.split("rust-version = \"").nth(1).unwrap();
    assert!(installed >= version(oldest.split('"').next().unwrap()));
}

#[test]
fn each_neighbour_is_named_in_one_room_besides_main() {
    let rooms = |name: &str| {
        let naming = sources()
            .into_iter()
            .filter(|(_, code)| code.contains(name));
        let files = naming.map(|(path, _)| path.file_name().unwrap().to_str().unwrap().to_owned());
        files.filter(|file| file != "main.rs").collect::<Vec<_>>()
    };
    assert_eq!(rooms("aws_sdk_lambda"), ["lambda.rs"]);
    assert_eq!(rooms("aws_sdk_sts"), ["doors.rs"]);
    assert_eq!(rooms("reqwest"), ["http.rs"]);
}
