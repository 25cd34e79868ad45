//! The guide for contributors fits on a few screens, and it and the page on the architecture name files and functions that exist.

use std::collections::BTreeMap;

use crate::document::{quoted, read, root, rows};
use crate::sources::{Source, sources};

const MAX_LINES: usize = 120;

/// The most characters of a line outside tables.
const MAX_WIDTH: usize = 122;

/// Paths that are written by tools, and not in the repository.
const GENERATED: [&str; 2] = [".tools/", "dist/"];

#[test]
fn the_guide_is_short() {
    let guide = read("CONTRIBUTING.md");
    assert!(guide.lines().count() <= MAX_LINES);
    for line in guide.lines().filter(|line| !line.starts_with('|')) {
        assert!(line.chars().count() <= MAX_WIDTH, "{line}");
    }
}

#[test]
fn the_guide_and_the_page_name_paths_that_exist() {
    let texts = ["CONTRIBUTING.md", "docs/architecture.md"].map(read);
    for path in texts.iter().flat_map(|text| quoted(text)) {
        let is_path = path.contains('/') && !path.contains(['<', ' ']) && !path.starts_with("//");
        if is_path && !GENERATED.contains(&path.as_str()) {
            assert!(root().join(&path).exists(), "{path} does not exist");
        }
    }
}

#[test]
fn the_page_names_functions_of_the_files_that_an_event_passes() {
    let page = read("docs/architecture.md");
    let sources: BTreeMap<String, Source> = sources()
        .into_iter()
        .map(|source| (format!("src/{}", source.path), source))
        .collect();
    let mut functions = 0;
    for row in rows(&page) {
        let file = quoted(&row[0]).into_iter().next();
        let Some(source) = file.as_ref().and_then(|path| sources.get(path)) else {
            continue;
        };
        let existing: Vec<String> = source.functions().into_iter().map(|f| f.name).collect();
        for function in quoted(&row[1]) {
            assert!(
                existing.contains(&function),
                "{} has no function {function}",
                source.path
            );
            functions += 1;
        }
    }
    assert!(functions > 20, "{functions} functions are named");
}
