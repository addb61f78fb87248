//! The bytes of a capture: a file or standard input, decompressed on the fly.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Chain, Cursor, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::info::{CaptureError, Compression, anomaly};

/// What standard input is called.
const STDIN: &str = "-";

/// Largest zstd window that is accepted, as a power of two: 128 MiB, what `zstd` itself accepts without being told otherwise.
const MAX_ZSTD_WINDOW: u32 = 27;

/// Compressed bytes read at once.
const COMPRESSED_CHUNK: usize = 128 * 1024;

/// Bytes that tell the kinds of compression apart.
const MAGIC: usize = 4;

/// How many bytes as stored, and which file: to tell whether it is still the same later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    pub(super) size: u64,
}

impl Identity {
    /// Of a path, where that is a regular file and not `-`.
    pub(super) fn of_path(path: &Path) -> Option<Self> {
        let data = path.metadata().ok()?;
        (data.is_file() && path != Path::new(STDIN)).then(|| Identity::from(&data))
    }
}

impl From<&Metadata> for Identity {
    fn from(data: &Metadata) -> Self {
        let modified = (data.mtime(), data.mtime_nsec());
        Identity { device: data.dev(), inode: data.ino(), modified, size: data.len() }
    }
}

/// Bytes as stored, counted, and hashed where they can't be read again.
struct Stored {
    path: PathBuf,
    /// `None` while parked.
    file: Option<File>,
    /// Known for regular files; these can be parked and read again.
    identity: Option<Identity>,
    read: u64,
    hash: Option<Sha256>,
}

impl Stored {
    fn open(path: &Path, digest: bool) -> io::Result<Self> {
        let stdin = path == Path::new(STDIN);
        let file = if stdin { File::from(io::stdin().as_fd().try_clone_to_owned()?) } else { File::open(path)? };
        let data = file.metadata()?;
        if data.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let identity = if data.is_file() && !stdin { Some(Identity::from(&data)) } else { None };
        let hash = (digest && identity.is_none()).then(Sha256::new);
        Ok(Stored { path: path.to_owned(), file: Some(file), identity, read: 0, hash })
    }

    fn reopen(&self) -> io::Result<File> {
        let mut file = File::open(&self.path)?;
        let now = Identity::from(&file.metadata()?);
        let same = self.identity.is_some_and(|was| (was.device, was.inode) == (now.device, now.inode));
        if !same {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the file was replaced while it was read"));
        }
        file.seek(SeekFrom::Start(self.read))?;
        Ok(file)
    }
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.file.is_none() {
            self.file = Some(self.reopen()?);
        }
        let Some(file) = &mut self.file else { return Ok(0) };
        let count = file.read(buffer)?;
        self.read = self.read.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        if let Some(hash) = &mut self.hash {
            hash.update(buffer.get(..count).unwrap_or_default());
        }
        Ok(count)
    }
}

/// What the decompressors read: the first bytes, already taken, and the rest.
type Compressed = BufReader<Chain<Cursor<Vec<u8>>, Stored>>;

enum Bytes {
    Plain(Box<Chain<Cursor<Vec<u8>>, Stored>>),
    Gzip(Box<MultiGzDecoder<Compressed>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Compressed>>),
}

/// The uncompressed bytes of a capture.
pub(super) struct Input {
    bytes: Bytes,
    compression: Compression,
}

