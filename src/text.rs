//! Text from outside as it is shown in a reason or in the log: on one line, with nothing in it that cannot be seen, and no
//! longer than a person reads.
//! Knows nothing of what the text means.

/// The most characters of a value that is shown.
const MOST_OF_VALUE: usize = 160;

/// The most characters of a message that is shown.
const MOST_OF_MESSAGE: usize = 1000;

/// A value, such as that of a property, in backticks: on one line, and cut after 160 characters.
///
/// What cannot be seen is escaped as in Rust (`\n`, `\u{202e}`), and so is a backtick, which would end the quotation. Letters
/// of all scripts stay as they are.
pub(crate) fn shown(value: &str) -> String {
    format!("`{}`", visible(value, MOST_OF_VALUE, &['`']))
}

/// Running text, such as a message of AWS, escaped like [`shown`] and cut after 1,000 characters. There are no backticks around
/// it, and those in it stay: it may quote something itself.
pub(crate) fn one_line(message: &str) -> String {
    visible(message, MOST_OF_MESSAGE, &[])
}

/// The reported texts of a reason, and the number of the others.
pub(crate) fn joined(reported: &[impl AsRef<str>], separator: &str, more: usize) -> String {
    let reported: Vec<&str> = reported.iter().map(AsRef::as_ref).collect();
    let reported = reported.join(separator);
    match more {
        0 => reported,
        more => format!("{reported}{separator}and {more} more"),
    }
}

/// Text of any length, escaped like [`shown`].
pub(crate) fn escaped(text: String) -> String {
    let is_plain = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if text.bytes().all(is_plain) {
        return text;
    }
    visible(&text, usize::MAX, &[])
}

/// At most `most` characters of `text`, with those of `reserved` escaped too; escapes count as they are written, and none of
/// them is cut in two.
fn visible(text: &str, most: usize, reserved: &[char]) -> String {
    let mut line = String::new();
    let (mut left, mut has_base) = (most, false);
    for c in text.chars() {
        let escaped = if reserved.contains(&c) {
            Some(c.escape_unicode().to_string())
        } else {
            escape_of(c, has_base)
        };
        let length = escaped.as_deref().map_or(1, str::len);
        if length > left {
            line.push('…');
            break;
        }
        left -= length;
        has_base = escaped.is_none() && !c.is_whitespace();
        match escaped {
            Some(escape) => line.push_str(&escape),
            None => line.push(c),
        }
    }
    line
}

/// The escape of a character that is not to be shown as it is. A combining mark may be if it `has_base`, a character to
/// stand on; else it would change how the character before the value looks.
fn escape_of(c: char, has_base: bool) -> Option<String> {
    if c == ' ' || c.is_ascii_graphic() {
        return None;
    }
    if is_ignorable(c) {
        return Some(c.escape_unicode().to_string());
    }
    // The standard library knows what is printable. It takes a combining mark for it only behind another character.
    let base = if has_base { "x" } else { "" };
    let text: String = base.chars().chain([c]).collect();
    let escaped = text.escape_debug().skip(base.len()).collect::<String>();
    (escaped.len() > c.len_utf8()).then_some(escaped)
}

/// Letters, marks and symbols that leave no trace where they stand, though they count as printable.
///
/// Source: [Default_Ignorable_Code_Point](https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point), and the blank
/// pattern of Braille.
fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

/// The most bytes that a byte takes in a JSON string.
pub(crate) const MAX_JSON_LEN: usize = 6;

/// How many bytes `c` takes in a JSON string.
#[must_use]
pub fn json_len(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        control if u32::from(control) < 0x20 => MAX_JSON_LEN,
        other => other.len_utf8(),
    }
}

/// How many bytes `text` takes in a JSON string, without its quotes.
#[must_use]
pub fn json_text_len(text: &str) -> usize {
    text.chars().map(json_len).sum()
}

