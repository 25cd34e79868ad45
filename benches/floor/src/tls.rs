//! TLS with rustls and aws-lc, as the provider has it. Trusts what `SSL_CERT_FILE` names, or else Mozilla's roots.

use std::env;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

pub struct Tls(Arc<ClientConfig>);

impl Tls {
    pub fn new() -> Self {
        let mut roots = RootCertStore::empty();
        if let Ok(file) = env::var("SSL_CERT_FILE") {
            for root in CertificateDer::pem_file_iter(file).expect("a file of roots") {
                roots.add(root.expect("a root")).expect("a good root");
            }
        } else {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        let config = ClientConfig::builder().with_root_certificates(roots);
        Self(Arc::new(config.with_no_client_auth()))
    }

    pub fn connect(&self, host: &str) -> StreamOwned<ClientConnection, TcpStream> {
        let name = ServerName::try_from(host.to_owned()).expect("a host name");
        let client = ClientConnection::new(Arc::clone(&self.0), name).expect("a client");
        let stream = TcpStream::connect((host, 443)).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        StreamOwned::new(client, stream)
    }
}
