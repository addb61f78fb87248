//! ISO on TCP: TPKT (RFC 1006) and COTP class 0 (X.224), the way on which S7comm, S7comm-plus and MMS travel. It is no protocol of
//! the registry: a flow belongs to what rides on it, and so do its set-up, its refusal and its end.
//!
//! A connection request does not say what will ride on the connection; the first byte of the first message does. So one dissector
//! ([`IsoOnTcp`]) takes the flow, keeps what was said at the set-up, puts messages together from their segments, and hands each to
//! the [`Rider`] that knows it. The set-up is told when the first message has named its protocol; where none ever comes, by the
//! transport selectors.

#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions, clippy::unwrap_used)
)]

mod connection;
pub mod message;
mod recognition;
pub mod tables;
#[cfg(test)]
pub(crate) mod tests;

pub use recognition::recognise;

use super::{Dissector, Ending, Fed, Hints, Seen, Sink, s7comm, s7commplus};
use crate::address::{Moment, Side};
use crate::cursor::Incomplete;
use connection::Connection;
pub use connection::Kind as ConnectionKind;
use message::{Packet, Setup, Tpdu, Trouble};
use recognition::Start;
use tables::anomaly;

/// The usual port (IANA `iso-tsap`).
pub const PORT: u16 = 102;

/// Bytes of one message that are put together from segments; more is given up.
pub const MAX_MESSAGE: usize = 65_536;

/// A protocol that travels on COTP.
pub struct Passenger {
    /// Its number in [`crate::protocols::PROTOCOLS`].
    pub protocol: u8,
    /// How much the beginning of a message (whole, or the first part of one) looks like its own.
    pub likeness: fn(payload: &[u8], whole: bool) -> Likeness,
    /// Whether a connection to these selectors is for it, where no message ever says so.
    pub is_called: fn(&Setup) -> bool,
    /// Its state for one flow.
    pub start: fn(&Link) -> Box<dyn Rider>,
}

/// Everything that may ride. The first that is likest takes a message.
static PASSENGERS: [&Passenger; PASSENGER_COUNT] = [&s7comm::PASSENGER, &s7commplus::PASSENGER];

/// How many there are.
const PASSENGER_COUNT: usize = 2;

/// How much bytes look like a protocol's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// Not at all.
    None,
    /// The protocol's first byte, and something wrong with the rest: its own on a connection that is its own.
    Weak,
    /// Its own wherever it is met.
    Strong,
}

/// A message (TSDU) that is whole.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Who sent it.
    pub side: Side,
    /// Its bytes, without TPKT and COTP.
    pub bytes: &'a [u8],
    /// The packet that completed it.
    pub at: Moment,
}

/// What is known of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// What the engine knew at the flow's begin.
    pub hints: Hints,
    /// Who asked for the connection, where that was seen.
    pub client: Option<Side>,
    /// The connection's request was seen, so that nothing before it was missed.
    pub from_start: bool,
    /// Bytes of this side were lost since.
    pub lost: [bool; 2],
    /// Rack and slot that were called, as in the selector's second byte (rack × 32 + slot).
    pub unit: Option<u32>,
    /// The connection's type by the selector that was called.
    pub kind: Option<ConnectionKind>,
}

impl Link {
    /// Bytes of this side were lost.
    #[inline]
    pub fn has_lost(&self, side: Side) -> bool {
        self.lost.get(side.index()).copied().unwrap_or_default()
    }
}

/// What is wrong with a message that cannot be read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable {
    /// Bit in the rider's anomaly table.
    pub anomaly: u8,
    /// Where reading failed.
    pub place: Incomplete,
}

/// One protocol's state for one flow; the counterpart of [`Dissector`] above COTP. It never panics on any bytes, and its memory
/// has named ceilings.
pub trait Rider: Send {
    /// Takes one message.
    ///
    /// # Errors
    /// When nothing can be read of it.
    fn message(
        &mut self,
        message: &Message<'_>,
        link: &Link,
        seen: &Seen,
        sink: &mut dyn Sink,
    ) -> Result<(), Unreadable>;

    /// Bytes of this side were lost: messages are missing, and a message that is spread over several may lack a part.
    fn gap(&mut self, side: Side, link: &Link);

