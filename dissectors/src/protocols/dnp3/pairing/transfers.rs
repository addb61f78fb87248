//! Files on their way: what passed of each open one, and its digest. Contents are not kept.

use bumpalo::Bump;
use sha2::{Digest, Sha256};

use crate::protocols::dnp3::message::files::FileNote;
use crate::transaction::Outcome;

/// Open files of one outstation that are followed; the oldest is let go.
pub const MAX_TRANSFERS: usize = 8;

/// Octets of a name that are kept.
const MAX_NAME: usize = 256;

/// Which way a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Written by the master.
    ToOutstation,
    /// Read by the master.
    FromOutstation,
}

/// An open file.
#[derive(Debug, Clone)]
struct Transfer {
    handle: u32,
    name: Vec<u8>,
    mode: Option<u16>,
    direction: Option<Direction>,
    size: Option<u32>,
    next: u32,
    octets: u64,
    /// From the first block to the last, in order.
    complete: bool,
    /// A block was missing or out of order.
    broken: bool,
    /// Its open was seen, and nothing was lost since: what does not follow is the sender's doing.
    judged: bool,
    digest: Sha256,
}

/// The open files of one outstation.
#[derive(Debug, Clone, Default)]
pub struct Transfers(Vec<Transfer>);

/// What is known of a file beyond its own message.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress<'b> {
    /// From the open.
    pub name: Option<&'b [u8]>,
    /// From the open.
    pub mode: Option<u16>,
    /// Which way it goes.
    pub direction: Option<Direction>,
    /// From the open.
    pub size: Option<u32>,
    /// Octets that passed so far.
    pub octets: Option<u64>,
    /// Whether all of it passed; told with the last block and when it is closed.
    pub complete: Option<bool>,
    /// SHA-256 of what passed; told with the last block and when it is closed.
    pub sha256: Option<&'b [u8]>,
    /// This block does not follow the one before it.
    pub out_of_order: bool,
}

impl Transfers {
    /// Takes what a transaction says of a file.
    pub fn step<'b>(&mut self, function: u8, file: &FileNote<'_>, outcome: Outcome, arena: &'b Bump) -> Progress<'b> {
        match (function, file.handle) {
            (25, Some(handle)) if outcome == Outcome::Accepted => self.open(handle, file),
            (25, _) => Progress { direction: direction(file.mode), ..Progress::default() },
            (1, Some(handle)) => self.block(handle, file, Direction::FromOutstation, arena),
            (2, Some(handle)) if outcome == Outcome::Accepted => {
                self.block(handle, file, Direction::ToOutstation, arena)
            }
            (26 | 30, Some(handle)) => self.close(handle, arena),
            (_, Some(handle)) => {
                self.0.iter().find(|open| open.handle == handle).map_or(Progress::default(), |open| open.tell(arena))
            }
            _ => Progress::default(),
        }
    }

    /// Octets were lost: blocks may be among them.
    pub fn lose(&mut self) {
        for open in &mut self.0 {
            open.judged = false;
        }
    }

    fn open(&mut self, handle: u32, file: &FileNote<'_>) -> Progress<'static> {
        let name = file.name.map_or(&[][..], |name| name.get(..name.len().min(MAX_NAME)).unwrap_or_default());
        let mut open = Transfer::new(handle);
        (open.name, open.judged) = (name.to_vec(), true);
        (open.mode, open.size, open.direction) = (file.mode, file.size, direction(file.mode));
        self.insert(open);
        Progress { direction: direction(file.mode), ..Progress::default() }
    }

    fn insert(&mut self, open: Transfer) {
        self.0.retain(|other| other.handle != open.handle);
        if self.0.len() >= MAX_TRANSFERS {
            self.0.remove(0);
        }
        self.0.push(open);
    }

    /// A block passed.
    fn block<'b>(&mut self, handle: u32, file: &FileNote<'_>, way: Direction, arena: &'b Bump) -> Progress<'b> {
        if !self.0.iter().any(|open| open.handle == handle) {
            self.insert(Transfer::new(handle));
        }
        let Some(open) = self.0.iter_mut().find(|open| open.handle == handle) else { return Progress::default() };
        open.direction.get_or_insert(way);
        let (Some(number), Some(content)) = (file.block, file.content) else { return open.tell(arena) };
        let again = number.checked_add(1) == Some(open.next);
        let out_of_order = number != open.next && !again;
        if !again {
            open.broken |= out_of_order;
            open.next = number.wrapping_add(1);
            open.octets = open.octets.saturating_add(u64::try_from(content.len()).unwrap_or(u64::MAX));
            open.digest.update(content);
        }
        let (last, judged) = (file.last == Some(true), open.judged);
        open.complete |= last && !open.broken;
        let told = if last { open.sum_up(arena) } else { open.tell(arena) };
        Progress { out_of_order: out_of_order && judged, ..told }
    }

    fn close<'b>(&mut self, handle: u32, arena: &'b Bump) -> Progress<'b> {
        let Some(place) = self.0.iter().position(|open| open.handle == handle) else { return Progress::default() };
        self.0.remove(place).sum_up(arena)
    }
}

impl Transfer {
    fn new(handle: u32) -> Self {
        Transfer {
            handle,
            name: Vec::new(),
            mode: None,
            direction: None,
            size: None,
            next: 0,
            octets: 0,
            complete: false,
            broken: false,
            judged: false,
            digest: Sha256::new(),
        }
    }

    fn tell<'b>(&self, arena: &'b Bump) -> Progress<'b> {
        let name: &'b [u8] = arena.alloc_slice_copy(&self.name);
        Progress {
            name: Some(name).filter(|name| !name.is_empty()),
            mode: self.mode,
            direction: self.direction,
            size: self.size,
            octets: Some(self.octets),
            ..Progress::default()
        }
    }

    fn sum_up<'b>(&self, arena: &'b Bump) -> Progress<'b> {
        let digest: [u8; 32] = self.digest.clone().finalize().into();
        let sha256: &'b [u8] = arena.alloc(digest);
        let sha256 = Some(sha256).filter(|_| self.octets > 0);
        Progress { complete: Some(self.complete), sha256, ..self.tell(arena) }
    }
}

fn direction(mode: Option<u16>) -> Option<Direction> {
    match mode {
        Some(1) => Some(Direction::FromOutstation),
        Some(2 | 3) => Some(Direction::ToOutstation),
        _ => None,
    }
}
