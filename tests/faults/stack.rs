//! Plays CloudFormation's part in the life of a stack: creates, updates, replaces, rolls back, cleans up and deletes.
//! Refuses to judge policies; that an operation ends as its rules demand is checked here.

use std::time::{Duration, Instant};

use crate::play::{Play, Unpromised};
use crate::request::{Request, Told};
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
    Updated(Known, Known),
    /// What it was, and what it was to be.
    NotUpdated(Known, Wanted),
    /// To be deleted in the clean-up.
    Removed(Known),
}

/// How often a user tries before all is quiet.
const TRIES: usize = 2;

/// How often in all: this machine may be busy.
const MOST_TRIES: usize = 5;

fn mood(attempt: usize) -> Mood {
    if attempt < TRIES {
        Mood::Wild
    } else {
        Mood::Quiet
    }
}

impl Play<'_> {
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
                let way = self.dice(&format!("way {label}")).u8(..16);
                if alone && way < 3 {
                    return self.overtaken(resource.logical, target, label, way).await;
                }
                self.create(lane, resource.logical, target, label, alone)
                    .await
            }
            (Some(known), Some(target)) if known.wanted == *target => Ok(Step::Nothing),
            (Some(known), Some(target)) => {
                self.update(lane, resource.logical, known, target, label, alone)
                    .await
            }
        }
    }

    /// How long CloudFormation waits for this one: at times not as long as the function may take.
    fn impatient<'a>(&self, mut request: Request<'a>) -> Request<'a> {
        let mut rng = self.dice(&format!("patience {}", request.label));
        match rng.u8(..16) {
            0 => request.waits = Duration::from_secs(3),
            1 if request.kind == "Update" => request.ago = request.waits + Duration::from_secs(9),
            _ => {}
        }
        request
    }

    async fn create(
        &self,
        lane: usize,
        logical: &str,
        wanted: &Wanted,
        label: &str,
        alone: bool,
    ) -> Result<Step, Unpromised> {
        let request = self.impatient(Request {
            lane,
            may_be_twin: alone,
            ..Request::new("Create", logical, wanted, format!("{label}-create"))
        });
        let wanted = wanted.clone();
        Ok(match self.serve(&request).await? {
            None => Step::NotCreated(format!("invented-{logical}"), wanted),
            Some(Told { failed, id, .. }) if failed => Step::NotCreated(id, wanted),
            Some(Told { id, .. }) => Step::Created(Known { id, wanted }),
        })
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

    /// A Delete that comes before or during its Create, with an id that CloudFormation invents.
    async fn overtaken(
        &self,
        logical: &str,
        wanted: &Wanted,
        label: &str,
        way: u8,
    ) -> Result<Step, Unpromised> {
        let id = format!("invented-{logical}");
        let create = Request::new("Create", logical, wanted, format!("{label}-overtaken"));
        if way == 0 {
            let late = Request {
                ago: create.waits + Duration::from_secs(9),
                ..create
            };
            self.delete(1, logical, &id, wanted, label).await?;
            self.serve(&late).await?;
            return Ok(Step::Overtaken);
        }
        let mut rng = self.dice(&format!("pause {label}"));
        let (pause, began) = (rng.u64(..900), Instant::now());
        self.last_look.lock().unwrap().take();
        // Of most, the Create is over before the Delete has stopped looking.
        let create = Request {
            mood: [Mood::Mild, Mood::Mild, Mood::Wild][rng.usize(..3)],
            ..create
        };
        let deleting = async {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            self.delete(1, logical, &id, wanted, label).await
        };
        let (created, deleted) = tokio::join!(self.serve(&create), deleting);
        created?;
        deleted?;
        if self.written_after_the_last_look(began) {
            return Err(Unpromised(
                "the Create went on for longer than the Delete looked",
            ));
        }
        self.must_be_gone(logical, &id, wanted, label);
        Ok(Step::Overtaken)
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
                mood: mood(attempt),
                ..Request::new("Delete", logical, wanted, label.clone())
            };
            if self.serve(&request).await?.is_some_and(|told| !told.failed) {
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

    /// Goes back to `before`, which the resource is to be again: until it is a success.
    pub async fn restore(
        &self,
        lane: usize,
        logical: &str,
        now: &Known,
        before: &Known,
        label: &str,
    ) -> Result<(), Unpromised> {
        for attempt in 0..MOST_TRIES {
            if attempt >= TRIES {
                self.clear_the_way();
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
                if told.id != before.id {
                    self.broken(&format!(
                        "{label}: rolled back to {}, not {}",
                        told.id, before.id
                    ));
                }
                return Ok(());
            }
        }
        self.broken(&format!(
            "{label}: the rollback fails though nothing is wrong"
        ));
        Ok(())
    }
}
