//! Plays one Create, and what only a Create meets: a layer that cannot be, an addition that does not stay as it was asked for, a
//! stack that is gone. Refuses to know what follows it.

use std::time::{Duration, Instant};

use crate::fault::{CallFault, Form};
use crate::misplaced::misplaced;
use crate::play::{Play, Unpromised};
use crate::request::{Request, SOON, Told};
use crate::stack::{Known, Step};
use crate::theme::Theme;
use crate::trouble::{Mood, Trouble};
use crate::wanted::Wanted;

impl Play<'_> {
    pub async fn create(
        &self,
        lane: usize,
        logical: &str,
        wanted: &Wanted,
        label: &str,
        alone: bool,
    ) -> Result<Step, Unpromised> {
        let wanted = &self.perhaps_misplaced(wanted, label);
        let request = Request {
            lane,
            may_be_twin: alone,
            ..Request::new("Create", logical, wanted, format!("{label}-create"))
        };
        let request = match self.tampered_with(label) {
            Some(trouble) => Request {
                may_be_twin: false,
                trouble: Some(trouble),
                ..request
            },
            None if self.mood(0, label) == Mood::Passing => Request {
                may_be_twin: false,
                mood: Mood::Passing,
                ..request
            },
            None => self.impatient(request),
        };
        let begun = Instant::now();
        let meddled = self.bench.control_plane.layers().another.meddled;
        let told = self.serve(&request).await?;
        let is_alone = self.bench.control_plane.layers().another.meddled == meddled;
        self.check_create(&request, told.as_ref(), begun, is_alone);
        let wanted = wanted.clone();
        Ok(match told {
            None => Step::NotCreated(format!("invented-{logical}"), wanted),
            Some(Told { failed, id, .. }) if failed => Step::NotCreated(id, wanted),
            Some(Told { id, .. }) => Step::Created(Known { id, wanted }),
        })
    }

    /// A Create that is delivered when its stack has been deleted.
    pub async fn created_after_delete(
        &self,
        logical: &str,
        wanted: &Wanted,
        label: &str,
    ) -> Result<Step, Unpromised> {
        let create = Request::new("Create", logical, wanted, format!("{label}-overtaken"));
        let late = Request {
            ago: create.waits + Duration::from_secs(9),
            ..create
        };
        let id = format!("invented-{logical}");
        self.delete(1, logical, &id, wanted, label).await?;
        self.serve(&late).await?;
        Ok(Step::Overtaken)
    }

    /// The same, at times of a layer whose ARN no Lambda knows.
    pub fn perhaps_misplaced(&self, wanted: &Wanted, label: &str) -> Wanted {
        let mut rng = self.dice(&format!("place {label}"));
        let often = if self.theme == Theme::Misplaced {
            12
        } else {
            1
        };
        let (_, name) = self.layer.rsplit_once(':').unwrap();
        let misplaced = (rng.u8(..24) < often).then(|| misplaced(&mut rng, name));
        Wanted {
            misplaced,
            ..wanted.clone()
        }
    }

    /// What a Create meets whose first addition does not stay as it was asked for.
    fn tampered_with(&self, label: &str) -> Option<Trouble> {
        let mut rng = self.dice(&format!("tampered {label}"));
        let forms = [Form::BareAccount, Form::Lists, Form::Another];
        let often = rng.u8(..4) > 0;
        let form = forms[rng.usize(..3)];
        let faults = [
            (Theme::Hijacked, CallFault::Hijacked),
            (Theme::WrittenOtherwise, CallFault::WrittenOtherwise(form)),
        ];
        let (_, fault) = faults.into_iter().find(|(theme, _)| *theme == self.theme)?;
        often.then(|| Trouble::of_writes(vec![Some(fault)]))
    }

    /// What is clear soon is answered soon, and what passes is waited out.
    fn check_create(
        &self,
        request: &Request<'_>,
        told: Option<&Told>,
        begun: Instant,
        is_alone: bool,
    ) {
        let mut layers = self.bench.control_plane.layers();
        let is_free = is_alone && !layers.another.obstructs();
        let dealt = layers.dealt(&self.bench.lanes[request.lane].key);
        let (hijacked, otherwise) = (dealt.hijacked, dealt.otherwise);
        drop(layers);
        let failed = told.is_none_or(|told| told.failed);
        let is_served = request.wanted.misplaced.is_none() && !self.refuses(request.wanted);
        let (expected, what) = match request.trouble.as_ref().map(|trouble| trouble.writes[0]) {
            Some(Some(CallFault::Hijacked)) => {
                (failed || !hijacked, "succeeded with another's statement")
            }
            Some(Some(CallFault::WrittenOtherwise(Form::Another))) => (
                failed || !otherwise,
                "succeeded with a statement that was not asked for",
            ),
            // Whether another form of what was asked for is good enough, is up to the provider.
            Some(_) => (true, ""),
            None if request.mood == Mood::Passing => {
                (!(is_served && is_free && failed), "failed for what passes")
            }
            None => return,
        };
        self.must(expected, request, what);
        let soon = begun.elapsed() < SOON || request.trouble.is_none();
        self.must(soon, request, "took long for what is clear at once");
    }
}
