//! The property `StatementId`.

use super::property_reader::PropertyReader;
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
