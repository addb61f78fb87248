//! Modbus over TCP, over UDP, and RTU frames carried by either (Modbus Application Protocol Specification V1.1b3; Modbus Messaging
//! on TCP/IP Implementation Guide V1.0b; Modbus over Serial Line V1.02). Function 90 is handed on to UMAS.

#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions, clippy::unwrap_used)
)]

pub mod message;
pub mod pairing;
pub mod tables;
#[cfg(test)]
mod tests;
mod usual;

use std::hint::black_box;

use super::{Dissector, Ending, Fed, Hints, Probe, Protocol, Recognition, Seen, Sink};
use crate::address::{Moment, Side};
use crate::cursor::Incomplete;
use message::compose::Half;
use message::form::{self, Demand, Form, Likeness, Role};
use message::{Adu, End, Framing, Header, MAX_RTU_FRAME, MBAP_HEADER, SURE_BEGIN, Start, Trouble, Walk};
use pairing::{Context, Pairing};
use tables::anomaly;

/// What there is to know of Modbus.
pub static PROTOCOL: Protocol = Protocol {
    name: "modbus",
    title: "Modbus",
    specification: "Modbus Application Protocol Specification V1.1b3; Modbus Messaging on TCP/IP Implementation Guide V1.0b",
    tcp_ports: &[PORT],
    udp_ports: &[PORT],
    functions: tables::FUNCTIONS,
    sub_functions: tables::SUB_FUNCTIONS,
    rejections: tables::EXCEPTIONS,
    anomalies: tables::ANOMALIES,
    point_kinds: tables::POINT_KINDS,
    recognise: Some(&recognise),
    start: &start,
    write_unit,
};

/// The usual port (IANA `mbap`).
const PORT: u16 = 502;

/// A request that preceded the capture may be answered for so long after its begin, ns.
const GRACE: u64 = pairing::TIMEOUT;

/// Certain messages that speak against the known client before it is changed.
const MAX_AGAINST: u8 = 3;

/// RTU frames with the right CRC that are enough to believe it is Modbus, where requests and responses were not seen to pair.
const ENOUGH_FRAMES: u8 = 8;

/// A unit as in every output.
pub(super) fn write_unit(out: &mut Vec<u8>, unit: u32) {
    crate::output::number(out, u64::from(unit));
}

/// A dissector for a new flow.
pub(super) fn start(hints: &Hints) -> Box<dyn Dissector> {
    Box::new(Modbus::new(hints))
}

/// Recognises Modbus by content. The port adds confidence, and on it a message is also known by what is wrong with it.
fn recognise(probe: &Probe<'_>) -> Recognition {
    let hinted = probe.hints.ports.contains(&PORT);
    let walk = message::walk_mbap(probe.bytes);
    if let Some(known) = judge(walk, hinted, probe.hints.datagram) {
        return known;
    }
    let rtu = recognise_rtu(probe.bytes, probe.hints.datagram);
    if rtu != Recognition::NotMine {
        return rtu;
    }
    if !probe.from_start
        && !probe.hints.datagram
        && let Start::At(skip) = message::find_mbap(probe.bytes)
    {
        let inside = message::walk_mbap(probe.bytes.get(skip..).unwrap_or_default());
        if hinted || inside.strong > 1 {
            return Recognition::Mine { skip, confidence: if hinted { 70 } else { 50 } };
        }
    }
    match message::read_mbap(probe.bytes) {
        _ if !hinted => Recognition::NotMine,
        // What is wrong with it shows when it is whole, however it was cut into segments.
        Err(Trouble::Short(_)) if !probe.hints.datagram => Recognition::More,
        _ if is_wrong_modbus(probe.bytes) => Recognition::Mine { skip: 0, confidence: 30 },
        _ => Recognition::NotMine,
    }
}

/// What a walk over messages says; `None` where other framings have to be looked at.
fn judge(walk: Walk, hinted: bool, datagram: bool) -> Option<Recognition> {
    let mine = |confidence| Some(Recognition::Mine { skip: 0, confidence });
    let whole = walk.end == End::Clean || (walk.end == End::Partial && !datagram);
    match (walk.strong, walk.weak, whole) {
        (0, 0, _) if walk.end == End::Partial && !datagram => Some(Recognition::More),
        (0, 0, true) => Some(Recognition::More),
        (0, 0, false) => None,
        (0, weak, true) if hinted || (weak > 1 && walk.end == End::Clean) => mine(if hinted { 70 } else { 30 }),
        (0, _, _) => None,
        (_, _, true) => mine(if hinted { 95 } else { 80 }),
        (strong, _, false) if hinted || strong > 1 => mine(if hinted { 60 } else { 40 }),
        _ => None,
    }
}

