//! Makes an intent true in every policy that it is about, and takes it back if it has to be.
//! Knows nothing of the event behind it and of the answer.

use std::cell::Cell;
use std::future::ready;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::warn;

use super::document::Policy;
use super::doors::Doors;
use super::failure::Kind;
use super::journal::Journal;
use super::lambda::Lambda;
use super::settle::{Unreconciled, Work};
use crate::permission::arn::{LayerArn, LayerVersionArn};
use crate::permission::goal::Goals;
use crate::permission::intent::{Intent, Purpose};
use crate::permission::scope::Scope;
use crate::permission::statement::Statement;

/// How long a Create that a Delete has overtaken is expected to go on.
const OVERTAKEN_PATIENCE: Duration = Duration::from_secs(10);

/// How long the policy of a layer version that a failed Update was about is tried to be reached.
const LEFTOVER_PATIENCE: Duration = Duration::from_secs(5);

/// How often a statement that may still come is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How many versions of a layer are worked on at a time: enough to have a call ready whenever one may begin, also while some
/// calls are slow.
const AT_A_TIME: usize = 8;

/// What `Fn::GetAtt` returns of the policy, by name.
pub type Attributes = Vec<(&'static str, String)>;

/// Makes `intent` true, and notes each write in `journal`. What may pass (throttling, conflicts, outages) is waited out
/// without limit: the caller stops the work at `end`.
///
/// # Errors
/// What cannot pass.
pub async fn reconcile(
    doors: &Doors,
    intent: &Intent,
    journal: &Journal,
    end: Instant,
) -> Result<Attributes, Unreconciled> {
    let Some(goals) = &intent.goals else {
        return Ok(Attributes::new());
    };
    let work = Work {
        doors,
        role: goals.role.as_ref(),
        purpose: intent.purpose,
        journal,
    };
    let watched_until = (Instant::now() + OVERTAKEN_PATIENCE).min(end);
    let policy = loop {
        let policy = work.settle_all(goals).await?;
        match intent.purpose {
            // The whole time, even after a removal: the Create may read back what it wrote, and write it again.
            // The last look needs some time of its own.
            Purpose::RevokeEarly if Instant::now() + LOOK_AGAIN * 2 < watched_until => {
                sleep(LOOK_AGAIN).await;
            }
            Purpose::Grant | Purpose::Revoke | Purpose::RevokeEarly => break policy,
        }
    };
    if let Some(leftovers) = &intent.leftovers {
        clear(doors, leftovers, journal, end).await;
    }
    Ok(attributes_of(goals, &policy))
}

/// Clears away what may have been left, if that is possible: what is wanted is true already, and stays so.
async fn clear(doors: &Doors, leftovers: &Goals, journal: &Journal, end: Instant) {
    let alone = Journal::default();
    let (journal, soon) = match leftovers.scope {
        Scope::This(_) => (&alone, (Instant::now() + LEFTOVER_PATIENCE).min(end)),
        // That takes its time, and tells how far it has come when that is up.
        Scope::All(_) => (journal, end + LEFTOVER_PATIENCE),
    };
    let work = Work {
        doors,
        role: leftovers.role.as_ref(),
        purpose: Purpose::Revoke,
        journal,
    };
    let reason = match timeout_at(soon, work.settle_all(leftovers)).await {
        Ok(Ok(_)) => return,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_elapsed) => journal.last_failure(),
    };
    warn!(resource = %leftovers.scope, reason, "not cleared");
}

/// The wanted statements of the named version, of several a list, and its revision, as Lambda has them.
fn attributes_of(goals: &Goals, policy: &Policy) -> Attributes {
    let found = |wanted: &Statement| policy.statement(&wanted.sid).cloned();
    let mut statements: Vec<Value> = goals.wanted.iter().filter_map(found).collect();
    let statement = match statements.len() {
        0 => return Attributes::new(),
        1 => statements.swap_remove(0),
        _ => Value::Array(statements),
    };
    let revision_id = policy.revision_id.clone().map(|id| ("RevisionId", id));
    let statement = ("Statement", statement.to_string());
    std::iter::once(statement).chain(revision_id).collect()
}

/// Takes back what `journal` holds of `intent`. A write that had no answer may take effect at any time: its statement is
/// looked for again and again, until the caller stops it.
///
/// # Errors
/// What cannot pass.
pub async fn take_back(
    doors: &Doors,
    intent: &Intent,
    journal: &Journal,
) -> Result<(), Unreconciled> {
    let undoing = Journal::default();
    let work = Work {
        doors,
        role: intent.goals.as_ref().and_then(|goals| goals.role.as_ref()),
        purpose: Purpose::Revoke,
        journal: &undoing,
    };
    loop {
        let undone = stream::iter(journal.reversal())
            .map(async |goal| work.settle(&goal).await.err())
            .buffer_unordered(AT_A_TIME)
            .collect::<Vec<_>>();
        // One policy that cannot be mended keeps none of the others from it.
        let failure = undone.await.into_iter().flatten().next();
        failure.map_or(Ok(()), Err)?;
        if journal.is_undone_by(&undoing) {
            return Ok(());
        }
        sleep(LOOK_AGAIN).await;
    }
}

impl Work<'_> {
    /// Settles every policy in the scope of `goals`; gives that of the named version.
    async fn settle_all(&self, goals: &Goals) -> Result<Policy, Unreconciled> {
        let layer = match &goals.scope {
            Scope::This(layer_version) => {
                return self.settle(&goals.at(layer_version.clone())).await;
            }
            Scope::All(layer) => layer,
        };
        let versions = self.versions(layer, goals.named.as_ref()).await?;
        self.journal.expect(versions.len());
        let (mut named, mut failure) = (Policy::default(), None);
        let failed = Cell::new(false);
        let settling = stream::iter(versions)
            .take_while(|_| ready(!failed.get()))
            .map(|version| async { (self.settle(&goals.at(version.clone())).await, version) })
            .buffer_unordered(AT_A_TIME);
        let mut settling = std::pin::pin!(settling);
        while let Some((settled, version)) = settling.next().await {
            let is_named = goals.named.as_ref() == Some(&version);
            match settled {
                Ok(policy) if is_named => named = policy,
                Ok(_) => {}
                // It was deleted since it was listed.
                Err(Unreconciled::Call(gone)) if gone.kind == Kind::NotFound && !is_named => {}
                // The others end what they have begun, so that it is known what there is to take back.
                Err(error) => {
                    failed.set(true);
                    self.journal.close();
                    failure.get_or_insert(error);
                    continue;
                }
            }
            self.journal.settled();
        }
        failure.map_or(Ok(named), Err)
    }

    /// The versions that there are, after the one that is named, which may be too new to be listed. The others begin
    /// anywhere: were it always the same one, a time too short to look at all of them would never get to the last.
    async fn versions(
        &self,
        layer: &LayerArn,
        named: Option<&LayerVersionArn>,
    ) -> Result<Vec<LayerVersionArn>, Unreconciled> {
        let mut others = Vec::new();
        let mut marker = None;
        loop {
            let page = async |lambda: &Lambda| Ok(lambda.versions(layer, marker.clone()).await?);
            let page = self.patiently(page).await?;
            let versions = page.versions.into_iter();
            others.extend(versions.filter(|version| Some(version) != named));
            marker = page.next;
            if marker.is_none() {
                break;
            }
        }
        let first = fastrand::usize(..=others.len());
        others.rotate_left(first);
        Ok(named.cloned().into_iter().chain(others).collect())
    }
}
