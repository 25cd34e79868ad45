//! The configuration of the provider, read once from the environment variables that its template sets.
//! Those that AWS's own tools define are read where they are used: `tls.rs` and `aws/config.rs`.

use tracing::warn;

use crate::cloudformation::response_hosts::ResponseHost;
use crate::guardrails::Guardrails;
use crate::guardrails::functions::{AllowedAction, FunctionGuardrails, FunctionNames};
use crate::guardrails::violation::InvalidGuardrail;
use crate::policy::role::Role;
use crate::policy::target::TargetSet;
use crate::text::shown;

/// The variables.
pub const VARIABLES: [&str; 11] = [
    ALLOW_PUBLIC,
    ALLOW_PUBLIC_URLS,
    ALLOW_UNCONFINED_SERVICES,
    ALLOWED_ACTIONS,
    ALLOWED_PRINCIPALS,
    FUNCTION_NAMES,
    ORGANIZATIONS_EXTERNAL_ID,
    ORGANIZATIONS_ROLE_ARN,
    REFRESH_TARGETS,
    RESPONSE_HOSTS,
    SIMULATE_PANIC,
];

const ALLOW_PUBLIC: &str = "ALLOW_PUBLIC";
const ALLOW_PUBLIC_URLS: &str = "ALLOW_PUBLIC_URLS";
const ALLOW_UNCONFINED_SERVICES: &str = "ALLOW_UNCONFINED_SERVICES";
const ALLOWED_ACTIONS: &str = "ALLOWED_ACTIONS";
const ALLOWED_PRINCIPALS: &str = "ALLOWED_PRINCIPALS";
const FUNCTION_NAMES: &str = "FUNCTION_NAMES";
/// The external id to assume the role with that may list the accounts of the organization.
const ORGANIZATIONS_EXTERNAL_ID: &str = "ORGANIZATIONS_EXTERNAL_ID";
const ORGANIZATIONS_ROLE_ARN: &str = "ORGANIZATIONS_ROLE_ARN";
/// What a refresh of organizational units looks at besides what stacks have.
const REFRESH_TARGETS: &str = "REFRESH_TARGETS";
const RESPONSE_HOSTS: &str = "RESPONSE_HOSTS";
/// Lets all work panic, so that an operator can see the response to a panic.
const SIMULATE_PANIC: &str = "SIMULATE_PANIC";

/// The configuration. Reading it never fails: an invalid value denies every grant until it is corrected.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the operator allows.
    pub guardrails: Guardrails,
    /// The role that may list the accounts of the organization.
    pub organizations_role: Option<Role>,
    /// What a refresh of organizational units looks at besides what stacks have.
    pub refresh_targets: Vec<TargetSet>,
    /// Whether all work panics.
    pub simulate_panic: bool,
}

impl Config {
    /// Reads the configuration from `variable`, which gives the value of an environment variable. An empty one counts as not set,
    /// as a template's parameter leaves it.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Self {
        let simulate_panic = variable(SIMULATE_PANIC).is_some_and(|value| value == "1");
        let mut variables = Variables {
            variable,
            invalid: Vec::new(),
        };
        let allow_public = variables.switch(ALLOW_PUBLIC);
        let functions = variables.function_guardrails();
        let principals = "give account ids of 12 digits, organization ids, ids of organizational units, services, ARNs of IAM or `*`, with commas between";
        let allowed_principals =
            variables.list(ALLOWED_PRINCIPALS, principals, |entry| entry.parse().ok());
        let hosts = "give hosts or DNS suffixes, each perhaps after `http://` and with a port, with commas between";
        let hosts = variables.list(RESPONSE_HOSTS, hosts, ResponseHost::parse);
        let organizations_role = variables.organizations_role();
        let targets = "give ARNs of layers, layer versions or functions, with commas between";
        let refresh_targets = variables.list(REFRESH_TARGETS, targets, |entry| entry.parse().ok());
        // An invalid list must not leave every stack without a response.
        let response_hosts = hosts.unwrap_or_else(|| variables.own_bucket());
        Self {
            guardrails: Guardrails {
                allow_public,
                allowed_principals,
                functions,
                response_hosts,
                invalid: variables.invalid,
            },
            organizations_role,
            refresh_targets: refresh_targets.unwrap_or_default(),
            simulate_panic,
        }
    }

    /// Logs the invalid values.
    pub fn log_invalid(&self) {
        for invalid in &self.guardrails.invalid {
            warn!(reason = %invalid, "guardrail not loaded");
        }
    }
}

/// Reads variables, and collects the invalid values.
struct Variables<F> {
    variable: F,
    invalid: Vec<InvalidGuardrail>,
}

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn set(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn switch(&mut self, variable: &'static str) -> bool {
        let Some(value) = self.set(variable) else {
            return false;
        };
        value.parse().unwrap_or_else(|_| {
            self.invalid.push(InvalidGuardrail {
                variable,
                got: format!("= {}", shown(&value)),
                remedy: "set it to `true` or `false`",
            });
            false
        })
    }

    /// The entries of a comma-separated list; none if it is not set or one of them is invalid.
    fn list<T>(
        &mut self,
        variable: &'static str,
        remedy: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let list = self.set(variable)?;
        let (mut valid, before) = (Vec::new(), self.invalid.len());
        for entry in list.split(',').map(str::trim) {
            match parse(entry) {
                Some(value) => valid.push(value),
                None => self.invalid.push(InvalidGuardrail {
                    variable,
                    got: format!("with {}", shown(entry)),
                    remedy,
                }),
            }
        }
        (self.invalid.len() == before).then_some(valid)
    }

    fn organizations_role(&mut self) -> Option<Role> {
        let arn = self.set(ORGANIZATIONS_ROLE_ARN)?;
        let role = Role::parse(&arn, self.set(ORGANIZATIONS_EXTERNAL_ID));
        role.or_else(|| {
            self.invalid.push(InvalidGuardrail {
                variable: ORGANIZATIONS_ROLE_ARN,
                got: format!("= {}", shown(&arn)),
                remedy: "set it to the ARN of a role",
            });
            None
        })
    }

    fn function_guardrails(&mut self) -> FunctionGuardrails {
        let names = "give one name, or a pattern with `*` and `?`";
        let actions = "give actions as in `lambda:InvokeFunction`, with commas between";
        FunctionGuardrails {
            // A name has no comma.
            served: self
                .list(FUNCTION_NAMES, names, FunctionNames::parse)
                .unwrap_or_default(),
            allow_public_urls: self.switch(ALLOW_PUBLIC_URLS),
            allow_unconfined_services: self.switch(ALLOW_UNCONFINED_SERVICES),
            allowed_actions: self
                .list(ALLOWED_ACTIONS, actions, AllowedAction::parse)
                .unwrap_or_else(AllowedAction::invocations),
        }
    }

    /// CloudFormation's own bucket of the function's region.
    fn own_bucket(&self) -> Vec<ResponseHost> {
        let region =
            (self.variable)("AWS_REGION").or_else(|| (self.variable)("AWS_DEFAULT_REGION"));
        let own_bucket = region.and_then(|region| ResponseHost::for_region(&region));
        own_bucket.into_iter().collect()
    }
}
