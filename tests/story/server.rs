//! Serves one fake over HTTP/1.1 on a loopback port.
//! Refuses to know what is asked and answered there.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// A whole request. `target` is the path and query as they stood on the wire.
pub struct Asked {
    pub method: Method,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What the one who asked gets to see.
pub enum Reply {
    Answer(Response<Full<Bytes>>),
    /// The connection ends without an answer.
    Closed,
    /// No answer while the connection lives.
    Hang,
}

impl Reply {
    pub fn new(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Self {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        Self::Answer(response.body(Full::new(body.into())).unwrap())
    }
}

/// Answers every request with `answer` until the test's runtime ends.
pub async fn serve<A, F>(answer: A) -> SocketAddr
where
    A: Fn(Asked) -> F + Send + Sync + 'static,
    F: Future<Output = Reply> + Send,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            let service = service_fn(move |request| respond(Arc::clone(&answer), request));
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    address
}

async fn respond<A, F>(
    answer: Arc<A>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, ConnectionClosed>
where
    A: Fn(Asked) -> F,
    F: Future<Output = Reply>,
{
    let (head, body) = request.into_parts();
    let asked = Asked {
        method: head.method,
        target: head.uri.to_string(),
        headers: head.headers,
        body: body
            .collect()
            .await
            .map_err(|_| ConnectionClosed)?
            .to_bytes(),
    };
    if asked.method == Method::HEAD && asked.target == "/" {
        // The connection is made ahead, and nothing is asked for.
        return Ok(Response::builder()
            .status(403)
            .body(Full::default())
            .unwrap());
    }
    match answer(asked).await {
        Reply::Answer(response) => Ok(response),
        Reply::Closed => Err(ConnectionClosed),
        Reply::Hang => match std::future::pending::<Infallible>().await {},
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
