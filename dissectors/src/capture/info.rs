//! What is known of a capture besides its frames.

use std::fmt;
use std::path::PathBuf;

/// Most comments whose text is kept for a capture; further ones are counted.
pub const MAX_COMMENTS: usize = 1_000;

/// Most bytes kept of a comment or an interface's name.
pub const MAX_TEXT: usize = 1_024;

/// Most interfaces described for a capture; further ones are numbered and counted.
pub const MAX_INTERFACES: usize = 1_024;

/// Names of [`CaptureInfo::anomalies`].
pub mod anomaly {
    /// The capture ends inside of a record: everything before it was read.
    pub const TRUNCATED: &str = "capture_truncated";
    /// Bytes that are no record were skipped, and records found behind them.
    pub const RESYNC: &str = "capture_resync";
    /// Bytes that are no record, and no record behind them.
    pub const GARBAGE: &str = "capture_garbage";
    /// The compressed data are damaged: everything before was read.
    pub const CORRUPT: &str = "capture_corrupt";
    /// The system failed to read further.
    pub const READ_ERROR: &str = "capture_read_error";
    /// A packet names an interface that its section does not describe, and is left out.
    pub const UNKNOWN_INTERFACE: &str = "capture_unknown_interface";
    /// A packet block whose lengths contradict each other; it is left out.
    pub const BAD_BLOCK: &str = "capture_bad_block";
    /// A packet without a time (simple packet block): it has the time of the one before.
    pub const NO_TIME: &str = "capture_packet_without_time";
    /// More interfaces than numbers for them: the last number is shared.
    pub const INTERFACES: &str = "capture_too_many_interfaces";
    /// The file is not the same any more after it was read.
    pub const CHANGED: &str = "capture_changed";
}

/// A named thing that is wrong with a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaptureAnomaly {
    /// One of [`anomaly`].
    pub name: &'static str,
    /// How often.
    pub count: u64,
    /// Offset of the first, in bytes of the uncompressed capture.
    pub first_offset: u64,
}

/// An interface of a pcapng capture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InterfaceInfo {
    /// Link type as pcap numbers it.
    pub link: u16,
    /// Name (`if_name`), empty where none is given.
    pub name: String,
    /// Description (`if_description`), empty where none is given.
    pub description: String,
    /// Frames that the capturing host says it lost here (`isb_ifdrop` and `isb_osdrop`), where it says so.
    pub dropped: Option<u64>,
}

/// What a comment is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommentOn {
    /// The section.
    Section,
    /// The interface of this number.
    Interface(u16),
    /// The packet of this number.
    Packet(u64),
}

/// A comment that somebody left in a pcapng capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// What it is about.
    pub on: CommentOn,
    /// Its text, at most [`MAX_TEXT`] bytes of it.
    pub text: String,
}

/// How a capture is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// As it is.
    #[default]
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

/// One capture of the result. Complete once it was read to its end.
#[derive(Debug, Clone, Default)]
pub struct CaptureInfo {
    /// Where it is; `-` for standard input.
    pub path: PathBuf,
    /// `pcap` or `pcapng`.
    pub format: &'static str,
    /// How it is stored.
    pub compression: Compression,
    /// SHA-256 of the bytes as stored, once known.
    pub sha256: Option<[u8; 32]>,
    /// Frames in it, those left out by time and filter included.
    pub packets: u64,
    /// Bytes as stored that were read.
    pub bytes: u64,
    /// Least frame time, ns.
    pub first: Option<u64>,
    /// Greatest frame time, ns.
    pub last: Option<u64>,
    /// Frames left out because of their time.
    pub skipped_by_time: u64,
    /// Frames left out by the filter.
    pub skipped_by_filter: u64,
    /// Bytes left out because they are no records.
    pub skipped_bytes: u64,
    /// Frames that the capture itself says were lost before a packet (`epb_dropcount`).
    pub dropped: u64,
    /// What is wrong with it, in the order of first occurrence.
    pub anomalies: Vec<CaptureAnomaly>,
    /// Number of interfaces in all sections (pcap: 1).
    pub interface_count: u64,
    /// The first [`MAX_INTERFACES`] of them; a frame's `interface` is the index here.
    pub interfaces: Vec<InterfaceInfo>,
    /// Number of comments.
    pub comment_count: u64,
    /// The first [`MAX_COMMENTS`] of them.
    pub comments: Vec<Comment>,
}

