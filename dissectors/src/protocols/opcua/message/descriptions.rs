//! What servers and clients say of themselves: applications, endpoints, user token policies (Part 4, 7.2, 7.14, 7.42).

use bumpalo::collections::Vec as List;

use super::text::{self, field};
use super::types::{Read, Reader};
use crate::protocols::opcua::certificate::Certificate;
use crate::protocols::opcua::tables::security::{Mode, Policy, UserType, application_type, policy_of};
use crate::transaction::{Field, Value};

/// An ApplicationDescription.
#[derive(Debug, Clone, Copy)]
pub struct Application<'a> {
    /// Who it is, unique in the world.
    pub uri: Option<&'a [u8]>,
    /// What it is.
    pub product_uri: Option<&'a [u8]>,
    /// Its name for people.
    pub name: Option<&'a [u8]>,
    /// Server, client, both, discovery server.
    pub kind: u32,
    gateway: Value<'a>,
    profile: Value<'a>,
    urls: Value<'a>,
}

impl<'a> Application<'a> {
    /// Reads one.
    pub fn read(body: &mut Reader<'a>) -> Read<Self> {
        Ok(Application {
            uri: body.bytes()?,
            product_uri: body.bytes()?,
            name: body.localized()?.1,
            kind: body.u32()?,
            gateway: body.text()?,
            profile: body.text()?,
            urls: body.texts()?,
        })
    }

    /// As a value.
    pub fn value(&self, body: &Reader<'a>) -> Value<'a> {
        let text = |bytes: Option<&'a [u8]>| bytes.map_or(Value::Null, Value::Text);
        let mut fields = List::with_capacity_in(7, body.arena);
        fields.extend_from_slice_copy(&[
            field("application_uri", text(self.uri)),
            field("product_uri", text(self.product_uri)),
            field("application_name", text(self.name)),
            text::word("application_type", application_type(self.kind)),
        ]);
        let others = [("gateway_server_uri", self.gateway), ("discovery_profile_uri", self.profile)];
        for (name, value) in others.into_iter().chain([("discovery_urls", self.urls)]) {
            if !matches!(value, Value::Null | Value::Text([]) | Value::List([])) {
                fields.push(field(name, value));
            }
        }
        Value::Object(fields.into_bump_slice())
    }
}

/// An EndpointDescription.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint<'a> {
    /// Where.
    pub url: Option<&'a [u8]>,
    /// Whose.
    pub server: Application<'a>,
    /// Its certificate, DER.
    pub certificate: Option<&'a [u8]>,
    /// Signed, encrypted.
    pub mode: Mode,
    /// By which policy.
    pub policy_uri: &'a [u8],
    /// The policy, where it is standardised.
    pub policy: Option<&'static Policy>,
    tokens: Value<'a>,
    transport: Value<'a>,
    level: u8,
}

impl<'a> Endpoint<'a> {
    /// Bytes of one at least.
    pub const LEAST: usize = 50;

    /// Reads one.
    pub fn read(body: &mut Reader<'a>) -> Read<Self> {
        let (url, server, certificate) = (body.bytes()?, Application::read(body)?, body.bytes()?);
        let mode = Mode::of(body.u32()?);
        let policy_uri = body.bytes()?.unwrap_or_default();
        Ok(Endpoint {
            url,
            server,
            certificate,
            mode,
            policy_uri,
            policy: policy_of(policy_uri),
            tokens: body.list(20, user_token_policy)?,
            transport: body.text()?,
            level: body.u8()?,
        })
    }

    /// As a value.
    pub fn value(&self, body: &Reader<'a>) -> Value<'a> {
        let arena = body.arena;
        let mut fields = List::with_capacity_in(8, arena);
        fields.extend_from_slice_copy(&[
            field("endpoint_url", self.url.map_or(Value::Null, Value::Text)),
            field("server", self.server.value(body)),
            text::word("security_mode", self.mode.name()),
            field("security_policy", policy_value(self.policy, self.policy_uri)),
            field("user_tokens", self.tokens),
            field("transport_profile", self.transport),
            text::number("security_level", self.level),
        ]);
        if let Some(digest) = self.certificate.filter(|bytes| !bytes.is_empty()).map(Certificate::digest) {
            fields.push(field("certificate_sha256", Value::Hex(arena.alloc_slice_copy(&digest))));
        }
        Value::Object(fields.into_bump_slice())
    }
}

/// Name of a policy, or the URI of one that is not standardised.
pub fn policy_value<'a>(policy: Option<&'static Policy>, uri: &'a [u8]) -> Value<'a> {
    match policy {
        Some(policy) => Value::Text(policy.name.as_bytes()),
        None if uri.is_empty() => Value::Null,
        None => Value::Text(uri),
    }
}

/// A UserTokenPolicy.
fn user_token_policy<'a>(body: &mut Reader<'a>) -> Read<Value<'a>> {
    let id = field("policy_id", body.text()?);
    let kind = text::word("user_type", UserType::of(body.u32()?).name());
    let others: [Field<'a>; 2] = [field("issued_token_type", body.text()?), field("issuer_endpoint_url", body.text()?)];
    let uri = body.bytes()?.unwrap_or_default();
    let mut fields = List::with_capacity_in(5, body.arena);
    fields.extend_from_slice_copy(&[id, kind]);
    fields.extend(others.into_iter().filter(|other| other.value != Value::Null));
    if !uri.is_empty() {
        fields.push(field("security_policy", policy_value(policy_of(uri), uri)));
    }
    Ok(Value::Object(fields.into_bump_slice()))
}
