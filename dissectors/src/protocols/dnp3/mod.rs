//! DNP3 over TCP and UDP (IEEE 1815-2012): link frames, transport segments, application fragments, objects.
//!
//! Who is master is said by each frame (DIR), whoever opened the connection; several outstations behind one address are units.

#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions, clippy::unwrap_used)
)]

pub mod message;
pub mod pairing;
pub mod tables;
#[cfg(test)]
mod tests;

use super::{Dissector, Ending, Fed, Hints, Probe, Protocol, Recognition, Seen, Sink};
use crate::address::{Moment, Side};
use crate::cursor::Incomplete;
use crate::transaction::{Observation, Value};
use message::application::{self, Fragment};
use message::link::{self, Frame, Start, Trouble};
use pairing::reassembly::Taken;
use pairing::{Association, Context};
use tables::anomaly;

/// What there is to know of DNP3.
pub static PROTOCOL: Protocol = Protocol {
    name: "dnp3",
    title: "DNP3",
    specification: "IEEE 1815-2012",
    tcp_ports: &[PORT],
    udp_ports: &[PORT],
    functions: tables::FUNCTIONS,
    sub_functions: tables::SUB_FUNCTIONS,
    rejections: tables::REJECTIONS,
    anomalies: tables::ANOMALIES,
    point_kinds: tables::POINT_KINDS,
    recognise: Some(&recognise),
    start: &start,
    write_unit,
};

/// The usual port (IANA `dnp`).
const PORT: u16 = 20_000;

/// Pairs of link addresses of one flow that are kept.
pub const MAX_UNITS: usize = 128;

/// A request that preceded the capture may be answered for so long after its begin, ns.
const GRACE: u64 = pairing::TIMEOUT;

/// Octets that show a header, without which anything may be the beginning of a frame.
const SURE_BEGIN: usize = link::HEADER;

/// Master and outstation, in the direction of a request.
fn write_unit(out: &mut Vec<u8>, unit: u32) {
    crate::output::number(out, u64::from(unit >> 16));
    out.push(b'>');
    crate::output::number(out, u64::from(unit & 0xFFFF));
}

/// A dissector for a new flow.
fn start(hints: &Hints) -> Box<dyn Dissector> {
    Box::new(Dnp3::new(hints))
}

/// Recognises DNP3 by the start octets and the CRC of a header. On its port a header is also known by what is wrong with it.
fn recognise(probe: &Probe<'_>) -> Recognition {
    let hinted = probe.hints.ports.contains(&PORT);
    let mine = |skip, confidence| Recognition::Mine { skip, confidence };
    match link::read(probe.bytes) {
        Ok(frame) => mine(0, if frame.is_sound() { 95 } else { 60 }),
        Err(Trouble::Short(place)) if place.available >= link::HEADER => mine(0, 90),
        Err(Trouble::Short(_)) if !probe.hints.datagram => Recognition::More,
        Err(Trouble::Short(_)) => Recognition::NotMine,
        Err(Trouble::Crc(_) | Trouble::Length(_)) if hinted => mine(0, 30),
        Err(_) if !probe.from_start || hinted => match link::find(probe.bytes) {
            Start::At(skip) => mine(skip, 80),
            Start::Perhaps(_) if !probe.hints.datagram => Recognition::More,
            _ => Recognition::NotMine,
        },
        Err(_) => Recognition::NotMine,
    }
}

/// A flow of DNP3.
#[derive(Debug)]
pub struct Dnp3 {
    hints: Hints,
    /// The next frame of this side has to be found.
    astray: [bool; 2],
    /// Bytes of this side were lost.
    lost: [bool; 2],
    /// A request has been seen, so that requests are seen.
    asked: bool,
    /// The association of the last frame.
    last: usize,
    /// The clock at the first frame.
    began: Option<u64>,
    associations: Vec<Association>,
}

impl Dnp3 {
    fn new(hints: &Hints) -> Self {
        Dnp3 {
            hints: *hints,
            astray: [false; 2],
            lost: [false; 2],
            asked: false,
            last: 0,
            began: None,
            associations: Vec::new(),
        }
    }

