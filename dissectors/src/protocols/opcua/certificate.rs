//! Certificates (X.509, Part 6, 6.2): what they say, their digests, what is wrong with them. They are rare, so each is read anew.

use bumpalo::Bump;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

use super::message::text::{self, field};
use super::tables::anomaly;
use crate::transaction::{Anomalies, Field, Value};

/// Bytes of a certificate that are read at most; a chain has its first certificate read.
const MAX_CERTIFICATE: usize = 16_384;

/// RSA keys with fewer bits are weak.
const LEAST_BITS: usize = 2_048;

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The SHA-1 of its bytes, by which OPC UA names certificates (thumbprint).
    pub sha1: [u8; 20],
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// What was in it, where it could be read.
    pub content: Option<Box<Content>>,
}

/// The content of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Who the application is.
    pub application_uri: Option<String>,
    serial: String,
    /// From when and until when it is valid, seconds since 1970.
    pub validity: [i64; 2],
    key_type: &'static str,
    key_bits: usize,
    signature: &'static str,
    /// Names and addresses of its host.
    pub names: Vec<String>,
    further: bool,
}

impl Certificate {
    /// Reads the first certificate of these bytes.
    pub fn read(der: &[u8]) -> Certificate {
        let der = der.get(..MAX_CERTIFICATE).unwrap_or(der);
        let read = X509Certificate::from_der(der).ok();
        let own = read.as_ref().map_or(der.len(), |(rest, _)| der.len().saturating_sub(rest.len()));
        let bytes = der.get(..own).unwrap_or(der);
        let content = read.map(|(rest, certificate)| Box::new(Content::of(&certificate, !rest.is_empty())));
        Certificate { sha1: Sha1::digest(bytes).into(), sha256: Certificate::digest(bytes), content }
    }

    /// The SHA-256 of some bytes.
    pub fn digest(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    /// What is wrong with it at this time (ns).
    pub fn anomalies(&self, now: u64) -> Anomalies {
        let mut anomalies = Anomalies::default();
        anomalies.set(anomaly::CERTIFICATE_UNREADABLE, self.content.is_none());
        if let Some(content) = &self.content {
            let now = i64::try_from(now / 1_000_000_000).unwrap_or(i64::MAX);
            let [begin, end] = content.validity;
            anomalies.set(anomaly::CERTIFICATE_EXPIRED, now < begin || now > end);
        }
        anomalies
    }

    /// Its application URI differs from what the application says.
    pub fn contradicts(&self, application_uri: &[u8]) -> bool {
        let said = self.content.as_ref().and_then(|content| content.application_uri.as_ref());
        said.is_some_and(|said| said.as_bytes() != application_uri)
    }

    /// As a value.
    pub fn value<'a>(&self, arena: &'a Bump) -> Value<'a> {
        let mut fields = bumpalo::collections::Vec::new_in(arena);
        fields.push(field("sha1", Value::Hex(arena.alloc_slice_copy(&self.sha1))));
        fields.push(field("sha256", Value::Hex(arena.alloc_slice_copy(&self.sha256))));
        if let Some(content) = &self.content {
            fields.extend(content.fields(arena));
            fields.extend(content.is_weak().then_some(field("weak", Value::Bool(true))));
        }
        Value::Object(fields.into_bump_slice())
    }
}

impl Content {
    fn of(certificate: &X509Certificate<'_>, further: bool) -> Content {
        let (key_type, key_bits) = key(certificate);
        let (application_uri, names) = names(certificate);
        let validity = certificate.validity();
        Content {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            application_uri,
            serial: certificate.raw_serial_as_string(),
            validity: [validity.not_before.timestamp(), validity.not_after.timestamp()],
            key_type,
            key_bits,
            signature: signature(&certificate.signature_algorithm.algorithm),
            names,
            further,
        }
    }

    fn is_weak(&self) -> bool {
        let hash = self.signature.contains("sha1") || self.signature.contains("md5");
        hash || (self.key_type == "rsa" && self.key_bits < LEAST_BITS)
    }

    fn fields<'a>(&self, arena: &'a Bump) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let own = |text: &str| Value::Text(arena.alloc_slice_copy(text.as_bytes()));
        let time = |seconds: i64| Value::Signed(seconds.saturating_mul(1_000_000_000));
        let [begin, end] = self.validity;
        let names = arena.alloc_slice_fill_iter(self.names.iter().map(|name| own(name)));
        let fields = [
            field("subject", own(&self.subject)),
            field("issuer", own(&self.issuer)),
            field("serial", own(&self.serial)),
            field("not_before", time(begin)),
            field("not_after", time(end)),
            field("self_signed", Value::Bool(self.subject == self.issuer)),
            text::word("key_type", self.key_type),
            text::number("key_bits", u64::try_from(self.key_bits).unwrap_or(u64::MAX)),
            text::word("signature_algorithm", self.signature),
            field("application_uri", self.application_uri.as_ref().map_or(Value::Null, |uri| own(uri))),
            field("names", Value::List(names)),
            field("chain", Value::Bool(self.further)),
        ];
        fields.into_iter()
    }
}

fn key(certificate: &X509Certificate<'_>) -> (&'static str, usize) {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => ("rsa", key.key_size()),
        Ok(PublicKey::EC(key)) => ("ec", key.key_size()),
        Ok(PublicKey::DSA(_)) => ("dsa", 0),
        _ => ("unknown", 0),
    }
}

/// The application's URI, and the names and addresses of its host.
fn names(certificate: &X509Certificate<'_>) -> (Option<String>, Vec<String>) {
    let mut uri = None;
    let mut names = Vec::new();
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return (uri, names) };
    for name in extension.value.general_names.iter().take(64) {
        match name {
            GeneralName::URI(text) => uri = uri.or_else(|| Some((*text).to_owned())),
            GeneralName::DNSName(text) => names.push((*text).to_owned()),
            GeneralName::IPAddress(bytes) => names.extend(address(bytes)),
            _ => {}
        }
    }
    (uri, names)
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(|bytes| std::net::Ipv4Addr::from(bytes).to_string());
    let six = || <[u8; 16]>::try_from(bytes).map(|bytes| std::net::Ipv6Addr::from(bytes).to_string());
    four.or_else(|_| six()).ok()
}

/// Names of the algorithms that certificates are signed with.
fn signature(algorithm: &Oid<'_>) -> &'static str {
    match algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.4" => "md5_with_rsa",
        "1.2.840.113549.1.1.5" => "sha1_with_rsa",
        "1.2.840.113549.1.1.10" => "rsa_pss",
        "1.2.840.113549.1.1.11" => "sha256_with_rsa",
        "1.2.840.113549.1.1.12" => "sha384_with_rsa",
        "1.2.840.113549.1.1.13" => "sha512_with_rsa",
        "1.2.840.10045.4.1" => "sha1_with_ecdsa",
        "1.2.840.10045.4.3.2" => "sha256_with_ecdsa",
        "1.2.840.10045.4.3.3" => "sha384_with_ecdsa",
        "1.2.840.10045.4.3.4" => "sha512_with_ecdsa",
        "1.3.101.112" => "ed25519",
        "1.3.101.113" => "ed448",
        _ => "unknown",
    }
}
