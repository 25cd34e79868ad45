//! What the function's environment says of AWS: region, credentials and endpoints. Lambda gives all of it in variables, so no
//! file and no metadata service is asked, as aws-config's own loader would: that is a tenth of the executable and of a start.

use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::meta::region::ProvideRegion;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_types::sdk_config::SharedCredentialsProvider;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use crate::http::Http;

/// The variable that says where AWS is, and what it is called for one service alone begins with.
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// What a client of any service needs, with `http` to speak through.
pub async fn config(http: &Http) -> SdkConfig {
    let credentials = EnvironmentVariableCredentialsProvider::new();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(EnvironmentVariableRegionProvider::new().region().await)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http.clone())
        // It would cut a call with a body after five seconds, whatever its timeout: a write that is slow would be made twice.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .service_config(Endpoints);
    config.set_use_fips(switch(variable("AWS_USE_FIPS_ENDPOINT")));
    config.set_use_dual_stack(switch(variable("AWS_USE_DUALSTACK_ENDPOINT")));
    config.build()
}

/// Where a service is, by the id that AWS's SDKs know it by, if that is said: in `AWS_ENDPOINT_URL_LAMBDA` for `Lambda`, or in
/// `AWS_ENDPOINT_URL` for all.
pub(crate) fn endpoint_url(service_id: &str) -> Option<String> {
    endpoint(service_id, variable)
}

fn endpoint(service_id: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let service = service_id.replace(' ', "_").to_uppercase();
    variable(&format!("{ENDPOINT_URL}_{service}")).or_else(|| variable(ENDPOINT_URL))
}

/// A variable that is set but empty says nothing.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn switch(value: Option<String>) -> Option<bool> {
    value.map(|value| value.eq_ignore_ascii_case("true"))
}

#[derive(Debug)]
struct Endpoints;

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        if key.env() == ENDPOINT_URL {
            endpoint_url(key.service_id())
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_where_its_own_variable_says_or_else_where_all_are() {
        let both = |name: &str| match name {
            "AWS_ENDPOINT_URL_LAMBDA" => Some("https://lambda.example".to_owned()),
            "AWS_ENDPOINT_URL" => Some("https://all.example".to_owned()),
            _ => None,
        };
        let rows = [
            ("Lambda", Some("https://lambda.example")),
            ("STS", Some("https://all.example")),
        ];
        for (service_id, url) in rows {
            assert_eq!(endpoint(service_id, both).as_deref(), url, "{service_id}");
        }
        assert_eq!(endpoint("Lambda", |_| None), None);
    }

    #[test]
    fn a_switch_is_on_off_or_not_said() {
        let rows = [
            ("true", Some(true)),
            ("TRUE", Some(true)),
            ("false", Some(false)),
            ("1", Some(false)),
        ];
        for (value, on) in rows {
            assert_eq!(switch(Some(value.to_owned())), on, "{value}");
        }
        assert_eq!(switch(None), None);
    }
}
