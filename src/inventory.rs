//! What an account has in one region: stacks, layers, functions and their policies. Retries, follows pages, and reads only.

use std::time::Duration;

use aws_config::{Region as RegionName, SdkConfig};
use tokio::time::{Instant, sleep};

use crate::aws::error::{ApiError, ErrorKind};
use crate::aws::lambda::LambdaApi;
use crate::aws::stack_listing::{ListPage, ListedResource, StackApi};
use crate::backoff::Backoff;
use crate::policy::arn::{AccountId, LayerArn};
use crate::policy::document::PolicyDocument;
use crate::policy::function_arn::FunctionArn;
use crate::policy::target::{PolicyTarget, TargetSet};

/// How long a call is retried that was throttled or had no response: CloudFormation throttles for long.
const RETRY_TIMEOUT: Duration = Duration::from_mins(1);

/// One region of an account.
#[derive(Clone, Debug)]
pub struct Region {
    /// Such as `eu-west-1`.
    pub name: String,
    lambda: LambdaApi,
    stacks: StackApi,
}

impl Region {
    /// The region of this name, of `account`, whose credentials `config` has.
    #[must_use]
    pub fn new(account: AccountId, config: &SdkConfig, name: &str) -> Self {
        let config = config.clone().into_builder();
        let config = config.region(RegionName::new(name.to_owned())).build();
        Self {
            name: name.to_owned(),
            lambda: LambdaApi::new(&config).for_account(Some(account)),
            stacks: StackApi::new(&config),
        }
    }

    /// The ARNs of the stacks that are not deleted.
    ///
    /// # Errors
    /// If CloudFormation did not list them.
    pub async fn stacks(&self) -> Result<Vec<String>, ApiError> {
        all_pages(async |token| self.stacks.stacks(token).await).await
    }

    /// The names of the stacks that import `export`.
    ///
    /// # Errors
    /// If CloudFormation did not list them.
    pub(crate) async fn importing_stacks(&self, export: &str) -> Result<Vec<String>, ApiError> {
        all_pages(async |token| self.stacks.importing(export, token).await).await
    }

    /// Lambda's API, for calls that are not retried.
    pub(crate) fn lambda(&self) -> &LambdaApi {
        &self.lambda
    }

    /// The resources of a stack.
    ///
    /// # Errors
    /// If CloudFormation did not list them.
    pub async fn resources(&self, stack_id: &str) -> Result<Vec<ListedResource>, ApiError> {
        all_pages(async |token| self.stacks.resources(stack_id, token).await).await
    }

    /// The resources of the stack that has, or had within 90 days, a resource of this physical id.
    ///
    /// # Errors
    /// If CloudFormation did not say.
    pub async fn resources_beside(
        &self,
        physical_id: &str,
    ) -> Result<Vec<ListedResource>, ApiError> {
        let beside = retried(async || self.stacks.resources_beside(physical_id).await).await?;
        let has_it = |resource: &ListedResource| resource.physical_id == physical_id;
        match beside.first() {
            // It is not among the first hundred.
            Some(other) if !beside.iter().any(has_it) => self.resources(&other.stack_id).await,
            _ => Ok(beside),
        }
    }

    /// The layers of the account.
    ///
    /// # Errors
    /// If Lambda did not list them.
    pub async fn layers(&self) -> Result<Vec<LayerArn>, ApiError> {
        all_pages(async |marker| self.lambda.layers(marker).await).await
    }

    /// The versions of `layer`, the newest first. A layer that does not exist has none.
    ///
    /// # Errors
    /// If Lambda did not list them.
    pub async fn versions(&self, layer: &LayerArn) -> Result<Vec<PolicyTarget>, ApiError> {
        let set = TargetSet::AllVersions(layer.clone());
        all_pages(async |marker| {
            let page = self.lambda.list(&set, marker).await?;
            Ok(ListPage {
                items: page.targets,
                next: page.next,
            })
        })
        .await
    }

    /// The functions of the account and their published versions.
    ///
    /// # Errors
    /// If Lambda did not list them.
    pub async fn functions(&self) -> Result<Vec<FunctionArn>, ApiError> {
        all_pages(async |marker| self.lambda.functions(marker).await).await
    }

    /// The aliases of a function.
    ///
    /// # Errors
    /// If Lambda did not list them.
    pub async fn aliases(&self, function: &FunctionArn) -> Result<Vec<FunctionArn>, ApiError> {
        all_pages(async |marker| self.lambda.aliases(function, marker).await).await
    }

    /// The policy of `target`. One that was deleted since it was listed has an empty one.
    ///
    /// # Errors
    /// If Lambda did not return it.
    pub async fn policy(&self, target: &PolicyTarget) -> Result<PolicyDocument, ApiError> {
        retried(async || self.lambda.get_policy(target).await).await
    }
}

async fn all_pages<T>(
    list: impl AsyncFn(Option<String>) -> Result<ListPage<T>, ApiError>,
) -> Result<Vec<T>, ApiError> {
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let page = retried(async || list(next.clone()).await).await?;
        all.extend(page.items);
        next = page.next;
        if next.is_none() {
            return Ok(all);
        }
    }
}

/// Retries `call` while the next attempt may succeed, until the timeout. A read can be repeated whether or not it was done.
async fn retried<T>(call: impl AsyncFn() -> Result<T, ApiError>) -> Result<T, ApiError> {
    let (began, mut backoff) = (Instant::now(), Backoff::patient());
    loop {
        match call().await {
            Err(error) if is_retryable(error.kind) && began.elapsed() < RETRY_TIMEOUT => {
                sleep(backoff.pause()).await;
            }
            result => return result,
        }
    }
}

fn is_retryable(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Throttled | ErrorKind::OutcomeUnknown | ErrorKind::NetworkFailure
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::error::ApiCall;
    use std::cell::Cell;

    fn error(kind: ErrorKind) -> ApiError {
        let call = ApiCall {
            action: "lambda:GetPolicy",
            resource: &"f",
            resource_type: "function",
            role: None,
        };
        ApiError::new(kind, &call, "Code", "message")
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_or_unanswered_call_is_retried_for_a_minute_and_no_other_is() {
        for kind in ErrorKind::ALL {
            let is_retried = [
                ErrorKind::Throttled,
                ErrorKind::OutcomeUnknown,
                ErrorKind::NetworkFailure,
            ]
            .contains(&kind);
            let calls = Cell::new(0);
            let passes = retried(async || {
                calls.set(calls.get() + 1);
                (calls.get() > 3).then_some(()).ok_or_else(|| error(kind))
            });
            assert_eq!(passes.await.is_ok(), is_retried, "{kind:?}");
            assert_eq!(calls.get(), if is_retried { 4 } else { 1 }, "{kind:?}");
            let began = Instant::now();
            let failed = retried(async || Err::<(), _>(error(kind))).await;
            assert_eq!(failed.map_err(|error| error.kind), Err(kind));
            let seconds = began.elapsed().as_secs();
            let range = if is_retried { 60..74 } else { 0..1 };
            assert!(range.contains(&seconds), "{kind:?}: {seconds}");
        }
    }

    #[tokio::test]
    async fn all_pages_are_read() {
        let all = all_pages(async |next: Option<String>| {
            let page = next.map_or(0, |next| next.len());
            Ok(ListPage {
                items: vec![page],
                next: (page < 3).then(|| "x".repeat(page + 1)),
            })
        });
        assert_eq!(all.await.map_err(|error| error.kind), Ok(vec![0, 1, 2, 3]));
    }
}
