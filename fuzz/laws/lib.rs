//! What holds for any input, whoever made it up: the fuzz targets try to break these laws, and `cargo test` holds them for
//! the seeds. A law panics where an input breaks it, and gives nothing for an input that it is not about.

pub mod answers;
pub mod arns;
pub mod events;
pub mod physical_ids;
pub mod places;
pub mod policies;
pub mod properties;
pub mod settings;

/// One law for inputs of one kind.
pub type Law = fn(&[u8]) -> Option<()>;

/// Every law, by the name of its fuzz target and of the folder of its seeds.
#[allow(dead_code, reason = "the fuzz targets take one each")]
pub const LAWS: [(&str, Law); 7] = [
    ("answers", answers::hold),
    ("arns", arns::hold),
    ("events", events::hold),
    ("physical_ids", physical_ids::hold),
    ("policies", policies::hold),
    ("properties", properties::hold),
    ("settings", settings::hold),
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