impl CaptureInfo {
    /// The digest in lower-case hexadecimal digits, once known.
    pub fn sha256_hex(&self) -> Option<String> {
        self.sha256.map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// How often an anomaly occurred.
    pub fn anomaly(&self, name: &str) -> u64 {
        self.anomalies.iter().find(|anomaly| anomaly.name == name).map_or(0, |anomaly| anomaly.count)
    }

    /// Frames that the capturing host lost: what its interfaces count in the end, or what stands before single packets, whichever is more,
    /// for both tell of the same frames.
    pub fn lost_by_host(&self) -> u64 {
        let interfaces = self.interfaces.iter().filter_map(|interface| interface.dropped);
        self.dropped.max(interfaces.fold(0, u64::saturating_add))
    }

    /// Counts an anomaly at an offset of the uncompressed capture.
    pub(super) fn note(&mut self, name: &'static str, offset: u64) {
        match self.anomalies.iter_mut().find(|anomaly| anomaly.name == name) {
            Some(anomaly) => anomaly.count = anomaly.count.saturating_add(1),
            None => self.anomalies.push(CaptureAnomaly { name, count: 1, first_offset: offset }),
        }
    }

    pub(super) fn comment(&mut self, on: CommentOn, text: &[u8]) {
        self.comment_count = self.comment_count.saturating_add(1);
        if self.comments.len() < MAX_COMMENTS {
            self.comments.push(Comment { on, text: short_text(text) });
        }
    }

    pub(super) fn interface(&mut self, interface: InterfaceInfo) {
        self.interface_count = self.interface_count.saturating_add(1);
        if self.interfaces.len() < MAX_INTERFACES {
            self.interfaces.push(interface);
        }
    }
}

/// At most [`MAX_TEXT`] bytes as text; what is not UTF-8 is replaced.
pub(super) fn short_text(bytes: &[u8]) -> String {
    let bytes = bytes.get(..MAX_TEXT).unwrap_or(bytes);
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}

/// A file of a folder that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// Why, for people.
    pub reason: String,
}

/// Why captures can't be read.
#[derive(Debug)]
pub enum CaptureError {
    /// A file or folder can't be opened or read.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Nothing in it.
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Something else than a capture.
    NotACapture {
        /// The file.
        path: PathBuf,
        /// How it is stored.
        compression: Compression,
        /// Its first bytes (after decompression), at most four.
        found: Vec<u8>,
        /// What it looks like, where that is known.
        looks_like: Option<&'static str>,
    },
    /// A folder without a capture.
    NoCaptures {
        /// The folder.
        path: PathBuf,
    },
    /// More captures than can be numbered.
    TooMany {
        /// How many were asked for.
        count: usize,
    },
    /// The caller continued with another block in the middle of a chunk.
    WrongBlock,
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Empty { path } => write!(f, "{}: not a capture: the file is empty", path.display()),
            Self::NotACapture { path, compression, found, looks_like } => {
                let inside = match compression {
                    Compression::None => "",
                    Compression::Gzip => "gzip of ",
                    Compression::Zstd => "zstd of ",
                };
                if found.is_empty() {
                    return write!(f, "{}: not a capture: {inside}nothing that can be read", path.display());
                }
                let found: Vec<String> = found.iter().map(|byte| format!("{byte:02x}")).collect();
                write!(f, "{}: not a capture: {inside}first bytes {}", path.display(), found.join(" "))?;
                if let Some(name) = looks_like {
                    write!(f, " ({name})")?;
                }
                write!(f, "; pcap, pcapng, gzip or zstd of these expected")
            }
            Self::NoCaptures { path } => write!(f, "{}: no capture in this folder", path.display()),
            Self::TooMany { count } => write!(f, "{count} captures at once; at most {} can be numbered", u16::MAX),
            Self::WrongBlock => write!(f, "a block was exchanged before its chunk was used up"),
        }
    }
}

impl std::error::Error for CaptureError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}
