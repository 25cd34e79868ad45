//! The rules of the sources: which folder may import which, which file names a library, how long a function may be.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::{quoted, read, table};
use crate::sources::sources;

/// The most lines of a function.
const MAX_FUNCTION_LINES: usize = 40;

/// What the modules of each folder may import besides each other.
const IMPORTS: [(&str, &[&str]); 7] = [
    ("policy", &["partition", "text"]),
    (
        "cloudformation",
        &["backoff", "deadline", "http", "partition", "text"],
    ),
    (
        "resources",
        &["cloudformation", "partition", "policy", "text"],
    ),
    (
        "aws",
        &["backoff", "deadline", "http", "partition", "policy", "text"],
    ),
    (
        "reconcile",
        &[
            "aws",
            "backoff",
            "cloudformation",
            "deadline",
            "policy",
            "resources",
            "telemetry",
            "text",
        ],
    ),
    (
        "refresh",
        &[
            "aws",
            "backoff",
            "cloudformation",
            "config",
            "deadline",
            "guardrails",
            "inventory",
            "policy",
            "reconcile",
            "resources",
            "telemetry",
            "text",
        ],
    ),
    (
        "audit",
        &[
            "aws",
            "backoff",
            "cloudformation",
            "inventory",
            "policy",
            "resources",
            "telemetry",
            "text",
        ],
    ),
];

#[test]
fn folders_import_only_what_they_may() {
    let allowed = BTreeMap::from(IMPORTS);
    let mut folders = BTreeSet::new();
    for source in sources() {
        if let Some(allowed) = allowed.get(source.module()) {
            folders.insert(source.module().to_owned());
            for import in source.imports() {
                assert!(
                    import == source.module() || allowed.contains(&import),
                    "{} imports {import}",
                    source.path
                );
            }
        }
    }
    assert!(
        folders.iter().eq(allowed.keys()),
        "{folders:?} were checked"
    );
}

#[test]
fn no_files_import_each_other_in_a_cycle() {
    let sources = sources();
    let files: BTreeSet<&str> = sources.iter().map(|source| source.path.as_str()).collect();
    let mut imports: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for source in &sources {
        imports.insert(&source.path, source.imported_files(&files));
    }
    assert!(imports.values().map(BTreeSet::len).sum::<usize>() > 100);
    // Files that import no other of those that are left are in no cycle.
    while let Some(leaf) = imports
        .iter()
        .find(|(_, imported)| imported.is_empty())
        .map(|(path, _)| (*path).to_owned())
    {
        imports.remove(leaf.as_str());
        for imported in imports.values_mut() {
            imported.remove(&leaf);
        }
    }
    assert!(
        imports.is_empty(),
        "in a cycle, or importing one: {imports:#?}"
    );
}

#[test]
fn nothing_imports_the_handler() {
    for source in sources() {
        assert!(!source.imports().contains("handler"), "{}", source.path);
    }
}

#[test]
fn the_page_lists_what_folders_may_import() {
    let guide = read("docs/architecture.md");
    let listed: BTreeMap<String, Vec<String>> = table(&guide, "folder of `src/`")
        .into_iter()
        .map(|row| (quoted(&row[0]).remove(0), quoted(&row[2])))
        .collect();
    let expected: BTreeMap<String, Vec<String>> = IMPORTS
        .into_iter()
        .map(|(folder, imports)| {
            let imports = imports.iter().map(|import| (*import).to_owned());
            (folder.to_owned(), imports.collect())
        })
        .collect();
    assert_eq!(listed, expected);
}

#[test]
fn each_library_for_io_is_named_in_few_files_besides_main() {
    let naming = |library: &str| {
        let sources = sources().into_iter();
        let naming = sources.filter(|source| source.code.contains(library));
        let paths = naming.map(|source| source.path);
        paths.filter(|path| path != "main.rs").collect::<Vec<_>>()
    };
    let of_lambda = [
        "aws/function_policy.rs",
        "aws/lambda.rs",
        "aws/lambda_listing.rs",
        "aws/layer_version_policy.rs",
        "aws/policy_call.rs",
    ];
    let mut naming_lambda = naming("aws_sdk_lambda");
    naming_lambda.sort();
    assert_eq!(naming_lambda, of_lambda);
    let mut naming_cloudformation = naming("aws_sdk_cloudformation");
    naming_cloudformation.sort();
    let of_cloudformation = ["aws/stack_listing.rs", "aws/stacks.rs"];
    assert_eq!(naming_cloudformation, of_cloudformation);
    assert_eq!(naming("aws_sdk_sts"), ["aws/clients.rs"]);
    assert_eq!(naming("reqwest"), ["http.rs"]);
}

#[test]
fn no_function_is_longer_than_forty_lines() {
    let mut functions = 0;
    for source in sources() {
        for function in source.functions() {
            functions += 1;
            assert!(
                function.lines <= MAX_FUNCTION_LINES,
                "{} in {} has {} lines",
                function.name,
                source.path,
                function.lines
            );
        }
    }
    assert!(functions > 300, "{functions} functions were found");
}
