//! Several captures as one: merged by time exactly, each keeping its own order of arrival (DESIGN 2.2).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Selection;
use super::info::{CaptureError, CaptureInfo, anomaly};
use super::reader::{CHUNK, Capture};
use super::sink::{Limits, add, append};
use crate::packet::Block;

/// Most files that are open at the same time; more that overlap are opened anew for each chunk.
pub const MAX_OPEN: usize = 64;

/// Bytes of chunks together where captures overlap: there may be a thousand of them.
const OVERLAPPING: usize = 2 * 1024 * 1024;

/// Least bytes read at once.
const LEAST_CHUNK: usize = 8 * 1024;

/// A capture, as far as it is needed by now.
pub(super) enum Source {
    /// Not begun. Its first frame has this time.
    Waiting(u64),
    /// Not begun, but open, because it can't be opened twice: standard input.
    Open(u64, Box<Active>),
    /// Being read.
    Active(Box<Active>),
    /// At its end.
    Done,
}

/// A capture that is being read, with the chunk that its next frames are in.
pub(super) struct Active {
    pub(super) capture: Capture,
    pub(super) block: Block,
    /// The next frame in `block.frames`.
    pub(super) next: usize,
}

/// The merge: sources in the order of the result's captures, and for each that is not done the time of its next frame.
pub(super) struct Merge {
    sources: Vec<Source>,
    heads: BinaryHeap<Reverse<(u64, usize)>>,
    active: usize,
}

/// What stays the same between calls.
pub(super) struct Means<'a> {
    pub(super) infos: &'a mut [CaptureInfo],
    pub(super) selection: &'a Selection,
}

impl Merge {
    /// Takes the sources in the order that decides between equal times.
    pub(super) fn new(sources: Vec<Source>) -> Self {
        let heads = sources.iter().enumerate().filter_map(|(index, source)| match source {
            Source::Waiting(time) | Source::Open(time, _) => Some(Reverse((*time, index))),
            Source::Active(_) | Source::Done => None,
        });
        Merge { heads: heads.collect(), sources, active: 0 }
    }

    /// Puts at most `limit` frames into the block. See [`super::Reader::fill`].
    pub(super) fn fill(
        &mut self,
        block: &mut Block,
        limit: usize,
        means: &mut Means<'_>,
    ) -> Result<bool, CaptureError> {
        block.frames.clear();
        block.packets.clear();
        block.bytes.clear();
        let mut whole = false;
        while !whole && block.frames.len() < limit.max(1) && block.bytes.len() < CHUNK {
            let Some(Reverse((_, index))) = self.heads.pop() else { break };
            let behind = self.heads.peek().map(|head| head.0);
            match self.sources.get_mut(index) {
                Some(Source::Active(active)) => {
                    whole = active.hand_over(block, limit, (behind, index));
                    if !whole {
                        active.copy(block, limit, (behind, index));
                    }
                }
                // The head said when the source begins; the first frame that is wanted may be later.
                _ => self.begin(index, means),
            }
            match self.next(index, means)? {
                Some(time) => self.heads.push(Reverse((time, index))),
                None => self.end(index),
            }
        }
        Ok(!block.frames.is_empty())
    }

    /// Opens a source that waits. One that can't be opened any more is noted, and done.
    fn begin(&mut self, index: usize, means: &mut Means<'_>) {
        let (Some(source), Some(info)) = (self.sources.get_mut(index), means.infos.get_mut(index)) else { return };
        *source = match std::mem::replace(source, Source::Done) {
            Source::Open(_, mut active) => {
                active.select(number(index), means.selection, info);
                Source::Active(active)
            }
            Source::Waiting(_) => {
                let path = info.path.clone();
                *info = fresh(info);
                match Capture::open(&path, false, info) {
                    Ok(capture) => Source::Active(Box::new(Active { capture, block: Block::default(), next: 0 })),
                    Err(_) => {
                        info.note(anomaly::READ_ERROR, 0);
                        Source::Done
                    }
                }
            }
            other => other,
        };
        self.active = self.active.saturating_add(usize::from(matches!(source, Source::Active(_))));
    }

