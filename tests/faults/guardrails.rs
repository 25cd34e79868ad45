//! What the operator lets an executable grant, and how that changes in the life of a stack. Whom it refuses is written out here
//! a second time. Refuses to know what is granted.

use fastrand::Rng;
use serde_json::Value;

use crate::play::Play;
use crate::theme::Theme;
use crate::wanted::Wanted;

/// The organizations and accounts that may be listed.
const LISTED: [&str; 5] = [
    "111122223333",
    "444455556666",
    "777788889999",
    "o-abcdefghij",
    "o-klmnopqrst",
];

#[derive(Debug, Clone, PartialEq)]
pub struct Guardrails {
    pub allow_public: bool,
    /// Empty where anybody is allowed.
    pub allowed: Vec<&'static str>,
}

impl Guardrails {
    pub fn open() -> Self {
        Self {
            allow_public: true,
            allowed: Vec::new(),
        }
    }

    /// Anything but open.
    pub fn draw(rng: &mut Rng) -> Self {
        let many = rng.usize(..=3);
        Self {
            allow_public: many > 0 && rng.u8(..4) == 0,
            allowed: rng.choose_multiple(LISTED, many),
        }
    }

    pub fn variables(&self) -> [(&'static str, String); 2] {
        [
            ("ALLOW_PUBLIC", self.allow_public.to_string()),
            ("ALLOWED_PRINCIPALS", self.allowed.join(",")),
        ]
    }

    /// Whether nobody may be granted anything that names `principal`: an account, an organization or `*`.
    pub fn refuses(&self, principal: &str) -> bool {
        let is_public = principal == "*" && !self.allow_public;
        is_public || !(self.allowed.is_empty() || self.allowed.contains(&principal))
    }

    /// The same of the body of an Add.
    pub fn refuses_body(&self, body: &Value) -> bool {
        let text = |name: &str| body[name].as_str();
        let principal = text("OrganizationId").or_else(|| text("Principal"));
        principal.is_none_or(|principal| self.refuses(principal))
    }
}

impl Play<'_> {
    /// At times the operator changes what may be granted, once resources are there.
    pub async fn change_guardrails(&self, rng: &mut Rng, number: usize) {
        if self.theme == Theme::Guardrails && number > 0 && rng.u8(..4) > 0 {
            let guardrails = if rng.u8(..5) == 0 {
                Guardrails::open()
            } else {
                Guardrails::draw(rng)
            };
            self.configure(guardrails).await;
        }
    }

    /// The operator changes the guardrails.
    pub async fn configure(&self, guardrails: Guardrails) {
        if *self.guardrails.lock().unwrap() != guardrails {
            self.note(&format!("the function is configured: {guardrails:?}"));
            self.bench.configure(&guardrails).await;
            *self.guardrails.lock().unwrap() = guardrails;
        }
    }

    /// Whether the guardrails refuse some of `wanted`.
    pub fn refuses(&self, wanted: &Wanted) -> bool {
        let guardrails = self.guardrails.lock().unwrap();
        let mut principals = wanted.principals.iter();
        principals.any(|principal| guardrails.refuses(principal))
    }

    /// As a user who has heard of the guardrails would.
    pub fn leave_out_refused(&self, wanted: &mut Wanted) {
        let guardrails = self.guardrails.lock().unwrap();
        let allowed = guardrails.allowed.first().copied();
        wanted
            .principals
            .retain(|principal| !guardrails.refuses(principal));
        if wanted.principals.is_empty() {
            let allowed = allowed.unwrap_or("111122223333");
            wanted.principals.push(allowed.to_owned());
        }
    }
}
