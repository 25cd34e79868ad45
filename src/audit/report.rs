//! What an audit has found, and its form for programs.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::access::Access;
use super::finding::{Finding, FindingKind};
use super::owner::{Owner, Owners};
use crate::policy::arn::AccountId;
use crate::policy::target::PolicyTarget;

/// The version of the form for programs. It grows when a member is removed or gets another meaning, not when one is added.
const FORMAT_VERSION: u32 = 1;

/// What was found in the account.
#[derive(Clone, Debug)]
pub struct Report {
    /// The account.
    pub account: AccountId,
    /// The regions that were looked at.
    pub regions: Vec<String>,
    /// How much was looked at.
    pub counted: Counted,
    /// The policies with statements.
    pub policies: Vec<AuditedPolicy>,
    /// What somebody should look at, the most urgent first, with what is accepted.
    pub findings: Vec<Finding>,
    /// How many of the accepted findings are none any more.
    pub outdated: usize,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Stacks that are not deleted.
    pub stacks: usize,
    /// Layers.
    pub layers: usize,
    /// Versions of layers.
    pub layer_versions: usize,
    /// Functions.
    pub functions: usize,
    /// Policies that functions, their versions and their aliases may have.
    pub function_policies: usize,
}

/// The policy of a layer version or a function.
#[derive(Clone, Debug)]
pub struct AuditedPolicy {
    /// Whose it is.
    pub target: PolicyTarget,
    /// Its statements.
    pub statements: Vec<AuditedStatement>,
}

/// A statement of a policy.
#[derive(Clone, Debug)]
pub struct AuditedStatement {
    /// What it grants.
    pub access: Access,
    /// The resource that has it, or had it.
    pub owner: Option<Owner>,
}

impl Counted {
    pub(super) fn add(&mut self, targets: &[PolicyTarget]) {
        let (mut layers, mut functions) = (BTreeSet::new(), BTreeSet::new());
        for target in targets {
            match target {
                PolicyTarget::LayerVersion(version) => {
                    self.layer_versions += 1;
                    layers.insert(version.layer());
                }
                PolicyTarget::Function(function) => {
                    self.function_policies += 1;
                    functions.insert((function.location(), function.name()));
                }
            }
        }
        self.layers += layers.len();
        self.functions += functions.len();
    }
}

impl Report {
    /// The findings of a kind that are not accepted.
    pub fn new_findings(&self, kind: FindingKind) -> impl Iterator<Item = &Finding> {
        let findings = self.findings.iter();
        findings.filter(move |finding| finding.kind == kind && finding.accepted.is_none())
    }

    /// How many statements there are.
    #[must_use]
    pub fn statements(&self) -> usize {
        let policies = self.policies.iter();
        policies.map(|policy| policy.statements.len()).sum()
    }

    /// The report for a program.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let kinds = FindingKind::ALL.iter().map(|kind| {
            let all = self.findings.iter().filter(|finding| finding.kind == *kind);
            let (all, new) = (all.count(), self.new_findings(*kind).count());
            let counts = json!({"new": new, "accepted": all - new});
            (kind.name().to_owned(), counts)
        });
        let counts: Map<String, Value> = kinds.collect();
        let policies: Vec<Value> = self.policies.iter().map(AuditedPolicy::to_json).collect();
        let findings: Vec<Value> = self.findings.iter().map(Finding::to_json).collect();
        let Counted {
            stacks,
            layers,
            layer_versions,
            functions,
            function_policies,
        } = self.counted;
        json!({
            "format_version": FORMAT_VERSION,
            "account": self.account.to_string(),
            "regions": self.regions,
            "looked_at": {
                "stacks": stacks,
                "layers": layers,
                "layer_versions": layer_versions,
                "functions": functions,
                "function_policies": function_policies,
                "statements": self.statements(),
            },
            "counts": counts,
            "outdated_in_baseline": self.outdated,
            "findings": findings,
            "policies": policies,
        })
    }
}

impl AuditedPolicy {
    pub(super) fn set_owners(&mut self, owners: &Owners) {
        for statement in &mut self.statements {
            statement.owner = owners.of(&self.target, &statement.access).cloned();
        }
    }

    fn to_json(&self) -> Value {
        let statement = |statement: &AuditedStatement| {
            let access = &statement.access;
            let principal = access
                .parsed
                .as_ref()
                .map(|parsed| parsed.principal.to_string());
            json!({
                "statement_id": access.statement_id,
                "principal": principal,
                "public": access.is_public,
                "owner": statement.owner.as_ref().map(Owner::to_json),
                "statement": access.statement,
            })
        };
        let statements: Vec<Value> = self.statements.iter().map(statement).collect();
        json!({"resource": self.target.to_string(), "statements": statements})
    }
}

impl Finding {
    fn to_json(&self) -> Value {
        json!({
            "finding": self.kind.name(),
            "resource": self.target.to_string(),
            "statement_id": self.statement_id,
            "owner": self.owner.as_ref().map(Owner::to_json),
            "detail": self.detail,
            "remedy": self.remedy(),
            "fingerprint": self.fingerprint,
            "accepted": self.accepted,
        })
    }
}

impl Owner {
    fn to_json(&self) -> Value {
        let resource = &self.resource;
        json!({
            "stack_id": resource.stack_id,
            "logical_id": resource.logical_id,
            "type": resource.resource_type,
            "physical_id": resource.physical_id,
            "status": resource.status,
        })
    }
}
