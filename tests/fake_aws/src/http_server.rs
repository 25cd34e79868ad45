//! A server of HTTP/1.1 on a loopback port, for AWS's APIs.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
pub use hyper::body::Bytes;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::delays::{SharedDelays, wait};

/// A whole request.
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// Path and query as they stood on the wire.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl HttpRequest {
    /// Whether it asks for nothing, and is sent to make a connection ahead of the first request.
    #[must_use]
    pub fn only_connects(&self) -> bool {
        let is_authorized = self.headers.contains_key("authorization");
        self.method == Method::HEAD && self.target == "/" && !is_authorized
    }
}

/// What the client receives.
pub enum HttpResponse {
    /// A whole response.
    Complete(Response<Full<Bytes>>),
    /// The connection is closed without a response.
    ConnectionClosed,
    /// No response while the connection lives.
    NoResponse,
}

impl HttpResponse {
    /// A whole response.
    #[must_use]
    pub fn new(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        Self::Complete(response.body(Full::new(body.into())).unwrap())
    }
}

/// Handles every request with `handler` until the test's runtime ends.
pub async fn serve<H, F>(handler: H) -> SocketAddr
where
    H: Fn(HttpRequest) -> F + Send + Sync + 'static,
    F: Future<Output = HttpResponse> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = Arc::new(handler);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let delays = SharedDelays::default();
            tokio::spawn(serve_connection(stream, delays, Arc::clone(&handler)));
        }
    });
    address
}

/// Handles every request over TLS with `handler`, on this port of the loopback interface, after these delays.
pub async fn serve_tls<H, F>(port: u16, config: Arc<ServerConfig>, delays: SharedDelays, handler: H)
where
    H: Fn(HttpRequest) -> F + Send + Sync + 'static,
    F: Future<Output = HttpResponse> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    let acceptor = TlsAcceptor::from(config);
    let handler = Arc::new(handler);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let (acceptor, handler) = (acceptor.clone(), Arc::clone(&handler));
            let delays = Arc::clone(&delays);
            tokio::spawn(async move {
                let handshake = delays.lock().unwrap().handshake();
                wait(handshake).await;
                // A client that does not trust the certificate closes the connection.
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve_connection(stream, delays, handler).await;
                }
            });
        }
    });
}

async fn serve_connection<S, H, F>(stream: S, delays: SharedDelays, handler: Arc<H>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    H: Fn(HttpRequest) -> F,
    F: Future<Output = HttpResponse>,
{
    let service = service_fn(|request| respond(&delays, Arc::clone(&handler), request));
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // It ends with an error where a handler has closed it on purpose.
    drop(connection.await);
}

async fn respond<H, F>(
    delays: &SharedDelays,
    handler: Arc<H>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, ConnectionClosed>
where
    H: Fn(HttpRequest) -> F,
    F: Future<Output = HttpResponse>,
{
    let (head, body) = request.into_parts();
    let request = HttpRequest {
        method: head.method,
        target: head.uri.to_string(),
        headers: head.headers,
        body: body
            .collect()
            .await
            .map_err(|_| ConnectionClosed)?
            .to_bytes(),
    };
    let delay = delays.lock().unwrap().request(&request.method);
    wait(delay).await;
    match handler(request).await {
        HttpResponse::Complete(response) => Ok(response),
        HttpResponse::ConnectionClosed => Err(ConnectionClosed),
        HttpResponse::NoResponse => match std::future::pending::<Infallible>().await {},
    }
}

/// hyper drops a connection whose service fails.
#[derive(Debug)]
struct ConnectionClosed;

impl std::fmt::Display for ConnectionClosed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for ConnectionClosed {}
