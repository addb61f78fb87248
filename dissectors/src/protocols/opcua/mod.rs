//! OPC UA: the binary encoding over UA Secure Conversation and UA TCP (OPC 10000-4 and 10000-6, 1.05).
//!
//! What is encrypted is not read: such messages are told as function `encrypted_message`, each on its own and with outcome `unknown`,
//! for the request id that would pair them is encrypted too. The opening of an encrypted channel counts as accepted when the server
//! answers it with an OPN: one that refuses says ERR.

#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions, clippy::unwrap_used)
)]

mod assembly;
pub mod certificate;
mod channel;
mod chunks;
mod connection;
pub mod message;
pub mod pairing;
pub mod tables;
#[cfg(test)]
mod tests;
mod told;

use super::{Dissector, Ending, Fed, Hints, Probe, Protocol, Recognition, Seen, Sink};
use crate::address::{Moment, Side};
use crate::cursor::Incomplete;
use crate::dissection::MAX_HELD;
use assembly::Assembly;
use connection::Hello;
use message::transport::{self, Header, Kind, Start, Trouble};
use pairing::state::State;
use pairing::{Context, Pairing};
use tables::anomaly;

/// What there is to know of OPC UA.
pub static PROTOCOL: Protocol = Protocol {
    name: "opcua",
    title: "OPC UA",
    specification: "OPC 10000-4 (Services) and OPC 10000-6 (Mappings), 1.05: binary encoding over UA Secure Conversation and UA TCP",
    tcp_ports: &[PORT],
    udp_ports: &[],
    functions: tables::FUNCTIONS,
    sub_functions: &[],
    rejections: tables::STATUS,
    anomalies: tables::ANOMALIES,
    point_kinds: tables::attributes::POINT_KINDS,
    recognise: Some(&recognise),
    start: &start,
    write_unit: |_, _| {},
};

/// The usual port (IANA `opcua-tcp`).
const PORT: u16 = 4_840;

/// A dissector for a new flow.
fn start(hints: &Hints) -> Box<dyn Dissector> {
    Box::new(Opcua::new(hints))
}

/// Recognises OPC UA by its headers: the letters, a size that its kind can have, and another header behind it where it is there.
fn recognise(probe: &Probe<'_>) -> Recognition {
    if probe.hints.datagram {
        return Recognition::NotMine;
    }
    let surely = |skip| Recognition::Mine { skip, confidence: 95 };
    match transport::read(probe.bytes) {
        Ok(header) if !header.wrong_size => return surely(0),
        Ok(_) if probe.hints.ports.contains(&PORT) => return Recognition::Mine { skip: 0, confidence: 60 },
        Err(Trouble::Short(_)) => return Recognition::More,
        _ => {}
    }
    match transport::find(probe.bytes) {
        Start::At(skip) if !probe.from_start => surely(skip),
        Start::Perhaps(_) if !probe.from_start => Recognition::More,
        _ => Recognition::NotMine,
    }
}

/// A chunk that is larger than what may be held for a dissector: its first bytes, and how many are to come.
#[derive(Debug)]
struct Large {
    header: Header,
    bytes: Vec<u8>,
    left: usize,
}

/// A flow of OPC UA.
pub struct Opcua {
    hints: Hints,
    client: Option<Side>,
    /// The next message of this side has to be found.
    astray: [bool; 2],
    /// The next chunk of this side begins a message, if it is not one of a message that was begun.
    aligned: [bool; 2],
    lost: bool,
    large: [Option<Box<Large>>; 2],
    assembly: [Assembly; 2],
    hello: Option<Box<Hello>>,
    opening: Option<Box<channel::Opening>>,
    pairing: Pairing,
    state: State,
}

impl Opcua {
    fn new(hints: &Hints) -> Self {
        Opcua {
            hints: *hints,
            client: None,
            astray: [false; 2],
            aligned: [hints.initiator.is_some(); 2],
            lost: false,
            large: [None, None],
            assembly: [Assembly::default(), Assembly::default()],
            hello: None,
            opening: None,
            pairing: Pairing::default(),
            state: State::default(),
        }
    }

    /// Who is probably client where nothing said so: who has not the usual port, who opened the connection, who has the higher port.
    fn likely_client(&self, side: Side) -> Side {
        let [a, b] = self.hints.ports;
        match self.hints.initiator {
            _ if self.client.is_some() => self.client.unwrap_or(side),
            _ if a == PORT && b != PORT => Side::B,
            _ if b == PORT && a != PORT => Side::A,
            Some(initiator) => initiator,
            None if a > b => Side::A,
            None => Side::B,
        }
    }

    #[inline]
    fn assembly(&mut self, side: Side) -> &mut Assembly {
        let [a, b] = &mut self.assembly;
        if side == Side::A { a } else { b }
    }

    fn large(&mut self, side: Side) -> &mut Option<Box<Large>> {
        let [a, b] = &mut self.large;
        if side == Side::A { a } else { b }
    }

    fn set_astray(&mut self, side: Side, astray: bool) {
        if let Some(place) = self.astray.get_mut(side.index()) {
            *place = astray;
        }
    }

    fn set_unaligned(&mut self, side: Side) {
        if let Some(place) = self.aligned.get_mut(side.index()) {
            *place = false;
        }
    }

