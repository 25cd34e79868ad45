//! The time that requests take on the way to AWS and there, for benchmarks: on loopback they take almost none.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::Method;

/// How long things take; no time at first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delays {
    /// Of the network, there and back. A handshake takes two: one of TCP, one of TLS 1.3.
    pub round_trip: Duration,
    /// Of Lambda, for a call about a policy.
    pub policy_call: Duration,
    /// Of S3, for a PUT. The same for a HEAD, which only makes a connection, to either service.
    pub put: Duration,
}

/// The delays of a server, which may change while it runs.
pub type SharedDelays = Arc<Mutex<Delays>>;

impl Delays {
    /// From the request for a connection to the first byte that the client may send over it.
    #[must_use]
    pub fn handshake(&self) -> Duration {
        self.round_trip * 2
    }

    /// From a request to its response.
    #[must_use]
    pub fn request(&self, method: &Method) -> Duration {
        let service = match *method {
            Method::PUT | Method::HEAD => self.put,
            _ => self.policy_call,
        };
        self.round_trip + service
    }
}

/// Waits as long as a network would, more precisely than to the millisecond of Tokio's timers.
pub(crate) async fn wait(delay: Duration) {
    if !delay.is_zero() {
        let slept = tokio::task::spawn_blocking(move || std::thread::sleep(delay));
        slept.await.unwrap();
    }
}
