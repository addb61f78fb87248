//! Live interfaces as one source: merged by time as far as it can be known yet, with word of silence when nothing comes (DESIGN 2.2).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

use super::Selection;
use super::info::{CaptureInfo, InterfaceInfo};
use super::live::{self, LiveError, Means, Wire};
use super::reader::CHUNK;
use super::record::{self, Recorder};
use super::ring::{self, Origin};
use super::sink::{Limits, Sink, add, append};
use crate::packet::{Block, Frame};

/// So long a frame waits for those of other interfaces that may be older. Longer than the kernel keeps a block that is not full.
const WAIT: Duration = Duration::from_millis(30);
/// After so long without a frame the caller gets its turn.
const TURN: Duration = Duration::from_millis(100);
/// After so long without a frame it is said that there was none,
const SILENCE: u64 = 1_000_000_000;
/// until this long ago: what came since may still be on its way through the kernel.
const UNDERWAY: u64 = 100_000_000;
/// A frame whose time lies so far from the system's was stamped by another clock: no other is waited for on its account.
const OTHER_CLOCK: u64 = 2_000_000_000;
/// How often the kernel is asked what it dropped.
const ASK: Duration = Duration::from_millis(500);
/// When told to end, what was received is read until nothing came for so long.
const LAST: Duration = Duration::from_millis(40);

/// What is to be listened to, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Names of interfaces.
    pub interfaces: Vec<String>,
    /// Bytes of all rings together.
    pub ring_bytes: usize,
    /// Most bytes kept of a frame; `None` keeps all.
    pub snap_length: Option<u32>,
    /// Frames for others as well.
    pub promiscuous: bool,
    /// Time stamps of the network cards.
    pub hardware_time: bool,
    /// Where what is captured is kept.
    pub record: Option<record::Settings>,
}

/// What an interface has brought so far, readable from any thread.
#[derive(Debug, Default)]
pub struct Counters {
    /// Its name.
    pub name: String,
    /// Frames received, those left out by the filter included.
    pub packets: AtomicU64,
    /// Bytes kept of them.
    pub bytes: AtomicU64,
    /// Frames that the kernel had no room for.
    pub dropped: AtomicU64,
    /// How often the ring was full.
    pub full: AtomicU64,
    /// How often it said that it went down or away.
    pub troubles: AtomicU64,
    /// Time of its newest frame, ns; 0 before the first.
    pub newest: AtomicU64,
}

/// An interface with the block that its next frames are in.
struct Held {
    block: Block,
    next: usize,
    counters: Arc<Counters>,
    asked: Instant,
}

/// Interfaces that are being listened to.
pub struct Watch {
    wires: Vec<Wire>,
    held: Vec<Held>,
    recorder: Option<Recorder>,
    /// Greatest time that was handed on, of a frame or of silence.
    newest: u64,
    silence: bool,
    ending: bool,
}

impl Watch {
    /// Opens all interfaces; none delivers before all are open.
    ///
    /// # Errors
    /// The first that can't be listened to.
    pub fn open(settings: &Settings) -> Result<Self, LiveError> {
        let ring_bytes = settings.ring_bytes.checked_div(settings.interfaces.len()).unwrap_or_default();
        let Settings { snap_length, promiscuous, hardware_time, .. } = *settings;
        let means = Means { ring_bytes, snap_length, promiscuous, hardware_time };
        let wires = settings.interfaces.iter().map(|name| Wire::open(name, means)).collect::<Result<Vec<_>, _>>()?;
        let held = settings.interfaces.iter().map(|name| Held::of(name)).collect();
        let links: Vec<_> = settings.interfaces.iter().cloned().zip(wires.iter().map(|wire| wire.link)).collect();
        let recorder = settings.record.as_ref().map(|record| Recorder::new(record.clone(), links));
        Ok(Watch { wires, held, recorder, newest: 0, silence: !hardware_time, ending: false })
    }

