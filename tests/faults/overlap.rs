//! Two requests for one resource that run at the same time: a Delete beside the Create, and a rollback beside the Update that it
//! undoes. CloudFormation does not wait for what it has given up.
//! Refuses to know what the policies are to look like afterwards, but for what a Delete has to remove.

use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::play::{Play, Unpromised};
use crate::request::{Request, WATCHED, WATCHFUL};
use crate::stack::{Known, MOST_TRIES, Step};
use crate::theme::Theme;
use crate::trouble::{Mood, Trouble};
use crate::wanted::Wanted;

impl Play<'_> {
    /// Whether this step is given up while it runs, as far as it is alone.
    pub fn is_given_up(&self, label: &str, theme: Theme) -> bool {
        let often = if self.theme == theme { 10 } else { 1 };
        self.dice(&format!("given up {label}")).u8(..16) < often
    }

    /// A Delete that comes during the Create, with an id that CloudFormation invents.
    pub async fn deleted_beside_create(
        &self,
        logical: &str,
        wanted: &Wanted,
        label: &str,
    ) -> Result<Step, Unpromised> {
        let mut rng = self.dice(&format!("beside {label}"));
        let (wanted, trouble) = self.long_create(&mut rng, logical, wanted);
        let (id, pause) = (format!("invented-{logical}"), rng.u64(..2_000));
        let began = self.begin_overlap("Delete beside its Create");
        let create = Request {
            once: true,
            trouble,
            mood: Mood::Mild,
            ..Request::new("Create", logical, &wanted, format!("{label}-overtaken"))
        };
        let deleting = async {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            self.delete(1, logical, &id, &wanted, label).await
        };
        let (created, deleted) = tokio::join!(self.serve(&create), deleting);
        created?;
        deleted?;
        if !self.looked_for_ten_seconds() && self.written_after_the_last_look(began) {
            return Err(Unpromised(
                "the Create went on for longer than the Delete had time to look",
            ));
        }
        let mut layers = self.bench.control_plane.layers();
        let added = layers.dealt(&self.bench.lanes[0].key).added.clone();
        drop(layers);
        let last = added.into_values().filter(|at| *at > began).max();
        if self.is_too_late(last) {
            return Err(Unpromised(
                "the Create wrote later than ten seconds after its Delete came",
            ));
        }
        self.must_be_gone(logical, &id, &wanted, label);
        Ok(Step::Overtaken)
    }

    /// Mostly a Create that takes long.
    fn long_create(
        &self,
        rng: &mut Rng,
        logical: &str,
        wanted: &Wanted,
    ) -> (Wanted, Option<Trouble>) {
        let wanted = match rng.u8(..4) {
            0 => wanted.clone(),
            1 => Wanted {
                all: false,
                is_list: true,
                principals: ["111122223333", "444455556666", "777788889999"]
                    .map(str::to_owned)
                    .to_vec(),
                ..wanted.clone()
            },
            _ => Wanted::draw_long(rng, logical, self.versions().len() as u64),
        };
        let trouble = (rng.u8(..4) > 0).then(|| Trouble::slow_writes(rng));
        (wanted, trouble)
    }

    /// An Update that is given up because another resource has failed, and is rolled back while it runs.
    pub async fn rolled_back_beside_update(
        &self,
        logical: &str,
        known: &Known,
        wanted: &Wanted,
        label: &str,
    ) -> Result<Step, Unpromised> {
        let mut rng = self.dice(&format!("beside {label}"));
        let pause = rng.u64(50..3_000);
        let began = self.begin_overlap("rollback beside its Update");
        let update = Request {
            id: Some(&known.id),
            old: Some(&known.wanted),
            once: true,
            trouble: Some(Trouble::slow_writes(&mut rng)),
            ..Request::new("Update", logical, wanted, format!("{label}-given-up"))
        };
        let rolling_back = async {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            self.roll_back_beside(logical, known, wanted, label).await
        };
        let (updated, rolled_back) = tokio::join!(self.serve(&update), rolling_back);
        updated?;
        rolled_back?;
        let mut layers = self.bench.control_plane.layers();
        let dealt = layers.dealt(&self.bench.lanes[0].key);
        let (last, repeated_late) = (dealt.written, dealt.repeated_late);
        drop(layers);
        if repeated_late {
            return Err(Unpromised(
                "an addition of the Update without an answer came after it was made again and rolled back",
            ));
        }
        if self.is_too_late(last.filter(|at| *at > began)) {
            return Err(Unpromised(
                "the Update wrote later than ten seconds after its rollback came",
            ));
        }
        Ok(Step::GivenUp)
    }

    /// Goes back to `known` while the Update to `wanted` may still be running. Its id is the old one: no other was answered.
    async fn roll_back_beside(
        &self,
        logical: &str,
        known: &Known,
        wanted: &Wanted,
        label: &str,
    ) -> Result<(), Unpromised> {
        for attempt in 0..MOST_TRIES {
            if attempt > 0 {
                self.clear_the_way();
            }
            let rollback = Request {
                lane: 1,
                id: Some(&known.id),
                old: Some(wanted),
                mood: [Mood::Passing, Mood::Quiet][attempt.min(1)],
                ..Request::new(
                    "Update",
                    logical,
                    &known.wanted,
                    format!("{label}-back-beside-{attempt}"),
                )
            };
            if let Some(told) = self.serve(&rollback).await?.filter(|told| !told.failed) {
                self.must(told.id == known.id, &rollback, "rolled back to another id");
                return Ok(());
            }
        }
        self.broken(&format!(
            "{label}: the rollback beside its Update fails though nothing is wrong"
        ));
        Ok(())
    }

    fn begin_overlap(&self, what: &str) -> Instant {
        self.count(what);
        self.last_look.lock().unwrap().take();
        Instant::now()
    }

    fn looked_for_ten_seconds(&self) -> bool {
        let look = self.last_look.lock().unwrap();
        look.as_ref().is_some_and(|look| look.timeout >= WATCHFUL)
    }

    /// Whether the last write of what was given up took effect when nobody has to look for it any more.
    fn is_too_late(&self, last: Option<Instant>) -> bool {
        let look = self.last_look.lock().unwrap();
        let end = look.as_ref().map(|look| look.since + WATCHED);
        matches!((last, end), (Some(last), Some(end)) if last > end)
    }
}
