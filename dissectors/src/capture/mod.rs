//! Captures: files, folders and standard input, as frames in order of time.
//!
//! pcap and pcapng in all their variants, gzip and zstd on the fly. What is cut is read up to the cut; behind garbage the next record is
//! searched; both are counted, with the offset. Memory does not grow with the size of a capture.

#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

mod compressed;
pub mod confine;
pub mod filter;
mod info;
pub mod live;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod live_tests;
mod merge;
mod pcap;
mod pcapng;
mod pcapng_block;
mod pcapng_write;
mod reader;
pub mod record;
mod ring;
mod sink;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
pub mod watch;

use std::fs;
use std::path::{Path, PathBuf};

use self::compressed::Identity;
pub use self::info::{
    CaptureAnomaly, CaptureError, CaptureInfo, Comment, CommentOn, Compression, InterfaceInfo, MAX_COMMENTS,
    MAX_INTERFACES, MAX_TEXT, Skipped, anomaly,
};
pub use self::merge::MAX_OPEN;
use self::merge::{Active, Means, Merge, Source};
use self::reader::Capture;
pub use self::reader::{CHUNK, MAX_FRAME};
use self::sink::Limits;
use self::watch::Watch;
use crate::packet::{Block, Frame};

/// Bytes read to learn when a capture begins.
const PROBE: usize = 4 * 1024;

/// What is read of the captures.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Least time of a frame, ns since 1970 UTC, inclusive.
    pub from: Option<u64>,
    /// Time from which frames are left out, ns since 1970 UTC.
    pub to: Option<u64>,
    /// Programs by link type (a filter compiles to another program for each). Frames that theirs refuses are left out, and frames of
    /// link types that have none.
    pub filter: Option<Vec<(u16, filter::Program)>>,
    /// Whether digests are wanted. What can't be read twice (standard input) is then hashed while it is read; files are hashed by
    /// [`Reader::finish_digests`].
    pub digest: bool,
}

/// Which frames are wanted, as the parsers ask for it.
#[derive(Debug, Default)]
struct Selection {
    active: bool,
    from: u64,
    to: Option<u64>,
    filter: Option<Vec<(u16, filter::Program)>>,
}

impl Selection {
    /// Whether a frame is wanted; one that is not is counted.
    fn wants(&self, bytes: &[u8], frame: &Frame, info: &mut CaptureInfo) -> bool {
        let time = frame.at.time;
        if frame.is_silence() {
            return time >= self.from && self.to.is_none_or(|to| time < to);
        }
        if time < self.from || self.to.is_some_and(|to| time >= to) {
            info.skipped_by_time = info.skipped_by_time.saturating_add(1);
            return false;
        }
        let accepts = |program: &filter::Program| program.accepts(frame.span.of(bytes), frame.wire_len);
        let of_link = |programs: &Vec<(u16, filter::Program)>| {
            programs.iter().find(|(link, _)| *link == frame.link).is_some_and(|(_, program)| accepts(program))
        };
        let wanted = self.filter.as_ref().is_none_or(of_link);
        info.skipped_by_filter = info.skipped_by_filter.saturating_add(u64::from(!wanted));
        wanted
    }
}

enum Mode {
    One(Box<Capture>),
    Several(Merge),
    Live(Box<Watch>),
}

/// Captures that are being read.
pub struct Reader {
    mode: Mode,
    selection: Selection,
    infos: Vec<CaptureInfo>,
    /// The regular file of each capture, as it was when it was opened.
    identities: Vec<Option<Identity>>,
    skipped: Vec<Skipped>,
    digest: bool,
}

/// Opens captures: files, folders (each capture in it, by name, not the folders in it), `-` for standard input. Several are merged by
/// time; those that begin together are ordered by digest, then path.
///
/// # Errors
/// A file that can't be read or is no capture, an empty file, a folder without a capture. Files within a folder that are no captures
/// are left out ([`Reader::skipped`]).
pub fn open(paths: &[PathBuf], options: &Options) -> Result<Reader, CaptureError> {
    let mut skipped = Vec::new();
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(folder(path, &mut skipped)?);
        } else {
            files.push(path.clone());
        }
    }
    if files.len() > usize::from(u16::MAX) {
        return Err(CaptureError::TooMany { count: files.len() });
    }
    let selection = Selection {
        active: options.from.is_some() || options.to.is_some() || options.filter.is_some(),
        from: options.from.unwrap_or_default(),
        to: options.to,
        filter: options.filter.clone(),
    };
    let (mode, infos, identities) = match files.as_slice() {
        [path] => one(path, options.digest)?,
        _ => several(&files, options.digest)?,
    };
    Ok(Reader { mode, selection, infos, identities, skipped, digest: options.digest })
}

type Opened = (Mode, Vec<CaptureInfo>, Vec<Option<Identity>>);

fn one(path: &Path, digest: bool) -> Result<Opened, CaptureError> {
    let mut info = CaptureInfo::default();
    let mut capture = Capture::open(path, digest, &mut info)?;
    let identity = capture.input().identity();
    Ok((Mode::One(Box::new(capture)), vec![info], vec![identity]))
}

fn several(files: &[PathBuf], digest: bool) -> Result<Opened, CaptureError> {
    let mut sources = files.iter().map(|path| probe(path, digest)).collect::<Result<Vec<_>, _>>()?;
    merge::order(&mut sources, |info| {
        let identity = Identity::of_path(&info.path)?;
        Some(compressed::digest_of(&info.path, identity.size, identity).ok()?.0)
    });
    let (sources, infos): (Vec<_>, Vec<_>) = sources.into_iter().unzip();
    let identities = infos.iter().map(|info| Identity::of_path(&info.path)).collect();
    Ok((Mode::Several(Merge::new(sources)), infos, identities))
}