impl Input {
    /// Opens a file, or standard input for `-`. With `digest`, what can't be read again is hashed while it is read.
    pub(super) fn open(path: &Path, digest: bool) -> Result<Self, CaptureError> {
        let failed = |error| CaptureError::Io { path: path.to_owned(), error };
        let mut stored = Stored::open(path, digest).map_err(failed)?;
        let mut head = vec![0; MAGIC];
        let count = read_at_least(&mut stored, &mut head, MAGIC).map_err(|failure| failed(failure.error))?;
        head.truncate(count);
        if head.is_empty() {
            return Err(CaptureError::Empty { path: path.to_owned() });
        }
        let compression = compression(&head);
        let bytes = Cursor::new(head).chain(stored);
        let bytes = match compression {
            Compression::None => Bytes::Plain(Box::new(bytes)),
            Compression::Gzip => {
                Bytes::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(COMPRESSED_CHUNK, bytes))))
            }
            Compression::Zstd => {
                let reader = BufReader::with_capacity(COMPRESSED_CHUNK, bytes);
                let mut decoder = zstd::stream::read::Decoder::with_buffer(reader).map_err(failed)?;
                decoder.window_log_max(MAX_ZSTD_WINDOW).map_err(failed)?;
                Bytes::Zstd(Box::new(decoder))
            }
        };
        Ok(Input { bytes, compression })
    }

    /// How the capture is stored.
    pub(super) fn compression(&self) -> Compression {
        self.compression
    }

    fn stored(&self) -> &Stored {
        match &self.bytes {
            Bytes::Plain(bytes) => bytes.get_ref().1,
            Bytes::Gzip(decoder) => decoder.get_ref().get_ref().get_ref().1,
            Bytes::Zstd(decoder) => decoder.get_ref().get_ref().get_ref().1,
        }
    }

    fn stored_mut(&mut self) -> &mut Stored {
        match &mut self.bytes {
            Bytes::Plain(bytes) => bytes.get_mut().1,
            Bytes::Gzip(decoder) => decoder.get_mut().get_mut().get_mut().1,
            Bytes::Zstd(decoder) => decoder.get_mut().get_mut().get_mut().1,
        }
    }

    /// Bytes as stored that were read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.stored().read
    }

    /// Which regular file it is; `None` for what can't be read twice.
    pub(super) fn identity(&self) -> Option<Identity> {
        self.stored().identity
    }

    /// Closes a regular file until it is read again, so that it uses no descriptor.
    pub(super) fn park(&mut self) {
        let stored = self.stored_mut();
        if stored.identity.is_some() {
            stored.file = None;
        }
    }

    /// The digest of what was read, where it was asked for and can't be had by reading again. Reads to the end first, so that trailing
    /// bytes behind damaged data count too.
    pub(super) fn finish_digest(&mut self) -> Option<[u8; 32]> {
        let stored = self.stored_mut();
        stored.hash.as_ref()?;
        let mut rest = vec![0; COMPRESSED_CHUNK];
        while stored.read(&mut rest).is_ok_and(|count| count > 0) {}
        stored.hash.take().map(|hash| hash.finalize().into())
    }

    /// Fills the buffer as far as there are bytes: less than its length only at the end, after a failure, or when standard input
    /// has no more for now and `least` bytes came. Says how many bytes came, and what ended the capture.
    pub(super) fn read(&mut self, buffer: &mut [u8], least: usize) -> (usize, Option<&'static str>) {
        let least = if self.identity().is_some() { buffer.len() } else { least };
        let compressed = self.compression != Compression::None;
        let result = match &mut self.bytes {
            Bytes::Plain(bytes) => read_at_least(bytes.as_mut(), buffer, least),
            Bytes::Gzip(decoder) => read_at_least(decoder.as_mut(), buffer, least),
            Bytes::Zstd(decoder) => read_at_least(decoder.as_mut(), buffer, least),
        };
        match result {
            Ok(count) => (count, None),
            Err(failure) => (failure.count, Some(failure_name(&failure.error, compressed))),
        }
    }
}

fn failure_name(error: &io::Error, compressed: bool) -> &'static str {
    if error.raw_os_error().is_some() || !compressed {
        anomaly::READ_ERROR
    } else if error.kind() == io::ErrorKind::UnexpectedEof {
        anomaly::TRUNCATED
    } else {
        anomaly::CORRUPT
    }
}

fn compression(head: &[u8]) -> Compression {
    match head {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        // A zstd frame, or a skippable one before it (RFC 8878, sections 3.1.1 and 3.1.2).
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Compression::Zstd,
        _ => Compression::None,
    }
}

struct Failure {
    count: usize,
    error: io::Error,
}

fn read_at_least(reader: &mut impl Read, buffer: &mut [u8], least: usize) -> Result<usize, Failure> {
    let mut count = 0;
    while let Some(rest) = buffer.get_mut(count..).filter(|rest| !rest.is_empty() && count < least) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(more) => count = count.saturating_add(more),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure { count, error }),
        }
    }
    Ok(count)
}

/// SHA-256 of the first `length` bytes of a file, and whether it is still the one that was read.
pub(super) fn digest_of(path: &Path, length: u64, was: Identity) -> io::Result<([u8; 32], bool)> {
    let file = File::open(path)?;
    let same = Identity::from(&file.metadata()?) == was;
    let mut hash = Sha256::new();
    let mut reader = file.take(length);
    let mut buffer = vec![0; COMPRESSED_CHUNK];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok((hash.finalize().into(), same)),
            Ok(count) => hash.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
