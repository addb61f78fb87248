//! One transaction as one JSON object.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use super::Wording;
use super::digits::{bits, number, words};
use super::text::{TimeCache, hex, json_text, signed};
use crate::address::{Address, Mac, Moment, Net, Side};
use crate::packet::{Transport, Vlan};
use crate::protocols::{self, PointKind, Protocol, points};
use crate::stream::FlowKey;
use crate::transaction::{Code, Field, Number, Outcome, Point, SubFunction, Transaction, Value, Values};

/// Who: what of a line is the same for all transactions of a flow.
pub struct Identity<'a> {
    /// The flow.
    pub key: &'a FlowKey,
    /// MACs of side A and B, zero where not seen.
    pub macs: [Mac; 2],
    /// VLAN tags.
    pub vlan: Vlan,
    /// Which side opened the connection.
    pub initiator: Option<Side>,
    /// The text of all this, kept by the flow from line to line; empty it when something changed.
    pub prefix: &'a mut Prefix,
}

/// The cached part of a flow's lines.
#[derive(Debug, Default)]
pub struct Prefix {
    text: Vec<u8>,
    of: Option<(u8, Side)>,
}

impl Prefix {
    /// Forgets the text: MAC, VLAN or initiator changed.
    pub fn clear(&mut self) {
        self.of = None;
    }
}

/// Appends a transaction, without a line's end.
#[inline]
pub fn transaction_line(
    out: &mut Vec<u8>,
    wording: &mut Wording,
    identity: &mut Identity<'_>,
    transaction: &Transaction<'_>,
) {
    let Wording { times, phrases } = wording;
    let time = transaction.request.or(transaction.response).map_or(transaction.completed, |moment| moment.time);
    let time = (time, times.text(time));
    out.extend_from_slice(b"{\"time\":");
    out.extend_from_slice(&time.1);
    prefix(out, identity, transaction);
    let protocol = protocols::protocol(transaction.protocol);
    match phrases.known(transaction) {
        Some(phrase) if phrase.is_empty() => {
            write_what(phrase, protocol, transaction);
            out.extend_from_slice(phrase);
        }
        Some(phrase) => out.extend_from_slice(phrase),
        None => write_what(out, protocol, transaction),
    }
    for (index, point) in transaction.points.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_point(out, protocol, point);
    }
    if transaction.outcome == Outcome::Accepted && transaction.anomalies.is_empty() {
        out.extend_from_slice(b"],\"outcome\":{\"result\":\"accepted\"},\"anomalies\":[]");
    } else {
        out.extend_from_slice(b"],\"outcome\":");
        outcome(out, transaction.outcome);
        anomalies(out, protocol, transaction);
    }
    moments(out, times, time, transaction);
    if let Some(protocol) = protocol {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(protocol.name.as_bytes());
        out.extend_from_slice(b"\":");
        object(out, transaction.detail);
    }
    out.push(b'}');
}

/// Unit, function and access: what is done, up to the list of points.
fn write_what(out: &mut Vec<u8>, protocol: Option<&Protocol>, transaction: &Transaction<'_>) {
    if let (Some(unit), Some(protocol)) = (transaction.unit, protocol) {
        out.extend_from_slice(b",\"unit\":\"");
        (protocol.write_unit)(out, unit);
        out.push(b'"');
    } else {
        out.extend_from_slice(b",\"unit\":null");
    }
    out.extend_from_slice(b",\"function\":");
    code(out, transaction.function);
    if let Some(sub_function) = transaction.sub_function {
        write_sub_function(out, sub_function);
    }
    out.extend_from_slice(b",\"access\":\"");
    out.extend_from_slice(transaction.access.name().as_bytes());
    out.extend_from_slice(b"\",\"points\":[");
}

