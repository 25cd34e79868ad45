//! The guardrails of the function, and how the operator changes them between the operations of a scenario.
//! Which principals they deny is written here a second time, independently of the code under test.

use fastrand::Rng;
use serde_json::Value;

use crate::desired_state::DesiredState;
use crate::scenario::Scenario;
use crate::scenario_kind::ScenarioKind;

/// The organizations and accounts that `ALLOWED_PRINCIPALS` may list.
const PRINCIPALS: [&str; 5] = [
    "111122223333",
    "444455556666",
    "777788889999",
    "o-abcdefghij",
    "o-klmnopqrst",
];

#[derive(Debug, Clone, PartialEq)]
pub struct Guardrails {
    pub allow_public: bool,
    /// Empty where every principal is allowed.
    pub allowed_principals: Vec<&'static str>,
}

impl Guardrails {
    /// Everything is allowed.
    pub fn open() -> Self {
        Self {
            allow_public: true,
            allowed_principals: Vec::new(),
        }
    }

    /// Something is denied.
    pub fn random(rng: &mut Rng) -> Self {
        let number = rng.usize(..=3);
        Self {
            allow_public: number > 0 && rng.u8(..4) == 0,
            allowed_principals: rng.choose_multiple(PRINCIPALS, number),
        }
    }

    pub fn environment_variables(&self) -> [(&'static str, String); 4] {
        [
            ("FUNCTION_NAMES", "*".to_owned()),
            ("ALLOW_UNCONFINED_SERVICES", "true".to_owned()),
            ("ALLOW_PUBLIC", self.allow_public.to_string()),
            ("ALLOWED_PRINCIPALS", self.allowed_principals.join(",")),
        ]
    }

    /// Whether a grant to `principal` is denied: an account, an organization, a role, a service or `*`.
    pub fn deny(&self, principal: &str) -> bool {
        let is_denied_public = principal == "*" && !self.allow_public;
        // A role is allowed with its account.
        let account = principal.split(':').nth(4).unwrap_or(principal);
        let is_allowed =
            self.allowed_principals.is_empty() || self.allowed_principals.contains(&account);
        is_denied_public || !is_allowed
    }

    /// Whether the request of an Add is denied.
    pub fn deny_addition(&self, request: &Value) -> bool {
        let text = |name: &str| request[name].as_str();
        let organization = text("OrganizationId").or_else(|| text("PrincipalOrgID"));
        let principal = organization.or_else(|| text("Principal"));
        principal.is_none_or(|principal| self.deny(principal))
    }
}

impl Scenario<'_> {
    /// At times the operator changes the guardrails, once there are resources.
    pub async fn change_guardrails(&self, rng: &mut Rng, operation: usize) {
        if self.kind == ScenarioKind::GuardrailChanges && operation > 0 && rng.u8(..4) > 0 {
            let guardrails = if rng.u8(..5) == 0 {
                Guardrails::open()
            } else {
                Guardrails::random(rng)
            };
            self.configure(guardrails).await;
        }
    }

    /// The operator configures the function with `guardrails`.
    pub async fn configure(&self, guardrails: Guardrails) {
        if *self.guardrails.lock().unwrap() != guardrails {
            self.note(&format!("the function is configured: {guardrails:?}"));
            self.env.configure(&guardrails).await;
            *self.guardrails.lock().unwrap() = guardrails;
        }
    }

    /// Whether the guardrails deny a principal of `desired`.
    pub fn is_denied(&self, desired: &DesiredState) -> bool {
        let guardrails = self.guardrails.lock().unwrap();
        let mut principals = desired.principals.iter();
        principals.any(|principal| guardrails.deny(principal))
    }

    /// Removes the denied principals, as a user does who knows the guardrails.
    pub fn remove_denied_principals(&self, desired: &mut DesiredState) {
        let guardrails = self.guardrails.lock().unwrap();
        let allowed = guardrails.allowed_principals.first().copied();
        desired
            .principals
            .retain(|principal| !guardrails.deny(principal));
        if desired.principals.is_empty() {
            let allowed = allowed.unwrap_or("111122223333");
            desired.principals.push(allowed.to_owned());
        }
    }
}