/// RTU frames: the CRC, and a function whose form the specification defines.
fn recognise_rtu(bytes: &[u8], datagram: bool) -> Recognition {
    let mut rest = bytes;
    let mut frames = 0_u8;
    while let Ok(adu) = message::read_rtu(rest) {
        if form::likeness(adu.pdu) != Likeness::Strong || frames >= 8 {
            break;
        }
        frames = frames.saturating_add(1);
        rest = rest.get(adu.size..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
    }
    match (frames, message::read_rtu(rest)) {
        (2.., _) if rest.is_empty() => Recognition::Mine { skip: 0, confidence: 60 },
        (1, _) if rest.is_empty() => Recognition::Mine { skip: 0, confidence: 45 },
        (1.., Err(Trouble::Short(_))) if !datagram => Recognition::Mine { skip: 0, confidence: 40 },
        (2.., _) => Recognition::Mine { skip: 0, confidence: 40 },
        (0, Err(Trouble::Short(_))) if !datagram && may_begin_rtu(rest) => Recognition::More,
        _ => Recognition::NotMine,
    }
}

/// Whether it is worth waiting for the rest of an RTU frame: a serial line address, a defined function, and as soon as the fields
/// of its longest fixed part are there, their limits.
fn may_begin_rtu(bytes: &[u8]) -> bool {
    let Some((&unit, pdu)) = bytes.split_first() else { return true };
    let function = pdu.first().copied().unwrap_or(1);
    let few = bytes.len() < FEW_RTU;
    let open = |role| match form::demand(role, pdu) {
        Demand::Exactly(length) => length.saturating_add(3) > bytes.len() && (few || form::is_sound(role, pdu)),
        Demand::Unknown(_) => few || (function == 43 && form::is_sound(role, pdu)),
        Demand::AtLeast(_) => few,
    };
    unit <= 247 && tables::is_defined(function & 0x7F) && (open(Role::Request) || open(Role::Response))
}

/// With so many bytes of an RTU frame most functions show their quantities.
const FEW_RTU: usize = 8;

/// On the usual port: a header that is Modbus but for one of its fields.
fn is_wrong_modbus(bytes: &[u8]) -> bool {
    match message::read_mbap(bytes) {
        Ok(adu) if adu.protocol_id == 0 => {
            adu.size == bytes.len() || tables::is_defined(adu.pdu.first().copied().unwrap_or_default() & 0x7F)
        }
        Ok(adu) => adu.size == bytes.len() && form::likeness(adu.pdu) == Likeness::Strong,
        Err(Trouble::Length(header, _)) => {
            let function = bytes.get(MBAP_HEADER).copied().unwrap_or_default();
            header.protocol_id == 0 && tables::is_defined(function & 0x7F)
        }
        Err(_) => false,
    }
}

/// A flow of Modbus. In this order what every message needs stands side by side: with many flows each line of memory that is
/// touched costs more than what is done there.
#[derive(Debug)]
#[repr(C)]
pub struct Modbus {
    hints: Hints,
    /// Known from the first message on.
    framing: Option<Framing>,
    client: Option<Side>,
    /// A message has proved who is client.
    proved: bool,
    /// Messages in a row that prove the opposite.
    against: u8,
    /// The next message of this side has to be found.
    astray: [bool; 2],
    /// Bytes of this side were lost.
    lost: [bool; 2],
    /// A request has been seen, so that requests are seen.
    asked: bool,
    /// A response has fitted its request.
    paired: bool,
    /// Messages read, up to [`ENOUGH_FRAMES`].
    frames: u8,
    /// The clock at the first message.
    began: Option<u64>,
    pairing: Pairing,
}

impl Modbus {
    fn new(hints: &Hints) -> Self {
        Modbus {
            hints: *hints,
            framing: None,
            client: None,
            proved: false,
            against: 0,
            astray: [false; 2],
            lost: [false; 2],
            asked: false,
            paired: false,
            frames: 0,
            began: None,
            pairing: Pairing::default(),
        }
    }

    /// How these bytes are framed, as far as they tell.
    fn guess_framing(&self, bytes: &[u8]) -> Framing {
        let mbap = if self.hints.datagram { Framing::Udp } else { Framing::Tcp };
        let walk = message::walk_mbap(bytes);
        if walk.strong > 0 || walk.weak > 0 || walk.end == End::Partial {
            return mbap;
        }
        match message::read_rtu(bytes) {
            Ok(adu) if form::likeness(adu.pdu) != Likeness::None => Framing::Rtu,
            Err(Trouble::Short(_)) if !self.hints.ports.contains(&PORT) && may_begin_rtu(bytes) => Framing::Rtu,
            _ => mbap,
        }
    }

    #[inline]
    fn read<'a>(framing: Framing, bytes: &'a [u8]) -> Result<Adu<'a>, Trouble> {
        match framing {
            Framing::Rtu => message::read_rtu(bytes),
            _ => message::read_mbap(bytes),
        }
    }

    fn find(framing: Framing, bytes: &[u8]) -> Start {
        match framing {
            Framing::Rtu => message::find_rtu(bytes),
            _ => message::find_mbap(bytes),
        }
    }

    #[inline]
    fn is_astray(&self, side: Side) -> bool {
        self.astray.get(side.index()).copied().unwrap_or_default()
    }

    #[inline]
    fn count_frame(&mut self) {
        self.frames = self.frames.saturating_add(1).min(ENOUGH_FRAMES);
    }

    fn set_astray(&mut self, side: Side, astray: bool) {
        if let Some(place) = self.astray.get_mut(side.index()) {
            *place = astray;
        }
    }

    /// Finds the next message after bytes were lost. `None`: it stands at the very beginning.
    fn search(&mut self, framing: Framing, side: Side, bytes: &[u8]) -> Option<Fed> {
        // What may be the beginning of a message that is not whole yet.
        let whole = if framing == Framing::Rtu { MAX_RTU_FRAME } else { SURE_BEGIN };
        let tail = whole.saturating_sub(1);
        match Self::find(framing, bytes) {
            Start::At(0) => {
                self.set_astray(side, false);
                None
            }
            Start::At(skip) | Start::Perhaps(skip) if skip > 0 => Some(Fed::Used(skip)),
            Start::At(_) | Start::Perhaps(_) => match Self::read(framing, bytes) {
                Err(Trouble::Short(place)) => Some(Fed::Incomplete(place)),
                _ => Some(Fed::Used(1)),
            },
            Start::Nowhere if bytes.len() > tail => Some(Fed::Used(bytes.len().saturating_sub(tail))),
            Start::Nowhere => {
                let (needed, available) = (tail.saturating_add(1), bytes.len());
                Some(Fed::Incomplete(Incomplete { layer: "modbus.search", offset: 0, needed, available }))
            }
        }
    }

    /// Gives up bytes up to the next message.
    fn give_up(&mut self, framing: Framing, side: Side, bytes: &[u8], anomaly: u8, place: Incomplete) -> Fed {
        let found = Self::find(framing, bytes.get(1..).unwrap_or_default());
        // What may be a message has to be looked at again when it is whole.
        self.set_astray(side, !self.hints.datagram && !matches!(found, Start::At(_)));
        let used = match found {
            Start::At(skip) => skip.saturating_add(1),
            Start::Perhaps(skip) if !self.hints.datagram => skip.saturating_add(1),
            Start::Perhaps(_) | Start::Nowhere => bytes.len(),
        };
        Fed::Malformed { used, anomaly, place }
    }

    /// Which half a message of this side is. Learns who is client.
    #[inline]
    fn role(&mut self, side: Side, pdu: &[u8], seen: &Seen, sink: &mut dyn Sink) -> Role {
        let form = form::form(pdu);
        let proof = match form {
            Form::Request => Some(side),
            Form::Response => Some(side.other()),
            Form::Either | Form::Neither => None,
        };
        let client = match (self.client, proof) {
            (Some(client), Some(proof)) if client == proof => {
                self.proved = true;
                self.against = 0;
                client
            }
            (Some(client), Some(proof)) => self.doubt(client, proof, seen, sink),
            (Some(client), None) => client,
            (None, Some(proof)) => {
                self.proved = true;
                proof
            }
            (None, None) => self.likely_client(side),
        };
        self.client = Some(client);
        if client == side { Role::Request } else { Role::Response }
    }

    /// A message speaks against the known client: a guess is corrected at once, proof only by more proof.
    fn doubt(&mut self, client: Side, proof: Side, seen: &Seen, sink: &mut dyn Sink) -> Side {
        self.against = self.against.saturating_add(1);
        if self.proved && self.against < MAX_AGAINST {
            return client;
        }
        let context = self.context(proof, self.framing.unwrap_or(Framing::Tcp), seen);
        self.pairing.turn(&context, sink);
        self.proved = true;
        self.against = 0;
        proof
    }

    /// Who is probably client, where the message does not tell: who has not the usual port, who opened the connection, who has
    /// the higher port, who speaks first.
    fn likely_client(&self, side: Side) -> Side {
        let [a, b] = self.hints.ports;
        match self.hints.initiator {
            _ if a == PORT && b != PORT => Side::B,
            _ if b == PORT && a != PORT => Side::A,
            Some(initiator) => initiator,
            None if a > b => Side::A,
            None if b > a => Side::B,
            None => side,
        }
    }

    #[inline]
    fn context<'s>(&self, client: Side, framing: Framing, seen: &'s Seen) -> Context<'s> {
        let lost = |losses: &[bool; 2]| losses.get(client.index()).copied().unwrap_or_default();
        let whole = self.hints.initiator.is_some() && !self.hints.datagram;
        let settled = whole || self.began.is_some_and(|began| seen.clock.saturating_sub(began) > GRACE);
        let certain = self.asked && settled && !lost(&self.lost) && !lost(&seen.lost);
        Context { client, framing, datagram: self.hints.datagram, certain, seen }
    }

    #[inline]
    fn message(&mut self, side: Side, framing: Framing, adu: &Adu<'_>, now: (Moment, &Seen), sink: &mut dyn Sink) {
        let (at, seen) = now;
        if self.framing.is_none() {
            self.framing = Some(framing);
            self.began = Some(seen.clock.max(at.time));
        }
        self.count_frame();
        let role = self.role(side, adu.pdu, seen, sink);
        let Adu { transaction_id, protocol_id, unit, pdu, .. } = *adu;
        let half = Half { transaction_id, protocol_id, unit, pdu, at };
        let context = self.context(self.client.unwrap_or(side), framing, seen);
        match role {
            Role::Request => {
                self.asked = true;
                self.pairing.request(half, &context, sink);
            }
            Role::Response => self.paired |= self.pairing.response(half, &context, sink),
        }
    }
}

