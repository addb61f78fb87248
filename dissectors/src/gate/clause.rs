//! What a clause accepts (DESIGN.md, 2.1, the table of its parts).

use std::hash::{Hash, Hasher};

use super::habit::{self, Loss, Regular};
use super::reading::{self, Reading};
use super::tally::Stamp;
use crate::address::{Mac, Moment, Side};
use crate::packet::{L2, Vlan, macs, vlan};
use crate::transaction::{Access, Anomalies, Outcome, Point, Transaction};

/// A transaction with what the gate needs beside it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occurrence<'a> {
    pub transaction: &'a Transaction<'a>,
    /// Of the request, or of what was seen first.
    pub at: Stamp,
    /// MACs and VLAN of each side's last packet.
    pub l2: &'a [L2; 2],
    /// Who opened the connection, if seen.
    pub initiator: Option<Side>,
    /// When bytes of its flow were lost last.
    pub loss: Loss,
}

impl<'a> Occurrence<'a> {
    #[inline]
    pub fn new(transaction: &'a Transaction<'a>, l2: &'a [L2; 2], initiator: Option<Side>) -> Self {
        Occurrence { transaction, at: Stamp::of(moment(transaction)), l2, initiator, loss: Loss::default() }
    }

    /// The same, in a flow of which bytes were lost then.
    #[inline]
    pub fn with(self, loss: Loss) -> Self {
        Occurrence { loss, ..self }
    }

    /// Who opened the connection as a bit: the client, the server, or nobody that was seen.
    fn opener(&self) -> u8 {
        match self.initiator {
            Some(side) if side == self.transaction.client => 1,
            Some(_) => 2,
            None => 4,
        }
    }
}

/// Where and when a transaction stands: its request, else its response, else its completion without a packet.
#[inline]
pub fn moment(transaction: &Transaction<'_>) -> Moment {
    match (&transaction.request, &transaction.response) {
        (Some(seen), _) | (None, Some(seen)) => *seen,
        (None, None) => Moment { time: transaction.completed, packet: 0, capture: 0 },
    }
}

/// Points that a clause accepts; lines are united.
#[derive(Debug, Clone, PartialEq)]
pub struct PointLine {
    /// Only points with this access.
    pub access: Option<Access>,
    /// Only this kind (index into the protocol's `point_kinds`).
    pub kind: Option<u8>,
    /// Only this block.
    pub block: Option<u32>,
    /// First address.
    pub first: u64,
    /// Last address.
    pub last: u64,
    /// Only points with this name.
    pub name: Option<Box<str>>,
    /// Least value.
    pub minimum: Option<f64>,
    /// Greatest value.
    pub maximum: Option<f64>,
    /// Values that were not seen fit as well.
    pub lenient: bool,
}

impl Default for PointLine {
    fn default() -> Self {
        PointLine {
            access: None,
            kind: None,
            block: None,
            first: 0,
            last: u64::MAX,
            name: None,
            minimum: None,
            maximum: None,
            lenient: false,
        }
    }
}

/// A limit that is NaN equals nothing, not even itself: such a line is kept apart from its twin, which costs nothing but memory.
impl Eq for PointLine {}

impl Hash for PointLine {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.access, self.kind, self.block, self.first, self.last, self.lenient).hash(state);
        (&self.name, self.minimum.is_some(), self.maximum.is_some()).hash(state);
    }
}

/// A client MAC, server MAC and VLAN that fit together; `None` fits any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct L2Line {
    /// Client's MAC.
    pub client: Option<Mac>,
    /// Server's MAC.
    pub server: Option<Mac>,
    /// VLAN tags.
    pub vlan: Option<Vlan>,
}

/// A clause as it is asked for; what is `None` fits always (`dissectors.Clause`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Clause {
    /// Each point of the occurrence is covered by these lines.
    pub points: Option<Vec<PointLine>>,
    /// Some point of the occurrence lies at least in part in one of these lines; their limits of values say nothing here.
    pub touches: Option<Vec<PointLine>>,
    /// Who opened the connection: bits for the client (1), the server (2), and for nobody that was seen (4).
    pub opened_by: Option<u8>,
    /// Bit mask over [`Outcome::index`].
    pub outcomes: Option<u8>,
    /// Codes that fit, for rejected ones.
    pub rejections: Option<Vec<u32>>,
    /// Exact sets that fit.
    pub anomalies: Option<Vec<Anomalies>>,
    /// Where on the wire.
    pub l2: Option<Vec<L2Line>>,
    /// Least and greatest time since the operation's last occurrence, ns; fits when it has none yet.
    pub interval: Option<(u64, u64)>,
    /// Keeps to an interval, by the operation's last occurrence.
    pub regular: Option<Regular>,
    /// This clause's last occurrence was less than that ago, ns; fits when it has none yet.
    pub fresh: Option<u64>,
    /// Time of the request at or after.
    pub after: Option<u64>,
    /// Time of the request before.
    pub until: Option<u64>,
    /// Occurrences are delivered as well.
    pub deliver: bool,
    /// Occurrences are counted for this clause.
    pub tally: bool,
    /// Least and greatest value are kept; where it learns, those of each point.
    pub limits: bool,
    /// Intervals (and values) are learned.
    pub learn: bool,
    /// Windows that each occurrence is counted in, with the value for `value_count`; `None` is each point address.
    pub windows: Vec<(u32, Option<String>)>,
}

