//! Chunks: what of them is wrong, and whole messages made of them (Part 6, 6.7.2).

use super::message::transport::{Header, Part, Sequence, Symmetric};
use super::pairing::state::State;
use super::tables::anomaly;
use super::tables::security::Mode;
use crate::address::Side;
use crate::transaction::Anomalies;

/// Bytes of one message that are put together; what comes behind them is counted, not kept.
pub const MAX_MESSAGE: usize = 512 * 1024;

/// After a number so high, the next may be a low one (Part 6, 6.7.2.4).
const WRAP: u32 = u32::MAX - 1_024;

/// A message of one side that is not whole yet.
#[derive(Debug, Default)]
pub struct Assembly {
    /// Its request; `None` while there is none.
    pub request: Option<u32>,
    /// Its bytes so far.
    pub bytes: Vec<u8>,
    /// Its chunks so far.
    pub chunks: u32,
    /// Bytes of its chunks, headers among them.
    pub size: u64,
    /// Bytes were left out.
    pub cut: bool,
    /// What is wrong with it so far.
    pub anomalies: Anomalies,
    /// The number of the last chunk of this side; `None` at the begin and after a loss.
    pub last: Option<u32>,
}

impl Assembly {
    /// Bytes were lost: the message will not be whole.
    pub fn lose(&mut self) {
        self.clear();
        self.last = None;
    }

    /// Begins anew.
    pub fn clear(&mut self) {
        self.request = None;
        self.bytes.clear();
        self.bytes.shrink_to(MAX_MESSAGE / 32);
        self.chunks = 0;
        self.size = 0;
        self.cut = false;
        self.anomalies = Anomalies::default();
    }

    /// Takes note of a chunk's number: the next one is expected.
    #[inline]
    pub fn number(&mut self, number: u32, anomalies: &mut Anomalies) {
        if let Some(last) = self.last.replace(number) {
            let next = last.wrapping_add(1);
            if number != next {
                self.unusual(last, number, anomalies);
            }
        }
    }

    #[cold]
    fn unusual(&mut self, last: u32, number: u32, anomalies: &mut Anomalies) {
        let wrapped = last >= WRAP && number < 1_024;
        anomalies.set(anomaly::SEQUENCE_REUSED, number <= last && !wrapped);
        anomalies.set(anomaly::SEQUENCE_GAP, number > last);
    }

    /// Adds a chunk.
    pub fn add(&mut self, sequence: &Sequence<'_>, header: &Header, anomalies: Anomalies, cut: bool) {
        if self.request.is_some_and(|request| request != sequence.request) {
            let last = self.last;
            self.clear();
            self.last = last;
            self.anomalies.set(anomaly::CHUNK_ORDER, true);
        }
        self.request = Some(sequence.request);
        self.count(header);
        self.anomalies.0 |= anomalies.0;
        let room = MAX_MESSAGE.saturating_sub(self.bytes.len());
        self.cut |= cut || sequence.body.len() > room;
        self.bytes.extend_from_slice(sequence.body.get(..room).unwrap_or(sequence.body));
    }

    /// Counts a chunk.
    pub fn count(&mut self, header: &Header) {
        self.chunks = self.chunks.saturating_add(1);
        self.size = self.size.saturating_add(u64::try_from(header.size).unwrap_or(u64::MAX));
    }
}

/// What is wrong with the channel and token of a chunk. Learns the channel where its opening was not seen.
#[inline]
pub fn check_channel(state: &mut State, side: Side, symmetric: &Symmetric<'_>, anomalies: &mut Anomalies) {
    let channel = &mut state.channel;
    match channel.id {
        Some(id) => anomalies.set(anomaly::UNKNOWN_CHANNEL, id != symmetric.channel),
        None => channel.id = Some(symmetric.channel),
    }
    let Some([current, before]) = channel.used.get_mut(side.index()) else { return };
    if *current == Some(symmetric.token) {
        return;
    }
    // The first message with a new token: the old one is no longer taken from this side (Part 4, 5.6.2).
    anomalies.set(anomaly::TOKEN_REUSED, *before == Some(symmetric.token));
    *before = *current;
    *current = Some(symmetric.token);
    let issued = channel.issued;
    anomalies.set(anomaly::UNKNOWN_TOKEN, issued != [None; 2] && !issued.contains(&Some(symmetric.token)));
}

/// What is wrong with the sizes of a chunk and its message so far.
#[inline]
pub fn check_sizes(state: &State, from_client: bool, header: &Header, before: &Assembly, anomalies: &mut Anomalies) {
    let connection = &state.connection;
    let receiver = if from_client { connection.server } else { connection.client };
    let Some(limits) = receiver else { return };
    let over = |size: u64, limit: u32| limit != 0 && size > u64::from(limit);
    let size = u64::try_from(header.size).unwrap_or(u64::MAX);
    anomalies.set(anomaly::CHUNK_TOO_LARGE, over(size, limits.receive));
    let too_large = over(before.size.saturating_add(size), limits.message);
    let too_many = over(u64::from(before.chunks).saturating_add(1), limits.chunks);
    anomalies.set(anomaly::MESSAGE_TOO_LARGE, too_large || too_many);
}

/// Whether the content of chunks can be read: known without a policy, else seen by the first chunk.
#[inline]
pub fn is_readable(state: &mut State, header: &Header, symmetric: &Symmetric<'_>) -> bool {
    if let Some(readable) = state.channel.readable {
        return readable;
    }
    // A message says by its first chunk what it is.
    let looks = Sequence::read(symmetric.rest).is_ok_and(|sequence| looks_readable(header, sequence.body));
    state.channel.readable = Some(looks);
    match (looks, state.channel.seen) {
        (true, true) => state.channel.secure(Mode::Sign),
        (false, _) => state.channel.secure(Mode::SignAndEncrypt),
        (true, false) => {}
    }
    looks
}

/// A service's type id stands where it has to: four bytes for numbers above 255.
pub fn looks_readable(header: &Header, body: &[u8]) -> bool {
    match body {
        [1, 0, low, high, ..] => super::tables::half(u32::from(u16::from_le_bytes([*low, *high]))).is_some(),
        [2, 0, 0, a, b, 0, 0, ..] => super::tables::half(u32::from(u16::from_le_bytes([*a, *b]))).is_some(),
        // The error of an abort chunk.
        [_, _, _, 0x80, ..] => header.part == Part::Abort,
        _ => false,
    }
}
