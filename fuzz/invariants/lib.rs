//! Invariants that hold for any input: the fuzz targets try to break them, and `cargo test` checks them for the seeds. An invariant
//! panics where an input breaks it, and returns nothing for an input that it is not about.

pub mod arns;
pub mod config;
pub mod events;
pub mod function_properties;
pub mod locations;
pub mod physical_ids;
pub mod policies;
pub mod properties;
pub mod responses;

/// The invariants of inputs of one kind.
pub type Invariant = fn(&[u8]) -> Option<()>;

/// Every invariant, by the name of its fuzz target and of the folder of its seeds.
pub const INVARIANTS: [(&str, Invariant); 8] = [
    ("arns", arns::check),
    ("config", config::check),
    ("events", events::check),
    ("function_properties", function_properties::check),
    ("physical_ids", physical_ids::check),
    ("policies", policies::check),
    ("properties", properties::check),
    ("responses", responses::check),
];

/// A reason is one line, whatever it quotes, and nothing in it is invisible.
fn assert_one_line(reason: &str) {
    assert!(!reason.is_empty(), "an empty reason");
    let is_format = |c: char| {
        matches!(
            c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0001}'..='\u{e007f}'
        )
    };
    let hidden = reason.chars().find(|c| c.is_control() || is_format(*c));
    assert_eq!(hidden, None, "not visible: {reason:?}");
}