/// Learns when a capture begins. A file is closed again; what can't be opened twice stays open.
fn probe(path: &Path, digest: bool) -> Result<(Source, CaptureInfo), CaptureError> {
    let mut info = CaptureInfo::default();
    let mut capture = Capture::open(path, digest, &mut info)?;
    let mut block = Block::default();
    let everything = Selection::default();
    let twice = capture.input().identity().is_some();
    let size = if twice { PROBE } else { CHUNK };
    let frames = if twice { 1 } else { usize::MAX };
    let limits = Limits { frames, chunk: size, selection: &everything, capture: 1 };
    let mut more = true;
    while more && block.frames.is_empty() {
        more = capture.fill(&mut block, limits, &mut info)?;
    }
    let first = block.frames.first().map_or(u64::MAX, |frame| frame.at.time);
    let source = if twice {
        info = merge::fresh(&info);
        Source::Waiting(first)
    } else {
        Source::Open(first, Box::new(Active { capture, block, next: 0 }))
    };
    Ok((source, info))
}

/// The captures of a folder, by name.
fn folder(path: &Path, skipped: &mut Vec<Skipped>) -> Result<Vec<PathBuf>, CaptureError> {
    let failed = |error| CaptureError::Io { path: path.to_owned(), error };
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    files.retain(|file| match Capture::open(file, false, &mut CaptureInfo::default()) {
        Ok(_) => true,
        Err(error) => {
            skipped.push(Skipped { path: file.clone(), reason: error.to_string() });
            false
        }
    });
    if files.is_empty() { Err(CaptureError::NoCaptures { path: path.to_owned() }) } else { Ok(files) }
}

impl Reader {
    /// Over live interfaces, each a capture of its own, without an end. Of the options only the filter counts.
    pub fn live(watch: Watch, options: &Options) -> Self {
        let infos = watch.infos();
        let identities = infos.iter().map(|_| None).collect();
        let filter = options.filter.clone();
        let selection = Selection { active: filter.is_some(), from: 0, to: None, filter };
        Reader { mode: Mode::Live(Box::new(watch)), selection, infos, identities, skipped: Vec::new(), digest: false }
    }

    /// Told to stop: whether there is something to be read first. A live source that has received frames gives them; from now on it
    /// receives no more.
    pub fn ends_soon(&mut self) -> bool {
        match &mut self.mode {
            Mode::Live(watch) => {
                watch.end_soon();
                true
            }
            Mode::One(_) | Mode::Several(_) => false,
        }
    }

    /// Puts at most `limit` (at least one) frames into the block; its frames and packets are replaced. Returns false at the very end,
    /// with no frames. True may come without frames, where many in a row were left out.
    ///
    /// While the chunk in the block has frames that `limit` held back, the same block has to come again; what was appended to its bytes
    /// is taken off. With `usize::MAX` each call takes a whole chunk, and blocks may alternate.
    ///
    /// # Errors
    /// [`CaptureError::WrongBlock`]. What is wrong with a capture itself is an anomaly of its [`CaptureInfo`], never an error here.
    pub fn fill(&mut self, block: &mut Block, limit: usize) -> Result<bool, CaptureError> {
        match (&mut self.mode, self.infos.as_mut_slice()) {
            (Mode::One(capture), [info]) => {
                let limits = Limits { frames: limit, chunk: CHUNK, selection: &self.selection, capture: 1 };
                capture.fill(block, limits, info)
            }
            (Mode::Several(merge), infos) => merge.fill(block, limit, &mut Means { infos, selection: &self.selection }),
            (Mode::Live(watch), infos) => Ok(watch.fill(block, infos, &self.selection)),
            (Mode::One(_), _) => Ok(false),
        }
    }

    /// The captures, in the order of their numbers (`Moment::capture` 1 is the first).
    pub fn captures(&self) -> &[CaptureInfo] {
        &self.infos
    }

    /// Files of folders that are no captures.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Bytes as stored: how many were read, and how many there are. Equal where the size is not known (standard input).
    pub fn progress(&self) -> (u64, u64) {
        let sum = |sum: (u64, u64), (info, identity): (&CaptureInfo, &Option<Identity>)| {
            let size = identity.map_or(info.bytes, |identity| identity.size.max(info.bytes));
            (sum.0.saturating_add(info.bytes), sum.1.saturating_add(size))
        };
        self.infos.iter().zip(&self.identities).fold((0, 0), sum)
    }

    /// Computes the digests of the files that were read, where [`Options::digest`] asked for them. Costs a second pass over each file
    /// (about 7 s of CPU for each GB on a core without SHA instructions, where reading the frames takes 0.25 s), so it belongs off the
    /// hot path, after the end. A file that changed meanwhile gets the anomaly `capture_changed`, one that can't be read any more keeps
    /// no digest.
    pub fn finish_digests(&mut self) {
        if !self.digest {
            return;
        }
        for (info, identity) in self.infos.iter_mut().zip(&self.identities) {
            let Some(identity) = identity else { continue };
            if info.sha256.is_some() {
                continue;
            }
            match compressed::digest_of(&info.path, identity.size, *identity) {
                Ok((digest, same)) => {
                    info.sha256 = Some(digest);
                    if !same {
                        info.note(anomaly::CHANGED, 0);
                    }
                }
                Err(_) => info.note(anomaly::CHANGED, 0),
            }
        }
    }
}
