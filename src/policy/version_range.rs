//! Which versions of a layer a grant is for. Pure.

use std::num::NonZeroU64;

/// A range of the versions of a layer: those from a number on, the newest ones, or both; the default has all. With a version, it has
/// every later one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VersionRange {
    /// The oldest version that may be in it.
    pub from: Option<NonZeroU64>,
    /// How many there are at most.
    pub newest: Option<NonZeroU64>,
}

impl VersionRange {
    /// The oldest of `versions`, in any order, that is in the range; none where none is.
    #[must_use]
    pub fn oldest_of(&self, versions: impl IntoIterator<Item = NonZeroU64>) -> Option<NonZeroU64> {
        let versions = versions.into_iter();
        let may_be_in = |version: &NonZeroU64| self.from.is_none_or(|from| *version >= from);
        let mut versions: Vec<NonZeroU64> = versions.filter(may_be_in).collect();
        versions.sort_unstable_by(|one, other| other.cmp(one));
        let most = self
            .newest
            .and_then(|most| usize::try_from(most.get()).ok());
        versions.truncate(most.unwrap_or(usize::MAX));
        versions.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::btree_set;
    use proptest::option;
    use proptest::prelude::*;

    fn range(from: Option<u64>, newest: Option<u64>) -> VersionRange {
        let number = |number: Option<u64>| number.and_then(NonZeroU64::new);
        VersionRange {
            from: number(from),
            newest: number(newest),
        }
    }

    fn oldest(range: VersionRange, versions: &[u64]) -> Option<u64> {
        let versions = versions.iter().copied().filter_map(NonZeroU64::new);
        range.oldest_of(versions).map(NonZeroU64::get)
    }

    #[test]
    fn a_range_begins_at_a_version_that_exists() {
        for (name, from, newest, versions, expected) in [
            ("all", None, None, &[3, 1, 2][..], Some(1)),
            ("from one", Some(2), None, &[3, 1, 2], Some(2)),
            ("from a gap", Some(2), None, &[1, 4, 7], Some(4)),
            ("from a later one", Some(8), None, &[1, 4, 7], None),
            ("the newest", None, Some(2), &[1, 4, 7], Some(4)),
            ("more than there are", None, Some(5), &[1, 4, 7], Some(1)),
            ("as many from one", Some(2), Some(2), &[1, 4, 7, 9], Some(7)),
            ("fewer from one", Some(5), Some(9), &[1, 4, 7, 9], Some(7)),
            ("of none", None, Some(1), &[], None),
        ] {
            assert_eq!(oldest(range(from, newest), versions), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn exactly_the_newest_from_a_version_on_are_in_a_range(
            versions in btree_set(1_u64..40, 0..20),
            from in option::of(1_u64..40),
            newest in option::of(1_u64..25),
        ) {
            let numbers: Vec<u64> = versions.iter().copied().collect();
            let begin = oldest(range(from, newest), &numbers);
            for version in &numbers {
                let newer = versions.range(version + 1..).count();
                let expected = from.is_none_or(|from| *version >= from)
                    && newest.is_none_or(|most| newer < usize::try_from(most).unwrap_or(usize::MAX));
                prop_assert_eq!(begin.is_some_and(|begin| *version >= begin), expected, "{}", version);
            }
        }
    }
}
