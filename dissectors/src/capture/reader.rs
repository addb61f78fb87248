//! One capture: chunks of its bytes, and the frames in them.

use std::path::Path;

use super::Selection;
use super::compressed::Input;
use super::info::{CaptureError, CaptureInfo, Compression, InterfaceInfo, anomaly};
use super::pcap::{self, Pcap};
use super::pcapng::{self, Pcapng};
use crate::address::Moment;
use crate::packet::{Block, Frame, Span};

/// Bytes read at once.
pub const CHUNK: usize = 256 * 1024;

/// Longest frame. A record that claims more is garbage.
pub const MAX_FRAME: usize = 256 * 1024;

/// Chunks without a frame (all of them left out) after which the caller gets its turn.
const EMPTY_CHUNKS: usize = 16;

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

impl Sink<'_> {
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

    fn finish(self) {
        self.info.packets = self.packets;
        if self.first <= self.last {
            self.info.first = Some(self.info.first.map_or(self.first, |first| first.min(self.first)));
            self.info.last = Some(self.info.last.map_or(self.last, |last| last.max(self.last)));
        }
    }
}

enum Format {
    Pcap(Pcap),
    Pcapng(Box<Pcapng>),
    /// A pcap whose file header is cut: there is nothing in it.
    Nothing,
}

/// One capture that is being read.
pub(super) struct Capture {
    input: Input,
    format: Format,
    /// The unfinished record, from one chunk to the next.
    carry: Vec<u8>,
    /// Length of the chunk in the caller's block, and where to go on in it.
    chunk: usize,
    at: usize,
    /// Offset of the chunk in the uncompressed capture.
    base: u64,
    eof: bool,
    /// What ended the input before its end.
    failure: Option<&'static str>,
    done: bool,
}

impl Capture {
    /// Opens a capture and recognises its format; `info` gets what that tells.
    pub(super) fn open(path: &Path, digest: bool, info: &mut CaptureInfo) -> Result<Self, CaptureError> {
        let mut input = Input::open(path, digest)?;
        let mut head = vec![0; pcap::FILE_HEADER];
        let (mut count, mut failure) = (0, None);
        while let Some(rest) = head.get_mut(count..).filter(|rest| !rest.is_empty() && failure.is_none()) {
            let (more, failed) = input.read(rest);
            count = add(count, more);
            failure = failed;
            if more == 0 {
                break;
            }
        }
        head.truncate(count);
        info.path = path.to_owned();
        info.compression = input.compression();
        let eof = count < pcap::FILE_HEADER;
        let mut capture =
            Capture { input, format: Format::Nothing, carry: head, chunk: 0, at: 0, base: 0, eof, failure, done: false };
        capture.recognise(info)?;
        Ok(capture)
    }

    fn recognise(&mut self, info: &mut CaptureInfo) -> Result<(), CaptureError> {
        if pcapng::recognise(&self.carry) {
            info.format = "pcapng";
            self.format = Format::Pcapng(Box::default());
            return Ok(());
        }
        if !pcap::recognise(&self.carry) {
            return Err(self.not_a_capture(info));
        }
        info.format = "pcap";
        match self.carry.first_chunk().and_then(Pcap::new) {
            Some(pcap) => {
                info.interface(InterfaceInfo { link: pcap.link(), ..InterfaceInfo::default() });
                self.format = Format::Pcap(pcap);
                self.base = u64::try_from(pcap::FILE_HEADER).unwrap_or_default();
            }
            None => info.note(anomaly::TRUNCATED, 0),
        }
        self.carry.clear();
        Ok(())
    }

    fn not_a_capture(&self, info: &CaptureInfo) -> CaptureError {
        let path = info.path.clone();
        if self.carry.is_empty() && info.compression == Compression::None {
            return CaptureError::Empty { path };
        }
        let found = self.carry.get(..4).unwrap_or(&self.carry).to_vec();
        let looks_like = looks_like(&self.carry);
        CaptureError::NotACapture { path, compression: info.compression, found, looks_like }
    }

