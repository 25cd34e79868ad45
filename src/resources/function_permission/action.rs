//! The properties `Action`, `FunctionUrlAuthType` and `InvokedViaFunctionUrl`: what a resource allows.

use std::borrow::Cow;

use crate::policy::conditions::{Conditions, FunctionUrlAuthType};
use crate::policy::statement::{INVOKE_FUNCTION, INVOKE_FUNCTION_URL};
use crate::policy::url_statement::UrlStatement;
use crate::resources::property_reader::PropertyReader;
use crate::text::shown;

/// What a resource allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// One action.
    One {
        /// The action.
        action: Cow<'static, str>,
        /// The authorization of the function URL that it is for; with `lambda:InvokeFunctionUrl` only.
        function_url_auth_type: Option<FunctionUrlAuthType>,
        /// Whether it is for requests through the function URL only; with `lambda:InvokeFunction` only.
        via_url_only: bool,
    },
    /// Both actions that a request to a function URL needs.
    FunctionUrl(FunctionUrlAuthType),
}

impl Action {
    /// What stands for it in a derived statement id.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::One { action, .. } => action,
            Self::FunctionUrl(_) => "FunctionUrl",
        }
    }

    pub(super) fn function_url_auth_type(&self) -> Option<FunctionUrlAuthType> {
        match self {
            Self::One {
                function_url_auth_type,
                ..
            } => *function_url_auth_type,
            Self::FunctionUrl(auth_type) => Some(*auth_type),
        }
    }

    pub(super) fn is_via_url_only(&self) -> bool {
        match self {
            Self::One { via_url_only, .. } => *via_url_only,
            Self::FunctionUrl(_) => false,
        }
    }

    /// The action and the conditions of one statement: with `of_url`, which of both it is.
    pub(super) fn of(
        &self,
        of_url: Option<UrlStatement>,
        conditions: Conditions,
    ) -> (Cow<'static, str>, Conditions) {
        let (action, function_url_auth_type, invoked_via_function_url) = match (self, of_url) {
            (Self::FunctionUrl(auth_type), Some(UrlStatement::Url)) => {
                (Cow::Borrowed(INVOKE_FUNCTION_URL), Some(*auth_type), false)
            }
            (Self::FunctionUrl(_), _) => (Cow::Borrowed(INVOKE_FUNCTION), None, true),
            (
                Self::One {
                    action,
                    function_url_auth_type,
                    via_url_only,
                },
                _,
            ) => (action.clone(), *function_url_auth_type, *via_url_only),
        };
        let conditions = Conditions {
            function_url_auth_type,
            invoked_via_function_url,
            ..conditions
        };
        (action, conditions)
    }
}

/// The action, in which the properties for a function URL fit to each other.
pub(super) fn read_action(reader: &mut PropertyReader<'_>) -> Option<Action> {
    let action = reader.text("Action").map(|text| parse(reader, &text));
    let auth_type = read_auth_type(reader);
    let via_url = read_via_url(reader);
    let action = match action {
        Some(action) => Some(action?),
        None if reader.has("Action") => return None,
        None => None,
    };
    if reader.has("FunctionUrlAuthType") && action.is_none() {
        if via_url == Some(false) {
            return reader.invalid(
                "`InvokedViaFunctionUrl` is not `true` for a function URL: got `false` without `Action`, leave it out, or give \
                 `Action`"
                    .into(),
            );
        }
        return auth_type.map(Action::FunctionUrl);
    }
    let action = action.unwrap_or(Cow::Borrowed(INVOKE_FUNCTION));
    let both = "leave `Action` out to get both statements that a function URL needs";
    if reader.has("FunctionUrlAuthType") && action != INVOKE_FUNCTION_URL {
        return reader.invalid(format!(
            "`FunctionUrlAuthType` goes with `lambda:InvokeFunctionUrl` only: got it with `{action}`, {both}"
        ));
    }
    if via_url == Some(true) && action != INVOKE_FUNCTION {
        return reader.invalid(format!(
            "`InvokedViaFunctionUrl` goes with `lambda:InvokeFunction` only: got it with `{action}`, {both}"
        ));
    }
    Some(Action::One {
        action,
        function_url_auth_type: auth_type,
        via_url_only: via_url.unwrap_or_default(),
    })
}

/// An action of Lambda; the two that invoke are spelled as Lambda spells them, whatever their case.
fn parse(reader: &mut PropertyReader<'_>, text: &str) -> Option<Cow<'static, str>> {
    let known = [INVOKE_FUNCTION, INVOKE_FUNCTION_URL];
    if let Some(known) = known
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(text))
    {
        return Some(Cow::Borrowed(known));
    }
    let is_name = |name: &str| {
        name == "*"
            || (1..=256).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    if text == "*" || text.strip_prefix("lambda:").is_some_and(is_name) {
        return Some(Cow::Owned(text.to_owned()));
    }
    let got = shown(text);
    reader.invalid(format!(
        "`Action` is not one of Lambda: got {got}, give `{INVOKE_FUNCTION}`, or leave it out"
    ))
}

fn read_auth_type(reader: &mut PropertyReader<'_>) -> Option<FunctionUrlAuthType> {
    let text = reader.text("FunctionUrlAuthType")?;
    text.parse().ok().or_else(|| {
        let got = shown(&text);
        reader.invalid(format!(
            "`FunctionUrlAuthType` is neither `NONE` nor `AWS_IAM`: got {got}, give the `AuthType` of the function URL"
        ))
    })
}

fn read_via_url(reader: &mut PropertyReader<'_>) -> Option<bool> {
    let text = reader.text("InvokedViaFunctionUrl")?;
    text.parse().ok().or_else(|| {
        let got = shown(&text);
        reader.invalid(format!(
            "`InvokedViaFunctionUrl` is neither `true` nor `false`: got {got}, give one of these or leave it out"
        ))
    })
}
