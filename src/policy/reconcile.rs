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
use super::settle::{Unreconciled, Work};
use super::undo_log::UndoLog;
use super::versions::AT_A_TIME;
use crate::permission::goal::Goals;
use crate::permission::intent::{Intent, Purpose};
use crate::permission::scope::Scope;
use crate::permission::statement::Statement;

/// How long after the arrival of an event the one that it overtakes is expected to go on: a Create that is deleted, or an
/// Update that is rolled back.
const OVERTAKEN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the policy of a layer version that a failed Update was about is tried to be reached.
const LEFTOVER_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a statement that may still come is looked for.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What `Fn::GetAtt` returns of the policy, by name.
pub type Attributes = Vec<(&'static str, String)>;

/// When an event came in, and when the work on it has to be over.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// When it came in.
    pub arrival: Instant,
    /// When it has to be over.
    pub end: Instant,
}

/// Makes `intent` true, notes each write in `log`, and in `course` how it goes. What may pass (throttling, conflicts, outages)
/// is waited out without limit: the caller stops the work. Of many versions, none is begun after the end of `period`.
///
/// What an event that is overtaken may still write is looked for until a pass that began ten seconds after the arrival has
/// found nothing.
///
/// # Errors
/// What cannot pass, or that there was no time for all versions.
pub async fn reconcile(
    doors: &Doors,
    intent: &Intent,
    log: &UndoLog,
    course: &Course,
    period: Period,
) -> Result<Attributes, Unreconciled> {
    let Some(goals) = &intent.goals else {
        return Ok(Attributes::new());
    };
    let leftovers_log = UndoLog::default();
    let work = Work {
        doors,
        role: goals.role.as_ref(),
        purpose: intent.purpose,
        denied: &intent.denied,
        log,
        undoes: None,
        course,
    };
    let mut done = None;
    loop {
        let (began, writes) = (Instant::now(), log.begun() + leftovers_log.begun());
        let pass = work.pass(intent, goals, &leftovers_log, period.end).await;
        let (policy, is_cleared) = match (pass, done) {
            // It was true once; there is no time to look at all of it again.
            (Err(Unreconciled::OutOfTime), Some(policy)) => (policy, false),
            (pass, _) => pass?,
        };
        let may_come = match intent.purpose {
            // The whole time, even after a removal: the Create may read back what it wrote, and write it again.
            Purpose::RevokeEarly => true,
            Purpose::Grant => course.awaited().is_some(),
            Purpose::Revoke => false,
        };
        let found_nothing = writes == log.begun() + leftovers_log.begun();
        let is_over = found_nothing && began >= period.arrival + OVERTAKEN_TIMEOUT;
        // The last pass needs some time of its own.
        let has_time = Instant::now() + POLL_INTERVAL * 2 < period.end;
        if !may_come || !is_cleared || is_over || !has_time {
            return Ok(policy.map_or_else(Attributes::new, |policy| attributes_of(goals, &policy)));
        }
        done = Some(policy);
        sleep(POLL_INTERVAL).await;
    }
}

impl Work<'_> {
    /// Makes the policies of an intent as they are to be, once; gives that of the named version, and whether what may have been
    /// left in others could be cleared away.
    async fn pass(
        &self,
        intent: &Intent,
        goals: &Goals,
        leftovers_log: &UndoLog,
        end: Instant,
    ) -> Result<(Option<Policy>, bool), Unreconciled> {
        let policy = self.settle_all(goals, end).await?;
        let is_cleared = match &intent.leftovers {
            Some(leftovers) => self.clear(leftovers, leftovers_log, end).await?,
            None => true,
        };
        Ok((policy, is_cleared))
    }

    /// Makes the policies of `goals` as they are to be; gives that of the named version.
    async fn settle_all(
        &self,
        goals: &Goals,
        end: Instant,
    ) -> Result<Option<Policy>, Unreconciled> {
        match &goals.scope {
            Scope::This(layer_version) => Ok(Some(self.settle(layer_version, &goals.each).await?)),
            Scope::All(layer) => {
                let versions = self.versions(layer, goals.named.as_ref()).await?;
                self.settle_each(goals, versions, end).await
            }
        }
    }

    /// Clears away what may have been left, if it can be reached soon: what is wanted is true already, and stays so. Its
    /// writes stand in a `log` of their own, for they are never rolled back. Gives whether it could be reached.
    async fn clear(
        &self,
        leftovers: &Goals,
        log: &UndoLog,
        end: Instant,
    ) -> Result<bool, Unreconciled> {
        let work = Work {
            role: leftovers.role.as_ref(),
            purpose: Purpose::Revoke,
            log,
            ..*self
        };
        let soon = (Instant::now() + LEFTOVER_TIMEOUT).min(end);
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
            Ok(Ok(())) => return Ok(true),
            // It was reached, and there is more of it than time.
            Ok(Err(Unreconciled::OutOfTime)) => return Err(Unreconciled::OutOfTime),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_elapsed) => self.course.last_failure(),
        };
        warn!(resource = %leftovers.scope, reason, "not cleared");
        Ok(false)
    }
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

/// Rolls back what `log` holds of `intent`; gives what was not restored, each with the reason. A write that had no answer may
/// take effect at any time: its statement is looked for again and again, for ten seconds.
///
/// # Errors
/// What cannot pass.
pub async fn take_back(
    doors: &Doors,
    intent: &Intent,
    log: &UndoLog,
) -> Result<Vec<String>, Unreconciled> {
    let (undoing, course, began) = (UndoLog::default(), Course::default(), Instant::now());
    let work = Work {
        doors,
        role: intent.goals.as_ref().and_then(|goals| goals.role.as_ref()),
        purpose: Purpose::Revoke,
        denied: &intent.denied,
        log: &undoing,
        undoes: Some(log),
        course: &course,
    };
    loop {
        let undone = stream::iter(log.reversal(&intent.denied))
            .map(async |(layer_version, goal)| work.settle(&layer_version, &goal).await.err())
            .buffer_unordered(AT_A_TIME)
            .collect::<Vec<_>>();
        // One policy that cannot be mended keeps none of the others from it.
        let failure = undone.await.into_iter().flatten().next();
        failure.map_or(Ok(()), Err)?;
        let is_over = began.elapsed() >= OVERTAKEN_TIMEOUT;
        if log.is_undone_by(&undoing) {
            return Ok([log.left_out(), undoing.left_out()].concat());
        }
        if is_over {
            return Err(Unreconciled::Unanswered);
        }
        sleep(POLL_INTERVAL).await;
    }
}