    /// Closes requests whose deadline has passed. Returns the next deadline, if any is open.
    fn expire(&mut self, link: &Link, seen: &Seen, sink: &mut dyn Sink) -> Option<u64>;

    /// The flow ends, or the connection: everything that is open leaves now.
    fn finish(&mut self, ending: Ending, link: &Link, seen: &Seen, sink: &mut dyn Sink);

    /// Whether what it carries is encrypted, as for [`Dissector::is_encrypted`].
    fn is_encrypted(&self) -> bool {
        false
    }
}

/// A dissector for a new flow.
pub fn start(hints: &Hints) -> Box<dyn Dissector> {
    Box::new(IsoOnTcp::new(hints))
}

/// Parts of a message that wait for the rest of it.
#[derive(Debug, Default)]
struct Parts {
    bytes: Vec<u8>,
    /// More than one segment, or an empty one, has come.
    open: bool,
    /// The rest of this message is given up: its beginning was lost, or it is too long.
    skipping: bool,
}

/// A flow of ISO on TCP.
pub struct IsoOnTcp {
    link: Link,
    /// The next packet of this side has to be found.
    astray: [bool; 2],
    /// Segments of this side's message are waiting.
    parted: [bool; 2],
    /// Whose messages came last: an index into [`PASSENGERS`].
    usual: usize,
    riders: [Option<Box<dyn Rider>>; PASSENGER_COUNT],
    parts: [Parts; 2],
    /// What was said at the set-up, until it is told.
    connection: Option<Box<Connection>>,
}

impl IsoOnTcp {
    fn new(hints: &Hints) -> Self {
        let midstream = hints.initiator.is_none();
        let parts = || Parts { skipping: midstream, ..Parts::default() };
        IsoOnTcp {
            link: Link { hints: *hints, client: None, from_start: false, lost: [false; 2], unit: None, kind: None },
            astray: [midstream; 2],
            parted: [midstream; 2],
            usual: 0,
            riders: [const { None }; PASSENGER_COUNT],
            parts: [parts(), parts()],
            connection: None,
        }
    }

    #[inline]
    fn flag(flags: &[bool; 2], side: Side) -> bool {
        flags.get(side.index()).copied().unwrap_or_default()
    }

    fn set(flags: &mut [bool; 2], side: Side, on: bool) {
        if let Some(place) = flags.get_mut(side.index()) {
            *place = on;
        }
    }

    /// Takes a message to whom it belongs.
    #[inline]
    fn deliver(&mut self, message: &Message<'_>, seen: &Seen, sink: &mut dyn Sink) -> Result<(), Refused> {
        let index = self.passenger_of(message.bytes)?;
        self.usual = index;
        if self.connection.is_some() {
            self.tell_connection(Some(index), seen, sink);
        }
        let rider = self.rider(index).ok_or(Refused::NobodyHere)?;
        rider.0.message(message, rider.1, seen, sink).map_err(Refused::Unreadable)
    }

    #[inline]
    fn rider(&mut self, index: usize) -> Option<(&mut dyn Rider, &Link)> {
        let IsoOnTcp { link, riders, .. } = self;
        let passenger = PASSENGERS.get(index)?;
        let rider = riders.get_mut(index)?.get_or_insert_with(|| (passenger.start)(link));
        Some((rider.as_mut(), link))
    }

    /// Whose message this is: a strong likeness decides, a weak one where that protocol speaks already.
    #[inline]
    fn passenger_of(&self, bytes: &[u8]) -> Result<usize, Refused> {
        let like = |index: usize| PASSENGERS.get(index).map_or(Likeness::None, |p| (p.likeness)(bytes, true));
        if like(self.usual) == Likeness::Strong {
            return Ok(self.usual);
        }
        self.unusual_passenger_of(like)
    }

    #[cold]
    fn unusual_passenger_of(&self, like: impl Fn(usize) -> Likeness) -> Result<usize, Refused> {
        let speaks = |index: &usize| self.riders.get(*index).is_some_and(Option::is_some);
        let here = self.riders.iter().any(Option::is_some);
        let strong = (0..PASSENGER_COUNT).find(|index| like(*index) == Likeness::Strong);
        let weak = || (0..PASSENGER_COUNT).find(|index| like(*index) == Likeness::Weak && (speaks(index) || !here));
        strong.or_else(weak).ok_or(if here { Refused::Foreign } else { Refused::NobodyHere })
    }