    fn set_astray(&mut self, side: Side, astray: bool) {
        if let Some(place) = self.astray.get_mut(side.index()) {
            *place = astray && !self.hints.datagram;
        }
    }

    /// Finds the next frame after bytes were lost. `None`: it stands at the very beginning.
    fn search(&mut self, side: Side, bytes: &[u8]) -> Option<Fed> {
        match link::find(bytes) {
            Start::At(0) => {
                self.set_astray(side, false);
                None
            }
            Start::At(skip) | Start::Perhaps(skip) if skip > 0 => Some(Fed::Used(skip)),
            Start::At(_) | Start::Perhaps(_) => {
                let (needed, available) = (SURE_BEGIN, bytes.len());
                Some(Fed::Incomplete(Incomplete { layer: "dnp3.search", offset: 0, needed, available }))
            }
            Start::Nowhere => Some(Fed::Used(bytes.len())),
        }
    }

    /// Gives up bytes up to the next frame.
    fn give_up(&mut self, side: Side, bytes: &[u8], anomaly: u8, place: Incomplete) -> Fed {
        let found = link::find(bytes.get(1..).unwrap_or_default());
        self.set_astray(side, !matches!(found, Start::At(_)));
        let used = match found {
            Start::At(skip) => skip.saturating_add(1),
            Start::Perhaps(skip) if !self.hints.datagram => skip.saturating_add(1),
            Start::Perhaps(_) | Start::Nowhere => bytes.len(),
        };
        Fed::Malformed { used, anomaly, place }
    }

    /// The place of the association that a frame belongs to.
    #[inline]
    fn association(&mut self, frame: &Frame, side: Side, now: (Moment, &Seen), sink: &mut dyn Sink) -> usize {
        let client = if frame.from_master() { side } else { side.other() };
        let unit = frame.unit();
        let is_it = |association: &Association| association.unit == unit && association.client == client;
        if self.associations.get(self.last).is_none_or(|association| !is_it(association)) {
            self.last = match self.associations.iter().position(is_it) {
                Some(place) => place,
                None => self.new_association(unit, client, now, sink),
            };
        }
        self.last
    }

    #[cold]
    fn new_association(&mut self, unit: u32, client: Side, now: (Moment, &Seen), sink: &mut dyn Sink) -> usize {
        let (at, seen) = now;
        self.began.get_or_insert(seen.clock.max(at.time));
        if self.associations.len() >= MAX_UNITS {
            let idle = self.associations.iter().enumerate().min_by_key(|(_, association)| association.used);
            let place = idle.map_or(0, |(place, _)| place);
            let mut oldest = self.associations.swap_remove(place);
            let context = self.context(oldest.client, seen);
            oldest.finish(Ending::Timeout, &context, sink);
            sink.anomaly(tables::NUMBER, anomaly::TOO_MANY_UNITS, client, at);
        }
        self.associations.push(Association::new(unit, client));
        self.associations.len().saturating_sub(1)
    }

    /// A station is told when it is first heard, and when it first wants its user data confirmed by the link layer.
    #[cold]
    fn introduce(&self, frame: &Frame, side: Side, at: Moment, sink: &mut dyn Sink) {
        let (role, unit): (&[u8], _) =
            if frame.from_master() { (b"master", None) } else { (b"outstation", Some(frame.unit())) };
        let address = Value::Unsigned(u64::from(frame.source));
        let confirms = frame.is_primary() && frame.function() == link::CONFIRMED_DATA;
        let told = [
            ("dnp3_role", Value::Text(role), "dnp3.link.control"),
            ("dnp3_address", address, "dnp3.link.source"),
            ("dnp3_link_confirm", Value::Bool(true), "dnp3.link.control"),
        ];
        for (attribute, value, field) in told.into_iter().take(if confirms { 3 } else { 2 }) {
            sink.observation(&Observation { protocol: tables::NUMBER, side, unit, attribute, value, field, at });
        }
    }

