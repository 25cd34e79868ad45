//! Plays the proxy on the way to every https address, and lets nothing through.
//! Refuses to know who may be asked for.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hyper::Method;

use crate::server::{Reply, serve};

pub struct Proxy {
    address: SocketAddr,
    asked_for: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub async fn start() -> Self {
        let asked_for = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&asked_for);
        let address = serve(move |asked| {
            assert_eq!(asked.method, Method::CONNECT);
            shared.lock().unwrap().push(asked.target);
            async { Reply::new(403, &[], "") }
        })
        .await;
        Self { address, asked_for }
    }

    /// The value of `HTTPS_PROXY`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Host and port, once for each host that a way was asked for to, since this was asked last.
    pub fn asked_for(&self) -> Vec<String> {
        let mut asked_for = std::mem::take(&mut *self.asked_for.lock().unwrap());
        asked_for.dedup();
        asked_for
    }
}