impl Default for Clause {
    fn default() -> Self {
        Clause {
            points: None,
            touches: None,
            opened_by: None,
            outcomes: None,
            rejections: None,
            anomalies: Some(vec![Anomalies(0)]),
            l2: None,
            interval: None,
            regular: None,
            fresh: None,
            after: None,
            until: None,
            deliver: false,
            tally: true,
            limits: false,
            learn: false,
            windows: Vec::new(),
        }
    }
}

impl Clause {
    /// Something is kept beside the tally.
    pub(super) fn has_habit(&self) -> bool {
        self.learn || self.regular.is_some()
    }
}

/// One entry of a lane as Python answers.
#[derive(Debug, Clone, PartialEq)]
pub enum NewClause {
    /// A clause that this lane of the operation has already; it keeps its tally.
    Existing(u32),
    /// A new one.
    New(Box<Clause>),
}

/// When a clause's and its operation's last occurrence was, ns.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Past {
    pub clause: Option<u64>,
    pub operation: Option<u64>,
    /// Intervals outside what the clause calls regular, in a row.
    pub outside: u32,
}

/// [`Outcome::index`] of a rejection.
const REJECTED: usize = 1;

/// The conditions of a clause, shared by all clauses that have the same.
#[derive(Debug)]
pub(super) struct Conditions {
    pub clause: Clause,
    /// Nothing is asked but that there are no anomalies: the usual clause.
    plain: bool,
    pub deliver: bool,
    pub tally: bool,
    pub limits: bool,
    /// More comes of an occurrence than a count: it is delivered, or a habit is kept.
    pub aside: bool,
}

impl Conditions {
    pub fn new(clause: Clause) -> Self {
        let Clause { deliver, tally, limits, .. } = clause;
        let plain = clause == Clause { deliver, tally, limits, learn: clause.learn, ..Clause::default() };
        let aside = deliver || clause.has_habit();
        Conditions { clause, plain, deliver, tally, limits, aside }
    }

    /// Whether it fits every occurrence of this outcome ([`Outcome::index`]) and these anomalies, or none; `None` where that depends
    /// on more.
    pub fn accepts(&self, outcome: usize, flaws: Anomalies) -> Option<bool> {
        let Clause {
            points,
            touches,
            opened_by,
            outcomes,
            rejections,
            anomalies,
            l2,
            interval,
            regular,
            fresh,
            after,
            until,
            ..
        } = &self.clause;
        let flawed = anomalies.as_ref().is_some_and(|sets| !sets.contains(&flaws));
        if flawed || outcomes.is_some_and(|mask| mask >> outcome & 1 == 0) {
            return Some(false);
        }
        let coded = outcome == REJECTED && rejections.is_some();
        let kept = interval.is_some() || regular.is_some();
        let timed = kept || fresh.is_some() || after.is_some() || until.is_some();
        let placed = points.is_some() || touches.is_some() || l2.is_some() || opened_by.is_some();
        (!coded && !timed && !placed).then_some(true)
    }

    /// Nothing comes of an occurrence that fits: it is neither delivered nor counted, and no habit is kept.
    pub fn is_silent(&self) -> bool {
        !self.aside && !self.tally
    }

    #[inline]
    pub fn fit(&self, occurrence: &Occurrence<'_>, past: Past) -> bool {
        if self.plain {
            return occurrence.transaction.anomalies.is_empty();
        }
        self.fit_parts(occurrence, past)
    }

    fn fit_parts(&self, occurrence: &Occurrence<'_>, past: Past) -> bool {
        self.fit_outcome(occurrence.transaction)
            && self.fit_time(occurrence.at.time, past)
            && self.fit_habit(occurrence, past)
            && self.fit_l2(occurrence)
            && self.clause.opened_by.is_none_or(|mask| mask & occurrence.opener() != 0)
            && self.fit_points(occurrence.transaction.points)
    }

    fn fit_outcome(&self, transaction: &Transaction<'_>) -> bool {
        let Clause { outcomes, rejections, anomalies, .. } = &self.clause;
        outcomes.is_none_or(|mask| mask >> transaction.outcome.index() & 1 == 1)
            && anomalies.as_ref().is_none_or(|sets| sets.contains(&transaction.anomalies))
            && match (rejections, transaction.outcome) {
                (Some(codes), Outcome::Rejected(code)) => codes.contains(&code.code),
                _ => true,
            }
    }

    fn fit_time(&self, time: u64, past: Past) -> bool {
        let Clause { interval, fresh, after, until, .. } = self.clause;
        let since = |last: u64| time.saturating_sub(last);
        after.is_none_or(|after| time >= after)
            && until.is_none_or(|until| time < until)
            && fresh.is_none_or(|fresh| past.clause.is_none_or(|last| since(last) < fresh))
            && interval.is_none_or(|(least, greatest)| {
                past.operation.is_none_or(|last| (least..=greatest).contains(&since(last)))
            })
    }

