//! The policies of all versions of a layer: which there are, and the same goal for each, some at a time.
//! Knows nothing of what the goal is.

use std::cell::Cell;
use std::future::ready;

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::document::Policy;
use super::failure::Kind;
use super::lambda::Lambda;
use super::settle::{Unreconciled, Work};
use crate::permission::arn::{LayerArn, LayerVersionArn};
use crate::permission::goal::Goals;

/// How many policies are worked on at a time: enough to have a call ready whenever one may begin, also while some calls are
/// slow.
pub(super) const AT_A_TIME: usize = 8;

impl Work<'_> {
    /// The versions that there are, after the one that is named, which may be too new to be listed. The others begin
    /// anywhere: were it always the same one, a time too short to look at all of them would never get to the last.
    pub(super) async fn versions(
        &self,
        layer: &LayerArn,
        named: Option<&LayerVersionArn>,
    ) -> Result<Vec<LayerVersionArn>, Unreconciled> {
        let mut others = Vec::new();
        let mut marker = None;
        loop {
            let page = async |lambda: &Lambda| Ok(lambda.versions(layer, marker.clone()).await?);
            let page = self.patiently(layer, page).await?;
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

    /// Settles the policy of each of `versions`; gives that of the named one, if it is among them. None is begun after
    /// `end`, and those that were begun by then come to their end: no version is left with half of a change.
    pub(super) async fn settle_each(
        &self,
        goals: &Goals,
        versions: Vec<LayerVersionArn>,
        end: Instant,
    ) -> Result<Option<Policy>, Unreconciled> {
        self.course.expect(versions.len());
        let (mut named, mut failure) = (None, None);
        let failed = Cell::new(false);
        let settling = stream::iter(versions)
            .take_while(|_| ready(!failed.get() && Instant::now() < end))
            .map(|version| async {
                let is_named = goals.named.as_ref() == Some(&version);
                let others = goals.others.as_ref().filter(|_| !is_named);
                let goal = others.unwrap_or(&goals.each);
                (self.settle(&version, goal).await, version)
            })
            .buffer_unordered(AT_A_TIME);
        let mut settling = std::pin::pin!(settling);
        while let Some((settled, version)) = settling.next().await {
            let is_named = goals.named.as_ref() == Some(&version);
            match settled {
                Ok(policy) if is_named => named = Some(policy),
                Ok(_) => {}
                // It was deleted since it was listed.
                Err(Unreconciled::Call(gone)) if gone.kind == Kind::NotFound && !is_named => {}
                // The others end what they have begun, so that it is known what there is to take back.
                Err(error) => {
                    failed.set(true);
                    self.course.give_up();
                    failure.get_or_insert(error);
                    continue;
                }
            }
            self.course.settled();
        }
        match failure {
            Some(failure) => Err(failure),
            None if self.course.progress().is_some() => Err(Unreconciled::OutOfTime),
            None => Ok(named),
        }
    }
}
