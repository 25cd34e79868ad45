//! The property `Versions`: which versions of a layer a resource grants on.

use std::num::NonZeroU64;

use serde_json::{Map, Value};

use crate::policy::arn::{LayerVersionArn, version_number};
use crate::policy::version_range::VersionRange;
use crate::resources::property_reader::{PropertyReader, scalar};
use crate::text::shown;

/// The property `Versions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// The grant is for the given version.
    #[default]
    This,
    /// The grant is for the versions of its layer in this range, and for the given one.
    Range(VersionRange),
}

/// `This`, the default, `All`, or an object with `From`, `Newest` or both.
pub(super) fn read_versions(
    reader: &mut PropertyReader<'_>,
    named: Option<&LayerVersionArn>,
) -> Versions {
    let versions = match reader.properties.get("Versions") {
        Some(Value::Object(range)) => Versions::Range(read_range(reader, range, named)),
        _ => match reader.text("Versions").as_deref() {
            None | Some("This") => Versions::This,
            Some("All") => Versions::Range(VersionRange::default()),
            Some(other) => {
                let got = shown(other);
                reader.errors.add(|| format!(
                    "`Versions` is neither `This` nor `All`: got {got}, give one of these, or an object with `From`, `Newest` or both"
                ));
                Versions::This
            }
        },
    };
    if versions != Versions::This && reader.has("RevisionId") {
        reader.errors.add(|| {
            "`RevisionId` goes with one version only: got it with several `Versions`, leave one of the two out".into()
        });
    }
    versions
}

fn read_range(
    reader: &mut PropertyReader<'_>,
    range: &Map<String, Value>,
    named: Option<&LayerVersionArn>,
) -> VersionRange {
    for name in range
        .keys()
        .filter(|name| !["From", "Newest"].contains(&name.as_str()))
    {
        let got = shown(name);
        reader
            .errors
            .add(|| format!("unknown key of `Versions`: got {got}, give `From`, `Newest` or both"));
    }
    if range.is_empty() {
        reader.errors.add(|| {
            "`Versions` is empty: got an object without keys, give `From`, `Newest` or both".into()
        });
    }
    let range = VersionRange {
        from: read_number(reader, range, "From"),
        newest: read_number(reader, range, "Newest"),
    };
    let named = named.map(LayerVersionArn::version);
    if let Some((named, from)) = named
        .zip(range.from)
        .filter(|(named, from)| *named < from.get())
    {
        reader.errors.add(|| format!(
            "`LayerVersionArn` is older than `Versions`: got version {named} and `From: {from}`, name a version from {from} on or lower `From`"
        ));
    }
    range
}

fn read_number(
    reader: &mut PropertyReader<'_>,
    range: &Map<String, Value>,
    name: &str,
) -> Option<NonZeroU64> {
    let text = scalar(range.get(name)?);
    version_number(&text).or_else(|| {
        let got = shown(&text);
        reader.invalid(format!(
            "`{name}` of `Versions` is not a number: got {got}, give a positive whole number"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What a resource that names version 1 has as `Versions`.
    fn read(properties: &Value) -> Result<Versions, String> {
        let named = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer:1"
            .parse()
            .expect("an ARN");
        let mut reader = PropertyReader::new(properties.as_object().expect("an object"));
        let versions = read_versions(&mut reader, Some(&named));
        let errors = reader.errors.to_string();
        if errors.is_empty() {
            Ok(versions)
        } else {
            Err(errors)
        }
    }

    #[test]
    fn versions_are_one_all_or_a_range_of_numbers_or_texts() {
        let range = |from: u64, newest: u64| {
            let (from, newest) = (NonZeroU64::new(from), NonZeroU64::new(newest));
            Versions::Range(VersionRange { from, newest })
        };
        for (properties, versions) in [
            (json!({}), Versions::This),
            (json!({"Versions": "This"}), Versions::This),
            (json!({"Versions": "All"}), range(0, 0)),
            (json!({"Versions": {"From": 1}}), range(1, 0)),
            (json!({"Versions": {"Newest": "5"}}), range(0, 5)),
            (json!({"Versions": {"From": "1", "Newest": 5}}), range(1, 5)),
        ] {
            assert_eq!(read(&properties), Ok(versions), "{properties}");
        }
    }

    #[test]
    fn a_reason_says_what_is_wrong_with_the_versions() {
        for (properties, reason) in [
            (
                json!({"Versions": "all"}),
                "`Versions` is neither `This` nor `All`: got `all`, give one of these, or an object with `From`, `Newest` or both",
            ),
            (
                json!({"Versions": "All", "RevisionId": "r1"}),
                "`RevisionId` goes with one version only: got it with several `Versions`, leave one of the two out",
            ),
            (
                json!({"Versions": {"Newest": "2"}, "RevisionId": "r1"}),
                "`RevisionId` goes with one version only: got it with several `Versions`, leave one of the two out",
            ),
            (
                json!({"Versions": {}}),
                "`Versions` is empty: got an object without keys, give `From`, `Newest` or both",
            ),
            (
                json!({"Versions": {"Oldest": "2", "Newest": "0"}}),
                "unknown key of `Versions`: got `Oldest`, give `From`, `Newest` or both; `Newest` of `Versions` is not a number: \
                 got `0`, give a positive whole number",
            ),
            (
                json!({"Versions": {"From": ["1"]}}),
                "`From` of `Versions` is not a number: got `[\"1\"]`, give a positive whole number",
            ),
            (
                json!({"Versions": {"From": 27}}),
                "`LayerVersionArn` is older than `Versions`: got version 1 and `From: 27`, name a version from 27 on or lower `From`",
            ),
            (
                json!({"Versions": ["All"]}),
                r#"`Versions` is not a single value: got `["All"]`, give one string"#,
            ),
        ] {
            assert_eq!(read(&properties), Err(reason.to_owned()), "{properties}");
        }
    }
}
