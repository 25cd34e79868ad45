//! The one HTTP client, for the calls of the SDK and for the response: there is one TLS stack to load.
//! Retries nothing.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use reqwest::redirect::Policy;
use rustls::CertificateError;
use thiserror::Error;
use url::Url;

use crate::deadline::{CONNECT_TIMEOUT, IDLE_TIMEOUT, PRECONNECT_TIMEOUT};
use crate::tls::TlsConfig;

/// How many bytes of a body are read to see why a PUT was rejected.
const MAX_HEAD_BYTES: usize = 4096;

/// The response to a PUT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutResponse {
    /// The HTTP status.
    pub status: u16,
    /// The first bytes of the body, 4096 at most; of a 4xx status only.
    pub head: Vec<u8>,
}

/// The client. Proxy variables (`HTTPS_PROXY`, `NO_PROXY`) are honoured: in a VPC without a way to the internet, a proxy
/// may be the only way to the bucket of the responses.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    /// What to do if the authority of a certificate is unknown.
    remedy: Arc<str>,
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
    /// If TLS cannot be set up.
    pub fn new(tls: TlsConfig) -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder().redirect(Policy::none());
        let builder = builder.tls_backend_preconfigured(tls.config);
        let builder = builder
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT);
        Ok(Self {
            client: builder.build()?,
            remedy: tls.remedy.into(),
        })
    }

    /// Makes a connection to the server of `url`, by a request that asks for nothing, and keeps it for the next one.
    pub(crate) async fn preconnect(&self, url: Url) {
        let head = self.client.head(url).timeout(PRECONNECT_TIMEOUT);
        // Any outcome will do, even a rejection: the connection is there.
        drop(head.send().await);
    }

    /// Sends a request; the status and the body of the response.
    ///
    /// # Errors
    /// If they did not come back within `timeout`.
    pub(crate) async fn send(
        &self,
        request: http::Request<Vec<u8>>,
        timeout: Duration,
    ) -> Result<(u16, Vec<u8>), NoResponse> {
        let failed = |error| no_response(error, &self.remedy);
        let mut request = reqwest::Request::try_from(request).map_err(failed)?;
        *request.timeout_mut() = Some(timeout);
        let response = self.client.execute(request).await.map_err(failed)?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(failed)?;
        Ok((status, body.into()))
    }

    /// PUTs `body` without a Content-Type.
    ///
    /// # Errors
    /// If no status came back within `timeout`.
    pub async fn put(
        &self,
        url: &Url,
        body: Vec<u8>,
        timeout: Duration,
    ) -> Result<PutResponse, NoResponse> {
        let sent = self
            .client
            .put(url.clone())
            .body(body)
            .timeout(timeout)
            .send()
            .await;
        let response = sent.map_err(|error| no_response(error, &self.remedy))?;
        let status = response.status();
        Ok(PutResponse {
            status: status.as_u16(),
            head: if status.is_client_error() {
                head(response).await
            } else {
                Vec::new()
            },
        })
    }
}

/// The head of the body, as far as it comes in time.
async fn head(mut response: reqwest::Response) -> Vec<u8> {
    let mut head = Vec::new();
    while head.len() < MAX_HEAD_BYTES
        && let Ok(Some(chunk)) = response.chunk().await
    {
        head.extend(chunk.iter().take(MAX_HEAD_BYTES - head.len()));
    }
    head
}

fn no_response(error: reqwest::Error, remedy: &str) -> NoResponse {
    if error.is_timeout() {
        return NoResponse::Timeout;
    }
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if is_unknown_issuer(cause) {
        return NoResponse::Connection(format!("{cause}, {remedy}"));
    }
    NoResponse::Connection(cause.to_string())
}

/// Whether a certificate was rejected because its issuer is not trusted. What is in an `io::Error` is no source of it.
fn is_unknown_issuer(mut cause: &(dyn std::error::Error + 'static)) -> bool {
    while let Some(inner) = cause.downcast_ref().and_then(io::Error::get_ref) {
        cause = inner;
    }
    let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
    cause.downcast_ref() == Some(&unknown)
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
        let Self { client, remedy } = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?;
            // The bodies of these calls are in memory; a stream would be a body that this client cannot send.
            let body = |body: SdkBody| body.bytes().map(<[u8]>::to_vec).unwrap_or_default();
            let request = reqwest::Request::try_from(request.map(body));
            let request = request.map_err(|error| ConnectorError::user(error.into()))?;
            let failed = |error| connector_error(error, &remedy);
            let response = client.execute(request).await.map_err(&failed)?;
            let status = response.status().into();
            let headers = response.headers().clone();
            let body = response.bytes().await.map_err(&failed)?;
            let mut http_response = HttpResponse::new(status, SdkBody::from(body));
            for (name, value) in &headers {
                if let Ok(value) = value.to_str() {
                    http_response
                        .headers_mut()
                        .append(name.as_str().to_owned(), value.to_owned());
                }
            }
            Ok(http_response)
        })
    }
}

/// An error of another kind than I/O where the request was not sent at all.
fn connector_error(error: reqwest::Error, remedy: &str) -> ConnectorError {
    let (unsent, timed_out) = (error.is_connect(), error.is_timeout());
    let unsendable = error.is_builder();
    let error = Box::new(no_response(error, remedy));
    if unsendable {
        ConnectorError::user(error)
    } else if unsent {
        ConnectorError::other(error, None)
    } else if timed_out {
        ConnectorError::timeout(error)
    } else {
        ConnectorError::io(error)
    }
}
