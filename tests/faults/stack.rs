//! Plays CloudFormation's part in the life of a stack: creates, updates, replaces, rolls back, cleans up and deletes.
//! Refuses to judge policies; that an operation ends as its rules demand is checked here.

use std::time::Duration;

use crate::guardrails::Guardrails;
use crate::play::{Play, Unpromised};
use crate::request::{Request, Told};
use crate::theme::Theme;
use crate::trouble::Mood;
use crate::wanted::Wanted;

/// A resource that CloudFormation takes for created.
#[derive(Debug, Clone)]
pub struct Known {
    pub id: String,
    pub wanted: Wanted,
}

/// One resource of the template.
pub struct Resource {
    pub logical: &'static str,
    pub known: Option<Known>,
}

/// What one operation came to for one resource.
pub enum Step {
    Nothing,
    Created(Known),
    /// The id and the properties that CloudFormation deletes in its rollback.
    NotCreated(String, Wanted),
    /// Deleted before it was known.
    Overtaken,
    /// Rolled back before it was known how it went.
    GivenUp,
    Updated(Known, Known),
    /// What it was, and what it was to be.
    NotUpdated(Known, Wanted),
    /// To be deleted in the clean-up.
    Removed(Known),
}

/// What another implementation of the resource has answered as its physical id: the name of its log stream.
pub const FOREIGN_ID: &str = "2026/11/21/[$LATEST]0123456789abcdef0123456789abcdef";

/// How often a user tries before all is quiet.
const TRIES: usize = 2;

/// How often in all: this machine may be busy.
pub const MOST_TRIES: usize = 5;

fn mood(attempt: usize) -> Mood {
    if attempt < TRIES {
        Mood::Wild
    } else {
        Mood::Quiet
    }
}

impl Play<'_> {
    /// The first attempt at times meets only what passes, which then has to be waited out.
    pub fn mood(&self, attempt: usize, label: &str) -> Mood {
        let is_theme = [Theme::Unreadable, Theme::Signatures].contains(&self.theme);
        let often = if is_theme { 4 } else { 1 };
        let passing = attempt == 0 && self.dice(&format!("passing {label}")).u8(..6) < often;
        if passing {
            Mood::Passing
        } else {
            mood(attempt)
        }
    }

    /// Brings `resource` to `target`, as far as it goes at the first attempt.
    pub async fn step(
        &self,
        lane: usize,
        resource: &Resource,
        target: Option<&Wanted>,
        label: &str,
        alone: bool,
    ) -> Result<Step, Unpromised> {
        match (&resource.known, target) {
            (None, None) => Ok(Step::Nothing),
            (Some(known), None) => Ok(Step::Removed(known.clone())),
            (None, Some(target)) => {
                let logical = resource.logical;
                if alone && self.dice(&format!("late {label}")).u8(..16) == 0 {
                    return self.created_after_delete(logical, target, label).await;
                }
                if alone
                    && !self.refuses(target)
                    && self.is_given_up(label, Theme::DeleteBesideCreate)
                {
                    return self.deleted_beside_create(logical, target, label).await;
                }
                self.create(lane, logical, target, label, alone).await
            }
            (Some(known), Some(target)) if known.wanted == *target => Ok(Step::Nothing),
            (Some(known), Some(target)) => {
                if alone
                    && !self.refuses(&known.wanted)
                    && known.id != FOREIGN_ID
                    && self.is_given_up(label, Theme::RollbackBesideUpdate)
                {
                    let logical = resource.logical;
                    return self
                        .rolled_back_beside_update(logical, known, target, label)
                        .await;
                }
                self.update(lane, resource.logical, known, target, label, alone)
                    .await
            }
        }
    }

    /// How long CloudFormation waits for this one: at times not as long as the function may take.
    pub fn impatient<'a>(&self, mut request: Request<'a>) -> Request<'a> {
        let mut rng = self.dice(&format!("patience {}", request.label));
        match rng.u8(..16) {
            0 => request.waits = Duration::from_secs(3),
            1 if request.kind == "Update" => request.ago = request.waits + Duration::from_secs(9),
            _ => {}
        }
        request
    }

    async fn update(
        &self,
        lane: usize,
        logical: &str,
        known: &Known,
        wanted: &Wanted,
        label: &str,
        alone: bool,
    ) -> Result<Step, Unpromised> {
        let wanted = &self.perhaps_misplaced(wanted, label);
        let request = self.impatient(Request {
            lane,
            id: Some(&known.id),
            old: Some(&known.wanted),
            may_be_twin: alone,
            ..Request::new("Update", logical, wanted, format!("{label}-update"))
        });
        let (known, wanted) = (known.clone(), wanted.clone());
        Ok(match self.serve(&request).await? {
            Some(Told { failed, id, .. }) if !failed => Step::Updated(known, Known { id, wanted }),
            _ => Step::NotUpdated(known, wanted),
        })
    }

    /// Deletes until it is a success, as a user would.
    pub async fn delete(
        &self,
        lane: usize,
        logical: &str,
        id: &str,
        wanted: &Wanted,
        label: &str,
    ) -> Result<(), Unpromised> {
        for attempt in 0..MOST_TRIES {
            let label = format!("{label}-delete-{}-{attempt}", id.replace(['#', ':'], "-"));
            let request = Request {
                lane,
                id: Some(id),
                mood: self.mood(attempt, &label),
                ..Request::new("Delete", logical, wanted, label.clone())
            };
            let succeeded = self.serve(&request).await?.is_some_and(|told| !told.failed);
            let must = request.mood == Mood::Passing;
            self.must(succeeded || !must, &request, "failed for what passes");
            if succeeded {
                // Of one that overtakes a Create that is running, its last look tells more.
                if lane == 0 || !id.starts_with("invented") {
                    self.must_be_gone(logical, id, wanted, &label);
                }
                return Ok(());
            }
        }
        self.broken(&format!(
            "{label}: the Delete of {id} fails though nothing is wrong"
        ));
        Ok(())
    }

    /// Goes back to `before`, which the resource is to be again: until it is a success. Gives what it is known by then.
    pub async fn restore(
        &self,
        lane: usize,
        logical: &str,
        now: &Known,
        before: &Known,
        label: &str,
    ) -> Result<String, Unpromised> {
        for attempt in 0..MOST_TRIES {
            if attempt >= TRIES {
                self.clear_the_way();
                self.configure(Guardrails::open()).await;
            }
            let request = Request {
                lane,
                id: Some(&now.id),
                old: Some(&now.wanted),
                mood: mood(attempt),
                ..Request::new(
                    "Update",
                    logical,
                    &before.wanted,
                    format!("{label}-back-{attempt}"),
                )
            };
            if let Some(told) = self.serve(&request).await?.filter(|told| !told.failed) {
                if told.id != before.id && before.id != FOREIGN_ID {
                    self.broken(&format!(
                        "{label}: rolled back to {}, not {}",
                        told.id, before.id
                    ));
                }
                return Ok(told.id);
            }
        }
        if before.id == FOREIGN_ID {
            return Err(Unpromised(
                "what another implementation has made is not rolled back",
            ));
        }
        self.broken(&format!(
            "{label}: the rollback fails though nothing is wrong"
        ));
        Ok(before.id.clone())
    }
}