    /// Finds the next message after bytes were lost. `None`: it stands at the very beginning.
    #[cold]
    fn search(&mut self, side: Side, bytes: &[u8]) -> Option<Fed> {
        match transport::find(bytes) {
            Start::At(0) => {
                self.set_astray(side, false);
                None
            }
            Start::At(skip) => Some(Fed::Used(skip)),
            Start::Perhaps(0) => {
                let (needed, available) = (transport::HEADER, bytes.len());
                Some(Fed::Incomplete(Incomplete { layer: "opcua.search", offset: 0, needed, available }))
            }
            Start::Perhaps(skip) => Some(Fed::Used(skip)),
            Start::Nowhere => Some(Fed::Used(bytes.len())),
        }
    }

    /// Gives up bytes up to the next message.
    #[cold]
    fn give_up(&mut self, side: Side, bytes: &[u8], anomaly: u8, place: Incomplete) -> Fed {
        let skipped = |skip: usize| skip.saturating_add(1);
        let used = match transport::find(bytes.get(1..).unwrap_or_default()) {
            Start::At(skip) => skipped(skip),
            Start::Perhaps(skip) => skipped(skip),
            Start::Nowhere => bytes.len(),
        };
        self.set_astray(side, true);
        self.set_unaligned(side);
        self.assembly(side).lose();
        Fed::Malformed { used, anomaly, place }
    }

    /// Takes bytes of a large chunk.
    #[cold]
    fn feed_large(&mut self, side: Side, bytes: &[u8], now: (Moment, &Seen), sink: &mut dyn Sink) -> Fed {
        let Some(large) = self.large(side) else { return Fed::NotMine };
        let used = bytes.len().min(large.left);
        let taken = bytes.get(..used).unwrap_or_default();
        let room = assembly::MAX_MESSAGE.saturating_sub(large.bytes.len());
        large.bytes.extend_from_slice(taken.get(..room).unwrap_or(taken));
        large.left = large.left.saturating_sub(used);
        if large.left == 0
            && let Some(whole) = self.large(side).take()
        {
            self.chunk(side, &whole.header, &whole.bytes, now, sink);
        }
        Fed::Used(used)
    }

    /// A whole chunk or message of the connection (the end of a very large one is left out).
    #[inline]
    fn chunk(&mut self, side: Side, header: &Header, bytes: &[u8], now: (Moment, &Seen), sink: &mut dyn Sink) {
        match header.kind {
            Kind::Message | Kind::Close => self.symmetric(side, header, bytes, now, sink),
            Kind::Open => self.open(side, header, bytes, now, sink),
            Kind::Hello | Kind::Acknowledge | Kind::Error | Kind::ReverseHello => {
                self.connection_message(side, header.kind, bytes, now, sink);
            }
        }
    }

    fn context<'c>(state: &'c mut State, seen: &'c Seen) -> Context<'c> {
        let certain = state.complete;
        Context { state, seen, certain }
    }
}

impl Dissector for Opcua {
    #[inline]
    fn feed(&mut self, side: Side, bytes: &[u8], at: Moment, seen: &Seen, sink: &mut dyn Sink) -> Fed {
        let now = (at, seen);
        if self.large(side).is_some() {
            return self.feed_large(side, bytes, now, sink);
        }
        if self.astray.get(side.index()).copied().unwrap_or_default()
            && let Some(fed) = self.search(side, bytes)
        {
            return fed;
        }
        let header = match transport::read(bytes) {
            Ok(header) => header,
            Err(Trouble::Short(place)) => return Fed::Incomplete(place),
            Err(Trouble::Nothing(place)) => return self.give_up(side, bytes, anomaly::INVALID_HEADER, place),
        };
        if header.wrong_size {
            let place = Incomplete { layer: "opcua.header", offset: 4, needed: header.size, available: bytes.len() };
            return self.give_up(side, bytes, anomaly::INVALID_SIZE, place);
        }
        if header.size > MAX_HELD {
            *self.large(side) = Some(Box::new(Large { header, bytes: Vec::new(), left: header.size }));
            return self.feed_large(side, bytes, now, sink);
        }
        let Some(chunk) = bytes.get(..header.size) else {
            let place = Incomplete { layer: "opcua.chunk", offset: 0, needed: header.size, available: bytes.len() };
            return Fed::Incomplete(place);
        };
        self.chunk(side, &header, chunk, now, sink);
        Fed::Used(header.size)
    }

    fn gap(&mut self, side: Side, _missing: u64) {
        self.set_astray(side, true);
        self.set_unaligned(side);
        self.lost = true;
        self.state.complete = false;
        *self.large(side) = None;
        self.assembly(side).lose();
        self.pairing.lose(side);
    }

    fn expire(&mut self, seen: &Seen, sink: &mut dyn Sink) -> Option<u64> {
        let waiting = self.expire_connection(seen, sink);
        let open = self.pairing.expire(&mut Self::context(&mut self.state, seen), sink);
        waiting.into_iter().chain(open).min()
    }

    fn is_encrypted(&self) -> bool {
        self.state.channel.readable == Some(false)
    }

    fn finish(&mut self, ending: Ending, seen: &Seen, sink: &mut dyn Sink) {
        self.finish_connection(ending, seen, sink);
        self.pairing.finish(ending, &mut Self::context(&mut self.state, seen), sink);
    }
}
