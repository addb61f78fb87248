//! Between the packets and the witnesses: who is asked about what, for how long, and with how much memory.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::testimony::{Note, Notebook, Testimony};
use super::{Datagram, FIRST_WITNESS, Frame, Listener, Look, Piece, Recognised, StreamEar, WITNESSES, ndp, tcp};
use crate::address::{Moment, Side};
use crate::gate::Gate;
use crate::packet::{Packet, Transport};
use crate::transaction::Observation;

/// First bytes of a direction that recognition wants at most.
const MAX_OPENING: usize = 64;
/// Flows that are listened to at the same time.
pub(super) const MAX_LISTENING: usize = 16_384;
/// Bytes of all flows that are held until a message is whole.
const MAX_HELD: usize = 32 << 20;

/// What is kept of a flow: nothing where its first bytes are nobody's.
#[derive(Default)]
pub struct Watch {
    listening: Option<Box<Listening>>,
    done: [bool; 2],
}

#[derive(Default)]
struct Listening {
    listener: Option<(u8, Box<dyn Listener>)>,
    held: [Vec<u8>; 2],
    heard: [usize; 2],
}

impl Watch {
    /// Nothing more is to be expected of this direction.
    #[inline]
    pub fn is_done(&self, side: Side) -> bool {
        match side {
            Side::A => self.done[0],
            Side::B => self.done[1],
        }
    }

    fn finish(&mut self, side: Side) {
        match side {
            Side::A => self.done[0] = true,
            Side::B => self.done[1] = true,
        }
    }
}

/// A witness failed: it panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

/// All witnesses of a run.
#[derive(Debug)]
pub struct Witnesses {
    /// Port and the index of the witness that looks at its datagrams, sorted.
    ports: Vec<(u16, u8)>,
    /// Ethertype and the index of the witness that looks at its frames, sorted.
    kinds: Vec<(u16, u8)>,
    listening: usize,
    held: usize,
    refused: u64,
}

impl Default for Witnesses {
    fn default() -> Self {
        let ears = (0_u8..).zip(WITNESSES).filter_map(|(index, witness)| Some((index, witness.datagrams.as_ref()?)));
        let mut ports: Vec<_> =
            ears.flat_map(|(index, ear)| ear.ports.iter().map(move |port| (*port, index))).collect();
        ports.sort_unstable();
        let frames = (0_u8..).zip(WITNESSES).filter_map(|(index, witness)| Some((index, witness.frames.as_ref()?)));
        let mut kinds: Vec<_> = frames.map(|(index, ear)| (ear.kind, index)).collect();
        kinds.sort_unstable();
        Witnesses { ports, kinds, listening: 0, held: 0, refused: 0 }
    }
}

impl Witnesses {
    /// Flows that could not be listened to for lack of room.
    pub fn ceilings(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Some(("witnesses", self.refused)).filter(|(_, count)| *count > 0).into_iter()
    }

    /// Nothing is listened to and nothing held.
    pub fn is_empty(&self) -> bool {
        self.listening == 0 && self.held == 0
    }

    /// A frame without IP.
    ///
    /// # Errors
    /// When the witness panicked.
    pub fn frame(&self, packet: &Packet, bytes: &[u8], book: &mut dyn Notebook) -> Result<(), Failed> {
        let Some(index) = index_of(&self.kinds, packet.protocol) else { return Ok(()) };
        let Some(ear) = WITNESSES.get(usize::from(index)).and_then(|witness| witness.frames.as_ref()) else {
            return Ok(());
        };
        let bytes = packet.payload.of(bytes);
        let frame = Frame { source: packet.l2.source, destination: packet.l2.destination, bytes };
        guarded(|| (ear.read)(&frame, &mut Testimony::new(book, FIRST_WITNESS.saturating_add(index), packet.at)))
    }

    /// A packet of ICMP: neighbours find each other over that of IPv6.
    ///
    /// # Errors
    /// When the witness panicked.
    pub fn icmp(&self, packet: &Packet, bytes: &[u8], book: &mut dyn Notebook) -> Result<(), Failed> {
        let Some(number) = super::number_of(ndp::WITNESS.name) else { return Ok(()) };
        guarded(|| ndp::read(packet, packet.payload.of(bytes), &mut Testimony::new(book, number, packet.at)))
    }

    /// The packet that opens a connection, or answers that.
    ///
    /// # Errors
    /// When the witness panicked.
    pub fn opening(&self, packet: &Packet, bytes: &[u8], book: &mut dyn Notebook) -> Result<(), Failed> {
        let Some(number) = super::number_of(tcp::WITNESS.name) else { return Ok(()) };
        guarded(|| tcp::read(packet, bytes, &mut Testimony::new(book, number, packet.at)))
    }

    /// A datagram that no dissector claims.
    ///
    /// # Errors
    /// When the witness panicked.
    pub fn datagram(&self, packet: &Packet, bytes: &[u8], book: &mut dyn Notebook) -> Result<(), Failed> {
        let ports = [packet.source_port, packet.destination_port];
        let [from, to] = ports.map(|port| index_of(&self.ports, port));
        let Some(index) = to.or(from).filter(|_| packet.transport == Transport::Udp) else { return Ok(()) };
        let ear = WITNESSES.get(usize::from(index)).and_then(|witness| witness.datagrams.as_ref());
        let Some(ear) = ear else { return Ok(()) };
        let (source, destination) = (packet.source_address(), packet.destination_address());
        let datagram = Datagram { source, destination, ports, bytes: packet.payload.of(bytes) };
        let mut testimony = Testimony::new(book, FIRST_WITNESS.saturating_add(index), packet.at);
        guarded(|| (ear.read)(&datagram, &mut testimony))
    }