    /// What is known of each interface from the beginning, as of captures.
    pub(super) fn infos(&self) -> Vec<CaptureInfo> {
        let info = |(wire, held): (&Wire, &Held)| {
            let name = held.counters.name.clone();
            let mut info = CaptureInfo { path: name.clone().into(), format: "live", ..CaptureInfo::default() };
            info.interface(InterfaceInfo { link: wire.link, name, dropped: Some(0), ..InterfaceInfo::default() });
            info
        };
        self.wires.iter().zip(&self.held).map(info).collect()
    }

    /// Counters by interface.
    pub fn counters(&self) -> Vec<Arc<Counters>> {
        self.held.iter().map(|held| Arc::clone(&held.counters)).collect()
    }

    /// What the recorder counts, where there is one.
    pub fn record(&self) -> Option<Arc<record::Counters>> {
        self.recorder.as_ref().map(Recorder::counters)
    }

    /// Descriptors of the sockets.
    pub fn descriptors(&self) -> Vec<i32> {
        self.wires.iter().map(Wire::descriptor).collect()
    }

    /// From now on only what was received already is read.
    pub(super) fn end_soon(&mut self) {
        self.ending = true;
    }

    /// Puts frames into the block: those that no older one can come before. Without any for a while, none; false when all is read after
    /// [`Watch::end_soon`].
    pub(super) fn fill(&mut self, block: &mut Block, infos: &mut [CaptureInfo], selection: &Selection) -> bool {
        block.frames.clear();
        block.packets.clear();
        block.bytes.clear();
        let turn = if self.ending { LAST } else { TURN };
        let until = Instant::now().checked_add(turn);
        loop {
            self.take(infos, selection);
            self.hand_on(block);
            if !block.frames.is_empty() {
                self.newest = block.frames.iter().map(|frame| frame.at.time).fold(self.newest, u64::max);
                break;
            }
            let left = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                if self.ending {
                    self.end(infos);
                    return false;
                }
                self.say_silence(block);
                break;
            }
            let waiting = self.held.iter().any(|held| held.head().is_some());
            live::wait(&self.wires, if waiting { left.min(Duration::from_millis(2)) } else { left });
        }
        if let Some(recorder) = &mut self.recorder {
            let dropped: Vec<_> = self.held.iter().map(|held| held.counters.dropped.load(Relaxed)).collect();
            recorder.take(block, &dropped);
        }
        true
    }

    /// The next block of each interface whose frames are used up, and what the kernel has to say.
    fn take(&mut self, infos: &mut [CaptureInfo], selection: &Selection) {
        for (number, ((wire, held), info)) in self.wires.iter_mut().zip(&mut self.held).zip(infos).enumerate() {
            if held.head().is_none() {
                held.next = 0;
                held.block.frames.clear();
                if wire.take(&mut held.block.bytes) {
                    held.read(wire.link, number, info, selection);
                }
            }
            if held.asked.elapsed() >= ASK {
                held.ask(wire, info);
            }
        }
    }

    /// Frames in the order of their times, as long as no other interface can still bring an older one.
    fn hand_on(&mut self, block: &mut Block) {
        while block.bytes.len() < CHUNK {
            let heads = || self.held.iter().enumerate().filter_map(|(index, held)| Some((held.head()?, index)));
            let Some((time, index)) = heads().min() else { return };
            let behind = heads().filter(|(_, other)| *other != index).min();
            let all = self.ending || self.held.iter().all(|held| held.head().is_some());
            let horizon = if all { u64::MAX } else { horizon(time) };
            if time > horizon {
                return;
            }
            let Some(held) = self.held.get_mut(index) else { return };
            if held.hand_over(block, (behind, index), horizon) {
                return;
            }
            held.copy(block, (behind, index), horizon);
        }
    }

    /// A frame without bytes and number says that nothing came until its time.
    fn say_silence(&mut self, block: &mut Block) {
        let until = now().saturating_sub(UNDERWAY);
        if self.silence && self.newest > 0 && until >= self.newest.saturating_add(SILENCE) {
            block.frames.push(Frame::silence(until, 1));
            self.newest = until;
        }
    }

    /// What the kernel dropped until now, and the end of the record.
    fn end(&mut self, infos: &mut [CaptureInfo]) {
        for ((wire, held), info) in self.wires.iter_mut().zip(&mut self.held).zip(infos) {
            held.ask(wire, info);
        }
        if let Some(recorder) = &mut self.recorder {
            let dropped: Vec<_> = self.held.iter().map(|held| held.counters.dropped.load(Relaxed)).collect();
            recorder.end(&dropped);
        }
    }
}

