//! What a connection tells of the identity of its two sides.

use super::compose::Exchange;
use crate::address::{Moment, Side};
use crate::protocols::Sink;
use crate::protocols::opcua::certificate::Certificate;
use crate::protocols::opcua::message::attributes::Target;
use crate::protocols::opcua::message::descriptions::{Application, Endpoint};
use crate::protocols::opcua::message::services::Halves;
use crate::protocols::opcua::message::sessions::{Asked, Granted};
use crate::protocols::opcua::message::types::{Read, Reader};
use crate::protocols::opcua::tables;
use crate::protocols::opcua::tables::attributes::VALUE_ATTRIBUTE;
use crate::protocols::opcua::tables::security::application_type;
use crate::protocols::opcua::tables::services::service;
use crate::transaction::{Field, Observation, Point, Value};

/// Endpoints of one answer that are told.
const MAX_ENDPOINTS: usize = 16;

/// Where observations go.
struct Observer<'s> {
    sink: &'s mut dyn Sink,
    side: Side,
    at: Moment,
}

impl Observer<'_> {
    fn tell(&mut self, attribute: &'static str, value: Value<'_>, field: &'static str) {
        let (side, at) = (self.side, self.at);
        if !matches!(value, Value::Null | Value::Text([])) {
            self.sink.observation(&Observation {
                protocol: tables::NUMBER,
                side,
                unit: None,
                attribute,
                value,
                field,
                at,
            });
        }
    }

    fn text(&mut self, attribute: &'static str, value: Option<&[u8]>, field: &'static str) {
        self.tell(attribute, value.map_or(Value::Null, Value::Text), field);
    }

    fn application(&mut self, application: &Application<'_>) {
        self.text("name", application.name, "opcua.application.name");
        self.text("application_uri", application.uri, "opcua.application.uri");
        self.text("product_uri", application.product_uri, "opcua.application.product_uri");
        let kind = application_type(application.kind);
        self.tell("application_type", Value::Text(kind.as_bytes()), "opcua.application.type");
    }

    fn certificate(&mut self, der: Option<&[u8]>) {
        let Some(der) = der.filter(|der| !der.is_empty()) else { return };
        certificate(self.sink, self.side, self.at, &Certificate::read(der));
    }
}

/// Tells a certificate of a side.
pub fn certificate(sink: &mut dyn Sink, side: Side, at: Moment, certificate: &Certificate) {
    let mut observer = Observer { sink, side, at };
    observer.tell("certificate_sha256", Value::Hex(&certificate.sha256), "opcua.certificate.sha256");
    if let Some(content) = &certificate.content {
        observer.text("certificate_subject", Some(content.subject.as_bytes()), "opcua.certificate.subject");
        observer.text("certificate_issuer", Some(content.issuer.as_bytes()), "opcua.certificate.issuer");
    }
}

