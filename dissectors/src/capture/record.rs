//! What was captured live, written as it was analysed: pcapng within zstd, in files that follow one another, within limits of size and age.
//!
//! The files hold the frames in the order in which the engine took them, and (as statistics of the interface, which have a time) until
//! when nothing came: replaying them is the same analysis again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use super::pcapng_write::{Pcapng, file_name, is_ours};
use crate::packet::{Block, Frame};

/// Pieces that wait to be written, of at most 256 KiB.
const PIECES: usize = 32;
/// So often a full queue is looked at again before frames are left out of the record,
const TRIES: u32 = 50;
/// after this pause each.
const PAUSE: Duration = Duration::from_millis(2);
/// What was written reaches the file after so long at the latest.
const FLUSH: Duration = Duration::from_secs(1);
/// After a failure the next file is tried when so long has passed.
const AGAIN: Duration = Duration::from_secs(10);
/// Fast, and about a fifth of the size for what plants say all day.
const LEVEL: i32 = 1;

/// Where to, and how much of it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder, which has to be there.
    pub folder: PathBuf,
    /// A file ends when it has so many bytes,
    pub file_bytes: u64,
    /// or when its first frame is so old.
    pub file_age: Duration,
    /// The oldest files go when all together have more bytes than this,
    pub total_bytes: u64,
    /// or were last written to so long ago.
    pub total_age: Option<Duration>,
}

/// What the recorder did, readable from any thread.
#[derive(Debug, Default)]
pub struct Counters {
    /// Frames written.
    pub packets: AtomicU64,
    /// Bytes of the files, as far as they are written.
    pub bytes: AtomicU64,
    /// Files begun.
    pub files: AtomicU64,
    /// Files that went because of the limits.
    pub removed: AtomicU64,
    /// Frames that are not in the record: the disk was too slow, or failed.
    pub lost: AtomicU64,
    failure: Mutex<Option<String>>,
}

impl Counters {
    /// What went wrong last.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn failed(&self, path: &Path, error: &io::Error) {
        let said = format!("{}: {error}", path.display());
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
    }
}

struct Piece {
    bytes: Vec<u8>,
    frames: Vec<Frame>,
    dropped: Vec<u64>,
}

/// Writes on a thread of its own, which begins with the first frame.
pub struct Recorder {
    writer: Option<Writer>,
    sender: Option<SyncSender<Piece>>,
    thread: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
}

impl Recorder {
    /// For interfaces by name and link type.
    pub fn new(settings: Settings, interfaces: Vec<(String, u16)>) -> Self {
        let counters = Arc::new(Counters::default());
        let writer = Writer { settings, interfaces, file: None, again: None, counters: Arc::clone(&counters) };
        Recorder { writer: Some(writer), sender: None, thread: None, counters }
    }

    /// What it counts.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Takes a copy of the frames of a block; `dropped` is by interface.
    pub fn take(&mut self, block: &Block, dropped: &[u64]) {
        if block.frames.is_empty() {
            return;
        }
        self.begin();
        let Some(sender) = &self.sender else { return };
        let mut piece = Piece { bytes: block.bytes.clone(), frames: block.frames.clone(), dropped: dropped.to_vec() };
        for _ in 0..TRIES {
            piece = match sender.try_send(piece) {
                Ok(()) => return,
                Err(TrySendError::Full(piece) | TrySendError::Disconnected(piece)) => piece,
            };
            thread::sleep(PAUSE);
        }
        self.counters.lost.fetch_add(real(&piece.frames), Relaxed);
    }

    fn begin(&mut self) {
        let Some(mut writer) = self.writer.take() else { return };
        let (sender, receiver) = sync_channel(PIECES);
        let thread = thread::Builder::new().name("fieldtap-record".into()).spawn(move || writer.run(&receiver));
        self.sender = Some(sender);
        self.thread = thread.ok();
    }

    /// Writes what waits and ends the file.
    pub fn end(&mut self, dropped: &[u64]) {
        if let Some(sender) = self.sender.take() {
            let _ = sender.send(Piece { bytes: Vec::new(), frames: Vec::new(), dropped: dropped.to_vec() });
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // what went wrong stands in the counters
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end(&[]);
    }
}

/// Frames that have a number; what only says that nothing came has none.
fn real(frames: &[Frame]) -> u64 {
    let count = frames.iter().filter(|frame| !frame.is_silence()).count();
    u64::try_from(count).unwrap_or(u64::MAX)
}

struct Open {
    path: PathBuf,
    encoder: zstd::stream::write::Encoder<'static, Counted>,
    pcapng: Pcapng,
    begun: Instant,
    flushed: Instant,
    /// Greatest time of a frame: a file ends where all that follows is younger.
    newest: u64,
    dropped: Vec<u64>,
}

struct Writer {
    settings: Settings,
    interfaces: Vec<(String, u16)>,
    file: Option<Open>,
    again: Option<Instant>,
    counters: Arc<Counters>,
}

impl Writer {
    fn run(&mut self, pieces: &Receiver<Piece>) {
        let mut dropped = Vec::new();
        for piece in pieces {
            dropped.clone_from(&piece.dropped);
            self.piece(&piece);
        }
        self.close(&dropped);
    }

