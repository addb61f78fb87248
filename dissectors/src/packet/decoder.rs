//! One frame in, one packet out: the whole way from the link to the transport.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::cause::{CAUSES, FIXED};
use super::fragment::{Anomaly, Fragments};
use super::region::Region;
use super::tunnel::{TunnelInfo, Tunnels};
use super::{Cause, Frame, Packet, fast, marks};

/// How many headers may nest that start a packet within a packet: tunnels and reassembled datagrams.
pub const MAX_NESTING: u8 = 8;

/// Bytes up to which a block may grow by reassembled datagrams; spans have 32 bits.
const MAX_BLOCK: usize = 1 << 31;

/// What became of a frame.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::large_enum_variant)]
pub enum Decoded {
    /// A packet.
    Packet(Packet),
    /// A fragment that waits for the others of its datagram.
    Held,
    /// Nothing that can be decoded; counted by cause.
    Undecoded(Cause),
}

/// What a layer says when it is done with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The packet is complete.
    Done,
    /// A fragment waits.
    Held,
    /// [`Fragments::rebuilt`] holds a complete datagram, to be decoded from its network header on.
    Rebuilt,
}

/// What a layer gives: a step, or why the frame can't be decoded.
pub(super) type Result = std::result::Result<Step, Cause>;

/// Decodes frames. Holds what outlives a frame: the numbers of tunnels, fragments that wait, and counts.
#[derive(Debug, Default)]
pub struct Decoder {
    pub(super) tunnels: Tunnels,
    pub(super) fragments: Fragments,
    undecoded: [u64; CAUSES],
    links: BTreeMap<u16, u64>,
}

impl Decoder {
    /// Decodes one frame of a block. `bytes` is the block's buffer: a datagram put together from fragments is appended to it.
    #[inline]
    pub fn decode(&mut self, bytes: &mut Vec<u8>, frame: &Frame) -> Decoded {
        let mut packet = Packet::default();
        match self.decode_into(bytes, frame, &mut packet) {
            Ok(true) => Decoded::Packet(packet),
            Ok(false) => Decoded::Held,
            Err(cause) => Decoded::Undecoded(cause),
        }
    }

    /// The same, into a packet that is already where it shall stay, whatever it held: saves copying it out of [`Decoded`].
    /// `Ok(false)` is a fragment that waits.
    ///
    /// # Errors
    /// Why the frame can't be decoded; it is counted.
    #[inline(always)]
    pub fn decode_into(
        &mut self,
        bytes: &mut Vec<u8>,
        frame: &Frame,
        packet: &mut Packet,
    ) -> std::result::Result<bool, Cause> {
        match fast::decode(bytes, frame, packet) {
            Some(()) => Ok(true),
            None => self.slow(bytes, frame, packet),
        }
    }

    /// The long way, for everything but the common case, which it would decode the same.
    #[inline(never)]
    pub(super) fn slow(
        &mut self,
        bytes: &mut Vec<u8>,
        frame: &Frame,
        packet: &mut Packet,
    ) -> std::result::Result<bool, Cause> {
        *packet = Packet {
            at: frame.at,
            frame: frame.span,
            wire_len: frame.wire_len.max(frame.span.len),
            interface: frame.interface,
            ..Packet::default()
        };
        let region = Region {
            bytes: frame.span.of(bytes),
            start: frame.span.start,
            missing: frame.wire_len.saturating_sub(frame.span.len),
        };
        let mut step = self.link(frame.link, region, packet);
        for depth in 1..=MAX_NESTING {
            match step {
                Ok(Step::Rebuilt) => step = self.rebuilt(bytes, packet, depth),
                Ok(Step::Done) => {
                    packet.place();
                    return Ok(true);
                }
                Ok(Step::Held) => return Ok(false),
                Err(cause) => return Err(self.count(cause, 1)),
            }
        }
        Err(self.count(Cause::TunnelDepth, 1))
    }

    /// Goes on with the datagram that the last fragment completed.
    fn rebuilt(&mut self, bytes: &mut Vec<u8>, packet: &mut Packet, depth: u8) -> Result {
        let datagram = self.fragments.rebuilt();
        let start = bytes.len();
        if start.saturating_add(datagram.len()) > MAX_BLOCK {
            return Err(Cause::BlockFull);
        }
        bytes.extend_from_slice(datagram);
        packet.marks |= marks::REASSEMBLED;
        let start_offset = u32::try_from(start).map_err(|_| Cause::BlockFull)?;
        let region = Region { bytes: bytes.get(start..).unwrap_or_default(), start: start_offset, missing: 0 };
        self.ip(region, packet, depth)
    }

    /// Counts frames that could not be decoded and gives the cause back.
    fn count(&mut self, cause: Cause, frames: u64) -> Cause {
        match cause {
            Cause::LinkType(number) => *self.links.entry(number).or_default() += frames,
            fixed => {
                if let Some(counter) = fixed.index().and_then(|index| self.undecoded.get_mut(index)) {
                    *counter += frames;
                }
            }
        }
        cause
    }

    /// Gives up all fragments that still wait: to be called when the captures have ended.
    pub fn finish(&mut self) {
        self.fragments.finish();
    }

    /// Frames that could not be decoded, by the name of the cause; only what was met.
    pub fn undecoded(&self) -> impl Iterator<Item = (Cow<'static, str>, u64)> {
        let given_up = |cause| self.fragments.given_up(cause);
        let fixed = FIXED
            .iter()
            .zip(self.undecoded)
            .map(move |((cause, name), count)| (Cow::Borrowed(*name), count.saturating_add(given_up(*cause))));
        let links = self.links.iter().map(|(number, count)| (Cause::LinkType(*number).name(), *count));
        fixed.chain(links).filter(|(_, count)| *count > 0)
    }

    /// What was met and decoded all the same, by name: `fragments_joined` (frames that became part of another's packet),
    /// `fragments_overlapping`, `fragments_conflicting`, `tunnels_full`, and how many fragments wait now (`fragments_waiting`).
    pub fn anomalies(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("fragments_joined", self.fragments.count(Anomaly::Joined)),
            ("fragments_overlapping", self.fragments.count(Anomaly::Overlapping)),
            ("fragments_conflicting", self.fragments.count(Anomaly::Conflicting)),
            ("fragments_waiting", self.fragments.waiting()),
            ("tunnels_full", self.tunnels.refused()),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
    }

    /// The tunnel with this number ([`Packet::tunnel`]); `None` for 0 and for numbers never given.
    pub fn tunnel(&self, number: u32) -> Option<&TunnelInfo> {
        self.tunnels.get(number)
    }
}
