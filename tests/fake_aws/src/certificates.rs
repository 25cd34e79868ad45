//! A certificate authority for one run, and the server certificate that it issues: a root, an intermediate and a leaf.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{Ticketer, cipher_suite, default_provider, kx_group};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The keys of a chain.
#[derive(Debug, Clone, Copy)]
pub enum Keys {
    /// ECDSA on P-256, which are generated quickly.
    P256,
    /// RSA with 2048 bits, as AWS's.
    Rsa2048,
}

/// The certificates of a server, and the root by which a client trusts them.
pub struct Certificates {
    /// The root certificate, in PEM.
    pub root: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Certificates {
    /// For a server with these host names, by an authority with this name.
    #[must_use]
    pub fn issue(authority: &str, hosts: &[&str], keys: Keys) -> Self {
        let (root, root_key) = (ca_params(authority, None), keys.generate());
        let root_certificate = root.self_signed(&root_key).unwrap();
        let root = Issuer::new(root, root_key);
        let (intermediate, intermediate_key) = (
            ca_params(&format!("{authority} M01"), Some(0)),
            keys.generate(),
        );
        let intermediate_certificate = intermediate.signed_by(&intermediate_key, &root).unwrap();
        let intermediate = Issuer::new(intermediate, intermediate_key);
        let (leaf, leaf_key) = (leaf_params(hosts), keys.generate());
        let leaf = leaf.signed_by(&leaf_key, &intermediate).unwrap();
        Self {
            root: root_certificate.pem(),
            chain: vec![leaf.into(), intermediate_certificate.into()],
            key: PrivateKeyDer::try_from(leaf_key.serialize_der()).unwrap(),
        }
    }

    /// A server with these certificates, and TLS as Lambda and S3 negotiate it: version 1.3 with `TLS_AES_128_GCM_SHA256` and X25519
    /// if the client supports them. Source: `tlsDetails` of Lambda's calls in `CloudTrail`, and S3's access logs.
    #[must_use]
    pub fn server_config(self) -> Arc<ServerConfig> {
        let mut provider = default_provider();
        provider.cipher_suites = [
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ]
        .into();
        provider.kx_groups = [kx_group::X25519, kx_group::SECP256R1].into();
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(self.chain, self.key)
            .unwrap();
        config.ignore_client_order = true;
        config.ticketer = Ticketer::new().unwrap();
        Arc::new(config)
    }
}

impl Keys {
    fn generate(self) -> KeyPair {
        match self {
            Self::P256 => KeyPair::generate(),
            Self::Rsa2048 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
        }
        .unwrap()
    }
}

fn ca_params(name: &str, path_length: Option<u8>) -> CertificateParams {
    let mut params = named(CertificateParams::new([]).unwrap(), name);
    let constraints = path_length.map_or(
        BasicConstraints::Unconstrained,
        BasicConstraints::Constrained,
    );
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf_params(hosts: &[&str]) -> CertificateParams {
    let names: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = named(CertificateParams::new(names).unwrap(), hosts[0]);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
    ];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params
}

fn named(mut params: CertificateParams, name: &str) -> CertificateParams {
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params
}
