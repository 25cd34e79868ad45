//! The configuration of the provider, read once from the environment variables that its template sets.
//! Those that AWS's own tools define are read where they are used: `tls.rs` and `aws/config.rs`.

use tracing::warn;

use crate::cloudformation::response_hosts::ResponseHost;
use crate::guardrails::{Guardrails, InvalidGuardrail};
use crate::text::shown;

/// The variables.
pub const VARIABLES: [&str; 4] = [
    ALLOW_PUBLIC,
    ALLOWED_PRINCIPALS,
    RESPONSE_HOSTS,
    SIMULATE_PANIC,
];

const ALLOW_PUBLIC: &str = "ALLOW_PUBLIC";
const ALLOWED_PRINCIPALS: &str = "ALLOWED_PRINCIPALS";
const RESPONSE_HOSTS: &str = "RESPONSE_HOSTS";
/// Lets all work panic, so that an operator can see the response to a panic.
const SIMULATE_PANIC: &str = "SIMULATE_PANIC";

/// The configuration. Reading it never fails: an invalid value denies every grant until it is corrected.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the operator allows.
    pub guardrails: Guardrails,
    /// Whether all work panics.
    pub simulate_panic: bool,
}

impl Config {
    /// Reads the configuration from `variable`, which gives the value of an environment variable. An empty one counts as not set,
    /// as a template's parameter leaves it.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let public = set(ALLOW_PUBLIC).map_or(Ok(false), |value| switch(ALLOW_PUBLIC, &value));
        let principals = set(ALLOWED_PRINCIPALS).map(|list| {
            let remedy =
                "give account ids of 12 digits, organization ids or `*`, with commas between";
            entries(ALLOWED_PRINCIPALS, &list, remedy, |entry| {
                entry.parse().ok()
            })
        });
        let hosts = set(RESPONSE_HOSTS).map(|list| {
            let remedy = "give hosts or DNS suffixes, each perhaps after `http://` and with a port, with commas between";
            entries(RESPONSE_HOSTS, &list, remedy, ResponseHost::parse)
        });
        let (principals, hosts) = (principals.transpose(), hosts.transpose());
        let own_bucket = || {
            let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
            let own_bucket = region.and_then(|region| ResponseHost::for_region(&region));
            own_bucket.into_iter().collect()
        };
        let invalid = [
            public.as_ref().err(),
            principals.as_ref().err(),
            hosts.as_ref().err(),
        ];
        let invalid = invalid.into_iter().flatten().flatten().cloned().collect();
        Self {
            guardrails: Guardrails {
                allow_public: public.unwrap_or_default(),
                allowed_principals: principals.unwrap_or_default(),
                // An invalid list must not leave every stack without a response.
                response_hosts: hosts.ok().flatten().unwrap_or_else(own_bucket),
                invalid,
            },
            simulate_panic: variable(SIMULATE_PANIC).is_some_and(|value| value == "1"),
        }
    }

    /// Logs the invalid values.
    pub fn log_invalid(&self) {
        for invalid in &self.guardrails.invalid {
            warn!(reason = %invalid, "guardrail not loaded");
        }
    }
}

fn switch(variable: &'static str, value: &str) -> Result<bool, Vec<InvalidGuardrail>> {
    value.parse().map_err(|_| {
        vec![InvalidGuardrail {
            variable,
            got: format!("= {}", shown(value)),
            remedy: "set it to `true` or `false`",
        }]
    })
}

/// The entries of a comma-separated list, or those that are invalid.
fn entries<T>(
    variable: &'static str,
    list: &str,
    remedy: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, Vec<InvalidGuardrail>> {
    let (mut valid, mut invalid) = (Vec::new(), Vec::new());
    for entry in list.split(',').map(str::trim) {
        match parse(entry) {
            Some(value) => valid.push(value),
            None => invalid.push(InvalidGuardrail {
                variable,
                got: format!("with {}", shown(entry)),
                remedy,
            }),
        }
    }
    if invalid.is_empty() {
        Ok(valid)
    } else {
        Err(invalid)
    }
}