    /// Puts at most `limit` frames into the block; `size` bytes are read at once. See [`super::Reader::fill`].
    pub(super) fn fill(
        &mut self,
        block: &mut Block,
        limits: Limits<'_>,
        info: &mut CaptureInfo,
    ) -> Result<bool, CaptureError> {
        block.frames.clear();
        block.packets.clear();
        for _ in 0..EMPTY_CHUNKS {
            if self.done {
                block.bytes.clear();
                return Ok(false);
            }
            self.provide(block, limits.chunk)?;
            let stop = self.scan(block, &limits, info);
            match stop {
                Stop::Full => return Ok(true),
                Stop::More => self.keep_rest(block),
                Stop::End => self.finish(info),
            }
            if !block.frames.is_empty() {
                return Ok(true);
            }
        }
        Ok(true)
    }

    /// Makes sure that there are bytes to look at: the rest of the chunk, or the next one behind what was carried over.
    fn provide(&mut self, block: &mut Block, size: usize) -> Result<(), CaptureError> {
        if self.at < self.chunk {
            if block.bytes.len() < self.chunk {
                return Err(CaptureError::WrongBlock);
            }
            block.bytes.truncate(self.chunk);
            return Ok(());
        }
        self.base = self.base.saturating_add(u64::try_from(self.chunk).unwrap_or(u64::MAX));
        let carried = self.carry.len();
        // Resized, not cleared: only what is new has to be zeroed before it is read over.
        block.bytes.resize(add(carried, size), 0);
        let (old, new) = block.bytes.split_at_mut(carried);
        old.copy_from_slice(&self.carry);
        self.carry.clear();
        let mut count = 0;
        if !self.eof {
            let (more, failure) = self.input.read(new);
            self.eof = more == 0 || failure.is_some();
            self.failure = self.failure.or(failure);
            count = more;
        }
        self.chunk = add(carried, count);
        self.at = 0;
        block.bytes.truncate(self.chunk);
        Ok(())
    }

    fn scan(&mut self, block: &mut Block, limits: &Limits<'_>, info: &mut CaptureInfo) -> Stop {
        let window = Window { bytes: &block.bytes, at: self.at, base: self.base, eof: self.eof };
        let packets = info.packets;
        let mut sink = Sink {
            frames: &mut block.frames,
            limit: limits.frames.max(1),
            info,
            selection: limits.selection,
            capture: limits.capture,
            packets,
            offset: self.base,
            first: u64::MAX,
            last: 0,
        };
        let (at, stop) = match &mut self.format {
            Format::Pcap(pcap) => pcap.scan(&window, &mut sink),
            Format::Pcapng(pcapng) => pcapng.scan(&window, &mut sink),
            Format::Nothing => (0, Stop::End),
        };
        sink.finish();
        info.bytes = self.input.bytes_read();
        self.at = at;
        stop
    }

    /// Carries the unfinished record over into the next chunk.
    fn keep_rest(&mut self, block: &Block) {
        self.carry.extend_from_slice(block.bytes.get(self.at..).unwrap_or_default());
        self.base = self.base.saturating_add(u64::try_from(self.at).unwrap_or(u64::MAX));
        self.chunk = 0;
        self.at = 0;
    }

    fn finish(&mut self, info: &mut CaptureInfo) {
        self.done = true;
        self.chunk = 0;
        self.at = 0;
        self.carry = Vec::new();
        if let Some(name) = self.failure.take() {
            // A record cut by the same cut has been noted already.
            if name != anomaly::TRUNCATED || info.anomaly(name) == 0 {
                info.note(name, self.base);
            }
        }
        if let Some(digest) = self.input.finish_digest() {
            info.sha256 = Some(digest);
        }
        info.bytes = self.input.bytes_read();
    }

    /// The bytes behind it.
    pub(super) fn input(&mut self) -> &mut Input {
        &mut self.input
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

/// Names what people confuse with captures.
fn looks_like(head: &[u8]) -> Option<&'static str> {
    match head {
        [b's', b'n', b'o', b'o', b'p', 0, ..] => Some("a snoop capture, which editcap converts"),
        [b'G', b'M', b'B', b'U', ..] => Some("a Network Monitor capture, which editcap converts"),
        [b'P', b'K', 3, 4, ..] => Some("a zip archive"),
        [b'B', b'Z', b'h', ..] => Some("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some("xz"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some("lz4"),
        [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("compressed twice"),
        _ => None,
    }
}
