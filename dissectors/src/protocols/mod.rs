//! The dissector contract and the registry. To add a protocol: its folder, and two lines here.

#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

pub mod cotp;
pub mod dnp3;
pub mod modbus;
pub mod opcua;
pub mod points;
pub mod s7comm;
pub mod s7commplus;
pub mod services;
pub mod umas;

use std::sync::RwLock;

pub use points::Syntax;

use crate::address::{Moment, Side};
use crate::cursor::Incomplete;
use crate::transaction::{Access, Observation, Transaction};
use crate::witness;

/// Every protocol that is supported, in the order of their numbers. This table is what Python, the command line and the
/// documents know of protocols.
pub static PROTOCOLS: &[&Protocol] =
    &[&modbus::PROTOCOL, &umas::PROTOCOL, &dnp3::PROTOCOL, &s7comm::PROTOCOL, &s7commplus::PROTOCOL, &opcua::PROTOCOL];

/// Recognises a protocol; a plain function for those of the registry.
pub type Recogniser = dyn Fn(&Probe<'_>) -> Recognition + Send + Sync;

/// Makes a dissector for a flow.
pub type Starter = dyn Fn(&Hints) -> Box<dyn Dissector> + Send + Sync;

/// What there is to know of a protocol.
pub struct Protocol {
    /// Name in every output.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// The specification it follows.
    pub specification: &'static str,
    /// Usual TCP ports: hints, never conditions.
    pub tcp_ports: &'static [u16],
    /// Usual UDP ports.
    pub udp_ports: &'static [u16],
    /// Function codes with name and access.
    pub functions: &'static [FunctionRow],
    /// Sub-functions.
    pub sub_functions: &'static [SubFunctionRow],
    /// Rejection codes.
    pub rejections: &'static [(u32, &'static str)],
    /// Names of the anomaly bits, with what they mean. At most 64.
    pub anomalies: &'static [(&'static str, &'static str)],
    /// Kinds of points.
    pub point_kinds: &'static [PointKind],
    /// Recognises the protocol in the first bytes of a flow; `None` for one that rides on another.
    pub recognise: Option<&'static Recogniser>,
    /// A dissector for a new flow.
    pub start: &'static Starter,
    /// Appends a unit number as it is written in every output (no characters that JSON escapes).
    pub write_unit: fn(&mut Vec<u8>, u32),
}

/// Protocols that a site may add at most.
pub const MAX_ADDED: usize = 32;

/// Which of the added protocols take part in a run: one that another run of the process asked for doesn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plugins(u32);

impl Plugins {
    fn bit(number: u8) -> u32 {
        let index = usize::from(number).checked_sub(PROTOCOLS.len()).and_then(|index| u32::try_from(index).ok());
        index.and_then(|index| 1_u32.checked_shl(index)).unwrap_or(0)
    }

    /// Adds the protocol of this number; those of the registry always take part and change nothing.
    pub fn insert(&mut self, number: u8) {
        self.0 |= Self::bit(number);
    }

    /// Those that are not among `others`.
    pub fn without(self, others: Plugins) -> Plugins {
        Plugins(self.0 & !others.0)
    }

    /// Their numbers, in order.
    pub fn numbers(self) -> impl Iterator<Item = u8> {
        let first = u8::try_from(PROTOCOLS.len()).unwrap_or(u8::MAX);
        (first..).take(MAX_ADDED).filter(move |number| self.0 & Self::bit(*number) != 0)
    }
}

/// Protocols that a site added in Python; they live as long as the process.
static ADDED: RwLock<Vec<&'static Protocol>> = RwLock::new(Vec::new());

/// The registry's protocols and those that were added, by number.
pub fn protocol(number: u8) -> Option<&'static Protocol> {
    let number = usize::from(number);
    PROTOCOLS.get(number).copied().or_else(|| {
        let index = number.checked_sub(PROTOCOLS.len())?;
        ADDED.read().ok()?.get(index).copied()
    })
}

/// The number of a protocol by its name.
pub fn number_of(name: &str) -> Option<u8> {
    (0..services::FIRST_SERVICE)
        .map_while(|number| Some((number, protocol(number)?)))
        .find_map(|(number, protocol)| (protocol.name == name).then_some(number))
}

/// Name of a protocol, service or witness by number.
pub fn name(number: u8) -> &'static str {
    let known = protocol(number).map(|protocol| protocol.name);
    known.or_else(|| services::service_name(number)).or_else(|| witness::name(number)).unwrap_or("unknown")
}

/// Adds a protocol (a dissector in Python) under its name; the same name again replaces nothing and gives the old number.
///
/// # Errors
/// When no number is left.
pub fn add(protocol: impl FnOnce() -> Protocol, name: &str) -> Result<u8, &'static str> {
    if let Some(number) = number_of(name) {
        return Ok(number);
    }
    let mut added = ADDED.write().map_err(|_| "the protocol registry was left half written")?;
    let number = u8::try_from(PROTOCOLS.len().saturating_add(added.len())).unwrap_or(u8::MAX);
    if added.len() >= MAX_ADDED || number >= services::FIRST_SERVICE {
        return Err("no more than 32 dissectors can be added to a process");
    }
    added.push(Box::leak(Box::new(protocol())));
    Ok(number)
}

/// A function code of a protocol.
pub struct FunctionRow {
    /// As on the wire.
    pub code: u32,
    /// Name.
    pub name: &'static str,
    /// What kind of thing it does.
    pub access: Access,
    /// One line for people, with the specification's section.
    pub about: &'static str,
}

