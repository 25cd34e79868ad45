//! The template says what the code needs and does.
//! Refuses to know how it is deployed.

use std::collections::BTreeSet;

use crate::reading::{declared, quoted, read, section};

#[test]
fn the_role_may_do_what_the_code_calls_and_nothing_else() {
    let mut called = quoted(&read("src/policy/lambda.rs"), "lambda:");
    called.extend(quoted(&read("src/policy/doors.rs"), "sts:"));
    let template = read("template.yaml");
    let role = template.split("      Policies:").nth(1).unwrap();
    let role = role.split("\n  LogGroup:").next().unwrap();
    let actions = role.lines().filter_map(|line| {
        let line = line.trim();
        line.strip_prefix("- ")
            .or_else(|| line.strip_prefix("Action: "))
    });
    let (by_lambda, by_code): (BTreeSet<_>, BTreeSet<_>) = actions
        .filter(|action| !action.contains(' ') && action.contains(':'))
        .map(str::to_owned)
        .partition(|action| {
            ["kms:", "logs:", "sqs:"].contains(&&action[..=action.find(':').unwrap()])
        });
    assert_eq!(by_code, called);
    // What Lambda does for the function in its name.
    assert_eq!(
        by_lambda.into_iter().collect::<Vec<_>>(),
        [
            "kms:Decrypt",
            "kms:GenerateDataKey",
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
fn the_log_outlives_its_stack_under_a_name_that_no_other_stack_has() {
    let resources = declared("Resources");
    let (_, log) = resources
        .iter()
        .find(|(name, _)| name == "LogGroup")
        .unwrap();
    // Kept, but not by a stack that could not be created: the next try would find the name taken.
    assert!(log.contains("    DeletionPolicy: RetainExceptOnCreate\n"));
    assert!(log.contains("    UpdateReplacePolicy: Retain\n"));
    assert!(log.contains("!Ref AWS::StackId"));
}

#[test]
fn every_way_of_deploying_for_people_names_a_runtime_that_functions_are_still_created_with() {
    for path in [
        "samconfig.toml",
        "tools/deploy.sh",
        "examples/roll-out.yaml",
        "examples/central-provider.yaml",
    ] {
        assert!(read(path).contains("provided.al2023"), "{path}");
    }
    // Each command of the papers that deploys the provider itself.
    for path in ["README.md", "examples/README.md"] {
        for command in read(path)
            .lines()
            .filter(|line| line.contains("cloudformation deploy") && line.contains("packaged.yaml"))
        {
            assert!(
                command.contains("Runtime=provided.al2023"),
                "{path}: {command}"
            );
        }
    }
}

#[test]
fn every_external_id_that_is_a_parameter_is_kept_out_of_sight() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut parameters = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        for parameter in read(&path).split("\n  ExternalId:\n").skip(1) {
            parameters += 1;
            assert!(
                parameter.starts_with("    Type: String\n    NoEcho: true\n"),
                "{}",
                path.display()
            );
        }
    }
    assert_eq!(parameters, 2);
}
