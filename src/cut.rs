//! Cuts texts to a size that is counted as JSON writes them, and shares a size out among several texts.
//! Knows nothing of what they say.

/// How many bytes `c` takes in a JSON string.
#[must_use]
pub fn json_len(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        control if u32::from(control) < 0x20 => 6,
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
    fn a_head_is_as_long_as_there_is_room() {
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