    #[inline]
    fn context<'s>(&self, client: Side, seen: &'s Seen) -> Context<'s> {
        let lost = |side: Side| {
            let of = |losses: &[bool; 2]| losses.get(side.index()).copied().unwrap_or_default();
            of(&self.lost) || of(&seen.lost)
        };
        let opened = self.hints.initiator.is_some() && !self.hints.datagram;
        let settled = opened || self.began.is_some_and(|began| seen.clock.saturating_sub(began) > GRACE);
        let certain = self.asked && settled && !lost(client);
        let whole = certain && seen.both_directions && !lost(client.other());
        Context { certain, whole, datagram: self.hints.datagram, seen }
    }

    /// A whole frame.
    #[inline]
    fn frame(&mut self, side: Side, frame: &Frame, bytes: &[u8], now: (Moment, &Seen), sink: &mut dyn Sink) -> Fed {
        let mut room = [0; 256];
        let data = match link::user_data(bytes.get(..frame.size).unwrap_or_default(), &mut room) {
            Ok(data) => data,
            Err(place) => return Fed::Malformed { used: frame.size, anomaly: anomaly::DATA_CRC, place },
        };
        let (at, seen) = now;
        let place = self.association(frame, side, now, sink);
        let sender = usize::from(!frame.from_master());
        let context = self.context(if frame.from_master() { side } else { side.other() }, seen);
        let Some(association) = self.associations.get_mut(place) else { return Fed::Used(frame.size) };
        association.used = seen.clock;
        let confirms = frame.is_primary() && frame.function() == link::CONFIRMED_DATA;
        let is_new =
            |seen: Option<&mut bool>, now: bool| seen.is_some_and(|seen| now && !std::mem::replace(seen, true));
        let heard = is_new(association.heard.get_mut(sender), true);
        if heard || (confirms && is_new(association.confirms.get_mut(sender), true)) {
            self.introduce(frame, side, at, sink);
        }
        match (frame.is_data(), data) {
            // User data that is none.
            (true, []) => sink.anomaly(tables::NUMBER, anomaly::INVALID_LENGTH, side, at),
            (true, [header, octets @ ..]) => self.segment(frame, side, (*header, octets), now, sink),
            (false, _) => self.link_only(frame, place, &context, at, sink),
        }
        Fed::Used(frame.size)
    }

    /// A frame of the link layer alone.
    fn link_only(&mut self, frame: &Frame, place: usize, context: &Context<'_>, at: Moment, sink: &mut dyn Sink) {
        let Some(association) = self.associations.get_mut(place) else { return };
        if frame.is_primary() {
            association.link_request(frame, at, context, sink);
        } else {
            let data = association.heard == [true; 2];
            association.link_answer(frame, at, data, context, sink);
        }
    }

    /// User data: a transport segment.
    #[inline]
    fn segment(&mut self, frame: &Frame, side: Side, data: (u8, &[u8]), now: (Moment, &Seen), sink: &mut dyn Sink) {
        let (header, octets) = data;
        let sender = usize::from(!frame.from_master());
        let place = self.last;
        let Some(association) = self.associations.get_mut(place) else { return };
        let Some(reassembly) = association.reassembly.get_mut(sender) else { return };
        if header & 0xC0 == 0xC0 && !reassembly.is_open() {
            return self.fragment(frame, side, octets, now, sink);
        }
        match reassembly.take(header, octets) {
            Taken::Whole => {
                let whole = std::mem::take(reassembly);
                self.fragment(frame, side, whole.octets(), now, sink);
                if let Some(place) = self.associations.get_mut(place).and_then(|a| a.reassembly.get_mut(sender)) {
                    *place = whole; // its memory is used again
                }
            }
            Taken::Missing(_) => sink.anomaly(tables::NUMBER, anomaly::TRANSPORT_SEQUENCE, side, now.0),
            Taken::TooLong => sink.anomaly(tables::NUMBER, anomaly::TOO_LONG_REASSEMBLY, side, now.0),
            Taken::Stray if self.context(side, now.1).certain => {
                sink.anomaly(tables::NUMBER, anomaly::TRANSPORT_SEQUENCE, side, now.0);
            }
            Taken::Waiting | Taken::Again | Taken::Stray => {}
        }
    }

    /// A whole fragment.
    #[inline]
    fn fragment(&mut self, frame: &Frame, side: Side, octets: &[u8], now: (Moment, &Seen), sink: &mut dyn Sink) {
        let (at, seen) = now;
        let Ok(fragment) = Fragment::read(octets) else {
            return sink.anomaly(tables::NUMBER, anomaly::INVALID_LENGTH, side, at);
        };
        let mut place = self.last;
        let from_master = frame.from_master();
        self.asked |= from_master;
        let context = self.context(if from_master { side } else { side.other() }, seen);
        let selected = from_master && application::is_control(fragment.function) && self.selected_by_another(place, at);
        let answer = !from_master && fragment.function == application::RESPONSE;
        if answer && !self.associations.get(place).is_some_and(|a| a.awaits(fragment.control)) {
            place = self.self_addressed(place, &fragment);
        }
        let Some(association) = self.associations.get_mut(place) else { return };
        match (from_master, fragment.function) {
            (true, application::CONFIRM) => association.confirmation(fragment.control, at, &context, sink),
            (false, application::UNSOLICITED) => association.report(&fragment, at, &context, sink),
            (false, application::RESPONSE | application::AUTHENTICATION_RESPONSE) => {
                association.response(&fragment, at, &context, sink);
            }
            (true, function) if function < application::RESPONSE => {
                association.request(&fragment, at, selected, &context, sink);
            }
            _ => association.wrong_way(&fragment, at, &context, sink),
        }
    }

    /// Another master has selected something of the same outstation.
    fn selected_by_another(&self, place: usize, at: Moment) -> bool {
        let Some(own) = self.associations.get(place) else { return false };
        let other =
            |association: &Association| association.unit != own.unit && association.outstation() == own.outstation();
        self.associations.iter().any(|association| other(association) && association.select.stands(at.time))
    }

    /// A response to a request that was sent to the self-address: the outstation answers from its own.
    #[cold]
    fn self_addressed(&self, place: usize, fragment: &Fragment<'_>) -> usize {
        let unit = self.associations.get(place).map(|association| association.unit | 0xFFFF);
        let found = self.associations.iter().position(|association| {
            association.outstation() == tables::SELF_ADDRESS
                && Some(association.unit | 0xFFFF) == unit
                && association.awaits(fragment.control)
        });
        found.unwrap_or(place)
    }
}

