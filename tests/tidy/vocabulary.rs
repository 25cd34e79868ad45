//! The words are those of AWS Lambda, CloudFormation and IAM: none of a former private vocabulary is left.

use std::path::{Path, PathBuf};

use crate::document::root;
use crate::sources::files_below;

/// Words, and words in a row, that the field has other words for.
const BANNED: [&str; 19] = [
    "crowds",
    "dialect of ours",
    "door",
    "doors",
    "in the dark",
    "journal",
    "lane",
    "papers",
    "pursue",
    "pursuit",
    "room",
    "rooms",
    "settle",
    "settled",
    "settles",
    "stories",
    "story",
    "untold",
    "whereabouts",
];

/// Ordinary uses of a banned word, by file.
const ORDINARY_USES: [(&str, &str); 0] = [];

const FOLDERS: [&str; 8] = [
    "audit", "benches", "docs", "examples", "fuzz", "src", "tests", "tools",
];

const DOCUMENTS: [&str; 6] = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "template.yaml",
];

/// Test inputs, which are any text, and this list itself.
const EXEMPT: [&str; 3] = ["fuzz/corpus", "fuzz/seeds", "tests/tidy/vocabulary.rs"];

#[test]
fn no_file_uses_words_of_the_former_vocabulary() {
    let mut found = Vec::new();
    for path in checked_files() {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        // What is not text has no words.
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            let words = words(line);
            for banned in BANNED {
                let is_ordinary = ORDINARY_USES.contains(&(name.as_str(), banned));
                if words.contains(&format!(" {banned} ")) && !is_ordinary {
                    found.push(format!("{name}:{}: {banned}", number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_banned_word_is_found_as_a_whole_word_in_names_and_sentences() {
    for (line, is_found) in [
        ("the Door is open.", true),
        ("fn open_door(", true),
        ("struct FrontDoor;", true),
        ("outdoors", false),
        ("a doorway", false),
    ] {
        assert_eq!(words(line).contains(" door "), is_found, "{line}");
    }
}

fn checked_files() -> Vec<PathBuf> {
    let folders = FOLDERS.iter().map(|folder| root().join(folder));
    let existing = folders.filter(|folder| folder.exists());
    let below = existing.flat_map(|folder| files_below(&folder));
    let documents = DOCUMENTS.iter().map(|document| root().join(document));
    let all = below.chain(documents);
    all.filter(|path| !is_exempt(path)).collect()
}

fn is_exempt(path: &Path) -> bool {
    let mut exempt = EXEMPT.iter().map(|exempt| root().join(exempt));
    exempt.any(|exempt| path.starts_with(exempt))
}

/// The words of a line in lower case, with a space around each: `FrontDoor` and `front_door` have two.
fn words(line: &str) -> String {
    let mut words = String::from(" ");
    let mut before = ' ';
    for c in line.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            words.push(' ');
        }
        if c.is_alphanumeric() {
            words.extend(c.to_lowercase());
        } else if !words.ends_with(' ') {
            words.push(' ');
        }
        before = c;
    }
    words + " "
}
