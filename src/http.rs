//! The one HTTP client: the SDK's calls and the answer's PUT go through it, so there is one TLS stack to load and warm.
//! Knows nothing of what it carries, and retries nothing.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use reqwest::redirect::Policy;
use thiserror::Error;
use url::Url;

/// How long a connection may take to be made, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an unused connection is trusted: Lambda freezes the process between events, and the peer hangs up meanwhile.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// The client. Proxy variables (`HTTPS_PROXY`, `NO_PROXY`) are honoured: in a VPC without a way to the internet, a proxy
/// may be the only way to the bucket of the answers.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
}

/// A request that got no response. It never shows the URL.
#[derive(Debug, Error)]
pub enum NoResponse {
    /// It took too long.
    #[error("timed out")]
    Timeout,
    /// The connection failed.
    #[error("{0}")]
    Connection(String),
}

impl Http {
    /// A client that follows no redirect.
    ///
    /// # Errors
    /// If TLS cannot be set up, which is a matter of the environment's CA certificates.
    pub fn new() -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder().redirect(Policy::none());
        let builder = builder
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT);
        Ok(Self {
            client: builder.build()?,
        })
    }

    /// PUTs `body` without a Content-Type and returns the status.
    ///
    /// # Errors
    /// If there was no response within `timeout`.
    pub async fn put(
        &self,
        url: &Url,
        body: Vec<u8>,
        timeout: Duration,
    ) -> Result<u16, NoResponse> {
        let sent = self
            .client
            .put(url.clone())
            .body(body)
            .timeout(timeout)
            .send()
            .await;
        sent.map(|response| response.status().as_u16())
            .map_err(no_response)
    }
}

fn no_response(error: reqwest::Error) -> NoResponse {
    if error.is_timeout() {
        return NoResponse::Timeout;
    }
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    NoResponse::Connection(cause.to_string())
}

impl HttpClient for Http {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.client.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?;
            // The bodies of these calls are in memory; a stream would be a body that this client cannot send.
            let body = |body: SdkBody| body.bytes().map(<[u8]>::to_vec).unwrap_or_default();
            let request = reqwest::Request::try_from(request.map(body));
            let request = request.map_err(|error| ConnectorError::user(error.into()))?;
            let response = client.execute(request).await.map_err(connector_error)?;
            let status = response.status().into();
            let headers = response.headers().clone();
            let body = response.bytes().await.map_err(connector_error)?;
            let mut answer = HttpResponse::new(status, SdkBody::from(body));
            for (name, value) in &headers {
                if let Ok(value) = value.to_str() {
                    answer
                        .headers_mut()
                        .append(name.as_str().to_owned(), value.to_owned());
                }
            }
            Ok(answer)
        })
    }
}

/// As another error than one of input or output, what kept the request from being sent at all.
fn connector_error(error: reqwest::Error) -> ConnectorError {
    let (unsent, timed_out) = (error.is_connect(), error.is_timeout());
    let error = Box::new(no_response(error));
    if unsent {
        ConnectorError::other(error, None)
    } else if timed_out {
        ConnectorError::timeout(error)
    } else {
        ConnectorError::io(error)
    }
}
