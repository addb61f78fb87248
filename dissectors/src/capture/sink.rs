//! What a format's parser sees of a capture, and where it puts frames and what it has to say.

use super::Selection;
use super::info::{CaptureInfo, anomaly};
use crate::address::Moment;
use crate::packet::{Block, Frame, Span};

/// A 32-bit number as a length or offset.
#[inline]
pub(super) fn wide(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A position in a block as a span has it. Blocks are far below 4 GiB.
#[inline]
pub(super) fn offset_of(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

/// Copies a frame with its bytes, which lie in those of another block, to the end of a block.
#[inline]
pub(super) fn append(block: &mut Block, frame: &Frame, bytes: &[u8]) {
    let span = Span { start: offset_of(block.bytes.len()), ..frame.span };
    block.bytes.extend_from_slice(frame.span.of(bytes));
    block.frames.push(Frame { span, ..*frame });
}

/// Positions never come near the end of the address space; past it they stay outside of every buffer.
#[inline]
pub(super) fn add(position: usize, length: usize) -> usize {
    position.saturating_add(length)
}

/// Why a parser stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The sink holds as many frames as asked for.
    Full,
    /// More bytes are needed.
    More,
    /// The capture is at its end.
    End,
}

/// What a parser sees: the chunk, where to go on in it, and where it lies in the capture.
pub(super) struct Window<'a> {
    /// The bytes that there are.
    pub(super) bytes: &'a [u8],
    /// Where to go on.
    pub(super) at: usize,
    /// Offset of the first byte in the uncompressed capture.
    pub(super) base: u64,
    /// No more bytes come.
    pub(super) eof: bool,
}

impl Window<'_> {
    /// A position as offset in the uncompressed capture.
    pub(super) fn offset(&self, at: usize) -> u64 {
        self.base.saturating_add(u64::try_from(at).unwrap_or(u64::MAX))
    }

    /// Offset of the end.
    pub(super) fn end(&self) -> u64 {
        self.offset(self.bytes.len())
    }

    /// What to do where a record is not complete: wait, or (at the end) say that the capture is cut.
    #[cold]
    pub(super) fn short(&self, at: usize, sink: &mut Sink<'_>) -> Stop {
        if !self.eof {
            return Stop::More;
        }
        if at < self.bytes.len() {
            sink.truncated(Some(self.offset(at)), self.end());
        }
        Stop::End
    }
}

/// What a call of `Capture::fill` keeps to.
#[derive(Clone, Copy)]
pub(super) struct Limits<'a> {
    /// Most frames.
    pub(super) frames: usize,
    /// Bytes to read at once.
    pub(super) chunk: usize,
    /// Which frames are wanted.
    pub(super) selection: &'a Selection,
    /// Number of the capture, from 1.
    pub(super) capture: u16,
}

/// What a frame has besides time and place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) wire_len: u32,
    pub(super) link: u16,
    pub(super) interface: u16,
}

/// Where a parser puts frames, and what it has to say.
pub(super) struct Sink<'a> {
    pub(super) frames: &'a mut Vec<Frame>,
    pub(super) limit: usize,
    pub(super) info: &'a mut CaptureInfo,
    pub(super) selection: &'a Selection,
    /// Number of the capture.
    pub(super) capture: u16,
    /// Frames so far.
    pub(super) packets: u64,
    /// Offset of the chunk, for what has no closer one.
    pub(super) offset: u64,
    first: u64,
    last: u64,
}

impl<'a> Sink<'a> {
    /// For the chunk at an offset of the capture.
    pub(super) fn new(frames: &'a mut Vec<Frame>, limits: &Limits<'a>, info: &'a mut CaptureInfo, offset: u64) -> Self {
        let packets = info.packets;
        let Limits { frames: limit, selection, capture, .. } = *limits;
        Sink { frames, limit: limit.max(1), info, selection, capture, packets, offset, first: u64::MAX, last: 0 }
    }

    #[inline]
    pub(super) fn full(&self) -> bool {
        self.frames.len() >= self.limit
    }

    /// Numbers a frame, and keeps it if it is wanted.
    #[inline(always)]
    pub(super) fn frame(&mut self, bytes: &[u8], time: u64, span: Span, shape: Shape) {
        let packet = self.packets.wrapping_add(1);
        self.packets = packet;
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        // Made at once, in its place: a frame that is changed before it is pushed costs 8 ns for the way through the stack.
        let capture = self.capture;
        let Shape { wire_len, link, interface } = shape;
        if self.selection.active {
            let frame = Frame { at: Moment { time, packet, capture }, span, wire_len, link, interface };
            if !self.selection.wants(bytes, &frame, self.info) {
                return;
            }
        }
        self.frames.push(Frame { at: Moment { time, packet, capture }, span, wire_len, link, interface });
    }

    /// The source says that nothing came until then. Before its first frame that says nothing.
    #[cold]
    pub(super) fn silence(&mut self, until: u64) {
        let frame = Frame::silence(until, self.capture);
        if self.packets > 0 && (!self.selection.active || self.selection.wants(&[], &frame, self.info)) {
            self.frames.push(frame);
        }
    }

    /// Notes what can't be read; if it is a packet, it has a number nevertheless.
    #[cold]
    pub(super) fn refuse(&mut self, name: &'static str, offset: u64, packet: bool) {
        self.packets = self.packets.saturating_add(u64::from(packet));
        self.info.note(name, offset);
    }

    /// The capture ends within what begins at `from`.
    #[cold]
    pub(super) fn truncated(&mut self, from: Option<u64>, end: u64) {
        let from = self.lose(from, end);
        self.info.note(anomaly::TRUNCATED, from);
    }

    /// Garbage from `from` on, a record at `end`.
    #[cold]
    pub(super) fn found(&mut self, from: Option<u64>, end: u64) {
        let from = self.lose(from, end);
        self.info.note(anomaly::RESYNC, from);
    }

    /// Garbage from `from` to the end of the capture.
    #[cold]
    pub(super) fn garbage(&mut self, from: Option<u64>, end: u64) {
        let from = self.lose(from, end);
        self.info.note(anomaly::GARBAGE, from);
    }

    fn lose(&mut self, from: Option<u64>, end: u64) -> u64 {
        let from = from.unwrap_or(end);
        self.info.skipped_bytes = self.info.skipped_bytes.saturating_add(end.saturating_sub(from));
        from
    }

    pub(super) fn finish(self) {
        self.info.packets = self.packets;
        if self.first <= self.last {
            self.info.first = Some(self.info.first.map_or(self.first, |first| first.min(self.first)));
            self.info.last = Some(self.info.last.map_or(self.last, |last| last.max(self.last)));
        }
    }
}
