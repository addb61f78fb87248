//! What is expected is counted, what is not is delivered (DESIGN.md, 2.1).
//!
//! [`Gate::offer`] takes every transaction. One that its operation's expectation fits is tallied at once; any other is copied
//! into the queue. [`Gate::take`] looks at the queue's front again, so that Python sees what it would see if it were asked packet
//! by packet. What a taken transaction is tallied as is decided when its answer is there: at the next `take`, or at `settle`.

mod ceilings;
mod clause;
mod conversation;
mod expectation;
mod fact;
mod habit;
mod operation;
mod owned;
mod peer;
mod ranges;
mod reading;
mod recent;
mod seen;
mod shared;
mod tally;
mod window;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod timing;

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use bumpalo::Bump;

pub use ceilings::Limits;
pub use clause::{Clause, L2Line, NewClause, PointLine, moment};
pub use conversation::{Account, ConversationKey, Conversations, Direction, MAX_CONVERSATIONS};
pub use expectation::{ExpectError, MAX_CLAUSES, MAX_LANES};
pub use fact::{Context, Counters, Delivered, Fact, Settings};
pub use habit::{HabitView, KEPT_INTERVALS, MAX_VALUED, MAX_VALUED_IN_ALL, Regular, Valued};
pub use operation::OperationView;
pub use owned::{OwnedObservation, OwnedTransaction};
pub use peer::Merged;
pub use ranges::{MAX_NAMES, MAX_RANGES, MAX_RANGES_IN_ALL, TallyPoint, TallyPoints};
pub use recent::FlowCache;
pub use seen::{AnomalyCount, FlowAnomaly};
pub use tally::{MAX_REJECTION_CODES, TallyView};
pub use window::{Crossing, MAX_WINDOWS, Mode, WindowView};

use crate::address::Address;
use crate::transaction::{Observation, Transaction};
use ceilings::Met;
use clause::Occurrence;
use expectation::{Clauses, Judgement};
use fact::Waiting;
use operation::Operations;
use seen::{FlowAnomalies, News, Seen};
use window::Windows;

/// The gate of one run.
#[derive(Debug)]
pub struct Gate {
    settings: Settings,
    operations: Operations,
    clauses: Clauses,
    windows: Windows,
    queue: VecDeque<Waiting>,
    /// Crossings of what was tallied last: they come before the queue.
    crossings: VecDeque<Crossing>,
    /// Delivered, and not yet tallied: Python may be answering.
    pending: Option<(u32, Arc<OwnedTransaction>)>,
    /// What the transaction of this number carries.
    content: Option<(u64, Box<[u8]>)>,
    seen: Seen,
    anomalies: FlowAnomalies,
    met: Met,
    counters: Counters,
    /// Transactions by protocol and anomaly bit.
    flawed: Vec<[u64; 64]>,
    fitted: Vec<u32>,
    /// Occurrences in the queue that are expected, and wait for what stands before them alone.
    stalled: usize,
    arena: Bump,
}

impl Gate {
    /// An empty gate.
    pub fn new(settings: Settings) -> Gate {
        Gate {
            settings,
            operations: Operations::default(),
            clauses: Clauses::default(),
            windows: Windows::default(),
            queue: VecDeque::new(),
            crossings: VecDeque::new(),
            pending: None,
            content: None,
            seen: Seen::default(),
            anomalies: FlowAnomalies::default(),
            met: Met::default(),
            counters: Counters::default(),
            flawed: Vec::new(),
            fitted: Vec::new(),
            stalled: 0,
            arena: Bump::new(),
        }
    }

    /// Takes a transaction at its completion: tallies it when it is expected, else puts a copy into the queue.
    #[inline]
    pub fn offer(&mut self, context: Context<'_>, transaction: &Transaction<'_>) {
        let limits = &self.settings.limits;
        let number = self.operations.number(context.key, context.cache, transaction, limits, &mut self.met);
        let occurrence = Occurrence::new(transaction, context.l2, context.initiator).with(context.cache.loss);
        self.counters.transactions = self.counters.transactions.saturating_add(1);
        if !transaction.anomalies.is_empty() {
            self.count_flaws(transaction);
        }
        if self.settings.follow {
            self.note(number, &occurrence);
        } else if self.tally_expected(number, &occurrence, context.cache) {
            return;
        }
        self.enqueue(number, &context, transaction);
    }