    /// Takes one packet's TPDU.
    fn take(&mut self, side: Side, packet: &Packet<'_>, at: Moment, seen: &Seen, sink: &mut dyn Sink) -> Fed {
        match packet.tpdu {
            Tpdu::Data { end, payload } => return self.data(side, (end, payload), packet.size, at, seen, sink),
            Tpdu::Request(setup) => self.requested(side, setup, at, seen, sink),
            Tpdu::Confirm(setup) => self.confirmed(side, setup, at),
            Tpdu::Disconnect(reason) => self.disconnected(side, reason, at, seen, sink),
            Tpdu::Error(cause) => self.error(side, cause, at, seen, sink),
            Tpdu::DisconnectConfirm | Tpdu::Other(_) => {}
        }
        Fed::Used(packet.size)
    }

    /// A data unit: the whole message, or a part of one.
    fn data(
        &mut self,
        side: Side,
        (end, payload): (bool, &[u8]),
        size: usize,
        at: Moment,
        seen: &Seen,
        sink: &mut dyn Sink,
    ) -> Fed {
        let Some(mut parts) = self.parts.get_mut(side.index()).map(std::mem::take) else { return Fed::Used(size) };
        if parts.skipping && !parts.open && is_begin(payload, end) {
            parts.skipping = false; // after a loss: here a message begins
        }
        let fits = parts.bytes.len().saturating_add(payload.len()) <= MAX_MESSAGE;
        let too_long = !fits && !parts.skipping;
        parts.skipping |= !fits;
        let whole = end && !parts.skipping;
        let result = if whole && !parts.open {
            self.deliver(&Message { side, bytes: payload, at }, seen, sink)
        } else {
            if !parts.skipping {
                parts.bytes.extend_from_slice(payload);
            }
            parts.open = !parts.skipping;
            if whole { self.deliver(&Message { side, bytes: &parts.bytes, at }, seen, sink) } else { Ok(()) }
        };
        if end || parts.skipping {
            parts.bytes.clear();
            parts.open = false;
            parts.skipping &= !end;
        }
        Self::set(&mut self.parted, side, parts.open || parts.skipping);
        if let Some(place) = self.parts.get_mut(side.index()) {
            *place = parts;
        }
        let place = Incomplete { layer: "cotp.message", offset: 0, needed: size, available: MAX_MESSAGE };
        let long = Fed::Malformed { used: size, anomaly: anomaly::MESSAGE_TOO_LONG, place };
        if too_long { long } else { result.map_or_else(|refused| refused.fed(size), |()| Fed::Used(size)) }
    }

    /// Finds the next packet after bytes were lost. `None`: it stands at the very beginning.
    fn search(&mut self, side: Side, bytes: &[u8]) -> Option<Fed> {
        match recognition::find(bytes) {
            Start::At(0) => {
                Self::set(&mut self.astray, side, false);
                None
            }
            Start::At(skip) | Start::Perhaps(skip) if skip > 0 => Some(Fed::Used(skip)),
            Start::At(_) | Start::Perhaps(_) => match message::read(bytes) {
                Err(Trouble::Short(place)) => Some(Fed::Incomplete(place)),
                _ => Some(Fed::Used(1)),
            },
            Start::Nowhere => Some(Fed::Used(bytes.len().max(1))),
        }
    }

    /// Gives up bytes up to the next packet.
    fn give_up(&mut self, side: Side, bytes: &[u8], anomaly: u8, place: Incomplete) -> Fed {
        let found = recognition::find(bytes.get(1..).unwrap_or_default());
        Self::set(&mut self.astray, side, true);
        self.lose_parts(side);
        let used = match found {
            Start::At(skip) | Start::Perhaps(skip) => skip.saturating_add(1),
            Start::Nowhere => bytes.len(),
        };
        Fed::Malformed { used, anomaly, place }
    }

    fn lose_parts(&mut self, side: Side) {
        if let Some(parts) = self.parts.get_mut(side.index()) {
            *parts = Parts { skipping: true, ..Parts::default() };
        }
        Self::set(&mut self.parted, side, true);
    }
}

/// Whether a message of a known protocol begins here.
fn is_begin(payload: &[u8], end: bool) -> bool {
    PASSENGERS.iter().any(|passenger| (passenger.likeness)(payload, end) == Likeness::Strong)
}