/// What a call tells.
pub fn observe(exchange: &Exchange<'_>, halves: &Halves<'_>, sink: &mut dyn Sink) {
    let server = exchange.asker.other();
    let of_request = exchange.request.filter(|_| halves.request.is_some()).map(|message| (exchange.asker, message.at));
    let of_response = exchange.response.filter(|_| halves.response.is_some()).map(|message| (server, message.at));
    let read: Read<()> = match exchange.service {
        service::CREATE_SESSION => {
            let asked = told(of_request, halves.request, sink, client);
            told(of_response, halves.response, sink, session_server).and(asked)
        }
        service::GET_ENDPOINTS => told(of_response, halves.response, sink, endpoints),
        service::REGISTER_SERVER | service::REGISTER_SERVER2 => told(of_request, halves.request, sink, registered),
        service::READ => match (halves.request, halves.response) {
            (Some(request), Some(_)) => {
                told(of_response, halves.response, sink, |observer, body| build_info(observer, request, body))
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    };
    // What is wrong with it is told by the record.
    let _ = read;
}

fn told<'a>(
    who: Option<(Side, Moment)>,
    body: Option<Reader<'a>>,
    sink: &mut dyn Sink,
    tell: impl FnOnce(&mut Observer<'_>, &mut Reader<'a>) -> Read<()>,
) -> Read<()> {
    let (Some((side, at)), Some(mut body)) = (who, body) else { return Ok(()) };
    tell(&mut Observer { sink, side, at }, &mut body)
}

fn client(observer: &mut Observer<'_>, body: &mut Reader<'_>) -> Read<()> {
    let asked = Asked::read(body)?;
    observer.application(&asked.client);
    observer.certificate(asked.certificate);
    Ok(())
}

fn session_server(observer: &mut Observer<'_>, body: &mut Reader<'_>) -> Read<()> {
    let granted = Granted::read(body)?;
    observer.certificate(granted.certificate);
    endpoints(observer, body)
}

fn endpoints(observer: &mut Observer<'_>, body: &mut Reader<'_>) -> Read<()> {
    let mut place = 0_usize;
    body.each(Endpoint::LEAST, |body| {
        let endpoint = Endpoint::read(body)?;
        if place == 0 {
            observer.application(&endpoint.server);
        }
        if place < MAX_ENDPOINTS {
            let policy = endpoint.policy.map_or(endpoint.policy_uri, |policy| policy.name.as_bytes());
            let parts = [endpoint.url.unwrap_or_default(), endpoint.mode.name().as_bytes(), policy];
            observer.tell("endpoint", Value::Text(&parts.join(&b' ')), "opcua.endpoint");
        }
        place = place.saturating_add(1);
        Ok(())
    })
    .map(|_| ())
}

fn registered(observer: &mut Observer<'_>, body: &mut Reader<'_>) -> Read<()> {
    observer.text("application_uri", body.bytes()?, "opcua.registered_server.uri");
    observer.text("product_uri", body.bytes()?, "opcua.registered_server.product_uri");
    body.each(1, |body| {
        observer.text("name", body.localized()?.1, "opcua.registered_server.name");
        Ok(())
    })
    .map(|_| ())
}

/// Numbers of the server's status and build info, and their parts (Part 6, Annex A.3).
const SERVER_STATUS: u32 = 2_256;
const BUILD_INFO: u32 = 2_260;

/// Whether one of these points is the server's status or build info, or a part of it.
#[inline]
pub fn is_told_by(points: &[Point<'_>]) -> bool {
    points.iter().any(|point| point.block == 0 && (2_256..=2_266).contains(&point.first))
}

/// Attribute and field that a node's value tells.
fn part(number: u32) -> Option<(&'static str, &'static str)> {
    Some(match number {
        SERVER_STATUS | BUILD_INFO => ("", ""),
        2_261 => ("product", "opcua.build_info.product_name"),
        2_262 => ("product_uri", "opcua.build_info.product_uri"),
        2_263 => ("vendor", "opcua.build_info.manufacturer_name"),
        2_264 => ("firmware", "opcua.build_info.software_version"),
        2_265 => ("build", "opcua.build_info.build_number"),
        _ => return None,
    })
}

/// The build info among the values of a Read.
fn build_info<'a>(observer: &mut Observer<'_>, mut request: Reader<'a>, body: &mut Reader<'a>) -> Read<()> {
    request.f64()?;
    request.u32()?;
    let count = request.count(16)?.min(body.count(1)?);
    for _ in 0..count {
        let (target, _) = Target::read_value_id(&mut request)?;
        let value = body.data_value()?;
        let known = target.node.standard().filter(|_| target.attribute == VALUE_ATTRIBUTE).and_then(part);
        match (known, value.data.map(|data| data.value())) {
            (Some(("", _)), Some(Value::Object(fields))) => structure(observer, fields),
            (Some((attribute, field)), Some(text @ Value::Text(_))) => observer.tell(attribute, text, field),
            _ => {}
        }
    }
    Ok(())
}

/// ServerStatus or BuildInfo as a structure.
fn structure(observer: &mut Observer<'_>, fields: &[Field<'_>]) {
    for field in fields {
        match (field.name, field.value) {
            ("build_info", Value::Object(inner)) => structure(observer, inner),
            ("product_uri", value) => observer.tell("product_uri", value, "opcua.build_info.product_uri"),
            ("manufacturer", value) => observer.tell("vendor", value, "opcua.build_info.manufacturer_name"),
            ("product", value) => observer.tell("product", value, "opcua.build_info.product_name"),
            ("software_version", value) => observer.tell("firmware", value, "opcua.build_info.software_version"),
            ("build_number", value) => observer.tell("build", value, "opcua.build_info.build_number"),
            _ => {}
        }
    }
}
