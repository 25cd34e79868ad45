//! Additions without a revision that overlap: the later one takes effect on the policy as it was when it began, and so loses the
//! statements that were added meanwhile.

use crate::api_call::ApiCall;
use crate::policies::Policies;

/// The unconditional additions, in the order in which they took effect.
#[derive(Default)]
pub struct UnconditionalWrites {
    writes: Vec<Write>,
}

struct Write {
    arn: String,
    sid: String,
    is_complete: bool,
}

impl UnconditionalWrites {
    /// A point in time: how many additions have taken effect so far.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.writes.len()
    }

    /// Deletes what `call`, which began at `mark`, overwrites; returns the statement ids.
    pub fn overwrite(&self, policies: &mut Policies, call: &ApiCall, mark: usize) -> Vec<String> {
        // The writes may have been cleared since.
        let since = self.writes.get(mark..).unwrap_or_default();
        let overlap = |write: &&Write| write.arn == call.arn && !write.is_complete;
        let lost: Vec<String> = since
            .iter()
            .filter(overlap)
            .map(|write| write.sid.clone())
            .collect();
        for sid in &lost {
            policies.delete_statement(&call.arn, sid);
        }
        lost
    }

    /// `call` has added its statement.
    pub fn record(&mut self, call: &ApiCall) {
        self.writes.push(Write {
            arn: call.arn.clone(),
            sid: call.sid.clone().unwrap(),
            is_complete: false,
        });
    }

    /// The caller has the response to `call`: its statement is not overwritten any more.
    pub fn complete(&mut self, call: &ApiCall) {
        let written =
            |write: &&mut Write| write.arn == call.arn && Some(&write.sid) == call.sid.as_ref();
        self.writes
            .iter_mut()
            .filter(written)
            .for_each(|write| write.is_complete = true);
    }
}
