//! A certificate for `https`, made on this machine: many clients speak to nothing else, and send no secret without it.
//!
//! An authority is made, signs one certificate for loopback names, and its key is forgotten: whoever trusts the
//! authority trusts this certificate and never another. The files stay in a folder, so that a client that was told
//! to trust the authority need not be told again after a restart.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::kernel::error::EmulatorError;

const AUTHORITY: &str = "authority.pem";
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";
/// Certificates of a longer life are refused by some clients; a new one is made after half of it.
const DAYS: u32 = 396;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A certificate for loopback addresses, and the authority that vouches for it.
#[derive(Clone, Debug)]
pub struct Https {
    folder: PathBuf,
}

impl Https {
    /// The certificate in this folder, made when it is absent or old.
    ///
    /// `address` is what clients will call, beside `localhost`, `127.0.0.1` and `::1`.
    ///
    /// # Errors
    /// When it cannot be made or kept.
    pub fn open(folder: &Path, address: IpAddr) -> Result<Self, EmulatorError> {
        // Whoever is told of it may stand elsewhere.
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
        let https = Self { folder: folder.join(format!("https-{}", address.to_string().replace(':', "-"))) };
        if !https.is_fresh() {
            https.make(address)?;
        }
        Ok(https)
    }

    /// The file that a client must trust, in PEM.
    pub fn authority(&self) -> PathBuf {
        self.folder.join(AUTHORITY)
    }

    fn is_fresh(&self) -> bool {
        [AUTHORITY, CERTIFICATE, KEY].iter().all(|name| {
            let made = self.folder.join(name).metadata().and_then(|file| file.modified()).ok();
            made.and_then(|made| made.elapsed().ok()).is_some_and(|age| age < DAY * (DAYS / 2))
        })
    }

    fn make(&self, address: IpAddr) -> Result<(), EmulatorError> {
        let failed = |error: rcgen::Error| self.error(error);
        let authority_key = KeyPair::generate().map_err(failed)?;
        let mut authority = params(Vec::new(), "Dualwright emulators (this machine only)").map_err(failed)?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_certificate = authority.self_signed(&authority_key).map_err(failed)?;
        let issuer = Issuer::new(authority, authority_key);

        let key = KeyPair::generate().map_err(failed)?;
        let mut certificate = params(vec!["localhost".to_owned()], "localhost").map_err(failed)?;
        let mut addresses =
            vec![IpAddr::from(std::net::Ipv4Addr::LOCALHOST), IpAddr::from(std::net::Ipv6Addr::LOCALHOST)];
        if !addresses.contains(&address) {
            addresses.push(address);
        }
        certificate.subject_alt_names.extend(addresses.into_iter().map(SanType::IpAddress));
        certificate.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        certificate.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        certificate.use_authority_key_identifier_extension = true;
        let certificate = certificate.signed_by(&key, &issuer).map_err(failed)?;

        std::fs::create_dir_all(&self.folder).map_err(|error| self.error(error))?;
        self.keep(KEY, &key.serialize_pem())?;
        self.keep(CERTIFICATE, &certificate.pem())?;
        self.keep(AUTHORITY, &authority_certificate.pem())
    }

    /// Writes a file that only its owner may read.
    fn keep(&self, name: &str, text: &str) -> Result<(), EmulatorError> {
        use std::io::Write as _;
        let path = self.folder.join(name);
        let _ = std::fs::remove_file(&path);
        let mut options = std::fs::File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(|error| self.error(error))?;
        file.write_all(text.as_bytes()).map_err(|error| self.error(error))
    }

    /// What takes the encryption off connections.
    pub(super) fn acceptor(&self) -> Result<TlsAcceptor, EmulatorError> {
        let certificate = CertificateDer::from_pem_file(self.folder.join(CERTIFICATE));
        let key = PrivateKeyDer::from_pem_file(self.folder.join(KEY));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| self.error(error))?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.map_err(|error| self.error(error))?],
                key.map_err(|error| self.error(error))?,
            )
            .map_err(|error| self.error(error))?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    fn error(&self, error: impl std::fmt::Display) -> EmulatorError {
        EmulatorError::Certificate { folder: self.folder.clone(), reason: error.to_string() }
    }
}

fn params(names: Vec<String>, common_name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    // A clock that runs a little behind is no reason to refuse.
    let now = std::time::SystemTime::now();
    params.not_before = (now - DAY).into();
    params.not_after = (now + DAY * DAYS).into();
    Ok(params)
}