impl Dissector for Modbus {
    fn feed(&mut self, side: Side, bytes: &[u8], at: Moment, seen: &Seen, sink: &mut dyn Sink) -> Fed {
        if let Some(used) = self.usual(side, bytes, at, seen, sink) {
            return Fed::Used(used);
        }
        self.feed_any(side, bytes, at, seen, sink)
    }

    fn warm(&self) {
        black_box(self.framing);
        self.pairing.warm();
    }

    fn gap(&mut self, side: Side, _missing: u64) {
        self.set_astray(side, !self.hints.datagram);
        if let Some(lost) = self.lost.get_mut(side.index()) {
            *lost = true;
        }
        if self.client != Some(side) {
            self.pairing.lose();
        }
    }

    fn expire(&mut self, seen: &Seen, sink: &mut dyn Sink) -> Option<u64> {
        let context = self.context(self.client?, self.framing?, seen);
        self.pairing.expire(&context, sink)
    }

    fn finish(&mut self, ending: Ending, seen: &Seen, sink: &mut dyn Sink) {
        if let (Some(client), Some(framing)) = (self.client, self.framing) {
            let context = self.context(client, framing, seen);
            self.pairing.finish(ending, &context, sink);
        }
    }
}

impl Modbus {
    /// Takes any message.
    fn feed_any(&mut self, side: Side, bytes: &[u8], at: Moment, seen: &Seen, sink: &mut dyn Sink) -> Fed {
        let framing = self.framing.unwrap_or_else(|| self.guess_framing(bytes));
        if self.is_astray(side)
            && let Some(fed) = self.search(framing, side, bytes)
        {
            return fed;
        }
        match Self::read(framing, bytes) {
            Ok(adu) if adu.protocol_id == 0 || form::form(adu.pdu) != Form::Neither => {
                self.message(side, framing, &adu, (at, seen), sink);
                Fed::Used(adu.size)
            }
            Ok(adu) => {
                let place =
                    Incomplete { layer: "modbus.mbap", offset: 2, needed: 2, available: adu.size.saturating_sub(2) };
                self.give_up(framing, side, bytes, anomaly::INVALID_PROTOCOL_ID, place)
            }
            Err(Trouble::Short(place)) => Fed::Incomplete(place),
            Err(Trouble::Length(Header { protocol_id: 0, .. }, place)) => {
                self.give_up(framing, side, bytes, anomaly::INVALID_LENGTH, place)
            }
            Err(Trouble::Length(_, place)) => self.give_up(framing, side, bytes, anomaly::UNREADABLE, place),
            // Other protocols have the same CRC (ROC Plus): as long as nothing else speaks for Modbus, a wrong one speaks against it.
            Err(Trouble::Crc(..)) if !self.paired && self.frames < ENOUGH_FRAMES => Fed::NotMine,
            Err(Trouble::Crc(_, place)) => self.give_up(framing, side, bytes, anomaly::CRC, place),
        }
    }
}