/// Why a message was not taken.
enum Refused {
    /// Nobody rides here yet, and nobody knows it: the flow is another's.
    NobodyHere,
    /// Something that nobody knows, on a connection that somebody rides on.
    Foreign,
    /// Its protocol could not read it.
    Unreadable(Unreadable),
}

impl Refused {
    fn fed(self, used: usize) -> Fed {
        let place = Incomplete { layer: "cotp.message", offset: 0, needed: 1, available: 0 };
        match self {
            Refused::NobodyHere => Fed::NotMine,
            Refused::Foreign => Fed::Malformed { used, anomaly: anomaly::FOREIGN_PAYLOAD, place },
            Refused::Unreadable(Unreadable { anomaly, place }) => Fed::Malformed { used, anomaly, place },
        }
    }
}

impl Dissector for IsoOnTcp {
    #[inline]
    fn feed(&mut self, side: Side, bytes: &[u8], at: Moment, seen: &Seen, sink: &mut dyn Sink) -> Fed {
        // Most packets are a whole message.
        if let [3, 0, high, low, 2, tables::tpdu::DATA, 0x80, ..] = bytes
            && !Self::flag(&self.astray, side)
            && !Self::flag(&self.parted, side)
            && let size = usize::from(u16::from_be_bytes([*high, *low]))
            && let Some(payload) = bytes.get(message::MIN_TPKT..size)
        {
            return match self.deliver(&Message { side, bytes: payload, at }, seen, sink) {
                Ok(()) => Fed::Used(size),
                Err(refused) => refused.fed(size),
            };
        }
        self.feed_any(side, bytes, at, seen, sink)
    }

    fn gap(&mut self, side: Side, _missing: u64) {
        Self::set(&mut self.astray, side, true);
        Self::set(&mut self.link.lost, side, true);
        self.lose_parts(side);
        let IsoOnTcp { link, riders, connection, .. } = self;
        for rider in riders.iter_mut().flatten() {
            rider.gap(side, link);
        }
        if let Some(connection) = connection {
            connection.lose(side);
        }
    }

    fn expire(&mut self, seen: &Seen, sink: &mut dyn Sink) -> Option<u64> {
        let connecting = self.expire_connection(seen, sink);
        let IsoOnTcp { link, riders, .. } = self;
        let riding = riders.iter_mut().flatten().filter_map(|rider| rider.expire(link, seen, sink)).min();
        connecting.into_iter().chain(riding).min()
    }

    fn finish(&mut self, ending: Ending, seen: &Seen, sink: &mut dyn Sink) {
        self.finish_connection(ending, seen, sink);
        let IsoOnTcp { link, riders, .. } = self;
        for rider in riders.iter_mut().flatten() {
            rider.finish(ending, link, seen, sink);
        }
    }

    fn carries(&self) -> Option<u8> {
        let spoken = self.riders.get(self.usual).is_some_and(Option::is_some);
        PASSENGERS.get(self.usual).filter(|_| spoken).map(|passenger| passenger.protocol)
    }

    fn is_encrypted(&self) -> bool {
        self.riders.iter().flatten().any(|rider| rider.is_encrypted())
    }
}

impl IsoOnTcp {
    /// Takes any packet.
    fn feed_any(&mut self, side: Side, bytes: &[u8], at: Moment, seen: &Seen, sink: &mut dyn Sink) -> Fed {
        if Self::flag(&self.astray, side)
            && let Some(fed) = self.search(side, bytes)
        {
            return fed;
        }
        match message::read(bytes) {
            Ok(packet) => self.take(side, &packet, at, seen, sink),
            Err(Trouble::Short(_)) if !message::may_begin_header(bytes) => {
                let place = Incomplete { layer: "cotp.tpkt", offset: 0, needed: message::TPKT_HEADER, available: 0 };
                self.give_up(side, bytes, anomaly::INVALID_TPKT, place)
            }
            Err(Trouble::Short(place)) => Fed::Incomplete(place),
            Err(Trouble::Header(place)) => self.give_up(side, bytes, anomaly::INVALID_TPKT, place),
            Err(Trouble::Tpdu(used, place)) => Fed::Malformed { used, anomaly: anomaly::INVALID_TPDU, place },
        }
    }
}