impl Held {
    fn of(name: &str) -> Self {
        let counters = Arc::new(Counters { name: name.to_owned(), ..Counters::default() });
        Held { block: Block::default(), next: 0, counters, asked: Instant::now() }
    }

    /// Time of the next frame.
    fn head(&self) -> Option<u64> {
        self.block.frames.get(self.next).map(|frame| frame.at.time)
    }

    /// The frames of a block that was just copied.
    fn read(&mut self, link: u16, number: usize, info: &mut CaptureInfo, selection: &Selection) {
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        let limits = Limits { frames: usize::MAX, chunk: CHUNK, selection, capture: number.saturating_add(1) };
        let mut sink = Sink::new(&mut self.block.frames, &limits, info, 0);
        let bytes = ring::frames(&mut self.block.bytes, Origin { link, interface: number }, &mut sink);
        sink.finish();
        info.bytes = info.bytes.saturating_add(bytes);
        self.counters.packets.store(info.packets, Relaxed);
        self.counters.bytes.store(info.bytes, Relaxed);
        self.counters.newest.store(info.last.unwrap_or_default(), Relaxed);
    }

    /// What the kernel dropped, and whether the interface is well.
    fn ask(&mut self, wire: &Wire, info: &mut CaptureInfo) {
        self.asked = Instant::now();
        let counted = wire.counted();
        self.counters.dropped.fetch_add(counted.dropped, Relaxed);
        self.counters.full.fetch_add(counted.full, Relaxed);
        if wire.trouble().is_some() {
            self.counters.troubles.fetch_add(1, Relaxed);
        }
        if let Some(interface) = info.interfaces.first_mut() {
            interface.dropped = Some(self.counters.dropped.load(Relaxed));
        }
    }

    /// Exchanges the whole block for the caller's, where no frame of another interface lies within: nothing is copied.
    fn hand_over(&mut self, block: &mut Block, (behind, index): (Option<(u64, usize)>, usize), horizon: u64) -> bool {
        if self.next != 0 || !block.frames.is_empty() {
            return false;
        }
        let last = self.block.frames.iter().map(|frame| frame.at.time).max().unwrap_or_default();
        if last > horizon || behind.is_some_and(|behind| (last, index) > behind) {
            return false;
        }
        std::mem::swap(&mut self.block, block);
        self.block.frames.clear();
        true
    }

    /// Copies frames as long as they come before the next interface's.
    fn copy(&mut self, block: &mut Block, (behind, index): (Option<(u64, usize)>, usize), horizon: u64) {
        while block.bytes.len() < CHUNK {
            let Some(frame) = self.block.frames.get(self.next) else { return };
            let time = frame.at.time;
            if time > horizon || behind.is_some_and(|behind| (time, index) > behind) {
                return;
            }
            append(block, frame, &self.block.bytes);
            self.next = add(self.next, 1);
        }
    }
}

/// The system's time, ns since 1970 UTC.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Up to which time no older frame of another interface is to be expected.
fn horizon(time: u64) -> u64 {
    let now = now();
    if time.abs_diff(now) > OTHER_CLOCK {
        return u64::MAX;
    }
    now.saturating_sub(u64::try_from(WAIT.as_nanos()).unwrap_or_default())
}
