//! Plays TLS in front of a Lambda, with a certificate for `localhost` that an authority of its own has issued.
//! Refuses to know who trusts that.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

pub struct TlsFront {
    address: SocketAddr,
    behind: Arc<OnceLock<SocketAddr>>,
    connections: Arc<AtomicUsize>,
    authority: String,
}

/// A folder that goes with the test.
pub struct Folder(PathBuf);

impl TlsFront {
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let name = format!("Authority {}", address.port());
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.into()], key)
            .unwrap();
        let front = Self {
            address,
            behind: Arc::default(),
            connections: Arc::default(),
            authority,
        };
        let behind = Arc::clone(&front.behind);
        let connections = Arc::clone(&front.connections);
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::Relaxed);
                let (acceptor, behind) = (acceptor.clone(), Arc::clone(&behind));
                tokio::spawn(async move {
                    // A client that does not trust the certificate hangs up.
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    while behind.get().is_none() {
                        sleep(Duration::from_millis(5)).await;
                    }
                    let mut lambda = TcpStream::connect(behind.get().unwrap()).await.unwrap();
                    let _ = copy_bidirectional(&mut stream, &mut lambda).await;
                });
            }
        });
        front
    }

    /// What is behind it from now on.
    pub fn stand_before(&self, address: SocketAddr) {
        self.behind.set(address).unwrap();
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// A folder with the authority's certificate in `authority.pem`, and by the name that OpenSSL gives a file in a folder of many.
    pub fn folder(&self) -> Folder {
        let folder = std::env::temp_dir().join(format!("authority-{}", self.address.port()));
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["authority.pem", "0123abcd.0"] {
            std::fs::write(folder.join(name), &self.authority).unwrap();
        }
        std::fs::write(folder.join("empty.pem"), "").unwrap();
        Folder(folder)
    }
}

impl Folder {
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