    /// Writes a piece. After a failure the file is given up, and frames are only counted until another may be tried.
    fn piece(&mut self, piece: &Piece) {
        for (place, frame) in piece.frames.iter().enumerate() {
            if let Err(error) = self.frame(frame, piece) {
                let path = self.file.as_ref().map_or(&self.settings.folder, |file| &file.path);
                self.counters.failed(path, &error);
                self.counters.lost.fetch_add(real(piece.frames.get(place..).unwrap_or_default()), Relaxed);
                self.file = None;
                self.again = Instant::now().checked_add(AGAIN);
                return;
            }
        }
        let due = self.file.as_mut().filter(|file| file.flushed.elapsed() >= FLUSH);
        if let Some(Err(error)) = due.map(Open::flush) {
            self.counters.failed(&self.settings.folder, &error);
        }
    }

    fn frame(&mut self, frame: &Frame, piece: &Piece) -> io::Result<()> {
        if self.file.as_ref().is_some_and(|file| file.due(frame, &self.settings)) {
            self.close(&piece.dropped);
        }
        if self.file.is_none() {
            if frame.is_silence() {
                return Ok(());
            }
            if self.again.is_some_and(|again| Instant::now() < again) {
                return Err(io::Error::other("waits before it tries again"));
            }
            self.open(frame.at.time, &piece.dropped)?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        if frame.is_silence() {
            file.pcapng.silence(frame.at.time);
        } else {
            file.pcapng.frame(frame, frame.span.of(&piece.bytes));
            self.counters.packets.fetch_add(1, Relaxed);
        }
        file.newest = file.newest.max(frame.at.time);
        file.pcapng.pass_on(&mut file.encoder)
    }

    fn open(&mut self, time: u64, dropped: &[u64]) -> io::Result<()> {
        self.make_room();
        let (path, file) = (0..100)
            .find_map(|turn| {
                let path = self.settings.folder.join(file_name(time, turn));
                match OpenOptions::new().write(true).create_new(true).open(&path) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
                    other => Some(other.map(|file| (path, file))),
                }
            })
            .unwrap_or_else(|| Err(io::Error::from(io::ErrorKind::AlreadyExists)))?;
        let counted = Counted { file, bytes: 0, counters: Arc::clone(&self.counters) };
        let encoder = zstd::stream::write::Encoder::new(counted, LEVEL)?;
        let now = Instant::now();
        let pcapng = Pcapng::new(&self.interfaces);
        let dropped = dropped.to_vec();
        self.file = Some(Open { path, encoder, pcapng, begun: now, flushed: now, newest: 0, dropped });
        self.counters.files.fetch_add(1, Relaxed);
        Ok(())
    }

    fn close(&mut self, dropped: &[u64]) {
        let Some(file) = self.file.take() else { return };
        let path = file.path.clone();
        if let Err(error) = file.finish(dropped) {
            self.counters.failed(&path, &error);
        }
    }

    /// Removes the oldest files until one more has room.
    fn make_room(&self) {
        let Ok(entries) = fs::read_dir(&self.settings.folder) else { return };
        let mut files: Vec<(PathBuf, fs::Metadata)> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let ours = entry.file_name().to_str().is_some_and(is_ours);
                Some((entry.path(), entry.metadata().ok()?)).filter(|(_, metadata)| ours && metadata.is_file())
            })
            .collect();
        files.sort_by(|a, b| a.0.cmp(&b.0)); // by name is by time
        let mut total: u64 = files.iter().map(|(_, metadata)| metadata.len()).fold(0, u64::saturating_add);
        let most = self.settings.total_bytes.saturating_sub(self.settings.file_bytes);
        let now = SystemTime::now();
        for (path, metadata) in files {
            let age = metadata.modified().ok().and_then(|modified| now.duration_since(modified).ok());
            let old = self.settings.total_age.is_some_and(|most| age.is_some_and(|age| age > most));
            if (total > most || old) && fs::remove_file(&path).is_ok() {
                total = total.saturating_sub(metadata.len());
                self.counters.removed.fetch_add(1, Relaxed);
            }
        }
    }
}

impl Open {
    /// Whether the file ends before this frame. Silence and frames that are not in order of time belong to what they came behind.
    fn due(&self, frame: &Frame, settings: &Settings) -> bool {
        let full = self.encoder.get_ref().bytes >= settings.file_bytes || self.begun.elapsed() >= settings.file_age;
        full && !frame.is_silence() && frame.at.time > self.newest
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushed = Instant::now();
        self.pcapng.flush(&mut self.encoder)?;
        self.encoder.flush()
    }

    /// Says what the kernel dropped meanwhile, and ends the file.
    fn finish(mut self, dropped: &[u64]) -> io::Result<()> {
        for (interface, (now, before)) in dropped.iter().zip(&self.dropped).enumerate() {
            self.pcapng.statistics(interface, self.newest, now.saturating_sub(*before));
        }
        self.pcapng.flush(&mut self.encoder)?;
        self.encoder.finish()?.file.sync_data()
    }
}

/// A file whose bytes are counted.
struct Counted {
    file: File,
    bytes: u64,
    counters: Arc<Counters>,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        let count = u64::try_from(written).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(count);
        self.counters.bytes.fetch_add(count, Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
