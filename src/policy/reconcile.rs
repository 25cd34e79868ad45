//! Makes an intent true in every policy that it is about, and takes it back if it has to be.
//! Knows nothing of the event behind it and of the answer.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::warn;

use super::course::Course;
use super::document::Policy;
use super::doors::Doors;
use super::journal::Journal;
use super::settle::{Unreconciled, Work};
use super::versions::AT_A_TIME;
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

/// What `Fn::GetAtt` returns of the policy, by name.
pub type Attributes = Vec<(&'static str, String)>;

/// Makes `intent` true, notes each write in `journal`, and in `course` how it goes. What may pass (throttling, conflicts, outages) is waited out
/// without limit: the caller stops the work. Of many versions, none is begun after `end`.
///
/// # Errors
/// What cannot pass, or that there was no time for all versions.
pub async fn reconcile(
    doors: &Doors,
    intent: &Intent,
    journal: &Journal,
    course: &Course,
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
        course,
    };
    let watched_until = (Instant::now() + OVERTAKEN_PATIENCE).min(end);
    let policy = loop {
        let policy = match &goals.scope {
            Scope::This(layer_version) => Some(work.settle(layer_version, &goals.each).await?),
            Scope::All(layer) => {
                let versions = work.versions(layer, goals.named.as_ref()).await?;
                work.settle_each(goals, versions, end).await?
            }
        };
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
        clear(doors, leftovers, course, end).await?;
    }
    Ok(policy.map_or_else(Attributes::new, |policy| attributes_of(goals, &policy)))
}

/// Clears away what may have been left, if it can be reached soon: what is wanted is true already, and stays so. Its writes
/// are in no journal, for they are never taken back.
async fn clear(
    doors: &Doors,
    leftovers: &Goals,
    course: &Course,
    end: Instant,
) -> Result<(), Unreconciled> {
    let work = Work {
        doors,
        role: leftovers.role.as_ref(),
        purpose: Purpose::Revoke,
        journal: &Journal::default(),
        course,
    };
    let soon = (Instant::now() + LEFTOVER_PATIENCE).min(end);
    let cleared = match &leftovers.scope {
        Scope::This(layer_version) => {
            let settling = work.settle(layer_version, &leftovers.each);
            timeout_at(soon, settling)
                .await
                .map(|settled| settled.map(drop))
        }
        Scope::All(layer) => match timeout_at(soon, work.versions(layer, None)).await {
            Ok(Ok(versions)) => {
                let settled = work.settle_each(leftovers, versions, end).await;
                Ok(settled.map(drop))
            }
            Ok(Err(error)) => Ok(Err(error)),
            Err(elapsed) => Err(elapsed),
        },
    };
    let reason = match cleared {
        Ok(Ok(())) => return Ok(()),
        // It was reached, and there is more of it than time.
        Ok(Err(Unreconciled::OutOfTime)) => return Err(Unreconciled::OutOfTime),
        Ok(Err(error)) => Some(error.to_string()),
        Err(_elapsed) => course.last_failure(),
    };
    warn!(resource = %leftovers.scope, reason, "not cleared");
    Ok(())
}

/// The wanted statements of the named version, of several a list, and its revision, as Lambda has them.
fn attributes_of(goals: &Goals, policy: &Policy) -> Attributes {
    let found = |wanted: &Statement| policy.statement(&wanted.sid).cloned();
    let mut statements: Vec<Value> = goals.each.wanted.iter().filter_map(found).collect();
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
    let (undoing, course) = (Journal::default(), Course::default());
    let work = Work {
        doors,
        role: intent.goals.as_ref().and_then(|goals| goals.role.as_ref()),
        purpose: Purpose::Revoke,
        journal: &undoing,
        course: &course,
    };
    loop {
        let undone = stream::iter(journal.reversal())
            .map(async |(layer_version, goal)| work.settle(&layer_version, &goal).await.err())
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
