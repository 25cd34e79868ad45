//! An HTTPS proxy that records the hosts it is asked to connect to, and denies every connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hyper::Method;

use crate::http_server::{HttpResponse, serve};

/// The proxy on a loopback port.
pub struct HttpsProxy {
    address: SocketAddr,
    targets: Arc<Mutex<Vec<String>>>,
}

impl HttpsProxy {
    /// Starts the proxy.
    pub async fn start() -> Self {
        let targets = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&targets);
        let address = serve(move |request| {
            assert_eq!(request.method, Method::CONNECT);
            shared.lock().unwrap().push(request.target);
            async { HttpResponse::new(403, &[], "") }
        })
        .await;
        Self { address, targets }
    }

    /// The value of `HTTPS_PROXY`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Host and port of each connection that was asked for since the last call, without repetitions in a row.
    #[must_use]
    pub fn take_targets(&self) -> Vec<String> {
        let mut targets = std::mem::take(&mut *self.targets.lock().unwrap());
        targets.dedup();
        targets
    }
}
