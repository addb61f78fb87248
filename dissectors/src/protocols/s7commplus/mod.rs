//! S7comm-plus, the protocol of Siemens' S7-1200 and S7-1500 with their engineering and operator stations, on ISO on TCP. There is no
//! public specification; [`tables`] says what the names follow.
//!
//! A message is spread over frames, the last of which has a trailer. Version 1 sets a session up, version 2 is unprotected or has
//! a digest behind the message, version 3 has a digest in each frame. Newer firmware wraps all of it in TLS; then only that is told.

#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions, clippy::unwrap_used)
)]

mod identity;
pub mod message;
pub mod pairing;
pub mod tables;
#[cfg(test)]
mod tests;

use super::cotp::message::Setup;
use super::cotp::{self, Link, Message, Passenger, Rider, Unreadable};
use super::{Ending, Protocol, Seen, Sink, s7comm};
use crate::address::{Moment, Side};
use crate::cursor::Incomplete;
use crate::transaction::{Anomalies, Field, Value};
use message::compose::{self, Half};
use message::{Frame, Kind};
use pairing::{Context, Pairing, Part};
use tables::{anomaly, function, version};

/// What there is to know of S7comm-plus.
pub static PROTOCOL: Protocol = Protocol {
    name: "s7commplus",
    title: "S7comm-plus",
    specification: "Unpublished; read as in S7CommPlusDriver and the Wireshark plugin S7comm-plus, over RFC 1006 and ISO 8073",
    tcp_ports: &[cotp::PORT],
    udp_ports: &[],
    functions: tables::FUNCTIONS,
    sub_functions: tables::SUB_FUNCTIONS,
    rejections: tables::REJECTIONS,
    anomalies: tables::ANOMALIES,
    point_kinds: tables::POINT_KINDS,
    recognise: None,
    start: &cotp::start,
    write_unit: s7comm::write_unit,
};

/// S7comm-plus as it rides on COTP.
pub static PASSENGER: Passenger = Passenger {
    protocol: tables::NUMBER,
    likeness: message::likeness,
    is_called,
    start: |link| Box::new(Plus::new(link)),
};

/// Bytes of one message that are kept; of a longer one (a whole project goes in one) the beginning is read.
pub const MAX_KEPT: usize = 64 * 1024;

/// A response may answer a request that preceded the capture for so long after its begin, ns.
const GRACE: u64 = pairing::TIMEOUT;

/// A connection is for S7comm-plus where it calls the root of the object system by its name.
fn is_called(setup: &Setup) -> bool {
    setup.called.as_ref().is_some_and(|tsap| tsap.bytes().starts_with(b"SIMATIC-ROOT-"))
}

/// A message of one side that is being put together.
#[derive(Debug, Default)]
struct Assembly {
    bytes: Vec<u8>,
    dropped: u32,
    frames: u16,
    version: u8,
    digest: bool,
    anomalies: Anomalies,
    /// Its beginning was not seen: what comes is another's middle until a frame is the last.
    astray: bool,
}

/// A flow of S7comm-plus.
#[derive(Debug)]
pub struct Plus {
    client: Option<Side>,
    /// A request has been seen, so that requests are seen.
    asked: bool,
    /// TLS has been told.
    encrypted: bool,
    /// The clock at the first message.
    began: Option<u64>,
    assembly: [Assembly; 2],
    pairing: Pairing,
}

impl Plus {
    fn new(link: &Link) -> Self {
        let assembly = || Assembly { astray: !link.from_start, ..Assembly::default() };
        Plus {
            client: link.client,
            asked: false,
            encrypted: false,
            began: None,
            assembly: [assembly(), assembly()],
            pairing: Pairing::default(),
        }
    }

