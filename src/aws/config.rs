//! The configuration of the AWS SDK: region, credentials and endpoints, from the environment variables that Lambda sets. aws-config's own
//! loader would read files and the metadata service too: that is a tenth of the executable and of a start.

use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::meta::region::ProvideRegion;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_types::sdk_config::SharedCredentialsProvider;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use crate::http::Http;

/// The variable with the endpoint of all services; `_` and a service's id follow in the one of that service.
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// What a client of any service needs; it sends its requests by `http`.
pub async fn from_env(http: &Http) -> SdkConfig {
    let credentials = EnvironmentVariableCredentialsProvider::new();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(EnvironmentVariableRegionProvider::new().region().await)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http.clone())
        // It would cancel a call with a body after five seconds, whatever its timeout: a slow write would be sent twice.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .service_config(Endpoints);
    config.set_use_fips(switch(variable("AWS_USE_FIPS_ENDPOINT")));
    config.set_use_dual_stack(switch(variable("AWS_USE_DUALSTACK_ENDPOINT")));
    config.build()
}

/// The configured endpoint of a service, by the id that AWS's SDKs know it by: `AWS_ENDPOINT_URL_LAMBDA` for `Lambda`, or
/// `AWS_ENDPOINT_URL` for all.
pub(crate) fn endpoint_url(service_id: &str) -> Option<String> {
    endpoint(service_id, variable)
}

fn endpoint(service_id: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let service = service_id.replace(' ', "_").to_uppercase();
    variable(&format!("{ENDPOINT_URL}_{service}")).or_else(|| variable(ENDPOINT_URL))
}

/// An empty variable counts as not set.
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
    fn a_service_has_its_own_endpoint_or_the_one_of_all() {
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
    fn a_switch_is_on_off_or_not_set() {
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
