//! Sessions (Part 4, 5.7): who, at which endpoint, as which user. Nonces, signatures, tokens and passwords are passed over.

use super::build::Build;
use super::descriptions::Application;
use super::discovery::endpoints;
use super::services::Halves;
use super::structures::type_id;
use super::text;
use super::types::{Extension, NodeId, Read, Reader};
use crate::protocols::opcua::certificate::Certificate;
use crate::protocols::opcua::tables::security::{Mode, UserType};
use crate::transaction::Value;

/// CreateSession.
pub fn create<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, |build, body| {
        let asked = Asked::read(body)?;
        let client = asked.client.value(body);
        build.add("client_application", client);
        build.text("server_uri", asked.server_uri);
        build.text("endpoint_url", asked.endpoint_url);
        build.text("session_name", asked.session_name);
        build.add("requested_session_timeout", Value::Float(asked.timeout));
        build.number("max_response_size", asked.max_response);
        certificate(build, "client_certificate", asked.certificate);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        let granted = Granted::read(body)?;
        build.node("session_id", granted.session_id);
        build.add("revised_session_timeout", Value::Float(granted.timeout));
        certificate(build, "server_certificate", granted.certificate);
        endpoints(build, body)?;
        body.each(8, |body| {
            body.bytes()?;
            body.bytes().map(|_| ())
        })?;
        if let Some(algorithm) = body.bytes()?.filter(|algorithm| !algorithm.is_empty()) {
            build.add("server_signature_algorithm", Value::Text(algorithm));
        }
        body.bytes()?;
        build.number("max_request_size", body.u32()?);
        Ok(())
    });
}

/// A certificate, or what is wrong with it.
pub fn certificate<'a>(build: &mut Build<'a>, name: &'static str, der: Option<&'a [u8]>) {
    let Some(der) = der.filter(|der| !der.is_empty()) else { return };
    let certificate = Certificate::read(der);
    build.anomalies.0 |= certificate.anomalies(build.now).0;
    let value = certificate.value(build.arena);
    build.add(name, value);
}

/// What a client asks for.
pub struct Asked<'a> {
    /// Who it is.
    pub client: Application<'a>,
    /// The server that is meant, behind a gateway.
    pub server_uri: Option<&'a [u8]>,
    /// Where it thinks that it is.
    pub endpoint_url: Option<&'a [u8]>,
    /// Its name for the session.
    pub session_name: Option<&'a [u8]>,
    /// Its certificate.
    pub certificate: Option<&'a [u8]>,
    timeout: f64,
    max_response: u32,
}

impl<'a> Asked<'a> {
    /// Reads it.
    pub fn read(body: &mut Reader<'a>) -> Read<Self> {
        let (client, server_uri) = (Application::read(body)?, body.bytes()?);
        let (endpoint_url, session_name) = (body.bytes()?, body.bytes()?);
        body.bytes()?;
        Ok(Asked {
            client,
            server_uri,
            endpoint_url,
            session_name,
            certificate: body.bytes()?,
            timeout: body.f64()?,
            max_response: body.u32()?,
        })
    }
}

/// What a server grants, up to its endpoints.
pub struct Granted<'a> {
    /// The session's node.
    pub session_id: NodeId<'a>,
    /// What every request of the session carries.
    pub token: NodeId<'a>,
    /// The server's certificate.
    pub certificate: Option<&'a [u8]>,
    timeout: f64,
}

impl<'a> Granted<'a> {
    /// Reads it.
    pub fn read(body: &mut Reader<'a>) -> Read<Self> {
        let (session_id, token, timeout) = (body.node_id()?, body.node_id()?, body.f64()?);
        body.bytes()?;
        Ok(Granted { session_id, token, certificate: body.bytes()?, timeout })
    }
}

/// A user, as far as it may be told.
#[derive(Debug, Clone, Copy)]
pub struct User<'a> {
    /// Kind of token.
    pub kind: UserType,
    /// Name: of the user, or the subject of the certificate.
    pub name: Option<&'a [u8]>,
    /// The certificate that is the token.
    pub certificate: Option<&'a [u8]>,
    /// Id of the token policy.
    pub policy_id: Option<&'a [u8]>,
    /// How the secret is encrypted.
    pub algorithm: Option<&'a [u8]>,
    /// The secret is there, and was not encrypted on its own.
    pub readable: bool,
}

