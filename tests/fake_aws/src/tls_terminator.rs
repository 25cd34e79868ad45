//! TLS termination in front of one of the APIs, with a certificate for `localhost` by a certificate authority of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Certificates, Keys};

/// Accepts TLS connections on a loopback port and forwards them in plain text.
pub struct TlsTerminator {
    address: SocketAddr,
    upstream: Arc<OnceLock<SocketAddr>>,
    connections: Arc<AtomicUsize>,
    ca_certificate: String,
}

/// A folder of CA bundles, which is removed with this value.
pub struct CaFolder(PathBuf);

impl TlsTerminator {
    /// Starts the server; connections wait until `forward_to` says where they lead.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let authority = format!("Test CA {}", address.port());
        let certificates = Certificates::issue(&authority, &["localhost"], Keys::P256);
        let ca_certificate = certificates.root.clone();
        let config = certificates.server_config();
        let terminator = Self {
            address,
            upstream: Arc::default(),
            connections: Arc::default(),
            ca_certificate,
        };
        let upstream = Arc::clone(&terminator.upstream);
        let connections = Arc::clone(&terminator.connections);
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(config);
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::Relaxed);
                let (acceptor, upstream) = (acceptor.clone(), Arc::clone(&upstream));
                tokio::spawn(async move {
                    // A client that does not trust the certificate closes the connection.
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    while upstream.get().is_none() {
                        sleep(Duration::from_millis(5)).await;
                    }
                    let mut api = TcpStream::connect(upstream.get().unwrap()).await.unwrap();
                    let _ = copy_bidirectional(&mut stream, &mut api).await;
                });
            }
        });
        terminator
    }

    /// Where the connections lead from now on.
    pub fn forward_to(&self, address: SocketAddr) {
        self.upstream.set(address).unwrap();
    }

    /// How many connections were made to it.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// A folder with the CA's certificate in `ca.pem`, and again under the kind of name that OpenSSL's `c_rehash` gives it.
    #[must_use]
    pub fn ca_folder(&self) -> CaFolder {
        let folder = std::env::temp_dir().join(format!("test-ca-{}", self.address.port()));
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["ca.pem", "0123abcd.0"] {
            std::fs::write(folder.join(name), &self.ca_certificate).unwrap();
        }
        std::fs::write(folder.join("empty.pem"), "").unwrap();
        CaFolder(folder)
    }
}

impl CaFolder {
    /// The path of a file in it.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for CaFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
