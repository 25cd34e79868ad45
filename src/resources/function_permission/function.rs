//! The properties `FunctionName` and `Qualifier`: whose policy a resource grants in.

use crate::policy::arn::{AccountId, ResourceLocation};
use crate::policy::function_arn::{FunctionArn, ParseFunctionArnError, Qualifier};
use crate::resources::property_reader::PropertyReader;
use crate::text::shown;

/// The form of the ARN of a function.
const FORM: &str = "arn:<partition>:lambda:<region>:<account>:function:<name>";

/// The qualifier of what has no policy of its own.
const LATEST: &str = "$LATEST";

/// The function, or the alias or version of it. One that is given by its bare name is in the account and region of `stack_id`.
pub(super) fn read_function(
    reader: &mut PropertyReader<'_>,
    stack_id: &str,
) -> Option<FunctionArn> {
    if !reader.has("FunctionName") {
        return reader.invalid(format!(
            "no function: got no `FunctionName`, give a name or `{FORM}`"
        ));
    }
    let text = reader.text("FunctionName");
    let given = reader.text("Qualifier");
    let text = text.filter(|_| given.is_some() || !reader.has("Qualifier"))?;
    let parts = split(&text).filter(|(_, qualifier)| qualifier.is_none_or(may_be_qualifier));
    let Some((function, in_name)) = parts else {
        return not_a_function(reader, &text);
    };
    let (location, name) = locate(reader, function, stack_id)?;
    match FunctionArn::new(location, name) {
        Ok(function) => qualify(reader, function, in_name, given),
        Err(ParseFunctionArnError) => not_a_function(reader, &text),
    }
}

/// The function with the qualifier, which `FunctionName` may have, and which may be given as `Qualifier`.
fn qualify(
    reader: &mut PropertyReader<'_>,
    function: FunctionArn,
    in_name: Option<&str>,
    given: Option<String>,
) -> Option<FunctionArn> {
    let qualifier = match (in_name, given) {
        (Some(in_name), Some(given)) if in_name != given => {
            let (one, other) = (shown(in_name), shown(&given));
            return reader.invalid(format!(
                "two qualifiers: got {one} in `FunctionName` and {other} as `Qualifier`, give one"
            ));
        }
        (in_name, given) => given.or(in_name.map(str::to_owned)),
    };
    let Some(qualifier) = qualifier else {
        return Some(function);
    };
    let qualifier = parse_qualifier(reader, &qualifier)?;
    Some(function.with_qualifier(Some(qualifier)))
}

/// Where the function is, and its bare name.
fn locate<'a>(
    reader: &mut PropertyReader<'_>,
    function: Function<'a>,
    stack_id: &str,
) -> Option<(ResourceLocation, &'a str)> {
    let (account, name) = match function {
        Function::At(location, name) => return Some((location, name)),
        Function::Named(account, name) => (account, name),
    };
    let Some(location) = ResourceLocation::of_arn(stack_id) else {
        let got = shown(stack_id);
        return reader.invalid(format!(
            "`FunctionName` has no account and region: got the `StackId` {got}, give the function's ARN as `FunctionName`"
        ));
    };
    let location = match account {
        Some(account) => location.in_account(account),
        None => location,
    };
    Some((location, name))
}

/// How a function is named.
enum Function<'a> {
    /// By its ARN.
    At(ResourceLocation, &'a str),
    /// By its name, and perhaps its account.
    Named(Option<AccountId>, &'a str),
}

/// The function and the qualifier of `<name>`, `<account>:function:<name>` or an ARN, each perhaps with `:<qualifier>`.
fn split(text: &str) -> Option<(Function<'_>, Option<&str>)> {
    // One part more than there may be, and not one for each colon of a text of any length.
    let fields: Vec<&str> = text.splitn(9, ':').collect();
    let (function, qualifier) = match fields[..] {
        [
            "arn",
            partition,
            "lambda",
            region,
            account,
            "function",
            name,
            ref qualifier @ ..,
        ] => {
            let location = ResourceLocation::parse(partition, region, account)?;
            (Function::At(location, name), qualifier)
        }
        [account, "function", name, ref qualifier @ ..] => (
            Function::Named(Some(account.parse().ok()?), name),
            qualifier,
        ),
        [name, ref qualifier @ ..] => (Function::Named(None, name), qualifier),
        [] => return None,
    };
    match *qualifier {
        [] => Some((function, None)),
        [qualifier] => Some((function, Some(qualifier))),
        _ => None,
    }
}

/// Whether what follows a name is meant as a qualifier.
fn may_be_qualifier(text: &str) -> bool {
    text.starts_with(LATEST) || text.parse::<Qualifier>().is_ok()
}

fn parse_qualifier(reader: &mut PropertyReader<'_>, text: &str) -> Option<Qualifier> {
    let got = shown(text);
    if text.starts_with(LATEST) {
        return reader.invalid(format!(
            "`$LATEST` has no policy: got {got}, leave the qualifier out, that is the function's own policy"
        ));
    }
    text.parse().ok().or_else(|| {
        reader.invalid(format!(
            "`Qualifier` is neither an alias nor a version: got {got}, give 1 to 128 letters, digits, `-` or `_`"
        ))
    })
}

fn not_a_function<T>(reader: &mut PropertyReader<'_>, text: &str) -> Option<T> {
    let got = shown(text);
    reader.invalid(format!(
        "`FunctionName` is not one of a function: got {got}, give a name, `<name>:<alias or version>` or an ARN as in \
         `{FORM}`"
    ))
}