    fn fit_habit(&self, occurrence: &Occurrence<'_>, past: Past) -> bool {
        let fits = |regular: Regular| regular.fits(habit::interval(occurrence, past.operation), past.outside);
        self.clause.regular.is_none_or(fits)
    }

    fn fit_l2(&self, occurrence: &Occurrence<'_>) -> bool {
        let Some(lines) = &self.clause.l2 else { return true };
        let ([a, b], tags) = (macs(occurrence.l2), vlan(occurrence.l2));
        let (client, server) = match occurrence.transaction.client {
            Side::A => (a, b),
            Side::B => (b, a),
        };
        lines.iter().any(|line| {
            line.client.is_none_or(|mac| mac == client)
                && line.server.is_none_or(|mac| mac == server)
                && line.vlan.is_none_or(|vlan| vlan == tags)
        })
    }

    fn fit_points(&self, points: &[Point<'_>]) -> bool {
        let touched = |point: &Point<'_>, lines: &[PointLine]| lines.iter().any(|line| line.touches(point));
        self.clause.points.as_ref().is_none_or(|lines| points.iter().all(|point| covered(lines, point)))
            && self.clause.touches.as_ref().is_none_or(|lines| points.iter().any(|point| touched(point, lines)))
    }
}

/// Whether the lines together cover each address of the point, each address judged with its own value.
fn covered(lines: &[PointLine], point: &Point<'_>) -> bool {
    if let Some(name) = point.name {
        return lines.iter().any(|line| line.accepts_name(point, name));
    }
    let mut next = point.first;
    loop {
        // Every step goes past what the farthest line reaches: at most addresses with values times lines.
        match lines.iter().filter_map(|line| line.reach(point, next)).max() {
            None => return false,
            Some(reached) if reached >= point.last => return true,
            Some(reached) => next = reached.saturating_add(1),
        }
    }
}

impl PointLine {
    fn concerns(&self, point: &Point<'_>) -> bool {
        self.access.is_none_or(|access| access == point.access)
            && self.kind.is_none_or(|kind| kind == point.kind)
            && self.block.is_none_or(|block| block == point.block)
    }

    /// Whether some of the point lies in this line, whatever its values.
    fn touches(&self, point: &Point<'_>) -> bool {
        let whole = self.first == 0 && self.last == u64::MAX;
        let placed = match (&self.name, point.name) {
            (Some(own), Some(name)) => own.as_bytes() == name || **own == *String::from_utf8_lossy(name),
            (None, None) => point.first <= self.last && self.first <= point.last,
            (None, Some(_)) => whole,
            (Some(_), None) => false,
        };
        placed && self.concerns(point)
    }

    /// The greatest address up to which this line accepts the point, from `next` on.
    fn reach(&self, point: &Point<'_>, next: u64) -> Option<u64> {
        if self.name.is_some() || !self.concerns(point) || next < self.first || self.last < next {
            return None;
        }
        if self.minimum.is_none() && self.maximum.is_none() {
            return Some(self.last);
        }
        let end = self.last.min(point.last.max(next));
        let width = point.width();
        let mut place = next.saturating_sub(point.first).checked_div(width).unwrap_or_default();
        let mut reached = None;
        loop {
            let reading = reading::at(&point.values, place);
            let behind = point.first.saturating_add(place.saturating_add(1).saturating_mul(width));
            match reading {
                // Behind the last value nothing more is seen, so one step goes to the end.
                Reading::Unseen if self.lenient && self.is_behind(point, place) => return Some(end),
                _ if !self.holds(reading) => return reached,
                _ if behind > end || behind == u64::MAX => return Some(end),
                _ => reached = behind.checked_sub(1),
            }
            place = place.saturating_add(1);
        }
    }

    fn is_behind(&self, point: &Point<'_>, place: u64) -> bool {
        usize::try_from(place).is_ok_and(|place| place >= reading::count(&point.values))
    }

    fn holds(&self, reading: Reading) -> bool {
        match reading {
            Reading::Unseen => self.lenient,
            Reading::Number(n) => self.minimum.is_none_or(|low| n >= low) && self.maximum.is_none_or(|high| n <= high),
            Reading::Other => false,
        }
    }

    /// A line without a name accepts named points only when it is not limited to addresses.
    fn accepts_name(&self, point: &Point<'_>, name: &[u8]) -> bool {
        let named = match &self.name {
            Some(own) => own.as_bytes() == name || **own == *String::from_utf8_lossy(name),
            None => self.first == 0 && self.last == u64::MAX,
        };
        named && self.concerns(point) && self.holds_all(point)
    }

    fn holds_all(&self, point: &Point<'_>) -> bool {
        if self.minimum.is_none() && self.maximum.is_none() {
            return true;
        }
        let mut readings = reading::all(&point.values).peekable();
        if readings.peek().is_none() {
            return self.lenient;
        }
        readings.all(|reading| self.holds(reading))
    }
}
