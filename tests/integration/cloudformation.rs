//! CloudFormation's sequence of requests for one resource: which request follows which response.

use fake_aws::events::Event;
use serde_json::Value;

use crate::test_env::{Response, TestEnv};

/// A resource that was created.
pub struct Resource<'a> {
    env: &'a TestEnv,
    /// The last request that succeeded.
    event: Event,
    pub id: String,
}

impl<'a> Resource<'a> {
    /// Creates the resource. A failed Create is followed by a Delete of the physical id in its response.
    pub async fn create(env: &'a TestEnv, event: &Event) -> Result<Self, Response> {
        let response = env.send(event).await;
        let id = response.id().to_owned();
        if response.is_failed() {
            env.send(&event.delete_of(&id)).await.expect_success();
            return Err(response);
        }
        Ok(Self {
            env,
            event: event.clone(),
            id,
        })
    }

    /// Updates the resource. A replacement is followed by a Delete of the old physical id, a failure by the rollback.
    pub async fn update(&mut self, properties: Value) -> Response {
        let before = (self.event.clone(), self.id.clone());
        let response = self.update_without_clean_up(properties.clone()).await;
        if response.is_failed() {
            let failed = before.0.clone().with("ResourceProperties", properties);
            let back = failed.update_to(&before.1, before.0.properties());
            assert_eq!(self.env.send(&back).await.expect_success(), before.1);
        } else {
            self.clean_up(&before).await;
        }
        response
    }

    /// Updates the resource, and rolls it back because another resource of the stack failed.
    pub async fn update_and_roll_back(&mut self, properties: Value) {
        let before = (self.event.clone(), self.id.clone());
        self.update_without_clean_up(properties)
            .await
            .expect_success();
        let after = (self.event.clone(), self.id.clone());
        let back = self.update_without_clean_up(before.0.properties()).await;
        assert_eq!(back.expect_success(), before.1);
        self.clean_up(&after).await;
    }

    /// Deletes the resource.
    pub async fn delete(self) {
        self.env
            .send(&self.event.delete_of(&self.id))
            .await
            .expect_success();
    }

    async fn update_without_clean_up(&mut self, properties: Value) -> Response {
        let event = self.event.update_to(&self.id, properties);
        let response = self.env.send(&event).await;
        if !response.is_failed() {
            response.id().clone_into(&mut self.id);
            self.event = event;
        }
        response
    }

    async fn clean_up(&self, (event, id): &(Event, String)) {
        if *id != self.id {
            self.env.send(&event.delete_of(id)).await.expect_success();
        }
    }
}
