//! The first half of the way, which can run on a core of its own: capture, packet, and frames that a mirror shows twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::capture::{CaptureError, Reader};
use crate::packet::{Block, Decoder, Duplicates, Frame, Packet, Verdict, marks};

/// Frames decoded before the second half looks at them, where both halves share a core: they stay in the cache.
const TOGETHER: usize = 16;
/// Blocks between the two threads.
const BLOCKS: usize = 4;

/// How far reading has come, readable from any thread.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of the captures read.
    pub done: AtomicU64,
    /// Bytes there are, 0 where unknown.
    pub total: AtomicU64,
    /// Frames read.
    pub frames: AtomicU64,
    /// Set from outside: read no further, as if the captures ended here.
    pub stop: AtomicBool,
}

/// Capture, decoding and duplicate removal.
pub struct Front {
    /// Where frames come from.
    pub reader: Reader,
    /// From frames to packets.
    pub decoder: Decoder,
    /// Frames shown twice.
    pub duplicates: Duplicates,
    progress: Arc<Progress>,
}

impl Front {
    /// The first half over a reader.
    pub fn new(reader: Reader, progress: Arc<Progress>) -> Self {
        Front { reader, decoder: Decoder::default(), duplicates: Duplicates::default(), progress }
    }

    /// Puts the packets of at most `limit` frames into the block; false at the end of all captures, or when it was told to stop.
    ///
    /// # Errors
    /// When a capture can't be read any further.
    pub fn fill(&mut self, block: &mut Block, limit: usize) -> Result<bool, CaptureError> {
        // Packets are decoded where they shall stay, over those of the last turn: neither zeroed nor copied.
        let mut packets = std::mem::take(&mut block.packets);
        if (self.progress.stop.load(Ordering::Relaxed) && !self.reader.ends_soon())
            || !self.reader.fill(block, limit)?
        {
            return Ok(false);
        }
        if packets.len() < block.frames.len() {
            packets.resize(block.frames.len(), Packet::default());
        }
        let used = self.decode(&mut block.bytes, &block.frames, &mut packets);
        packets.truncate(used);
        block.packets = packets;
        let (done, total) = self.reader.progress();
        self.progress.done.store(done, Ordering::Relaxed);
        self.progress.total.store(total, Ordering::Relaxed);
        self.progress.frames.fetch_add(block.frames.len() as u64, Ordering::Relaxed);
        Ok(true)
    }

    /// Decodes frames into the first of the packets; gives how many those are.
    fn decode(&mut self, bytes: &mut Vec<u8>, frames: &[Frame], packets: &mut [Packet]) -> usize {
        let mut used = 0_usize;
        for frame in frames {
            let Some(packet) = packets.get_mut(used) else { break };
            if self.decoder.decode_into(bytes, frame, packet) != Ok(true) {
                if frame.is_silence() {
                    *packet = Packet::silence(frame.at);
                    used = used.saturating_add(1);
                }
                continue;
            }
            if let Verdict::Twin(_) = self.duplicates.check(packet, bytes) {
                packet.marks |= marks::TWIN; // its flow's ledger still hears of it
            }
            used = used.saturating_add(1);
        }
        used
    }
}

type Filled = Result<Block, Box<(Front, Option<CaptureError>)>>;

/// Blocks of packets for the second half, from this thread or another.
pub enum Feeder {
    /// Both halves take turns.
    Inline(Box<Front>),
    /// The first half runs ahead on its own thread.
    Threaded {
        /// Blocks with packets; at the end the first half itself.
        filled: Receiver<Filled>,
        /// Blocks to fill again.
        empty: SyncSender<Block>,
        /// The thread.
        thread: Option<JoinHandle<()>>,
    },
    /// All was read: the first half with its counters.
    Done(Box<Front>),
    /// The first half's thread died.
    Lost,
}

impl Feeder {
    /// On this thread, or (with `threads` of 2 or more) on one of its own.
    pub fn new(front: Front, threads: usize) -> Self {
        if threads < 2 {
            return Feeder::Inline(Box::new(front));
        }
        let (filled_sender, filled) = sync_channel(BLOCKS);
        let (empty, empty_receiver) = sync_channel(BLOCKS);
        for _ in 0..BLOCKS {
            let _ = empty.try_send(Block::default()); // there is room: nothing was sent before
        }
        let thread = std::thread::Builder::new().name("fieldtap-front".into());
        let spawned = thread.spawn(move || run(front, &empty_receiver, &filled_sender));
        match spawned {
            Ok(thread) => Feeder::Threaded { filled, empty, thread: Some(thread) },
            Err(_) => Feeder::Lost,
        }
    }

    /// Exchanges a block that was worked off for the next one; false at the end.
    ///
    /// # Errors
    /// When a capture can't be read any further, or the first half's thread died.
    pub fn next(&mut self, block: &mut Block) -> Result<bool, FrontError> {
        match self {
            Feeder::Inline(front) => match front.fill(block, TOGETHER) {
                Ok(true) => Ok(true),
                ended => {
                    self.finish_inline();
                    ended.map_err(FrontError::Capture)
                }
            },
            Feeder::Threaded { filled, empty, thread } => {
                match filled.recv() {
                    Ok(Ok(next)) => {
                        let worked_off = std::mem::replace(block, next);
                        let _ = empty.send(worked_off); // the other side may be done already
                        Ok(true)
                    }
                    Ok(Err(end)) => {
                        if let Some(thread) = thread.take() {
                            let _ = thread.join(); // it sent its last word: nothing is lost
                        }
                        let (front, error) = *end;
                        *self = Feeder::Done(Box::new(front));
                        error.map_or(Ok(false), |error| Err(FrontError::Capture(error)))
                    }
                    Err(_) => {
                        *self = Feeder::Lost;
                        Err(FrontError::Thread)
                    }
                }
            }
            Feeder::Done(_) => Ok(false),
            Feeder::Lost => Err(FrontError::Thread),
        }
    }

    fn finish_inline(&mut self) {
        if let Feeder::Inline(front) = std::mem::replace(self, Feeder::Lost) {
            *self = Feeder::Done(front);
        }
    }

    /// The first half with its counters, once all was read (at any time where both halves share a thread).
    pub fn front(&self) -> Option<&Front> {
        match self {
            Feeder::Inline(front) | Feeder::Done(front) => Some(front),
            Feeder::Threaded { .. } | Feeder::Lost => None,
        }
    }

    /// The same, to be changed.
    pub fn front_mut(&mut self) -> Option<&mut Front> {
        match self {
            Feeder::Inline(front) | Feeder::Done(front) => Some(front),
            Feeder::Threaded { .. } | Feeder::Lost => None,
        }
    }
}

/// Why there is no next block.
#[derive(Debug)]
pub enum FrontError {
    /// A capture can't be read any further.
    Capture(CaptureError),
    /// The thread of the first half died: a bug.
    Thread,
}

fn run(mut front: Front, empty: &Receiver<Block>, filled: &SyncSender<Filled>) {
    let error = loop {
        let Ok(mut block) = empty.recv() else { return };
        match front.fill(&mut block, usize::MAX) {
            Ok(true) => {
                if filled.send(Ok(block)).is_err() {
                    return;
                }
            }
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    let _ = filled.send(Err(Box::new((front, error)))); // nobody waits any more when the run was given up
}
