//! Plays the life of one stack on one layer: some operations, each to its end or back, and the last Delete.
//! Refuses to know how a single request is served.

use fastrand::Rng;

use crate::fault::Move;
use crate::guardrails::Guardrails;
use crate::play::{Play, Unpromised};
use crate::request::Request;
use crate::stack::{FOREIGN_ID, Known, Resource, Step};
use crate::theme::Theme;
use crate::trouble::Mood;
use crate::wanted::Wanted;

const LOGICAL_IDS: [&str; 3] = ["Alpha", "Beta", "Gamma"];

/// The versions that a layer gets where work on all of them is to take long.
const MOST_VERSIONS: usize = 12;

/// A change of one resource, and what it came to.
type Taken = (usize, Step);

impl Play<'_> {
    pub async fn life(&self) -> Result<(), Unpromised> {
        let mut rng = self.dice("life");
        let many = rng.usize(1..=LOGICAL_IDS.len());
        let named = |logical: &&'static str| Resource {
            logical,
            known: None,
        };
        let mut resources: Vec<Resource> = LOGICAL_IDS[..many].iter().map(named).collect();
        if self.theme == Theme::TakenOver {
            self.take_over(&mut resources[0]);
        }
        // What is about resources that are there already needs an operation before.
        let later = [Theme::RollbackBesideUpdate, Theme::Guardrails].contains(&self.theme);
        let least = if later { 3 } else { 1 };
        for number in 0..rng.usize(least..=4) {
            self.operation(&mut resources, number).await?;
            self.rest(&mut resources, number).await?;
            if self.is_broken() {
                return Ok(());
            }
        }
        self.end(&mut resources).await
    }

    /// What another implementation has made, which stood behind the same `ServiceToken`.
    fn take_over(&self, resource: &mut Resource) {
        let mut rng = self.dice("taken over");
        let versions = self.versions();
        let wanted = Wanted::draw(&mut rng, resource.logical, versions.len() as u64);
        let mut layers = self.bench.control_plane.layers();
        // It knew nothing of derived statement ids.
        if let Some(sid) = &wanted.sid {
            for (arn, statement) in wanted.statements(&self.layer, sid, &versions) {
                layers.policies.put_statement(&arn, statement);
                layers.keep(&arn);
            }
        }
        drop(layers);
        self.note(&format!("another implementation has made {wanted:?}"));
        resource.known = Some(Known {
            id: FOREIGN_ID.to_owned(),
            wanted,
        });
    }

    /// Creates or updates the stack, and rolls it back if anything fails.
    async fn operation(&self, resources: &mut [Resource], number: usize) -> Result<(), Unpromised> {
        let mut rng = self.dice(&format!("operation {number}"));
        self.note(&format!("operation {number}"));
        self.change_guardrails(&mut rng, number).await;
        let published = self.publish_some(&mut rng, number);
        self.others_come_and_go(&mut rng);
        let mut targets: Vec<(usize, Option<Wanted>)> = Vec::new();
        for (index, resource) in resources.iter().enumerate() {
            targets.push((index, self.target(&mut rng, resource, published)));
        }
        rng.shuffle(&mut targets);
        let alone = matches!(
            self.theme,
            Theme::DeleteBesideCreate | Theme::RollbackBesideUpdate
        );
        let pairs = rng.bool() && !alone;
        let mut taken: Vec<Taken> = Vec::new();
        for chunk in targets.chunks(if pairs { 2 } else { 1 }) {
            let step = |(lane, (index, target)): (usize, &(usize, Option<Wanted>))| {
                let resource = &resources[*index];
                let (label, target) = (format!("{number}-{}", resource.logical), target.clone());
                let alone = chunk.len() == 1;
                async move {
                    self.step(lane, resource, target.as_ref(), &label, alone)
                        .await
                }
            };
            let steps = chunk.iter().enumerate().map(step);
            let steps = futures_util::future::join_all(steps).await;
            for ((index, _), step) in chunk.iter().zip(steps) {
                taken.push((*index, step?));
            }
        }
        let failed = taken.iter().any(|(_, step)| {
            matches!(
                step,
                Step::NotCreated(..) | Step::NotUpdated(..) | Step::Overtaken | Step::GivenUp
            )
        });
        if failed || rng.u8(..7) == 0 {
            self.note("the stack is rolled back");
            self.count("rolled back");
            self.roll_back(resources, taken, number).await
        } else {
            self.clean_up(resources, taken, number, &mut rng).await
        }
    }

    /// Publishes a version at times, and many before what takes long; says whether it did.
    fn publish_some(&self, rng: &mut Rng, number: usize) -> bool {
        let many = self.theme == Theme::DeleteBesideCreate && rng.u8(..4) == 0;
        let one = number > 0 && rng.u8(..4) == 0;
        let before = self.versions().len();
        let versions = if many {
            MOST_VERSIONS
        } else {
            before + usize::from(one)
        };
        for _ in before..versions {
            self.publish();
        }
        self.versions().len() > before
    }

    fn target(&self, rng: &mut Rng, resource: &Resource, published: bool) -> Option<Wanted> {
        let versions = self.versions().len() as u64;
        let Some(known) = &resource.known else {
            let wanted = Wanted::draw(rng, resource.logical, versions);
            return (rng.u8(..8) > 0).then_some(wanted);
        };
        let mut changed = known.wanted.changed(rng, resource.logical, versions);
        if self.refuses(&changed) && rng.u8(..4) > 0 {
            self.leave_out_refused(&mut changed);
        }
        // Whoever refers to the layer by `!Ref` gets an Update when a version is published.
        let follows = published && known.wanted.all;
        if self.theme == Theme::TakenOver && known.id == FOREIGN_ID && rng.bool() {
            return Some(known.wanted.again());
        }
        match rng.u8(..8) {
            0..=2 if follows => Some(known.wanted.again()),
            0 => None,
            1 | 2 => Some(known.wanted.clone()),
            _ if follows && changed == known.wanted => Some(known.wanted.again()),
            _ => Some(changed),
        }
    }

    fn others_come_and_go(&self, rng: &mut Rng) {
        for number in self.versions() {
            match rng.u8(..8) {
                0 => self.another_acts(number, Move::Comes),
                1 => self.another_acts(number, Move::Goes),
                2 if rng.bool() => self.another_acts(number, Move::TakesOurs),
                3 if rng.bool() => self.another_acts(number, Move::Hijacks),
                _ => {}
            }
        }
    }

    /// First everything is as it was before, then what is not needed any more goes.
    async fn roll_back(
        &self,
        resources: &mut [Resource],
        taken: Vec<Taken>,
        number: usize,
    ) -> Result<(), Unpromised> {
        let mut unneeded: Vec<(usize, Known)> = Vec::new();
        for (index, step) in taken.into_iter().rev() {
            let logical = resources[index].logical;
            let label = format!("{number}-{logical}");
            match step {
                Step::Nothing | Step::Overtaken | Step::GivenUp | Step::Removed(_) => {}
                Step::Created(known) => unneeded.push((index, known)),
                Step::NotCreated(id, wanted) => unneeded.push((index, Known { id, wanted })),
                Step::Updated(before, now) => {
                    let id = self.restore(0, logical, &now, &before, &label).await?;
                    if now.id != id {
                        unneeded.push((index, now));
                    }
                    resources[index].known = Some(Known { id, ..before });
                }
                Step::NotUpdated(before, wanted) => {
                    let now = Known {
                        id: before.id.clone(),
                        wanted,
                    };
                    let id = self.restore(0, logical, &now, &before, &label).await?;
                    if now.id != id {
                        unneeded.push((index, now));
                    }
                    resources[index].known = Some(Known { id, ..before });
                }
            }
        }
        for (index, known) in unneeded {
            let logical = resources[index].logical;
            let label = format!("{number}-{logical}-rollback");
            self.delete(0, logical, &known.id, &known.wanted, &label)
                .await?;
        }
        Ok(())
    }

    /// What was replaced or removed goes, in any order.
    async fn clean_up(
        &self,
        resources: &mut [Resource],
        taken: Vec<Taken>,
        number: usize,
        rng: &mut Rng,
    ) -> Result<(), Unpromised> {
        let mut unneeded: Vec<(usize, Known)> = Vec::new();
        for (index, step) in taken {
            match step {
                Step::Created(known) => resources[index].known = Some(known),
                Step::Updated(before, now) => {
                    if now.id != before.id {
                        unneeded.push((index, before));
                    }
                    resources[index].known = Some(now);
                }
                Step::Removed(known) => {
                    resources[index].known = None;
                    unneeded.push((index, known));
                }
                Step::Nothing
                | Step::NotCreated(..)
                | Step::NotUpdated(..)
                | Step::Overtaken
                | Step::GivenUp => {}
            }
        }
        rng.shuffle(&mut unneeded);
        for pair in unneeded.chunks(2) {
            let delete = |(lane, (index, known)): (usize, &(usize, Known))| {
                let (logical, known) = (resources[*index].logical, known.clone());
                let label = format!("{number}-{logical}-clean-up");
                async move {
                    self.delete(lane, logical, &known.id, &known.wanted, &label)
                        .await
                }
            };
            let deleted = pair.iter().enumerate().map(delete);
            for deleted in futures_util::future::join_all(deleted).await {
                deleted?;
            }
        }
        Ok(())
    }

    /// The stack is as CloudFormation wants it: so is every policy. What another writer has done to ours is put back first.
    async fn rest(&self, resources: &mut [Resource], number: usize) -> Result<(), Unpromised> {
        if self.has_meddled() {
            self.count("put back after another writer");
            self.clear_the_way();
            self.configure(Guardrails::open()).await;
            for resource in resources.iter_mut() {
                if let Some(known) = &mut resource.known {
                    let label = format!("{number}-{}-nonce", resource.logical);
                    self.put_back(resource.logical, known, &label).await?;
                }
            }
        }
        self.check(resources, &format!("after operation {number}"))
            .await;
        Ok(())
    }

    async fn put_back(
        &self,
        logical: &str,
        known: &mut Known,
        label: &str,
    ) -> Result<(), Unpromised> {
        let again = known.wanted.again();
        let request = Request {
            id: Some(&known.id),
            old: Some(&known.wanted),
            mood: Mood::Quiet,
            ..Request::new("Update", logical, &again, label.to_owned())
        };
        let told = self.serve(&request).await?;
        if told.is_none_or(|told| told.failed || told.id != known.id) {
            self.broken(&format!(
                "{label}: nothing is put back though nothing is wrong"
            ));
        }
        known.wanted = again;
        Ok(())
    }

    /// Everything is deleted.
    async fn end(&self, resources: &mut [Resource]) -> Result<(), Unpromised> {
        let mut rng = self.dice("end");
        self.note("the stack is deleted");
        if rng.u8(..8) == 0 {
            self.unpublish();
        }
        self.others_come_and_go(&mut rng);
        for resource in resources.iter_mut().rev() {
            if let Some(known) = resource.known.take() {
                self.delete(0, resource.logical, &known.id, &known.wanted, "end")
                    .await?;
            }
        }
        self.clear_the_way();
        self.check(resources, "at the end").await;
        Ok(())
    }
}
