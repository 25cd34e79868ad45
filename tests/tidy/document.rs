//! Reads documents: files, sections, tables, and the blocks of `template.yaml`.
//! Compares nothing.

use std::path::{Path, PathBuf};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a folder, by their paths.
pub fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).expect(folder);
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).collect()
}

/// The part of a page under this heading.
pub fn section(page: &str, heading: &str) -> String {
    let page = read(page);
    let start = page.find(&format!("\n## {heading}\n")).expect(heading);
    let section = &page[start + 4..];
    section.split("\n## ").next().unwrap().to_owned()
}

/// The cells of the tables in `text`, a row each, without the head.
pub fn rows(text: &str) -> Vec<Vec<String>> {
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

/// The rows of the table in `text` whose head begins with `head`.
pub fn table(text: &str, head: &str) -> Vec<Vec<String>> {
    let start = text.find(&format!("| {head} | ")).expect(head);
    rows(text[start..].split("\n\n").next().unwrap())
}

/// What is in backticks in `text`.
pub fn quoted(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

/// The text of a cell without its backticks and quotes.
pub fn plain(cell: &str) -> &str {
    cell.trim_matches([' ', '`', '|', '\''])
}

/// What is in `template.yaml` under this heading: names, and the lines of each.
pub fn declared(heading: &str) -> Vec<(String, String)> {
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
