//! Everything that is downloaded is pinned by its content: packages by SHA-256, actions by commit.
//! Downloads nothing.

use std::collections::BTreeMap;
use std::path::Path;

use crate::document::read;

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The requirements files in `tools/` with this extension, by the tool that they are for.
fn requirements(extension: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools");
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let tool = name
            .strip_prefix("requirements-")
            .and_then(|rest| rest.strip_suffix(extension));
        if let Some(tool) = tool {
            files.insert(tool.to_owned(), read(&path));
        }
    }
    files
}

/// What each package is pinned to, and the hashes of its files.
fn pins(requirements: &str) -> BTreeMap<String, (String, Vec<String>)> {
    let mut pins = BTreeMap::new();
    let logical = requirements.replace("\\\n", " ");
    for line in logical
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let mut words = line.split_whitespace();
        let (name, version) = words.next().unwrap().split_once("==").expect(line);
        let hashes = words
            .filter_map(|word| word.strip_prefix("--hash="))
            .map(str::to_owned);
        let name = name.to_lowercase().replace('_', "-");
        let twice = pins.insert(name, (version.to_owned(), hashes.collect()));
        assert_eq!(twice, None, "{line}");
    }
    pins
}

#[test]
fn every_python_package_is_pinned_by_version_and_sha_256() {
    let (direct, locked) = (requirements(".in"), requirements(".txt"));
    assert!(direct.keys().eq(locked.keys()), "{:?}", locked.keys());
    assert!(locked.contains_key("package"));
    for (tool, text) in &locked {
        let pins = pins(text);
        assert!(!pins.is_empty(), "{tool}");
        for (package, (version, hashes)) in &pins {
            assert!(!version.is_empty() && !hashes.is_empty(), "{package}");
            for hash in hashes {
                let digits = hash.strip_prefix("sha256:").expect(package);
                assert!(is_hex(digits, 64), "{package}: {hash}");
            }
        }
        // `make lock-tools` was run after the last change of a version.
        for (package, (version, _)) in self::pins(&direct[tool]) {
            assert_eq!(
                pins.get(&package).map(|(version, _)| version),
                Some(&version)
            );
        }
    }
}

#[test]
fn pip_installs_nothing_without_a_known_sha_256() {
    let installing = |line: &&str| line.contains("/bin/pip ") && line.contains(" install ");
    let makefile = read("Makefile");
    let installs: Vec<&str> = makefile.lines().filter(installing).collect();
    assert_eq!(installs.len(), 1);
    let emulator = read("tools/extract_runtime_emulator.py");
    let downloads = emulator
        .lines()
        .filter(|line| line.contains("\"download\""));
    let downloads: Vec<&str> = downloads.collect();
    assert_eq!(downloads.len(), 1);
    for command in installs.iter().chain(&downloads) {
        assert!(command.contains("--require-hashes"), "{command}");
        assert!(command.contains("--only-binary"), "{command}");
    }
}

#[test]
fn every_github_action_is_pinned_by_commit_and_names_its_tag() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows");
    let mut actions = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let workflow = read(entry.unwrap().path());
        for line in workflow.lines() {
            let Some(action) = line.trim().trim_start_matches("- ").strip_prefix("uses: ") else {
                continue;
            };
            if action.starts_with("./") {
                continue;
            }
            let (commit, tag) = action
                .split_once('@')
                .and_then(|(_, version)| version.split_once(" # v"))
                .expect(action);
            assert!(is_hex(commit, 40), "{action}");
            assert!(tag.starts_with(|first: char| first.is_ascii_digit()));
            actions += 1;
        }
    }
    assert!(actions >= 4, "{actions}");
}

#[test]
fn the_public_check_fails_without_the_advisory_database() {
    let workflow = read(".github/workflows/check.yml");
    assert!(workflow.contains("      REQUIRE_ADVISORIES: '1'\n"));
    assert!(read("tools/audit_deps.sh").contains("${REQUIRE_ADVISORIES:-}"));
    // The check on a machine of a contributor does not require it.
    assert!(!read(".ci/run").contains("ADVISORIES"));
    assert!(!read("Makefile").contains("REQUIRE_ADVISORIES"));
    assert!(read("deny.toml").contains("[advisories]\nyanked = \"deny\"\n"));
}

#[test]
fn every_npm_package_is_installed_from_its_lock_file() {
    let makefile = read("Makefile");
    let commands = makefile.lines().filter(|line| line.contains("npm "));
    let commands: Vec<&str> = commands.collect();
    assert!(!commands.is_empty());
    for command in commands {
        assert!(command.contains("npm ci ") && command.contains("--ignore-scripts"));
    }
    let lock = read("benches/peers/node/package-lock.json");
    let packages = lock.matches("\"node_modules/").count();
    assert_eq!(lock.matches("\"integrity\": \"sha512-").count(), packages);
}
