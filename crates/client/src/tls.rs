//! Encryption, and which certificates are believed: those the system trusts, or exactly one that was
//! named by its fingerprint.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::endpoint::GatewayUrl;

/// The SHA-256 of a certificate (DER).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CertificatePin([u8; 32]);

impl CertificatePin {
    /// Reads 64 hex digits, with or without colons between the bytes and `sha256:` before them.
    pub fn parse(text: &str) -> Option<Self> {
        let lower = text.trim().to_ascii_lowercase();
        let digits: String = lower.strip_prefix("sha256:").unwrap_or(&lower).split(':').collect();
        hex::decode(digits).ok()?.try_into().ok().map(Self)
    }

    /// The pin that fits a certificate.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl fmt::Display for CertificatePin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for CertificatePin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificatePin({self})")
    }
}

/// Encrypts a stream. Without a pin it trusts what the system trusts, so that a private certificate
/// authority works once it is installed.
pub(crate) async fn encrypt(
    stream: TcpStream,
    host: &str,
    pin: Option<CertificatePin>,
) -> io::Result<TlsStream<TcpStream>> {
    let believes = pin.map(|pin| Arc::new(OnlyPinned { pin, provider: provider() }) as Arc<dyn ServerCertVerifier>);
    shake_hands(stream, host, believes).await
}

/// The certificate that is shown at an address, in DER, whatever it says and whoever signed it. Nothing is sent
/// there but the greeting, and the connection goes no further.
pub async fn certificate_at(url: &GatewayUrl) -> io::Result<Vec<u8>> {
    let shown = Arc::new(OnlyLooks { shown: Mutex::default(), provider: provider() });
    let stream = TcpStream::connect(url.resolve().await?.as_slice()).await?;
    let refused = shake_hands(stream, url.host(), Some(Arc::clone(&shown) as Arc<dyn ServerCertVerifier>)).await;
    let certificate = shown.shown.lock().unwrap_or_else(PoisonError::into_inner).take();
    certificate.ok_or_else(|| refused.err().unwrap_or_else(|| io::Error::other("no certificate was shown")))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Begins an encrypted connection to a certificate that `believes` accepts; without it, to one that the system trusts.
async fn shake_hands(
    stream: TcpStream,
    host: &str,
    believes: Option<Arc<dyn ServerCertVerifier>>,
) -> io::Result<TlsStream<TcpStream>> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let config = match believes {
        None => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        Some(verifier) => builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth(),
    };
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Notes the certificate and believes none.
#[derive(Debug)]
struct OnlyLooks {
    shown: Mutex<Option<Vec<u8>>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OnlyLooks {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.to_vec());
        Err(Error::General("only the certificate was wanted".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only the certificate was wanted".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only the certificate was wanted".to_owned()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Accepts one certificate, whatever it says and whoever signed it: the person who named it has
/// vouched for it. That the other side holds its key is still proven by the handshake.
#[derive(Debug)]
struct OnlyPinned {
    pin: CertificatePin,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OnlyPinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = CertificatePin::of(end_entity);
        if shown == self.pin {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::General(format!("the gateway shows another certificate than the pinned one (sha256 {shown})")))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    #[test]
    fn a_fingerprint_is_read_in_every_usual_spelling() {
        let plain = "0a".repeat(32);
        let colons = vec!["0A"; 32].join(":");
        for text in [plain.clone(), colons.clone(), format!("sha256:{plain}"), format!(" SHA256:{colons} ")] {
            assert_eq!(CertificatePin::parse(&text).unwrap().to_string(), plain, "{text}");
        }
        for text in ["", "0a", &"0a".repeat(31), &"zz".repeat(32)] {
            assert_eq!(CertificatePin::parse(text), None, "{text}");
        }
    }

    /// A server with a certificate that nobody vouches for.
    async fn server() -> (TcpListener, TlsAcceptor, CertificateDer<'static>) {
        let made = rcgen::generate_simple_self_signed(["elsewhere.example".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = made.signing_key.serialize_der().try_into().unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TlsAcceptor::from(Arc::new(config)), certificate)
    }

    async fn dial(pin: impl Fn(&[u8]) -> Option<CertificatePin>) -> io::Result<()> {
        let (listener, acceptor, certificate) = server().await;
        let (address, pin) = (listener.local_addr().unwrap(), pin(&certificate));
        let server = async { acceptor.accept(listener.accept().await.unwrap().0).await };
        let client = async { encrypt(TcpStream::connect(address).await?, "127.0.0.1", pin).await };
        let (_served, connected) = tokio::join!(server, client);
        connected.map(|_| ())
    }

    #[tokio::test]
    async fn any_certificate_can_be_looked_at_and_goes_no_further() {
        let (listener, acceptor, certificate) = server().await;
        let url = GatewayUrl::parse(&format!("wss://{}", listener.local_addr().unwrap())).unwrap();
        let server = async { acceptor.accept(listener.accept().await.unwrap().0).await };
        let (greeting, shown) = tokio::join!(server, certificate_at(&url));
        assert_eq!(shown.unwrap(), certificate.to_vec());
        assert!(greeting.is_err());
    }

    #[tokio::test]
    async fn the_pinned_certificate_is_accepted_and_no_other() {
        dial(|certificate| Some(CertificatePin::of(certificate))).await.unwrap();
        let other = dial(|_| Some(CertificatePin::of(b"another"))).await.unwrap_err();
        assert!(other.to_string().contains("another certificate than the pinned one"), "{other}");
        assert!(dial(|_| None).await.is_err(), "nobody vouches for it");
    }
}