/// A sub-function of a function.
pub struct SubFunctionRow {
    /// The function it belongs to.
    pub function: u32,
    /// Group, where the protocol has one.
    pub group: Option<u32>,
    /// As on the wire.
    pub code: u32,
    /// Name.
    pub name: &'static str,
    /// What kind of thing it does.
    pub access: Access,
}

/// A kind of points, with its syntax.
pub struct PointKind {
    /// Name (`holding_register`).
    pub name: &'static str,
    /// How a point of it is written, for people (`holding_register:100-101`).
    pub example: &'static str,
    /// Greatest address.
    pub max: u64,
    /// Addresses are written with a block (`file:4/10-12`).
    pub block: bool,
    /// How its points are written.
    pub syntax: Syntax,
}

/// What is known of a flow when its protocol is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Hints {
    /// Ports of side A and B (0 without ports).
    pub ports: [u16; 2],
    /// Which side opened the connection, if seen.
    pub initiator: Option<Side>,
    /// Datagrams rather than a stream.
    pub datagram: bool,
}

/// The first bytes of one direction of a flow.
#[derive(Debug, Clone, Copy)]
pub struct Probe<'a> {
    /// Who sent them.
    pub side: Side,
    /// A stream's bytes so far (from its start or from where the capture begins), or one datagram.
    pub bytes: &'a [u8],
    /// The stream is known from its first byte (handshake seen); false midstream, where bytes may start inside a message.
    pub from_start: bool,
    /// What else is known.
    pub hints: Hints,
}

/// Whether a protocol recognises a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognition {
    /// Its own: `skip` bytes of the probe to leave before the first message (midstream), how sure on a scale of 1 to 100.
    Mine {
        /// Bytes before the first message.
        skip: usize,
        /// 1–100; the surest protocol takes the flow, ties by registry order.
        confidence: u8,
    },
    /// Not enough bytes yet.
    More,
    /// Another's.
    NotMine,
    /// Looking failed (an exception in Python): it isn't asked again for this flow, and that is counted.
    Failed,
}

/// What a dissector says after it was fed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fed {
    /// A message (or bytes skipped while finding the next one after a gap): so many bytes used, at least one.
    Used(usize),
    /// No byte used: call again with these bytes and more.
    Incomplete(Incomplete),
    /// No byte used: this flow is not (or no longer) this protocol; the dissector is let go.
    NotMine,
    /// Unreadable: so many bytes (at least one) are given up, with the anomaly's bit; the connection goes on.
    Malformed {
        /// Bytes given up.
        used: usize,
        /// Bit in the protocol's anomaly table.
        anomaly: u8,
        /// Where reading failed.
        place: Incomplete,
    },
    /// The dissector failed (an exception in Python): it is shut off for this flow, and that is counted.
    Failed,
}

/// Why a flow ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Ending {
    /// FIN from both, or RST.
    Closed,
    /// Quiet for too long, or pushed out by a ceiling.
    Timeout,
    /// The capture is over: open requests are `unknown`.
    CaptureEnd,
    /// A jump of the clock: open requests are `unknown`.
    ClockJump,
}

/// What the engine knows and a dissector may need to judge an open request.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The capture clock, ns.
    pub clock: u64,
    /// Both directions were seen.
    pub both_directions: bool,
    /// Bytes were lost (gap, kernel drop, cut) since the flow began, per side.
    pub lost: [bool; 2],
}

/// Where a dissector puts what it found. The engine knows the flow and adds addresses.
pub trait Sink {
    /// A complete transaction.
    fn transaction(&mut self, transaction: &Transaction<'_>);
    /// The part of a program or file that the next transaction carries: nobody keeps it unless a run asks for contents.
    fn content(&mut self, _bytes: &[u8]) {}
    /// Identity of one of the two sides.
    fn observation(&mut self, observation: &Observation<'_>);
    /// An anomaly of the flow that belongs to no transaction (`late_response`, `unsolicited_response` …): protocol number, bit.
    fn anomaly(&mut self, protocol: u8, bit: u8, side: Side, at: Moment);
}

/// One protocol's state for one flow. It never panics on any bytes, and its memory has named ceilings.
pub trait Dissector: Send {
    /// Takes one message from the front of `bytes`: one direction's bytes in order, from where the last call's use ended, or one
    /// datagram. Transactions that it completes go to `sink`. Called again with the rest until it says `Incomplete`.
    fn feed(&mut self, side: Side, bytes: &[u8], at: Moment, seen: &Seen, sink: &mut dyn Sink) -> Fed;

    /// Reads those parts of its state that the next message needs, so that with many flows they are in the cache by then.
    fn warm(&self) {}

    /// Bytes of this direction were lost here; what was buffered of a message is dropped. The next `feed` may start inside a
    /// message: the dissector finds the next one by itself, within two messages and without inventing one.
    fn gap(&mut self, side: Side, missing: u64);

    /// Closes requests whose deadline has passed. Returns the next deadline (ns on the capture clock), if any is open.
    fn expire(&mut self, seen: &Seen, sink: &mut dyn Sink) -> Option<u64>;

    /// The flow ends: everything that is open leaves now.
    fn finish(&mut self, ending: Ending, seen: &Seen, sink: &mut dyn Sink);

    /// The protocol that the flow turned out to be, where that is not known when it is recognised: what rides on a connection
    /// shows with its first message. Asked when something is wrong, and after `finish`.
    fn carries(&self) -> Option<u8> {
        None
    }

    /// Whether what the flow carries is encrypted, so that it is not seen. Asked when the flow ends.
    fn is_encrypted(&self) -> bool {
        false
    }
}
