//! What all calls for policies have in common.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::client::customize::CustomizableOperation;
use aws_sdk_lambda::config::{Config, Region};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::policy::arn::ResourceLocation;

/// The call in the region of the target, whatever region the function runs in. An override makes the SDK put its configuration
/// together anew for the call, so the client's own region has none.
pub(super) fn in_region_of<T, E, B>(
    call: CustomizableOperation<T, E, B>,
    client: &Client,
    location: &ResourceLocation,
) -> CustomizableOperation<T, E, B> {
    let region = location.region();
    let own = client.config().region().map(Region::as_ref);
    if own == Some(region) {
        return call;
    }
    call.config_override(Config::builder().region(Region::new(region.to_owned())))
}

/// Accepts as the response to a removal only the one without content that Lambda sends: to the SDK, the page of a proxy is a success
/// too.
#[derive(Debug)]
pub(super) struct OnlyNoContent;

#[dyn_dispatch_hint]
impl Intercept for OnlyNoContent {
    fn name(&self) -> &'static str {
        "OnlyNoContent"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match context.response().status() {
            status if status.is_success() && status.as_u16() != 204 => {
                Err(format!("got HTTP status {} instead of 204", status.as_u16()).into())
            }
            _ => Ok(()),
        }
    }
}