impl Dissector for Dnp3 {
    fn feed(&mut self, side: Side, bytes: &[u8], at: Moment, seen: &Seen, sink: &mut dyn Sink) -> Fed {
        if self.astray.get(side.index()).copied().unwrap_or_default()
            && let Some(fed) = self.search(side, bytes)
        {
            return fed;
        }
        match link::read(bytes) {
            Ok(frame) => self.frame(side, &frame, bytes, (at, seen), sink),
            Err(Trouble::Short(place)) => Fed::Incomplete(place),
            Err(Trouble::Crc(place)) => self.give_up(side, bytes, anomaly::HEADER_CRC, place),
            Err(Trouble::Length(place)) => self.give_up(side, bytes, anomaly::INVALID_LENGTH, place),
            Err(Trouble::Start(place)) => self.give_up(side, bytes, anomaly::UNREADABLE, place),
        }
    }

    fn gap(&mut self, side: Side, _missing: u64) {
        self.set_astray(side, true);
        if let Some(lost) = self.lost.get_mut(side.index()) {
            *lost = true;
        }
        for association in &mut self.associations {
            association.lose(side);
        }
    }

    fn expire(&mut self, seen: &Seen, sink: &mut dyn Sink) -> Option<u64> {
        let mut next: Option<u64> = None;
        for place in 0..self.associations.len() {
            let Some(client) = self.associations.get(place).map(|association| association.client) else { break };
            let context = self.context(client, seen);
            let deadline = self.associations.get_mut(place).and_then(|association| association.expire(&context, sink));
            next = match (next, deadline) {
                (Some(next), Some(deadline)) => Some(next.min(deadline)),
                (next, deadline) => next.or(deadline),
            };
        }
        next
    }

    fn finish(&mut self, ending: Ending, seen: &Seen, sink: &mut dyn Sink) {
        for mut association in std::mem::take(&mut self.associations) {
            let context = self.context(association.client, seen);
            association.finish(ending, &context, sink);
        }
        self.last = 0;
    }
}
