//! The lists of an account's layers and functions. Reads only, and neither retries nor follows pages.

use aws_sdk_lambda::types::FunctionVersion;

use super::error::ApiError;
use super::lambda::LambdaApi;
use super::stack_listing::ListPage;
use crate::policy::arn::LayerArn;
use crate::policy::function_arn::FunctionArn;

const LIST_LAYERS: &str = "lambda:ListLayers";
const LIST_FUNCTIONS: &str = "lambda:ListFunctions";
const LIST_ALIASES: &str = "lambda:ListAliases";

/// The IAM actions that the calls need.
pub const ACTIONS: [&str; 3] = [LIST_LAYERS, LIST_FUNCTIONS, LIST_ALIASES];

/// The most layers and functions that Lambda lists at once.
const PAGE_SIZE: i32 = 50;

impl LambdaApi {
    /// The layers of the account, from `marker` on.
    ///
    /// # Errors
    /// If Lambda did not list them.
    pub async fn layers(&self, marker: Option<String>) -> Result<ListPage<LayerArn>, ApiError> {
        let call = self.client().list_layers();
        let call = call.set_marker(marker).max_items(PAGE_SIZE);
        let page = self.call(LIST_LAYERS, &"all layers", call.send()).await?;
        let layers = page.layers.unwrap_or_default().into_iter();
        let arns = layers.map(|layer| layer.layer_arn.unwrap_or_default());
        let items = self.parsed(LIST_LAYERS, arns, |arn| arn.parse().ok())?;
        Ok(ListPage {
            items,
            next: page.next_marker.filter(|marker| !marker.is_empty()),
        })
    }

    /// The functions of the account and their published versions, from `marker` on.
    ///
    /// # Errors
    /// If Lambda did not list them.
    pub async fn functions(
        &self,
        marker: Option<String>,
    ) -> Result<ListPage<FunctionArn>, ApiError> {
        let call = self.client().list_functions();
        let call = call
            .function_version(FunctionVersion::All)
            .set_marker(marker)
            .max_items(PAGE_SIZE);
        let page = self
            .call(LIST_FUNCTIONS, &"all functions", call.send())
            .await?;
        let functions = page.functions.unwrap_or_default().into_iter();
        let arns = functions.map(|function| function.function_arn.unwrap_or_default());
        let items = self.parsed(LIST_FUNCTIONS, arns, |arn| {
            // The policy of the function itself is that of its unpublished version.
            arn.strip_suffix(":$LATEST").unwrap_or(arn).parse().ok()
        })?;
        Ok(ListPage {
            items,
            next: page.next_marker.filter(|marker| !marker.is_empty()),
        })
    }

    /// The aliases of a function, from `marker` on.
    ///
    /// # Errors
    /// If Lambda did not list them.
    pub async fn aliases(
        &self,
        function: &FunctionArn,
        marker: Option<String>,
    ) -> Result<ListPage<FunctionArn>, ApiError> {
        let call = self.client().list_aliases();
        let call = call
            .function_name(function.name())
            .set_marker(marker)
            .max_items(PAGE_SIZE);
        let page = self.call(LIST_ALIASES, function, call.send()).await?;
        let aliases = page.aliases.unwrap_or_default().into_iter();
        let arns = aliases.map(|alias| alias.alias_arn.unwrap_or_default());
        let items = self.parsed(LIST_ALIASES, arns, |arn| arn.parse().ok())?;
        Ok(ListPage {
            items,
            next: page.next_marker.filter(|marker| !marker.is_empty()),
        })
    }

    fn parsed<T>(
        &self,
        action: &'static str,
        arns: impl Iterator<Item = String>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, ApiError> {
        arns.map(|arn| {
            let malformed = || self.malformed(action, &arn, "got no ARN of a layer or a function");
            parse(&arn).ok_or_else(malformed)
        })
        .collect()
    }
}
