//! The property `StatementId`.

use super::principals::Principals;
use super::property_reader::PropertyReader;
use crate::policy::organization::{Grantee, UnitId};
use crate::policy::statement_id::StatementId;
use crate::text::shown;

/// The most characters of the statement id of several statements: what each is for is added to it, an organization id at most.
pub const MAX_LIST_ID_LEN: usize = 100 - 35;

/// The statement id; `list` is what gives the resource several statements, if anything does.
pub(super) fn read_statement_id(
    reader: &mut PropertyReader<'_>,
    list: Option<&str>,
) -> Option<StatementId> {
    let text = reader.text("StatementId")?;
    let got = text.chars().count();
    if let Some(list) = list.filter(|_| got > MAX_LIST_ID_LEN) {
        return reader.invalid(format!(
            "`StatementId` is too long for a list: got {got} characters, give at most {MAX_LIST_ID_LEN} with {list}"
        ));
    }
    text.parse().ok().or_else(|| {
        let got = shown(&text);
        reader.invalid(format!(
            "`StatementId` is not a statement id: got {got}, give 1 to 100 letters, digits, `-` or `_`"
        ))
    })
}

/// Checks that the ids of the statements for the accounts of units are not too long.
pub(super) fn check_units(
    reader: &mut PropertyReader<'_>,
    sid: Option<&StatementId>,
    principals: Option<&Principals>,
    is_url: bool,
) {
    let (Some(sid), Some(Principals::List(grantees))) = (sid, principals) else {
        return;
    };
    let units = grantees.iter().filter_map(|grantee| match grantee {
        Grantee::Unit(unit) => Some(unit),
        Grantee::Principal(_) => None,
    });
    let longest = units.max_by_key(|unit| unit.last_part().len());
    let got = sid.as_ref().len();
    if let Some((unit, max)) = longest.map(|unit| (unit, max_len(unit, is_url)))
        && got > max
    {
        reader.errors.add(|| format!(
            "`StatementId` is too long for a list: got {got} characters, give at most {max} with `{unit}`"
        ));
    }
}

/// The most characters of a statement id with which the ids of the statements for accounts of `unit` begin.
fn max_len(unit: &UnitId, is_url: bool) -> usize {
    let of_url = if is_url { "-invoke".len() } else { 0 };
    100 - "--111122223333".len() - unit.last_part().len() - of_url
}