#[inline]
fn prefix(out: &mut Vec<u8>, identity: &mut Identity<'_>, transaction: &Transaction<'_>) {
    let of = Some((transaction.protocol, transaction.client));
    if identity.prefix.of != of {
        let mut text = std::mem::take(&mut identity.prefix.text);
        text.clear();
        write_prefix(&mut text, identity, transaction);
        identity.prefix.text = text;
        identity.prefix.of = of;
    }
    out.extend_from_slice(&identity.prefix.text);
}

fn write_prefix(out: &mut Vec<u8>, identity: &Identity<'_>, transaction: &Transaction<'_>) {
    out.extend_from_slice(b",\"protocol\":");
    json_text(out, protocols::name(transaction.protocol).as_bytes());
    out.extend_from_slice(b",\"flow\":");
    match community_id(identity.key) {
        Some(id) => json_text(out, id.as_bytes()),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"vlan\":[");
    for (index, id) in identity.vlan.ids.iter().take(usize::from(identity.vlan.count)).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        number(out, u64::from(*id));
    }
    out.extend_from_slice(b"],\"initiator\":");
    out.extend_from_slice(match identity.initiator {
        Some(side) if side == transaction.client => b"\"client\"",
        Some(_) => b"\"server\"",
        None => b"null".as_slice(),
    });
    for (name, side) in [("client", transaction.client), ("server", transaction.client.other())] {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        party(out, identity, side);
    }
}

fn party(out: &mut Vec<u8>, identity: &Identity<'_>, side: Side) {
    let address = identity.key.address(side);
    out.extend_from_slice(b"{\"ip\":");
    if address.net == Net::Mac {
        out.extend_from_slice(b"null,\"port\":null,\"mac\":");
        json_text(out, address.to_string().as_bytes());
    } else {
        json_text(out, address.to_string().as_bytes());
        out.extend_from_slice(b",\"port\":");
        match identity.key.transport {
            Transport::Tcp | Transport::Udp => number(out, u64::from(identity.key.port(side))),
            _ => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"mac\":");
        let mac = identity.macs[side.index()];
        if mac == [0; 6] {
            out.extend_from_slice(b"null");
        } else {
            json_text(out, Address::mac(mac).to_string().as_bytes());
        }
    }
    out.push(b'}');
}

fn code(out: &mut Vec<u8>, code: Code) {
    out.extend_from_slice(b"{\"code\":");
    number(out, u64::from(code.code));
    name(out, code.name);
    out.push(b'}');
}

fn write_sub_function(out: &mut Vec<u8>, sub_function: SubFunction) {
    out.extend_from_slice(b",\"sub_function\":{");
    if let Some(group) = sub_function.group {
        out.extend_from_slice(b"\"group\":");
        number(out, u64::from(group));
        out.push(b',');
    }
    out.extend_from_slice(b"\"code\":");
    number(out, u64::from(sub_function.code));
    name(out, sub_function.name);
    out.push(b'}');
}

fn name(out: &mut Vec<u8>, name: Option<&'static str>) {
    match name {
        Some(name) => {
            out.extend_from_slice(b",\"name\":\"");
            out.extend_from_slice(name.as_bytes());
            out.push(b'"');
        }
        None => out.extend_from_slice(b",\"name\":null"),
    }
}

fn write_point(out: &mut Vec<u8>, protocol: Option<&Protocol>, point: &Point<'_>) {
    let kind = protocol.and_then(|protocol| protocol.point_kinds.get(usize::from(point.kind)));
    out.extend_from_slice(b"{\"point\":\"");
    match (kind, point.name) {
        (Some(kind), None) => points::write(out, kind, point.block, (point.first, point.last)),
        (Some(kind), Some(name)) => write_named(out, kind, point.block, name),
        (None, _) => {}
    }
    out.extend_from_slice(b"\",\"kind\":\"");
    out.extend_from_slice(kind.map_or("", |kind| kind.name).as_bytes());
    out.push(b'"');
    if let Some(name) = point.name {
        out.extend_from_slice(b",\"name\":");
        json_text(out, name);
    }
    if kind.is_some_and(|kind| kind.block) {
        out.extend_from_slice(b",\"block\":");
        number(out, u64::from(point.block));
    }
    out.extend_from_slice(b",\"first\":");
    number(out, point.first);
    out.extend_from_slice(b",\"last\":");
    number(out, point.last);
    out.extend_from_slice(b",\"access\":\"");
    out.extend_from_slice(point.access.name().as_bytes());
    out.extend_from_slice(b"\",\"values\":");
    values(out, point.values);
    for field in point.fields {
        write_field(out, b',', field);
    }
    out.push(b'}');
}

