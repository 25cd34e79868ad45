//! What the operator lets an executable grant.
//! Refuses to know when that changes. Whom it refuses is written out here a second time.

use fastrand::Rng;
use serde_json::Value;

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