    fn context<'s>(&self, client: Side, link: &Link, seen: &'s Seen) -> Context<'s> {
        let engine_lost = seen.lost.get(client.index()).copied().unwrap_or_default();
        let settled = link.from_start || self.began.is_some_and(|began| seen.clock.saturating_sub(began) > GRACE);
        let certain = self.asked && settled && !link.has_lost(client) && !engine_lost;
        Context { client, unit: link.unit, certain, seen }
    }

    /// Who is client, where no request has told: who asked for the connection, who has not the usual port.
    fn client_or_likely(&self, side: Side, link: &Link) -> Side {
        let [a, b] = link.hints.ports;
        match self.client.or(link.client) {
            Some(client) => client,
            None if a == cotp::PORT && b != cotp::PORT => Side::B,
            None if b == cotp::PORT && a != cotp::PORT => Side::A,
            None => side.other(),
        }
    }

    /// Takes a frame; true when a message is whole.
    fn take(&mut self, side: Side, frame: &Frame<'_>) -> bool {
        let Some(assembly) = self.assembly.get_mut(side.index()) else { return false };
        if assembly.astray {
            // Only what looks like the beginning of a message is taken for one.
            assembly.astray = !message::may_begin(frame.data);
            if assembly.astray {
                assembly.astray = !frame.last;
                return false;
            }
        }
        assembly.anomalies.set(anomaly::MIXED_VERSIONS, assembly.frames > 0 && assembly.version != frame.version);
        assembly.anomalies.set(anomaly::TRAILING_BYTES, frame.behind > 0);
        assembly.version = frame.version;
        assembly.digest |= frame.digest;
        assembly.frames = assembly.frames.saturating_add(1);
        let room = MAX_KEPT.saturating_sub(assembly.bytes.len());
        let kept = frame.data.get(..room).unwrap_or(frame.data);
        assembly.bytes.extend_from_slice(kept);
        let dropped = u32::try_from(frame.data.len().saturating_sub(kept.len())).unwrap_or(u32::MAX);
        assembly.dropped = assembly.dropped.saturating_add(dropped);
        frame.last
    }

    /// A whole message.
    fn whole(
        &mut self,
        side: Side,
        assembly: &Assembly,
        at: Moment,
        (link, seen): (&Link, &Seen),
        sink: &mut dyn Sink,
    ) -> Result<(), Unreadable> {
        let unreadable = |place| Unreadable { anomaly: anomaly::INVALID_HEAD, place };
        let head = message::read_head(&assembly.bytes).map_err(unreadable)?;
        let size = head.map_or(1, |head| head.size);
        let mut half = Half {
            opcode: assembly.bytes.first().copied().unwrap_or_default(),
            version: assembly.version,
            session: 0,
            flags: head.map_or(0, |head| head.flags),
            digest: assembly.digest,
            body: assembly.bytes.get(size..).unwrap_or_default(),
            dropped: assembly.dropped,
            frames: assembly.frames,
            anomalies: assembly.anomalies,
            at,
        };
        let Some(head) = head else {
            compose::notify(self.client_or_likely(side, link), link.unit, &half, sink);
            return Ok(());
        };
        if let Kind::Request { session } = head.kind {
            half.session = session;
            self.asked = true;
            self.client = Some(side);
        }
        let client = self.client_or_likely(side, link);
        let context = self.context(client, link, seen);
        let part = Part { function: head.function, sequence: head.sequence, half };
        match head.kind {
            Kind::Request { .. } => self.pairing.request(&part, &context, sink),
            Kind::Response => self.pairing.response(&part, &context, sink),
        }
        Ok(())
    }

    /// An event of the transport: four numbers, of which the second counts bytes that arrived, and text or an error.
    fn system_event(&self, message: &Message<'_>, frame: &Frame<'_>, link: &Link, sink: &mut dyn Sink) {
        const NUMBERS: usize = 16;
        let Some(content) = frame.data.get(NUMBERS..).filter(|content| !content.is_empty()) else { return };
        let is_text = content.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        let content = if is_text { Value::Text(content) } else { Value::Hex(content) };
        let by = if self.client_or_likely(message.side, link) == message.side { "client" } else { "server" };
        let detail =
            [Field { name: "by", value: Value::Text(by.as_bytes()) }, Field { name: "message", value: content }];
        let client = self.client_or_likely(message.side, link);
        let parts = (&[][..], &detail[..]);
        compose::report(function::SYSTEM_EVENT, client, link.unit, parts, Anomalies::default(), message.at, sink);
    }

    /// TLS is told once for a flow.
    fn tls(&mut self, message: &Message<'_>, link: &Link, sink: &mut dyn Sink) {
        if std::mem::replace(&mut self.encrypted, true) {
            return;
        }
        let client = self.client_or_likely(message.side, link);
        let detail = [Field { name: "encrypted", value: Value::Bool(true) }];
        let parts = (&[][..], &detail[..]);
        compose::report(function::TLS, client, link.unit, parts, Anomalies::default(), message.at, sink);
    }
}

impl Rider for Plus {
    fn message(
        &mut self,
        message: &Message<'_>,
        link: &Link,
        seen: &Seen,
        sink: &mut dyn Sink,
    ) -> Result<(), Unreadable> {
        self.began.get_or_insert(seen.clock.max(message.at.time));
        if message::is_tls(message.bytes) {
            self.tls(message, link, sink);
            return Ok(());
        }
        let unreadable = |place: Incomplete| Unreadable { anomaly: anomaly::INVALID_FRAME, place };
        let frame = message::read_frame(message.bytes).map_err(unreadable)?;
        match frame.version {
            version::KEEP_ALIVE => return Ok(()),
            version::SYSTEM_EVENT => {
                self.system_event(message, &frame, link, sink);
                return Ok(());
            }
            _ => {}
        }
        if !self.take(message.side, &frame) {
            return Ok(());
        }
        let Some(place) = self.assembly.get_mut(message.side.index()) else { return Ok(()) };
        let mut assembly = std::mem::take(place);
        let result = self.whole(message.side, &assembly, message.at, (link, seen), sink);
        assembly.bytes.clear();
        if let Some(place) = self.assembly.get_mut(message.side.index()) {
            // The buffer is kept, unless it is a large one.
            place.bytes = if assembly.bytes.capacity() <= 4096 { assembly.bytes } else { Vec::new() };
        }
        result
    }

    fn gap(&mut self, side: Side, _link: &Link) {
        if let Some(assembly) = self.assembly.get_mut(side.index()) {
            *assembly = Assembly { astray: true, ..Assembly::default() };
        }
        if self.client != Some(side) {
            self.pairing.lose();
        }
    }

    fn expire(&mut self, link: &Link, seen: &Seen, sink: &mut dyn Sink) -> Option<u64> {
        let context = self.context(self.client.or(link.client)?, link, seen);
        self.pairing.expire(&context, sink)
    }

    fn finish(&mut self, ending: Ending, link: &Link, seen: &Seen, sink: &mut dyn Sink) {
        if let Some(client) = self.client.or(link.client) {
            let context = self.context(client, link, seen);
            self.pairing.finish(ending, &context, sink);
        }
    }

    fn is_encrypted(&self) -> bool {
        self.encrypted
    }
}