/// The longest head of `text` that takes at most `most` bytes in a JSON string.
#[must_use]
pub fn head(text: &str, most: usize) -> &str {
    if text.len() * MAX_JSON_LEN <= most {
        return text;
    }
    let mut left = most;
    let end = text.char_indices().find(|(_, c)| {
        let fits = json_len(*c) <= left;
        left = left.saturating_sub(json_len(*c));
        !fits
    });
    end.map_or(text, |(at, _)| text.get(..at).unwrap_or_default())
}

/// The most that each of some texts may take so that all together take at most `total`: only the longest ones are cut, and all
/// of those to the same length.
#[must_use]
pub fn share(lengths: impl IntoIterator<Item = usize>, total: usize) -> usize {
    let mut lengths: Vec<usize> = lengths.into_iter().collect();
    lengths.sort_unstable();
    let (mut left, mut others) = (total, lengths.len());
    for length in lengths {
        if length > left / others.max(1) {
            return left / others.max(1);
        }
        left -= length;
        others -= 1;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_of_any_length_is_escaped_and_plain_text_stays_as_it_is() {
        for (text, expected) in [
            ("plain text ~", "plain text ~"),
            ("a\nb", r"a\nb"),
            ("é", "é"),
            ("a\u{202e}b", r"a\u{202e}b"),
        ] {
            assert_eq!(escaped(text.repeat(400)), expected.repeat(400));
        }
    }

    #[test]
    fn texts_are_joined_with_the_number_of_those_that_are_not_told() {
        assert_eq!(joined(&[""; 0], "; ", 0), "");
        assert_eq!(joined(&["a", "b"], "; ", 0), "a; b");
        assert_eq!(joined(&["a", "b"], ", ", 3), "a, b, and 3 more");
    }

    #[test]
    fn invisible_characters_are_shown_as_escapes() {
        for (case, value, expected) in [
            ("a newline", "a\nb", r"`a\nb`"),
            ("a carriage return", "a\r\nb", r"`a\r\nb`"),
            ("a tab", "a\tb", r"`a\tb`"),
            ("NUL", "a\0b", r"`a\0b`"),
            ("ESC", "\u{1b}[31m", r"`\u{1b}[31m`"),
            ("DEL", "a\u{7f}", r"`a\u{7f}`"),
            ("a C1 control", "a\u{9b}31m", r"`a\u{9b}31m`"),
            ("next line", "a\u{85}b", r"`a\u{85}b`"),
            ("a right-to-left override", "a\u{202e}b", r"`a\u{202e}b`"),
            ("an isolate", "\u{2066}a\u{2069}", r"`\u{2066}a\u{2069}`"),
            ("a right-to-left mark", "a\u{200f}", r"`a\u{200f}`"),
            ("a zero-width space", "a\u{200b}b", r"`a\u{200b}b`"),
            ("a byte order mark", "\u{feff}a", r"`\u{feff}a`"),
            ("a soft hyphen", "a\u{ad}b", r"`a\u{ad}b`"),
            ("a no-break space", "a\u{a0}b", r"`a\u{a0}b`"),
            ("an ideographic space", "a\u{3000}b", r"`a\u{3000}b`"),
            ("a line separator", "a\u{2028}b", r"`a\u{2028}b`"),
            ("a paragraph separator", "a\u{2029}b", r"`a\u{2029}b`"),
            ("a language tag", "a\u{e0001}b", r"`a\u{e0001}b`"),
            ("private use", "a\u{e000}b", r"`a\u{e000}b`"),
            ("no character", "a\u{ffff}b", r"`a\u{ffff}b`"),
            ("a Hangul filler", "a\u{3164}b", r"`a\u{3164}b`"),
            ("a blank of Braille", "a\u{2800}b", r"`a\u{2800}b`"),
            ("a variation selector", "a\u{e0100}", r"`a\u{e0100}`"),
            ("a lone combining mark", "\u{301}a", r"`\u{301}a`"),
            ("one after a space", "a \u{301}", r"`a \u{301}`"),
            ("one after an escape", "\n\u{301}", r"`\n\u{301}`"),
            ("joined emoji", "👩\u{200d}🚀", r"`👩\u{200d}🚀`"),
        ] {
            assert_eq!(shown(value), expected, "{case}");
            assert_eq!(format!("`{}`", one_line(value)), expected, "{case}");
        }
    }

    #[test]
    fn a_backtick_ends_no_quotation_and_stays_in_running_text() {
        assert_eq!(shown("a` or `b"), r"`a\u{60} or \u{60}b`");
        assert_eq!(one_line("set `A`\nor `B`"), r"set `A`\nor `B`");
    }

    #[test]
    fn visible_characters_are_shown_unchanged() {
        for value in [
            "",
            "a b",
            r#"{"a": 'b', "c": "\d"}"#,
            "Zürich",
            "e\u{301}te\u{301}",
            "Ελλάδα",
            "Україна",
            "עברית",
            "العربية",
            "हिन्दी",
            "ภาษาไทย",
            "日本語",
            "한국어",
            "🚀",
            "…",
        ] {
            assert_eq!(shown(value), format!("`{value}`"));
        }
    }

    #[test]
    fn a_long_text_is_cut_and_no_escape_is_cut_in_two() {
        for (value, expected) in [
            ("x".repeat(160), "x".repeat(160)),
            ("x".repeat(161), format!("{}…", "x".repeat(160))),
            ("é".repeat(5000), format!("{}…", "é".repeat(160))),
            ("\u{1b}".repeat(5000), format!("{}…", r"\u{1b}".repeat(26))),
            (
                format!("{}\u{1b}", "x".repeat(155)),
                format!("{}…", "x".repeat(155)),
            ),
        ] {
            assert_eq!(shown(&value), format!("`{expected}`"));
        }
        assert_eq!(one_line(&"x".repeat(1000)), "x".repeat(1000));
        assert_eq!(
            one_line(&"x".repeat(5000)),
            format!("{}…", "x".repeat(1000))
        );
    }

    #[test]
    fn a_head_is_as_long_as_it_fits() {
        for (text, most, expected) in [
            ("", 0, ""),
            ("abc", 3, "abc"),
            ("abc", 2, "ab"),
            ("abc", 0, ""),
            ("é", 1, ""),
            ("aé", 3, "aé"),
            ("a\"b", 2, "a"),
            ("a\"b", 3, "a\""),
            ("\u{1}b", 6, "\u{1}"),
            ("\u{1}b", 5, ""),
        ] {
            assert_eq!(head(text, most), expected, "{text:?} in {most}");
        }
    }

    #[test]
    fn only_the_longest_texts_are_cut() {
        for (lengths, total, expected) in [
            (&[][..], 10, 10),
            (&[3, 4], 10, 10),
            (&[10], 10, 10),
            (&[11], 10, 10),
            (&[2, 100], 10, 8),
            (&[100, 2], 10, 8),
            (&[1, 50, 60], 11, 5),
            (&[5, 5], 9, 4),
            (&[5, 5], 10, 10),
            (&[5, 100], 11, 6),
        ] {
            assert_eq!(
                share(lengths.iter().copied(), total),
                expected,
                "{lengths:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_line_or_its_quotation(text in any::<String>()) {
            let shown = shown(&text);
            let inside = shown.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
            let inside = inside.expect("a quotation");
            prop_assert!(!inside.contains(|c: char| c == '`' || c.is_control() || (c.is_whitespace() && c != ' ')));
            prop_assert!(inside.chars().count() <= MOST_OF_VALUE + 1);
        }

        #[test]
        fn lengths_are_those_of_json(text in "(?s).*") {
            let written = serde_json::to_string(&text).expect("JSON");
            prop_assert_eq!(json_text_len(&text) + 2, written.len());
        }

        #[test]
        fn shares_never_take_more_than_there_is(lengths in proptest::collection::vec(0_usize..100, 0..9), total in 0_usize..300) {
            let most = share(lengths.iter().copied(), total);
            prop_assert!(lengths.iter().map(|length| (*length).min(most)).sum::<usize>() <= total);
        }
    }
}
