//! Reads the papers and the sources: sections, tables, what is declared and what is quoted.
//! Refuses to compare.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The part of the README under this heading.
pub fn section(heading: &str) -> String {
    let readme = read("README.md");
    let start = readme.find(&format!("\n## {heading}\n")).expect(heading);
    let section = &readme[start + 4..];
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

/// The first cells of the rows of the table in `text` whose head begins with `head`, and the second ones.
pub fn table(text: &str, head: &str) -> Vec<(String, String)> {
    let start = text.find(&format!("| {head} | ")).expect(head);
    let table = text[start..].split("\n\n").next().unwrap();
    let plain = |cell: &str| cell.trim_matches([' ', '`', '|', '\'']).to_owned();
    let rows = rows(table).into_iter();
    rows.map(|row| (plain(&row[0]), plain(&row[1]))).collect()
}

/// What stands in `template.yaml` under this heading: names, and the lines of each.
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

/// The sources by their paths, without their tests.
pub fn sources() -> Vec<(PathBuf, String)> {
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
pub fn quoted(text: &str, prefix: &str) -> BTreeSet<String> {
    let parts = text
        .lines()
        .flat_map(|line| line.split('"').skip(1).step_by(2));
    parts
        .filter(|part| part.starts_with(prefix))
        .map(str::to_owned)
        .collect()
}
