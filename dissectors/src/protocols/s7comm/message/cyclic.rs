//! Cyclic services: variables that the controller sends again and again, or when they change.

use std::collections::VecDeque;

use super::items;
use super::variables::{NOTHING, Reader, Spec};
use crate::cursor::Cursor;
use crate::protocols::s7comm::message::compose::Fields;
use crate::transaction::{Access, Anomalies, Outcome, Point, Value};
use bumpalo::Bump;

/// Cyclic jobs of one flow that are remembered; the oldest gives way.
const MAX_JOBS: usize = 32;
/// Bytes of a job's items that are remembered; jobs with more are not.
const MAX_ITEMS: usize = 1_024;

/// What cyclic jobs address, so that their reports can be read.
#[derive(Debug, Default)]
pub struct Jobs(VecDeque<Job>);

#[derive(Debug)]
struct Job {
    number: u8,
    count: usize,
    items: Vec<u8>,
}

impl Jobs {
    /// Remembers a job that was accepted.
    fn add(&mut self, number: u8, count: usize, items: &[u8]) {
        self.remove(number);
        if self.0.len() >= MAX_JOBS {
            self.0.pop_front();
        }
        if items.len() <= MAX_ITEMS {
            self.0.push_back(Job { number, count, items: items.to_vec() });
        }
    }

    /// Jobs may have been changed.
    pub fn lose(&mut self) {
        self.0.clear();
    }

    fn remove(&mut self, number: u8) {
        self.0.retain(|job| job.number != number);
    }

    fn items<'a>(&self, number: u8, arena: &'a Bump) -> Option<(usize, &'a [u8])> {
        let job = self.0.iter().find(|job| job.number == number)?;
        Some((job.count, arena.alloc_slice_copy(&job.items)))
    }
}

/// What is read of a cyclic service.
pub struct Cyclic<'a> {
    /// Points of the job.
    pub points: &'a [Point<'a>],
    /// How it ended, by its items.
    pub outcome: Outcome,
    /// What is wrong with it.
    pub anomalies: Anomalies,
}

/// Sub-functions that read variables: cyclic, when they change, and a changed job.
pub fn reads(code: u8) -> bool {
    matches!(code, 1 | 5 | 7)
}

/// A request with its answer: number of items, base and factor of the interval, items; the answer has number and data.
pub fn job<'a>(
    (asked, answered): (Option<&'a [u8]>, Option<&'a [u8]>),
    (number, outcome): (Option<u8>, Outcome),
    jobs: &mut Jobs,
    detail: &mut Fields<'a>,
    arena: &'a Bump,
) -> Option<Cyclic<'a>> {
    let mut cursor = Cursor::new("s7comm.cyclic", asked?);
    let count = usize::from(cursor.u16_be().ok()?);
    let (base, factor) = (cursor.u8().ok()?, cursor.u8().ok()?);
    let unit: Option<u64> = match base {
        0 => Some(100),
        1 => Some(1_000),
        2 => Some(10_000),
        _ => None,
    };
    match unit {
        Some(unit) => detail.number("interval_ms", unit.saturating_mul(u64::from(factor))),
        None => detail.number("interval_base", base),
    }
    if let (Some(number), Outcome::Accepted) = (number, outcome) {
        jobs.add(number, count, cursor.rest());
    }
    Some(read((count, cursor.rest()), answered, outcome, Access::Read, arena))
}

/// What the controller sends of a job that was seen to begin. Where it does not fit the job exactly, the job is another by now.
pub fn report<'a>(data: &'a [u8], number: u8, jobs: &mut Jobs, arena: &'a Bump) -> Option<Cyclic<'a>> {
    let (count, items) = jobs.items(number, arena)?;
    let read = read((count, items), Some(data), Outcome::Accepted, Access::Report, arena);
    if read.anomalies.is_empty() {
        return Some(read);
    }
    jobs.remove(number);
    None
}

/// The end of a job: its kind and number.
pub fn unsubscribe(asked: &[u8], jobs: &mut Jobs, detail: &mut Fields<'_>) {
    if let [kind, number, ..] = asked {
        detail.add("job_kind", Value::Unsigned(u64::from(*kind)));
        detail.number("job", *number);
        jobs.remove(*number);
    }
}

fn read<'a>(
    (count, items): (usize, &'a [u8]),
    answered: Option<&'a [u8]>,
    outcome: Outcome,
    access: Access,
    arena: &'a Bump,
) -> Cyclic<'a> {
    // No more items than there are bytes for them.
    let count = count.min(items.len());
    let data = answered.and_then(|data| data.get(2..)).filter(|_| outcome == Outcome::Accepted);
    let spec = Spec { items, count, access, data, codes: None };
    let points = arena.alloc_slice_fill_copy(items::count(items, count).min(MAX_POINTS), NOTHING);
    let mut reader = Reader::new(access, arena);
    let filled = reader.fill(&spec, points);
    let points = points.get(..filled).unwrap_or_default();
    Cyclic { points, outcome: reader.outcome(outcome), anomalies: reader.anomalies }
}

/// Points of one job; the largest message has room for fewer.
const MAX_POINTS: usize = 4_096;
