//! The examples use properties and parameters that exist, deploy on a current runtime, and keep secrets hidden.

use lambda_permission_provider::resources::{function_permission, layer_version_permission};

use crate::document::{files, read, root};

#[test]
fn the_examples_and_documents_give_properties_of_the_code() {
    let layers = layer_version_permission::properties::PROPERTIES;
    let functions = function_permission::properties::PROPERTIES;
    let layers = properties_given("Custom::LayerVersionPermission", &layers);
    let functions = properties_given("Custom::FunctionPermission", &functions);
    assert!(layers >= 10 && functions >= 9, "{layers}, {functions}");
}

/// Checks the properties of the resources of a type, and counts these.
fn properties_given(resource_type: &str, known: &[&str]) -> usize {
    let mut resources = 0;
    let documents = [
        "README.md",
        "docs/function-permission.md",
        "docs/layer-version-permission.md",
    ]
    .map(|path| root().join(path));
    for path in files("examples").into_iter().chain(documents) {
        let text = read(&path);
        // Of a resource in YAML, and of the construct in TypeScript, what is one step further in than its heading.
        for heading in ["\n    Properties:\n", "\n      properties: {\n"] {
            for part in text.split(resource_type).skip(1) {
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
                        known.contains(&name) || name.starts_with("Service"),
                        "{name} in {}",
                        path.display()
                    );
                }
            }
        }
    }
    resources
}

#[test]
fn every_deployment_names_a_runtime_that_functions_can_still_be_created_with() {
    for path in [
        "samconfig.toml",
        "tools/deploy.sh",
        "examples/roll-out.yaml",
        "examples/central-provider.yaml",
    ] {
        assert!(read(path).contains("provided.al2023"), "{path}");
    }
    // Each command in the documents that deploys the provider itself.
    for path in ["README.md", "docs/install.md", "examples/README.md"] {
        for command in read(path)
            .replace("\\\n", "")
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
fn every_external_id_parameter_has_no_echo() {
    let mut parameters = 0;
    for path in files("examples") {
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
    assert_eq!(parameters, 3);
}
