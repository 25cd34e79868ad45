//! Plays CloudFormation's part in the life of one resource: which request follows which answer.
//! Refuses to know what a request changes; the answers themselves are checked where they arrive, in `bucket`.

use fake_aws::events::Event;
use serde_json::Value;

use crate::stage::{Answer, Stage};

/// A resource that CloudFormation takes for created.
pub struct Resource<'a> {
    stage: &'a Stage,
    /// The last request that succeeded.
    event: Event,
    pub id: String,
}

impl<'a> Resource<'a> {
    /// Creates the resource. A failed Create is followed by a Delete of the id that it answered.
    pub async fn create(stage: &'a Stage, event: &Event) -> Result<Self, Answer> {
        let answer = stage.play(event).await;
        let id = answer.id().to_owned();
        if answer.failed() {
            stage.play(&event.delete_of(&id)).await.succeeded();
            return Err(answer);
        }
        Ok(Self {
            stage,
            event: event.clone(),
            id,
        })
    }

    /// Updates the resource. After another id follows the Delete of the old one, after a failure the way back.
    pub async fn update(&mut self, properties: Value) -> Answer {
        let before = (self.event.clone(), self.id.clone());
        let answer = self.update_without_clean_up(properties.clone()).await;
        if answer.failed() {
            let failed = before.0.clone().with("ResourceProperties", properties);
            let back = failed.update_to(&before.1, before.0.properties());
            assert_eq!(self.stage.play(&back).await.succeeded(), before.1);
        } else {
            self.clean_up(&before).await;
        }
        answer
    }

    /// Updates the resource, and then goes back because another resource of the stack failed.
    pub async fn update_and_roll_back(&mut self, properties: Value) {
        let before = (self.event.clone(), self.id.clone());
        self.update_without_clean_up(properties).await.succeeded();
        let after = (self.event.clone(), self.id.clone());
        let back = self.update_without_clean_up(before.0.properties()).await;
        assert_eq!(back.succeeded(), before.1);
        self.clean_up(&after).await;
    }

    /// Deletes the resource.
    pub async fn delete(self) {
        self.stage
            .play(&self.event.delete_of(&self.id))
            .await
            .succeeded();
    }

    async fn update_without_clean_up(&mut self, properties: Value) -> Answer {
        let event = self.event.update_to(&self.id, properties);
        let answer = self.stage.play(&event).await;
        if !answer.failed() {
            answer.id().clone_into(&mut self.id);
            self.event = event;
        }
        answer
    }

    async fn clean_up(&self, (event, id): &(Event, String)) {
        if *id != self.id {
            self.stage.play(&event.delete_of(id)).await.succeeded();
        }
    }
}
