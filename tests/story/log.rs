//! Holds each line of the log to what the README says of it.
//! Refuses to know which lines an event has.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde_json::Value;

use crate::events::event;
use crate::stage::Stage;

/// The fields of each message, by the table in the README.
static FIELDS: LazyLock<HashMap<&str, HashSet<&str>>> = LazyLock::new(|| {
    let readme = include_str!("../../README.md");
    let table = readme.split("| `message` |").nth(1).unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let names = |cell: &'static str| cell.split('`').skip(1).step_by(2);
    rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").collect();
        (names(cells[0]).next().unwrap(), names(cells[2]).collect())
    })
    .collect()
});

/// Panics where a line is not as the README says.
pub fn check(line: &Value) {
    let line = line.as_object().unwrap();
    if let Some(metrics) = line.get("_aws") {
        let metrics = &metrics["CloudWatchMetrics"][0];
        let names = metrics["Metrics"].as_array().unwrap();
        for name in names.iter().map(|metric| metric["Name"].as_str().unwrap()) {
            assert!(line[name].is_u64(), "{line:?}");
        }
        let dimension = metrics["Dimensions"][0][0].as_str().unwrap();
        assert!(line[dimension].is_string(), "{line:?}");
        return;
    }
    let message = line["message"].as_str().unwrap();
    let fields = FIELDS
        .get(message)
        .unwrap_or_else(|| panic!("the README does not name this line: {line:?}"));
    for (name, value) in line {
        let known = ["timestamp", "level", "message"].contains(&name.as_str())
            || fields.contains(name.as_str());
        assert!(known, "the README does not name `{name}`: {line:?}");
        assert!(value.is_string() || value.is_u64(), "{line:?}");
    }
}

#[tokio::test]
async fn a_create_is_logged_step_by_step() {
    let mut stage = Stage::start().await;
    stage.play(&event("create-account")).await.succeeded();
    let lines = stage.end();
    let messages: Vec<&str> = lines
        .iter()
        .map(|line| line["message"].as_str().unwrap_or("metrics"))
        .collect();
    let expected = [
        "received",
        "called",
        "planned",
        "called",
        "called",
        "planned",
        "answering",
        "answered",
        "metrics",
    ];
    assert_eq!(messages, expected);
    for line in lines.iter().take(7) {
        let message = line["message"].as_str().unwrap();
        let present = line.as_object().unwrap().len() - 3;
        let optional = usize::from(message == "received");
        assert_eq!(present + optional, FIELDS[message].len(), "{line}");
    }
}

#[tokio::test]
async fn what_an_event_came_to_is_counted() {
    let mut stage = Stage::start().await;
    let create = event("create-list");
    let id = stage.play(&create).await.succeeded().to_owned();
    stage.play(&create.delete_of(&id)).await.succeeded();
    stage.play(&event("malformed-principal")).await.refused();
    let lines = stage.end();
    let count = |metrics: &Value| {
        ["Grants", "Revokes", "Conflicts", "Failures"].map(|name| metrics[name].as_u64().unwrap())
    };
    let counted: Vec<_> = lines
        .iter()
        .filter(|line| line["_aws"].is_object())
        .map(count)
        .collect();
    assert_eq!(counted, [[3, 0, 0, 0], [0, 3, 0, 0], [0, 0, 0, 1]]);
}
