//! The TLS configuration: Mozilla's certificate authorities are compiled in and need no parsing; the system's own are asked about an
//! unknown issuer; a file that the operator configures replaces both.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};
use tracing::warn;

/// The variables that name a PEM file of authorities to be trusted instead of all others; the first that is set counts.
///
/// Source: [`AWS_CA_BUNDLE`](https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html) of AWS's tools, and
/// OpenSSL's own variable.
pub const VARIABLES: [&str; 2] = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"];

/// The configuration, and what to do about a certificate of an unknown authority.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// For a client, without client certificates.
    pub config: ClientConfig,
    /// What to do if the authority of a certificate is unknown, to go behind that error.
    pub remedy: String,
}

impl TlsConfig {
    /// The configuration that the environment asks for. A file that cannot be used is named in the log and in what fails because
    /// of it, but does not stop responses to a host with a public certificate.
    ///
    /// # Errors
    /// If the cryptography does not do for TLS.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let named = VARIABLES.iter().find_map(|name| {
            let path = variable(name).filter(|path| !path.is_empty())?;
            Some((*name, path))
        });
        let Some((name, path)) = named else {
            let remedy = "set `AWS_CA_BUNDLE` to a PEM file with the authority that issued it";
            return Self::with_public_roots(&provider, remedy.to_owned());
        };
        let file = load_certs_from_paths(Some(Path::new(&path)), None);
        let reason = file.errors.first().map(ToString::to_string);
        if let Some(verifier) = verifier(&provider, file) {
            let verifier = FallbackVerifier {
                first: verifier,
                system: None,
                provider: Arc::clone(&provider),
            };
            let remedy = format!("add the authority that issued it to `{name}` (`{path}`)");
            return Self::with_verifier(verifier, remedy);
        }
        let reason = reason.unwrap_or_else(|| "no certificate in it".to_owned());
        warn!(variable = name, path, reason, "CA bundle not loaded");
        let remedy = format!("correct `{name}` (`{path}`), which cannot be used: {reason}");
        Self::with_public_roots(&provider, remedy)
    }

    fn with_public_roots(provider: &Arc<CryptoProvider>, remedy: String) -> Result<Self, Error> {
        let compiled_in = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        let first = built(provider, compiled_in);
        let verifier = FallbackVerifier {
            first: first.ok_or_else(|| Error::General("no authorities compiled in".to_owned()))?,
            system: Some(OnceLock::new()),
            provider: Arc::clone(provider),
        };
        Self::with_verifier(verifier, remedy)
    }

    fn with_verifier(verifier: FallbackVerifier, remedy: String) -> Result<Self, Error> {
        let config = ClientConfig::builder_with_provider(Arc::clone(&verifier.provider));
        let config = config.with_safe_default_protocol_versions()?;
        let config = config
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        Ok(Self {
            config: config.with_no_client_auth(),
            remedy,
        })
    }
}

fn verifier(
    provider: &Arc<CryptoProvider>,
    found: CertificateResult,
) -> Option<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    built(provider, roots)
}

/// None if there is no certificate.
fn built(
    provider: &Arc<CryptoProvider>,
    roots: RootCertStore,
) -> Option<Arc<WebPkiServerVerifier>> {
    let builder = WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(provider));
    builder.build().ok()
}

/// Verifies by the first authorities, and by those of the system if the first do not know the issuer.
#[derive(Debug)]
struct FallbackVerifier {
    first: Arc<WebPkiServerVerifier>,
    /// The system's own, read when first needed: that takes ten times as long as the rest of the start.
    system: Option<OnceLock<Option<Arc<WebPkiServerVerifier>>>>,
    provider: Arc<CryptoProvider>,
}

impl FallbackVerifier {
    fn system(&self) -> Option<&Arc<WebPkiServerVerifier>> {
        let read = || verifier(&self.provider, load_native_certs());
        self.system.as_ref()?.get_or_init(read).as_ref()
    }
}

impl ServerCertVerifier for FallbackVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let ask = |verifier: &WebPkiServerVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        match ask(&self.first) {
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
                self.system().map_or(Err(unknown), |system| ask(system))
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.first.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.first.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.first.supported_verify_schemes()
    }
}