    /// Bytes of a stream that no dissector claims, in order from its beginning or from where the capture starts.
    ///
    /// # Errors
    /// When the witness panicked: the flow is listened to no more.
    pub fn stream(
        &mut self,
        watch: &mut Watch,
        piece: &Piece<'_>,
        at: Moment,
        book: &mut dyn Notebook,
    ) -> Result<(), Failed> {
        if watch.is_done(piece.side) {
            return Ok(());
        }
        let mut listening = match watch.listening.take() {
            Some(listening) => listening,
            None if recognise(piece.bytes) == Verdict::Nobody => {
                watch.finish(piece.side);
                return Ok(());
            }
            None if self.listening >= MAX_LISTENING => {
                self.refused = self.refused.saturating_add(1);
                watch.done = [true; 2];
                return Ok(());
            }
            None => {
                self.listening = self.listening.saturating_add(1);
                Box::default()
            }
        };
        self.held = self.held.saturating_sub(listening.size());
        let heard = catch_unwind(AssertUnwindSafe(|| listening.hear(piece, at, book)));
        self.held = self.held.saturating_add(listening.size());
        let full = self.held > MAX_HELD;
        self.refused = self.refused.saturating_add(u64::from(full));
        match heard {
            Ok(true) if !full => {}
            Ok(true) => watch.done = [true; 2],
            Ok(false) => watch.finish(piece.side),
            Err(_) => watch.done = [true; 2],
        }
        watch.listening = Some(listening);
        if watch.done == [true; 2] {
            self.close(watch);
        }
        heard.map(|_| ()).map_err(|_| Failed)
    }

    /// The flow ends, or lost bytes.
    pub fn close(&mut self, watch: &mut Watch) {
        watch.done = [true; 2];
        if let Some(listening) = watch.listening.take() {
            self.listening = self.listening.saturating_sub(1);
            self.held = self.held.saturating_sub(listening.size());
        }
    }
}

/// The witness that goes by this number in a sorted table.
fn index_of(table: &[(u16, u8)], number: u16) -> Option<u8> {
    let place = table.binary_search_by_key(&number, |(known, _)| *known).ok()?;
    table.get(place).map(|(_, index)| *index)
}

fn guarded(read: impl FnOnce()) -> Result<(), Failed> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| Failed)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Witness(u8),
    More,
    Nobody,
}

fn recognise(bytes: &[u8]) -> Verdict {
    let mut verdict = Verdict::Nobody;
    for (index, witness) in (0_u8..).zip(WITNESSES) {
        let Some(ear) = &witness.streams else { continue };
        match (ear.recognise)(bytes) {
            Recognised::Mine => return Verdict::Witness(index),
            Recognised::More if bytes.len() < MAX_OPENING => verdict = Verdict::More,
            _ => {}
        }
    }
    verdict
}

fn ear(index: u8) -> Option<&'static StreamEar> {
    WITNESSES.get(usize::from(index))?.streams.as_ref()
}

impl Listening {
    fn size(&self) -> usize {
        self.held.iter().map(Vec::len).fold(0, usize::saturating_add)
    }

    /// False when nothing more is to be expected of this direction.
    fn hear(&mut self, piece: &Piece<'_>, at: Moment, book: &mut dyn Notebook) -> bool {
        let (Some(held), Some(heard)) = (self.held.get_mut(piece.side.index()), self.heard.get_mut(piece.side.index()))
        else {
            return false;
        };
        let mut joined = std::mem::take(held);
        let bytes = if joined.is_empty() {
            piece.bytes
        } else {
            joined.extend_from_slice(piece.bytes);
            &joined
        };
        if self.listener.is_none() {
            match recognise(bytes) {
                Verdict::Witness(index) => self.listener = ear(index).map(|ear| (index, (ear.start)())),
                Verdict::More => {
                    held.extend_from_slice(bytes);
                    return true;
                }
                Verdict::Nobody => return false,
            }
        }
        let Some((index, listener)) = &mut self.listener else { return false };
        let budget = ear(*index).map_or(0, |ear| ear.budget);
        let mut testimony = Testimony::new(book, FIRST_WITNESS.saturating_add(*index), at);
        let mut rest = bytes;
        while !rest.is_empty() && *heard < budget {
            match listener.hear(&Piece { bytes: rest, ..*piece }, &mut testimony) {
                Look::Used(used) if (1..=rest.len()).contains(&used) => {
                    *heard = heard.saturating_add(used);
                    rest = rest.get(used..).unwrap_or_default();
                }
                Look::More if heard.saturating_add(rest.len()) < budget => {
                    held.extend_from_slice(rest);
                    return true;
                }
                Look::Used(_) | Look::More | Look::Done => return false,
            }
        }
        *heard < budget
    }
}

impl Notebook for Gate {
    fn note(&mut self, note: &Note<'_>) {
        let Note { protocol, about, unit, attribute, field, value, at } = *note;
        let observation = Observation { protocol, side: Side::A, unit, attribute, value, field, at };
        self.observe(about, protocol, &observation);
    }
}
