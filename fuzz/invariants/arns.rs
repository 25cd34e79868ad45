//! ARNs, account ids and principals: what parses is printed as it was written, and is nothing else besides.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use lambda_permission_provider::partition::Partition;
use lambda_permission_provider::policy::arn::{
    AccountId, LayerArn, LayerVersionArn, ResourceLocation, version_number,
};
use lambda_permission_provider::policy::function_arn::FunctionArn;
use lambda_permission_provider::policy::principal::{
    OrganizationId, Principal, account_before_yaml, account_of_root_arn,
};
use lambda_permission_provider::policy::role::Role;
use lambda_permission_provider::policy::statement_id::StatementId;
use lambda_permission_provider::policy::target::TargetSet;

/// One text.
pub fn check(input: &[u8]) -> Option<()> {
    let text = std::str::from_utf8(input).ok()?;
    let layer: Option<LayerArn> = as_written(text);
    let version: Option<LayerVersionArn> = as_written(text);
    let targets: Option<TargetSet> = as_written(text);
    let function: Option<FunctionArn> = as_written(text);
    let kinds = [layer.is_some(), version.is_some(), function.is_some()];
    let kinds = kinds.into_iter().filter(|is_one| *is_one).count();
    assert!(kinds <= 1, "two things: {text}");
    assert_eq!(targets.is_some(), kinds == 1);
    if let Some(targets) = &targets {
        region(targets.location());
    }
    if let Some(function) = function {
        let unqualified = function.clone().with_qualifier(None);
        assert!(unqualified.is_same_function(&function));
        assert!(text.starts_with(&unqualified.to_string()));
        let again = unqualified.with_qualifier(function.qualifier().cloned());
        assert_eq!(again, function);
    }
    if let Some(version) = &version {
        let again = version.layer().to_string().parse::<LayerArn>();
        assert_eq!(again.as_ref(), Ok(version.layer()));
        assert!((1..=i64::MAX.unsigned_abs()).contains(&version.version()));
    }
    if let Ok(layer) = LayerArn::by_name(
        text,
        "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1",
    ) {
        assert_eq!(layer.name(), text);
        assert_eq!(as_written::<LayerArn>(&layer.to_string()), Some(layer));
    }
    if let Ok(layer) = LayerArn::by_name("my-layer", text) {
        assert_eq!(layer.name(), "my-layer");
    }
    let number = version_number(text).map(|number| number.to_string());
    assert!(number.is_none_or(|number| number == text));
    as_written::<OrganizationId>(text);
    as_written::<StatementId>(text);
    principals(text);
    if let Some(role) = Role::parse(text, None) {
        assert_eq!(role.to_string(), text);
        assert!(text.contains(&format!("::{}:role/", role.account())));
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
    }
    Some(())
}

/// An account has two spellings, everything else has one, and a number that YAML has read leads back to one account id.
fn principals(text: &str) {
    let account: Option<AccountId> = as_written(text);
    let root = account_of_root_arn(text);
    if let Some(root) = &root {
        assert!(text.ends_with(&format!(":iam::{root}:root")), "{text}");
    }
    match text.parse::<Principal>() {
        Ok(Principal::Account(found)) => assert_eq!(Some(found), account.or(root)),
        Ok(principal) => assert_eq!(principal.to_string(), text),
        Err(_) => assert_eq!((account, root), (None, None)),
    }
    if let Some((account, _)) = account_before_yaml(text) {
        let digits = account.to_string();
        let as_octal = u64::from_str_radix(&digits, 8).ok();
        let number = |text: &str| text.parse::<f64>().ok();
        let read = match text.strip_prefix("0o") {
            Some(octal) => u64::from_str_radix(octal, 8)
                .ok()
                .map(|number| number.to_string()),
            None => Some(text.to_owned()),
        };
        let read = read.and_then(|read| number(&read));
        let of_octal = as_octal.and_then(|octal| number(&octal.to_string()));
        assert!(read.is_some(), "{text}");
        assert!(
            read == of_octal || read == number(&digits),
            "{text} of {digits}"
        );
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        assert!(!is_plain || digits.starts_with('0'), "{text} of {digits}");
    }
}

/// A region becomes part of a host name, and says by itself which partition it is of.
fn region(location: &ResourceLocation) {
    let region = location.region();
    assert!(region.len() <= 32, "{region}");
    assert!(region.split('-').count() > 2, "{region}");
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    assert!(region.bytes().all(plain), "{region}");
    assert!(Partition::for_region(region).name.starts_with("aws"));
}

fn as_written<T>(text: &str) -> Option<T>
where
    T: FromStr + Display + Debug,
{
    let parsed: T = text.parse().ok()?;
    assert_eq!(parsed.to_string(), text);
    Some(parsed)
}