impl<'a> User<'a> {
    /// Reads the identity token. A null token stands for Anonymous (Part 4, 5.7.3.2).
    pub fn read(token: &Extension<'a>, body: &mut Reader<'a>) -> Read<User<'a>> {
        let mut user = User {
            kind: UserType::Anonymous,
            name: None,
            certificate: None,
            policy_id: None,
            algorithm: None,
            readable: false,
        };
        user.kind = match token.type_id.standard() {
            Some(0 | type_id::ANONYMOUS_TOKEN) => UserType::Anonymous,
            Some(type_id::USER_NAME_TOKEN) => UserType::UserName,
            Some(type_id::CERTIFICATE_TOKEN) => UserType::Certificate,
            Some(type_id::ISSUED_TOKEN) => UserType::Issued,
            _ => UserType::Unknown,
        };
        if body.remaining() == 0 || user.kind == UserType::Unknown {
            return Ok(user);
        }
        user.policy_id = body.bytes()?;
        match user.kind {
            UserType::UserName => user.name = body.bytes()?,
            UserType::Certificate => user.certificate = body.bytes()?,
            _ => {}
        }
        if matches!(user.kind, UserType::UserName | UserType::Issued) {
            let secret = body.bytes()?.is_some_and(|secret| !secret.is_empty());
            user.algorithm = body.bytes()?.filter(|algorithm| !algorithm.is_empty());
            user.readable = secret && user.algorithm.is_none();
        }
        Ok(user)
    }

    /// The token of an ActivateSession request.
    pub fn of_request(body: &mut Reader<'a>) -> Read<User<'a>> {
        body.bytes()?;
        body.bytes()?;
        body.each(8, |body| {
            body.bytes()?;
            body.bytes().map(|_| ())
        })?;
        body.texts()?;
        let token = body.extension()?;
        User::read(&token, &mut body.within(token.body))
    }
}

/// ActivateSession.
pub fn activate<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, |build, body| {
        let user = User::of_request(body)?;
        build.text("user_token_policy", user.policy_id);
        build.text("user_token_algorithm", user.algorithm);
        certificate(build, "user_certificate", user.certificate);
        if user.kind == UserType::UserName || user.kind == UserType::Issued {
            build.add("secret_hidden", Value::Bool(true));
        }
        let sealed = build.state.channel.mode == Mode::SignAndEncrypt;
        build.flag("password_in_clear", user.readable && !sealed);
        body.bytes()?;
        body.bytes().map(|_| ())
    });
    build.read(halves.response, |build, body| {
        body.bytes()?;
        body.each(4, |body| body.u32().map(|_| ()))?;
        build.diagnostics(body)
    });
}

/// CloseSession.
pub fn close<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, |build, body| {
        let delete = body.bool()?;
        build.add("delete_subscriptions", Value::Bool(delete));
        Ok(())
    });
    build.read(halves.response, |_, _| Ok(()));
}

/// Cancel.
pub fn cancel<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, |build, body| {
        build.number("cancelled_handle", body.u32()?);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        build.number("cancel_count", body.u32()?);
        Ok(())
    });
}

/// OpenSecureChannel, of which the nonces are passed over.
pub fn open_channel<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, |build, body| {
        build.number("protocol_version", body.u32()?);
        build.word("request_type", if body.u32()? == 0 { "issue" } else { "renew" });
        build.word("requested_security_mode", Mode::of(body.u32()?).name());
        body.bytes()?;
        build.number("requested_lifetime", body.u32()?);
        Ok(())
    });
    build.read(halves.response, |build, body| {
        body.u32()?;
        build.fields.push(text::number("granted_channel_id", body.u32()?));
        build.number("token_id", body.u32()?);
        build.add("created_at", body.time()?);
        build.number("revised_lifetime", body.u32()?);
        body.bytes().map(|_| ())
    });
}

/// CloseSecureChannel has no parameters.
pub fn close_channel<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, |_, _| Ok(()));
    build.read(halves.response, |_, _| Ok(()));
}

/// A service of which no more is known than its name: its bytes are counted.
pub fn sizes<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let size = |half: Option<Reader<'a>>| half.map(|body| u64::try_from(body.remaining()).unwrap_or(u64::MAX));
    for (name, size) in [("request_size", size(halves.request)), ("response_size", size(halves.response))] {
        if let Some(size) = size {
            build.number(name, size);
        }
    }
}
