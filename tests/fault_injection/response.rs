//! The response of the provider, as CloudFormation reads it.

use std::time::Instant;

use serde_json::Value;

#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    pub is_failed: bool,
    pub physical_id: String,
    pub reason: String,
    /// The return value `StatementId`.
    pub statement_id: Option<String>,
}

/// A response that was sent, at the end of its delivery.
pub struct SentResponse {
    pub at: Instant,
    pub response: Response,
    /// Whether it reached the bucket.
    pub is_stored: bool,
}

impl Response {
    pub fn parse(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap();
        Self {
            is_failed: body["Status"] == "FAILED",
            physical_id: body["PhysicalResourceId"].as_str().unwrap().to_owned(),
            reason: body["Reason"].as_str().unwrap_or_default().to_owned(),
            statement_id: body["Data"]["StatementId"].as_str().map(str::to_owned),
        }
    }

    /// Whether it says that Lambda denied reading the policy, so that a Delete cannot read it either.
    pub fn is_read_denied(&self) -> bool {
        let reason = self.reason.as_str();
        let reason = reason
            .strip_prefix("timed out while retrying: ")
            .unwrap_or(reason);
        let is_permanent = ["access denied", "rejected by Lambda"]
            .iter()
            .any(|kind| reason.starts_with(kind));
        let names = |action| reason.contains(&format!("from `lambda:{action}`"));
        is_permanent
            && ["GetLayerVersionPolicy", "GetPolicy", "ListLayerVersions"]
                .into_iter()
                .any(names)
    }
}