    /// Reads the record of the operation that a flow met last, so that with many of them it is in the cache when it is needed.
    #[inline]
    pub fn warm(&self, cache: &FlowCache) {
        if let Some(operation) = self.operations.get(cache.last_operation()) {
            operation.warm();
        }
    }

    /// The same for what that record points to.
    #[inline]
    pub fn warm_more(&self, cache: &FlowCache) {
        if let Some(operation) = self.operations.get(cache.last_operation()) {
            operation.tally.warm();
            self.clauses.warm(&operation.expectation);
        }
    }

    #[cold]
    fn count_flaws(&mut self, transaction: &Transaction<'_>) {
        let place = usize::from(transaction.protocol);
        if self.flawed.len() <= place {
            self.flawed.resize(place.saturating_add(1), [0; 64]);
        }
        let Some(counts) = self.flawed.get_mut(place) else { return };
        let mut left = transaction.anomalies.0;
        while left != 0 {
            if let Some(count) = usize::try_from(left.trailing_zeros()).ok().and_then(|bit| counts.get_mut(bit)) {
                *count = count.saturating_add(1);
            }
            left &= left.wrapping_sub(1); // the lowest bit is done
        }
    }

    /// Tallies an occurrence whose turn it is and that is expected; false when it has to wait in the queue.
    #[inline]
    fn tally_expected(&mut self, number: u32, occurrence: &Occurrence<'_>, cache: &mut FlowCache) -> bool {
        let Some(operation) = self.operations.get_mut(number) else { return false };
        if operation.waiting > 0 {
            return false;
        }
        let short = operation.expectation.short().of(occurrence.transaction.outcome);
        let Some(rest) = short.filter(|_| occurrence.transaction.anomalies.is_empty()) else {
            return self.tally_expected_by_lanes(number, occurrence);
        };
        let last = operation.tally.last_time();
        let points = occurrence.transaction.points;
        let recent = cache.recent(occurrence.transaction);
        let held = recent.is_held(number, points);
        let counted =
            rest.is_none_or(|slot| self.clauses.tally_one(slot, occurrence, last, held.then_some(&mut *recent)));
        if counted {
            operation.tally.note(occurrence, false, held);
            if !held {
                recent.remember(number, points, operation.tally.range());
                cache.turn();
            }
            return true;
        }
        self.tally_expected_by_lanes(number, occurrence)
    }

    #[inline(never)]
    fn tally_expected_by_lanes(&mut self, number: u32, occurrence: &Occurrence<'_>) -> bool {
        match self.judge(number, occurrence) {
            Some(Judgement { lanes: 0, windows: false }) => {}
            // Windows are shared: this one has to wait for what stands before it.
            Some(Judgement { lanes: 0, windows: true }) if self.is_idle() => {}
            Some(Judgement { lanes: 0, windows: true }) => {
                self.stalled = self.stalled.saturating_add(1);
                return false;
            }
            _ => return false,
        }
        self.tally(number, occurrence);
        true
    }

    fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.crossings.is_empty() && self.pending.is_none()
    }

    /// Counts an occurrence for its operation and for the clauses in `fitted`.
    #[inline]
    fn tally(&mut self, number: u32, occurrence: &Occurrence<'_>) {
        let last = self.operations.get(number).and_then(|operation| operation.tally.last_time());
        self.note(number, occurrence);
        for clause in &self.fitted {
            for (window, brought) in self.clauses.tally(*clause, occurrence, last).unwrap_or_default() {
                self.crossings.extend(self.windows.feed(*window, *brought, occurrence));
            }
        }
    }

    #[inline]
    fn note(&mut self, number: u32, occurrence: &Occurrence<'_>) {
        if let Some(operation) = self.operations.get_mut(number) {
            operation.tally.note(occurrence, false, false);
        }
    }

    #[cold]
    #[inline(never)]
    fn enqueue(&mut self, number: u32, context: &Context<'_>, transaction: &Transaction<'_>) {
        let Context { key, l2, initiator, cache } = context;
        let mut transaction = OwnedTransaction::new(key, l2, *initiator, transaction);
        transaction.loss = cache.loss;
        transaction.content = self.content.take_if(|(of, _)| *of == self.counters.transactions).map(|(_, bytes)| bytes);
        let transaction = Arc::new(transaction);
        if self.settings.follow {
            let delivered = Delivered { operation: 0, lanes: u128::MAX, first: false, transaction };
            self.queue.push_back(Waiting::Other(Fact::Transaction(delivered)));
            return;
        }
        if let Some(operation) = self.operations.get_mut(number) {
            operation.waiting = operation.waiting.saturating_add(1);
        }
        self.queue.push_back(Waiting::Transaction(number, transaction));
    }

    /// Takes what the next transaction carries. One that is expected leaves it behind, so that it costs a look at the next alone.
    pub fn content(&mut self, bytes: &[u8]) {
        self.content = None;
        if self.settings.contents {
            self.content = Some((self.counters.transactions.saturating_add(1), bytes.into()));
        }
    }

    /// Takes an identity observation of an address: queued when the value is new for (address, unit, attribute).
    pub fn observe(&mut self, address: Address, protocol: u8, observation: &Observation<'_>) {
        match self.seen.note(address, observation, &self.settings.limits) {
            News::Known => {}
            News::Full => self.met.observations = self.met.observations.saturating_add(1),
            News::New => {
                let owned = Arc::new(OwnedObservation::new(address, protocol, observation));
                self.queue.push_back(Waiting::Other(Fact::Observation(owned)));
            }
        }
    }

    /// Takes an anomaly that belongs to no transaction: queued when it is the first between its two sides, else counted.
    pub fn anomaly(&mut self, anomaly: &FlowAnomaly) {
        match self.anomalies.note(anomaly, &self.settings.limits) {
            News::Known => {}
            News::Full => self.met.anomalies = self.met.anomalies.saturating_add(1),
            News::New => self.queue.push_back(Waiting::Other(Fact::Anomaly(*anomaly))),
        }
    }

    /// The next fact, in the order of completion. What has become expected meanwhile is tallied instead.
    pub fn take(&mut self) -> Option<Fact> {
        self.settle();
        loop {
            if let Some(crossing) = self.crossings.pop_front() {
                return Some(Fact::Crossing(crossing));
            }
            let Some(front) = self.queue.pop_front() else {
                self.stalled = 0;
                return None;
            };
            let delivered = match front {
                Waiting::Other(Fact::Transaction(delivered)) => delivered,
                Waiting::Other(fact) => return Some(fact),
                Waiting::Transaction(number, transaction) => match self.look_again(number, transaction) {
                    Some(delivered) => delivered,
                    None => continue,
                },
            };
            self.counters.delivered = self.counters.delivered.saturating_add(1);
            return Some(Fact::Transaction(delivered));
        }
    }

    /// Tallies what was delivered last, by the answer that Python gave meanwhile. `take` does so by itself; to be called where
    /// tallies are read without taking everything.
    pub fn settle(&mut self) {
        let Some((number, transaction)) = self.pending.take() else { return };
        self.finish(number, &transaction, |gate, occurrence| {
            gate.judge(number, occurrence);
            true
        });
    }

    /// Judges the front of the queue: gives it back when it is to be delivered, else tallies it.
    fn look_again(&mut self, number: u32, transaction: Arc<OwnedTransaction>) -> Option<Delivered> {
        let mut judgement = None;
        self.finish(number, &transaction, |gate, occurrence| {
            judgement = gate.judge(number, occurrence);
            judgement.is_some_and(|judgement| judgement.lanes == 0)
        });
        let lanes = match judgement {
            Some(Judgement { lanes: 0, .. }) => return None,
            Some(judgement) => judgement.lanes,
            None => u128::MAX,
        };
        self.pending = Some((number, Arc::clone(&transaction)));
        Some(Delivered { operation: number, lanes, first: judgement.is_none(), transaction })
    }

    /// Tallies a waiting occurrence in the clauses that `decide` has put into `fitted`, if it says so.
    fn finish(
        &mut self,
        number: u32,
        transaction: &OwnedTransaction,
        decide: impl FnOnce(&mut Gate, &Occurrence<'_>) -> bool,
    ) {
        let mut arena = mem::take(&mut self.arena);
        let view = transaction.view(&arena);
        let l2 = transaction.l2();
        let occurrence = Occurrence::new(&view, &l2, transaction.initiator).with(transaction.loss);
        if decide(self, &occurrence) {
            self.tally(number, &occurrence);
            if let Some(operation) = self.operations.get_mut(number) {
                operation.waiting = operation.waiting.saturating_sub(1);
            }
        }
        arena.reset();
        self.arena = arena;
    }

    fn judge(&mut self, number: u32, occurrence: &Occurrence<'_>) -> Option<Judgement> {
        self.fitted.clear();
        let operation = self.operations.get_mut(number)?;
        let last = operation.tally.last_time();
        self.clauses.judge(&mut operation.expectation, occurrence, last, &mut self.fitted)
    }

    /// Sets an operation's lanes: (lane number, ordered clauses). Clauses that are not named again are reported once more by
    /// [`Gate::changed_tallies`] and then gone. Gives the clause ids by lane; an answer with an error changes nothing.
    pub fn expect(&mut self, operation: u32, lanes: Vec<(u32, Vec<NewClause>)>) -> Result<Vec<Vec<u32>>, ExpectError> {
        let windows = &self.windows;
        let record = self.operations.get_mut(operation).ok_or(ExpectError::NoSuchOperation(operation))?;
        self.clauses.replace(operation, &mut record.expectation, lanes, |number| windows.contains(number))
    }

    /// A new window: crossed when at least `threshold` occurrences (distinct values) lie within `span_ns`. At the ceiling of
    /// [`MAX_WINDOWS`] it is 0, which counts nothing.
    pub fn window(&mut self, mode: Mode, span_ns: u64, threshold: usize) -> u32 {
        let number = self.windows.add(mode, span_ns, threshold);
        if number.is_none() {
            self.met.windows = self.met.windows.saturating_add(1);
        }
        number.unwrap_or(0)
    }

    /// A new generation (policy or rules were reloaded): every operation is asked again, every clause is reported once more, and
    /// all windows are empty. To be called when the queue was taken.
    pub fn ask_again(&mut self) {
        self.settle();
        for operation in self.operations.iter_mut() {
            self.clauses.forget(&mut operation.expectation);
        }
        self.windows.reset();
    }

    /// What clauses that learn have learned, by operation. To be called when the queue was taken.
    pub fn habits(&mut self) -> Vec<HabitView> {
        self.settle();
        self.clauses.habits()
    }

    /// Tallies of clauses that changed since the last call, and of replaced ones, by clause id.
    pub fn changed_tallies(&mut self) -> Vec<TallyView> {
        self.clauses.changed()
    }

    /// All operations' own tallies (clause 0), by number.
    pub fn operations(&self) -> Vec<TallyView> {
        self.operations.iter().map(|(number, operation)| operation.tally.view(0, number, false)).collect()
    }

    /// How many operations there are: their numbers are 1 to this.
    pub fn operation_count(&self) -> usize {
        self.operations.len()
    }

    /// One operation's own tally.
    pub fn operation_tally(&self, number: u32) -> Option<TallyView> {
        self.operations.get(number).map(|operation| operation.tally.view(0, number, false))
    }

    /// Who does what to whom.
    pub fn operation(&self, number: u32) -> Option<OperationView> {
        self.operations.view(number)
    }

    /// Windows that were crossed, by number.
    pub fn window_tallies(&self) -> Vec<WindowView> {
        self.windows.views()
    }

    /// Flow anomalies with their counts, in the order of their first occurrence.
    pub fn anomalies(&self) -> &[AnomalyCount] {
        self.anomalies.counts()
    }

    /// Transactions with each anomaly: protocol, bit in its table, count.
    pub fn transaction_anomalies(&self) -> impl Iterator<Item = (u8, u8, u64)> {
        let bits = |(protocol, counts): (u8, &[u64; 64])| {
            (0_u8..).zip(*counts).map(move |(bit, count)| (protocol, bit, count))
        };
        (0_u8..).zip(&self.flawed).flat_map(bits).filter(|(_, _, count)| *count > 0)
    }

    /// Occurrences that are in merged operations, which no longer say what was done: protocol, function, count.
    pub fn merged_functions(&self) -> impl Iterator<Item = (u8, u32, u64)> {
        self.met.functions.iter().map(|((protocol, function), count)| (*protocol, *function, *count))
    }

    /// Facts in the queue: the engine ends its batch when there are too many.
    pub fn queue_len(&self) -> usize {
        self.queue.len().saturating_add(self.crossings.len())
    }

    /// Expected occurrences that wait for others in the queue, because they feed windows: the engine ends its batch when there are
    /// too many, for each is copied.
    #[inline]
    pub fn stalled(&self) -> usize {
        self.stalled
    }

    /// Ceilings that were reached, by name, with how often.
    pub fn ceilings(&self) -> Vec<(&'static str, u64)> {
        self.met.named()
    }

    /// What went through.
    pub fn counters(&self) -> Counters {
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let waiting = self.queue.iter().filter(|waiting| waiting.is_transaction()).count();
        Counters {
            waiting: number(waiting),
            operations: number(self.operations.len()),
            clauses: number(self.clauses.len()),
            ..self.counters
        }
    }
}