/// A named point inside a JSON text.
#[cold]
fn write_named(out: &mut Vec<u8>, kind: &PointKind, block: u32, name: &[u8]) {
    let mut text = Vec::new();
    points::write_name(&mut text, kind, block, name);
    let start = out.len();
    json_text(out, &text);
    // The quotation marks stand there already.
    out.pop();
    out.remove(start);
}

#[inline]
fn values(out: &mut Vec<u8>, values: Values<'_>) {
    match values {
        Values::Unseen => out.extend_from_slice(b"null"),
        Values::Bits { bytes, count } => bits(out, bytes, count as usize),
        Values::Words(bytes) => words(out, bytes),
        Values::Numbers { bytes, of } => numbers(out, bytes, of),
        Values::Typed(list) => array(out, list),
    }
}

fn numbers(out: &mut Vec<u8>, bytes: &[u8], of: Number) {
    out.push(b'[');
    for (index, entry) in of.all(bytes).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        value(out, &entry);
    }
    out.push(b']');
}

fn array(out: &mut Vec<u8>, list: &[Value<'_>]) {
    out.push(b'[');
    for (index, entry) in list.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        value(out, entry);
    }
    out.push(b']');
}

#[inline]
fn object(out: &mut Vec<u8>, fields: &[Field<'_>]) {
    let mut before = b'{';
    for field in fields {
        write_field(out, before, field);
        before = b',';
    }
    if fields.is_empty() {
        out.push(b'{');
    }
    out.push(b'}');
}

#[inline]
fn write_field(out: &mut Vec<u8>, before: u8, field: &Field<'_>) {
    out.push(before);
    out.push(b'"');
    out.extend_from_slice(field.name.as_bytes());
    out.extend_from_slice(b"\":");
    value(out, &field.value);
}

/// Appends one value. A float that is no number becomes its name as text: JSON has no word for it.
#[inline]
pub fn value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Unsigned(value) => number(out, *value),
        Value::Signed(value) => signed(out, *value),
        Value::Float(value) if value.is_finite() => out.extend_from_slice(format!("{value:?}").as_bytes()),
        Value::Float(value) => json_text(out, value.to_string().as_bytes()),
        Value::Text(text) => json_text(out, text),
        Value::Hex(bytes) => {
            out.push(b'"');
            hex(out, bytes);
            out.push(b'"');
        }
        Value::List(list) => array(out, list),
        Value::Object(fields) => object(out, fields),
    }
}

fn outcome(out: &mut Vec<u8>, outcome: Outcome) {
    out.extend_from_slice(match outcome {
        Outcome::Accepted => b"{\"result\":\"accepted\"}",
        Outcome::Unanswered => b"{\"result\":\"unanswered\"}",
        Outcome::Unknown => b"{\"result\":\"unknown\"}",
        Outcome::Rejected(_) => b"{\"result\":\"rejected\",\"code\":".as_slice(),
    });
    if let Outcome::Rejected(code) = outcome {
        number(out, u64::from(code.code));
        name(out, code.name);
        out.push(b'}');
    }
}

