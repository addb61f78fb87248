//! Recognises ISO on TCP by what it carries, and finds packets after bytes were lost.

use super::message::{self, MIN_TPKT, Packet, Setup, Tpdu, Trouble};
use super::{Likeness, PASSENGERS, PORT};
use crate::protocols::{Probe, Recognition};

/// Packets that one walk looks at.
const MAX_WALK: usize = 8;

/// Recognises a flow whose messages, or whose connection's selectors, are those of a protocol that is known. TPKT alone is not
/// enough: remote desktop and telephony use it as well.
pub fn recognise(probe: &Probe<'_>) -> Recognition {
    if probe.hints.datagram {
        return Recognition::NotMine;
    }
    let hinted = probe.hints.ports.contains(&PORT);
    let walk = walk(probe.bytes);
    match (walk.strong, walk.end) {
        (true, End::Broken) => return Recognition::Mine { skip: 0, confidence: if hinted { 80 } else { 60 } },
        (true, _) => return Recognition::Mine { skip: 0, confidence: if hinted { 95 } else { 90 } },
        (false, End::Partial | End::Clean) => return Recognition::More,
        (false, End::Broken) => {}
    }
    if probe.from_start {
        return Recognition::NotMine;
    }
    match find(probe.bytes) {
        Start::At(skip) => Recognition::Mine { skip, confidence: if hinted { 70 } else { 50 } },
        Start::Perhaps(_) | Start::Nowhere => Recognition::NotMine,
    }
}

/// What a run of bytes looks like when read as packets from its start.
struct Walk {
    /// A packet that only a known protocol sends.
    strong: bool,
    end: End,
}

/// How a walk ends.
#[derive(PartialEq, Eq)]
enum End {
    /// Exactly with the bytes.
    Clean,
    /// Inside a packet that may still become one.
    Partial,
    /// At something that is no packet.
    Broken,
}

fn walk(bytes: &[u8]) -> Walk {
    let mut walk = Walk { strong: false, end: End::Clean };
    let mut rest = bytes;
    for _ in 0..MAX_WALK {
        if rest.is_empty() {
            break;
        }
        match message::read(rest) {
            Ok(packet) => {
                walk.strong |= is_strong(&packet);
                rest = rest.get(packet.size..).unwrap_or_default();
            }
            Err(Trouble::Short(_)) if message::may_begin(rest) => return Walk { end: End::Partial, ..walk },
            Err(_) => return Walk { end: End::Broken, ..walk },
        }
    }
    walk
}

/// Whether a packet is one that only a known protocol sends.
fn is_strong(packet: &Packet<'_>) -> bool {
    match packet.tpdu {
        Tpdu::Data { end, payload } => super::is_begin(payload, end),
        Tpdu::Request(setup) | Tpdu::Confirm(setup) => is_called(&setup).is_some(),
        _ => false,
    }
}

/// Whom a connection with these selectors calls.
pub fn is_called(setup: &Setup) -> Option<usize> {
    PASSENGERS.iter().position(|passenger| (passenger.is_called)(setup))
}

/// Where the next packet begins among bytes of which some are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A whole packet stands here, with a message of a known protocol, or followed by another or the end.
    At(usize),
    /// Here a packet may begin that is not whole yet.
    Perhaps(usize),
    /// Nowhere in these bytes.
    Nowhere,
}

/// Finds the next packet. One that is whole is preferred to an earlier beginning: that may be no packet at all.
pub fn find(bytes: &[u8]) -> Start {
    let mut perhaps = Start::Nowhere;
    for (skip, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == 3) {
        let rest = bytes.get(skip..).unwrap_or_default();
        if !message::may_begin(rest) {
            continue;
        }
        match message::read(rest) {
            Ok(packet) if is_here(&packet, rest) => return Start::At(skip),
            Err(Trouble::Short(_)) if perhaps == Start::Nowhere && is_likely(rest) => perhaps = Start::Perhaps(skip),
            _ => {}
        }
    }
    perhaps
}

/// A packet that is whole is believed for what it carries, or for what follows it.
fn is_here(packet: &Packet<'_>, bytes: &[u8]) -> bool {
    let behind = bytes.get(packet.size..).unwrap_or_default();
    is_strong(packet) || behind.is_empty() || (behind.len() >= MIN_TPKT && message::may_begin(behind))
}

/// A packet that is not whole is waited for when as much of it as there is speaks for it.
fn is_likely(bytes: &[u8]) -> bool {
    match bytes.get(MIN_TPKT..) {
        Some(payload) if !payload.is_empty() && bytes.get(5) == Some(&super::tables::tpdu::DATA) => {
            PASSENGERS.iter().any(|passenger| (passenger.likeness)(payload, false) != Likeness::None)
        }
        _ => true,
    }
}
