//! One capture: chunks of its bytes, and the frames in them.

use std::path::Path;

use super::compressed::Input;
use super::info::{CaptureError, CaptureInfo, Compression, InterfaceInfo, anomaly};
use super::pcap::{self, Pcap};
use super::pcapng::Pcapng;
use super::pcapng_block;
use super::sink::{Limits, Sink, Stop, Window, add};
use crate::packet::Block;

/// Bytes read at once.
pub const CHUNK: usize = 256 * 1024;

/// Longest frame. A record that claims more is garbage.
pub const MAX_FRAME: usize = 256 * 1024;

/// Bytes carried over from which on as many are waited for, where the input comes in pieces.
const PATIENT: usize = 64 * 1024;

/// Chunks without a frame (all of them left out) after which the caller gets its turn.
const EMPTY_CHUNKS: usize = 16;

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
        let (count, failure) = input.read(&mut head, pcap::FILE_HEADER);
        head.truncate(count);
        info.path = path.to_owned();
        info.compression = input.compression();
        let eof = count < pcap::FILE_HEADER;
        let mut capture = Capture {
            input,
            format: Format::Nothing,
            carry: head,
            chunk: 0,
            at: 0,
            base: 0,
            eof,
            failure,
            done: false,
        };
        capture.recognise(info)?;
        Ok(capture)
    }

    fn recognise(&mut self, info: &mut CaptureInfo) -> Result<(), CaptureError> {
        if pcapng_block::recognise(&self.carry) {
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
            // A long unfinished record is not copied again for every few bytes that a slow writer sends.
            let least = if carried > PATIENT { PATIENT } else { 1 };
            let (more, failure) = self.input.read(new, least);
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
        let mut sink = Sink::new(&mut block.frames, limits, info, self.base);
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
        let end = self.base.saturating_add(u64::try_from(self.chunk).unwrap_or(u64::MAX));
        self.chunk = 0;
        self.at = 0;
        self.carry = Vec::new();
        if let Some(name) = self.failure.take() {
            // A record cut by the same cut has been noted already.
            if name != anomaly::TRUNCATED || info.anomaly(name) == 0 {
                info.note(name, end);
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
