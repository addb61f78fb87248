//! From a request and its response to the record that leaves.

use std::cell::RefCell;

use bumpalo::Bump;

use super::application::Fragment;
use super::record::Record;
use super::usual;
use crate::address::{Moment, Side};
use crate::protocols::Sink;
use crate::protocols::dnp3::pairing::transfers::Transfers;
use crate::transaction::{Anomalies, Outcome};

/// What the arena may keep from one record to the next.
const MAX_KEPT: usize = 1 << 20;

thread_local! {
    /// Where the lists of a record are put while it is told: one for all flows, so that no record costs an allocation.
    static ARENA: RefCell<Bump> = RefCell::new(Bump::new());
}

/// Lends the arena, empty.
pub fn with_arena<R>(tell: impl FnOnce(&Bump) -> R) -> R {
    ARENA.with_borrow_mut(|arena| {
        if arena.allocated_bytes() > MAX_KEPT {
            *arena = Bump::new();
        } else {
            arena.reset();
        }
        tell(arena)
    })
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its fragment.
    pub fragment: Fragment<'a>,
    /// The packet that completed it.
    pub at: Moment,
}

/// A response of one or more fragments, or a report.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// Its first fragment.
    pub fragment: Fragment<'a>,
    /// Internal indications of all fragments.
    pub iin: u16,
    /// All octets of a response with further fragments, whose objects follow the first one's, and where each of them ends.
    pub more: (&'a [u8], &'a [usize]),
    /// The packet that completed it.
    pub at: Moment,
}

impl<'a> Response<'a> {
    /// The objects, fragment by fragment.
    #[inline]
    pub fn parts(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (octets, ends) = self.more;
        let mut start = self.fragment.bytes.len();
        let rest = ends.iter().map(move |&end| {
            let part = octets.get(start..end).unwrap_or_default();
            start = end;
            part
        });
        std::iter::once(self.fragment.objects).chain(rest)
    }
}

/// A transaction before it is composed. At least one half is there.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// The master's side.
    pub client: Side,
    /// Master and outstation.
    pub unit: u32,
    /// The request, where seen.
    pub request: Option<Request<'a>>,
    /// The response or report, where seen.
    pub response: Option<Response<'a>>,
    /// How it ended, where the response doesn't say it.
    pub ending: Outcome,
    /// The end of the response is missing.
    pub incomplete: bool,
    /// Anomalies found while pairing.
    pub anomalies: Anomalies,
    /// When it was complete, ns.
    pub completed: u64,
    /// How often the same was sent again.
    pub retries: u16,
    /// The same request had just been answered.
    pub repeated: bool,
    /// A confirmation was asked for, and whether it came.
    pub confirmed: Option<bool>,
    /// The select that belongs to an operate.
    pub select: Option<Moment>,
    /// The outstation asked for authentication before it answered.
    pub challenged: Option<Challenge>,
}

/// What a challenge asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge {
    /// User number.
    pub user: u16,
    /// Sequence number.
    pub sequence: u32,
}

impl<'a> Exchange<'a> {
    /// One without anything unusual.
    #[inline]
    pub fn new(client: Side, unit: u32, completed: u64) -> Self {
        Exchange {
            client,
            unit,
            request: None,
            response: None,
            ending: Outcome::Unknown,
            incomplete: false,
            anomalies: Anomalies::default(),
            completed,
            retries: 0,
            repeated: false,
            confirmed: None,
            select: None,
            challenged: None,
        }
    }

    /// The function that says what is done: the request's where it was seen.
    #[inline]
    pub fn function(&self) -> u8 {
        let response = self.response.map_or(0, |response| response.fragment.function);
        self.request.map_or(response, |request| request.fragment.function)
    }

    /// Hands the record over; says how it ended.
    pub fn emit(&self, transfers: &mut Transfers, sink: &mut dyn Sink) -> Outcome {
        if usual::tell(self, sink) { Outcome::Accepted } else { self.emit_any(transfers, sink) }
    }

    /// Hands any record over.
    pub fn emit_any(&self, transfers: &mut Transfers, sink: &mut dyn Sink) -> Outcome {
        with_arena(|arena| Record::new(arena, self).tell(transfers, sink))
    }
}
