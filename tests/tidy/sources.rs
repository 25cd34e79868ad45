//! Reads the sources in `src/`, without their tests: code, imports, functions and log macros.
//! Compares nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::document::{read, root};

/// A file of `src/`.
pub struct Source {
    /// Its path in `src/`, such as `policy/arn.rs`.
    pub path: String,
    /// Its lines without comments, up to its tests.
    pub code: String,
}

/// A function, with the number of its lines.
pub struct Function {
    pub name: String,
    pub lines: usize,
}

/// Every file of `src/`.
pub fn sources() -> Vec<Source> {
    let src = root().join("src");
    let paths = files_below(&src).into_iter();
    let sources = paths.map(|path| Source {
        code: without_comments(read(&path).split("#[cfg(test)]").next().unwrap()),
        path: path.strip_prefix(&src).unwrap().display().to_string(),
    });
    sources.collect()
}

/// The files of a folder and of all folders in it.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{error}"));
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = paths.map(|path| {
        if path.is_dir() {
            files_below(&path)
        } else {
            vec![path]
        }
    });
    below.flatten().collect()
}

fn without_comments(code: &str) -> String {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let lines: Vec<&str> = code.lines().filter(is_code).collect();
    lines.join("\n")
}

impl Source {
    /// The folder or file of `src/` that it belongs to, such as `policy` or `handler`.
    pub fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.trim_end_matches(".rs")
    }

    /// The modules of the crate that it names.
    pub fn imports(&self) -> BTreeSet<&str> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let paths = self.code.split("crate::").skip(1);
        paths
            .map(|path| path.split(|c| !is_name(c)).next().unwrap())
            .collect()
    }

    /// The files of `src/`, among `files`, that its `use` declarations name.
    pub fn imported_files(&self, files: &BTreeSet<&str>) -> BTreeSet<String> {
        let uses = self.code.split("use ").skip(1);
        let uses = uses.filter_map(|used| Some(used.split_once(';')?.0));
        let uses = uses.map(|used| used.split_whitespace().collect::<String>());
        let mut imported = BTreeSet::new();
        for used in uses {
            // Of `a::{b, c::d}`, the paths are `a::b` and `a::c::d`; items of files are cut off below.
            let (prefix, names) = used.split_once('{').unwrap_or((used.as_str(), ""));
            for name in names.trim_end_matches('}').split(',') {
                let path = self.absolute(&format!("{prefix}{name}"));
                let longest = (1..=path.len()).rev();
                let candidates = longest.map(|length| path[..length].join("/"));
                let mut candidates =
                    candidates.flat_map(|path| [format!("{path}.rs"), format!("{path}/mod.rs")]);
                let file = candidates.find(|path| files.contains(path.as_str()));
                imported.extend(file.filter(|path| *path != self.path));
            }
        }
        imported
    }

    /// The path of a `use` declaration, from `src/`; empty where it is of another crate.
    fn absolute(&self, used: &str) -> Vec<String> {
        let mut module: Vec<&str> = self.path.trim_end_matches(".rs").split('/').collect();
        if module.last() == Some(&"mod") {
            module.pop();
        }
        let mut rest: Vec<&str> = used.split("::").filter(|name| !name.is_empty()).collect();
        let mut base = match rest.first() {
            Some(&"crate") => Vec::new(),
            Some(&"self") => module,
            Some(&"super") => {
                module.pop();
                module
            }
            _ => return Vec::new(),
        };
        rest.remove(0);
        while rest.first() == Some(&"super") {
            base.pop();
            rest.remove(0);
        }
        base.extend(rest);
        base.into_iter().map(str::to_owned).collect()
    }

    /// Its functions. Their lines are counted as rustfmt writes them, from `fn` to the brace at the same indentation.
    pub fn functions(&self) -> Vec<Function> {
        let lines: Vec<&str> = self.code.lines().collect();
        let function = |(start, line): (usize, &&str)| {
            let (before, after) = line.split_once("fn ")?;
            let keywords = ["pub", "pub(super)", "pub(crate)", "const", "async"];
            if !before
                .split_whitespace()
                .all(|word| keywords.contains(&word))
            {
                return None;
            }
            let indentation = line.len() - line.trim_start().len();
            let end = format!("{}}}", " ".repeat(indentation));
            let length = lines[start..].iter().position(|line| *line == end)? + 1;
            Some(Function {
                name: after.split(['(', '<']).next().unwrap().to_owned(),
                lines: length,
            })
        };
        lines.iter().enumerate().filter_map(function).collect()
    }

    /// The messages of its log macros: the last string of each call.
    pub fn log_messages(&self) -> Vec<&str> {
        let calls = ["info!(", "warn!(", "error!("].into_iter();
        let calls = calls.flat_map(|name| self.code.split(name).skip(1));
        let message = |call: &'_ str| {
            let call = call.split(");").next().unwrap();
            let (before, _) = call.rsplit_once('"').expect("a message");
            let start = before.rfind('"').expect("a message") + 1;
            start..before.len()
        };
        calls.map(|call| &call[message(call)]).collect()
    }

    /// What stands before `: got` in its strings, without backticks and with `…` for a name.
    pub fn reasons(&self) -> Vec<String> {
        let lines = self.code.lines();
        let heads = lines.filter_map(|line| line.split_once(": got "));
        let texts = heads.map(|(head, _)| head.rsplit('"').next().unwrap());
        let texts = texts.map(|text| text.replace("{name}", "…").replace('`', ""));
        texts.filter(|text| text != "{head}").collect()
    }
}