    /// Time of a source's next frame; `None` at its end.
    fn next(&mut self, index: usize, means: &mut Means<'_>) -> Result<Option<u64>, CaptureError> {
        let chunk = OVERLAPPING.checked_div(self.active).unwrap_or(CHUNK).clamp(LEAST_CHUNK, CHUNK);
        let limits = Limits { frames: usize::MAX, chunk, selection: means.selection, capture: number(index) };
        match (self.sources.get_mut(index), means.infos.get_mut(index)) {
            (Some(Source::Active(active)), Some(info)) => active.head(limits, info, self.active > MAX_OPEN),
            _ => Ok(None),
        }
    }

    fn end(&mut self, index: usize) {
        if let Some(source) = self.sources.get_mut(index) {
            self.active = self.active.saturating_sub(usize::from(matches!(source, Source::Active(_))));
            *source = Source::Done;
        }
    }
}

/// Number of a capture, from 1; there are never more than fit.
fn number(index: usize) -> u16 {
    u16::try_from(add(index, 1)).unwrap_or(u16::MAX)
}

impl Active {
    /// Does for a chunk that was read before the captures were ordered what is otherwise done while reading.
    fn select(&mut self, capture: u16, selection: &Selection, info: &mut CaptureInfo) {
        let bytes = &self.block.bytes;
        self.block.frames.retain(|frame| !selection.active || selection.wants(bytes, frame, info));
        for frame in &mut self.block.frames {
            frame.at.capture = capture;
        }
    }

    /// Time of the next frame; reads on where the chunk is used up.
    fn head(&mut self, limits: Limits<'_>, info: &mut CaptureInfo, park: bool) -> Result<Option<u64>, CaptureError> {
        loop {
            if let Some(frame) = self.block.frames.get(self.next) {
                return Ok(Some(frame.at.time));
            }
            self.next = 0;
            let more = self.capture.fill(&mut self.block, limits, info)?;
            if park {
                self.capture.input().park();
            }
            if !more {
                return Ok(None);
            }
        }
    }

    /// Exchanges the whole chunk for the caller's block, where no frame of another source lies within: nothing is copied.
    fn hand_over(&mut self, block: &mut Block, limit: usize, (behind, index): (Option<(u64, usize)>, usize)) -> bool {
        let whole = self.next == 0 && block.frames.is_empty() && self.block.frames.len() <= limit;
        let last = || self.block.frames.iter().map(|frame| frame.at.time).max();
        let comes_first = |behind| last().is_some_and(|last| (last, index) < behind);
        if !whole || behind.is_some_and(|behind| !comes_first(behind)) {
            return false;
        }
        std::mem::swap(&mut self.block, block);
        self.block.frames.clear();
        self.next = 0;
        true
    }

    /// Copies frames as long as they come before the next source's.
    fn copy(&mut self, block: &mut Block, limit: usize, (behind, index): (Option<(u64, usize)>, usize)) {
        while block.frames.len() < limit.max(1) && block.bytes.len() < CHUNK {
            let Some(frame) = self.block.frames.get(self.next) else { return };
            if behind.is_some_and(|behind| (frame.at.time, index) > behind) {
                return;
            }
            append(block, frame, &self.block.bytes);
            self.next = add(self.next, 1);
        }
    }
}

/// The order of captures: by the time of the first frame (those without one last), then digest, then path.
pub(super) fn order(sources: &mut [(Source, CaptureInfo)], digest: impl Fn(&CaptureInfo) -> Option<[u8; 32]>) {
    let time = |source: &Source| match source {
        Source::Waiting(time) | Source::Open(time, _) => Some(*time),
        Source::Active(_) | Source::Done => None,
    };
    let key = |source: &Source| time(source).map_or((true, 0), |time| (false, time));
    sources.sort_by(|a, b| (key(&a.0), &a.1.path).cmp(&(key(&b.0), &b.1.path)));
    // Reading whole files costs; only those that begin together have to be told apart by digest.
    for together in sources.chunk_by_mut(|a, b| key(&a.0) == key(&b.0)).filter(|group| group.len() > 1) {
        for (_, info) in together.iter_mut() {
            info.sha256 = info.sha256.or_else(|| digest(info));
        }
        together.sort_by(|a, b| (&a.1.sha256, &a.1.path).cmp(&(&b.1.sha256, &b.1.path)));
    }
}

/// An info as it was before a source was looked at.
pub(super) fn fresh(info: &CaptureInfo) -> CaptureInfo {
    CaptureInfo {
        path: info.path.clone(),
        format: info.format,
        compression: info.compression,
        sha256: info.sha256,
        ..CaptureInfo::default()
    }
}