fn anomalies(out: &mut Vec<u8>, protocol: Option<&Protocol>, transaction: &Transaction<'_>) {
    out.extend_from_slice(b",\"anomalies\":[");
    let mut rest = transaction.anomalies.0;
    let mut first = true;
    while rest != 0 {
        let bit = rest.trailing_zeros() as usize;
        rest &= rest - 1;
        let Some((name, _)) = protocol.and_then(|protocol| protocol.anomalies.get(bit)) else { continue };
        if !first {
            out.push(b',');
        }
        first = false;
        json_text(out, name.as_bytes());
    }
    out.push(b']');
}

/// `first` is the line's own time with its text: mostly the request's.
#[inline]
fn moments(out: &mut Vec<u8>, times: &mut TimeCache, first: (u64, [u8; 32]), transaction: &Transaction<'_>) {
    out.extend_from_slice(b",\"latency_ns\":");
    match (transaction.request, transaction.response) {
        (Some(request), Some(response)) => number(out, response.time.saturating_sub(request.time)),
        _ => out.extend_from_slice(b"null"),
    }
    for (name, of) in [(b",\"request\":".as_slice(), transaction.request), (b",\"response\":", transaction.response)] {
        out.extend_from_slice(name);
        match of {
            None => out.extend_from_slice(b"null"),
            Some(moment) if moment.time == first.0 => write_moment(out, moment, &first.1),
            Some(moment) => write_moment(out, moment, &times.text(moment.time)),
        }
    }
}

#[inline]
fn write_moment(out: &mut Vec<u8>, moment: Moment, time: &[u8; 32]) {
    out.extend_from_slice(b"{\"capture\":");
    number(out, u64::from(moment.capture));
    out.extend_from_slice(b",\"packet\":");
    number(out, moment.packet);
    out.extend_from_slice(b",\"time\":");
    out.extend_from_slice(time);
    out.push(b'}');
}

/// Community id, version 1, seed 0 (the open specification of Corelight); `None` for traffic without IP and for ICMP.
pub fn community_id(key: &FlowKey) -> Option<String> {
    let protocol = match key.transport {
        // An ICMP flow is both its requests and their answers here; the specification would give it ports made of message types.
        Transport::Ether | Transport::Icmp => return None,
        Transport::Tcp => 6,
        Transport::Udp => 17,
        Transport::Ip => key.protocol.to_be_bytes()[1],
    };
    let mut sha1 = Sha1::new();
    sha1.update([0, 0]);
    for side in [Side::A, Side::B] {
        let bytes = key.address(side).bits.to_be_bytes();
        let start = if key.net == Net::V4 { 12 } else { 0 };
        sha1.update(bytes.get(start..).unwrap_or_default());
    }
    sha1.update([protocol, 0]);
    if matches!(key.transport, Transport::Tcp | Transport::Udp) {
        sha1.update(key.port(Side::A).to_be_bytes());
        sha1.update(key.port(Side::B).to_be_bytes());
    }
    Some(format!("1:{}", STANDARD.encode(sha1.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published baseline of the specification's repository: TCP 128.232.110.120:34855 → 66.35.250.204:80.
    #[test]
    fn the_community_id_is_that_of_the_specification() {
        let client = Address::v4([128, 232, 110, 120]);
        let server = Address::v4([66, 35, 250, 204]);
        let key = FlowKey {
            a: server.bits,
            b: client.bits,
            ports: [80, 34_855],
            tunnel: 0,
            protocol: 0,
            group: 0,
            transport: Transport::Tcp,
            net: Net::V4,
        };
        assert_eq!(community_id(&key).as_deref(), Some("1:LQU9qZlK+B5F3KDmev6m5PMibrg="));
    }

    #[test]
    fn values_keep_their_types() {
        let mut out = Vec::new();
        let list =
            [Value::Unsigned(7), Value::Bool(true), Value::Float(0.5), Value::Float(f64::NAN), Value::Hex(b"\x0f")];
        value(&mut out, &Value::List(&list));
        assert_eq!(String::from_utf8_lossy(&out), r#"[7,true,0.5,"NaN","0f"]"#);
    }
}
