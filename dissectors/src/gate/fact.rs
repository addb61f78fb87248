//! What goes into the gate beside a transaction, and what comes out of it.

use std::sync::Arc;

use super::ceilings::Limits;
use super::owned::{OwnedObservation, OwnedTransaction};
use super::recent::FlowCache;
use super::seen::FlowAnomaly;
use super::window::Crossing;
use crate::address::Side;
use crate::packet::L2;
use crate::stream::FlowKey;

/// How the gate works in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// Everything is delivered, nobody is asked; operations are counted all the same.
    pub follow: bool,
    /// What is delivered brings the part of a program or file that it carries.
    pub contents: bool,
    /// Greatest numbers of what is kept.
    pub limits: Limits,
}

/// What the engine knows of a transaction's flow.
#[derive(Debug)]
pub struct Context<'a> {
    /// The flow.
    pub key: &'a FlowKey,
    /// MACs and VLAN of each side's last packet.
    pub l2: &'a [L2; 2],
    /// Who opened the connection, where that was seen.
    pub initiator: Option<Side>,
    /// The flow's own.
    pub cache: &'a mut FlowCache,
}

/// A transaction that Python gets to see.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// Its operation's number, 0 while everything is followed.
    pub operation: u32,
    /// Bit mask of the lanes, by position, that did not expect it or want it delivered; all ones where there is no expectation.
    pub lanes: u128,
    /// The operation has no expectation yet: to be answered with [`Gate::expect`].
    pub first: bool,
    /// The transaction.
    pub transaction: Arc<OwnedTransaction>,
}

/// What is taken from the gate.
#[derive(Debug, Clone)]
pub enum Fact {
    /// An unexpected (or followed) transaction.
    Transaction(Delivered),
    /// A new identity value.
    Observation(Arc<OwnedObservation>),
    /// The first of its kind between two sides.
    Anomaly(FlowAnomaly),
    /// A window reached its threshold.
    Crossing(Crossing),
}

/// What went through the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Transactions offered.
    pub transactions: u64,
    /// Transactions delivered.
    pub delivered: u64,
    /// Transactions that wait in the queue; all others were tallied without being delivered.
    pub waiting: u64,
    /// Operations.
    pub operations: u64,
    /// Clauses in use.
    pub clauses: u64,
}

/// What stands in the queue.
#[derive(Debug)]
pub(super) enum Waiting {
    /// An operation's number and its occurrence.
    Transaction(u32, Arc<OwnedTransaction>),
    /// Delivered as it is.
    Other(Fact),
}

impl Waiting {
    pub fn is_transaction(&self) -> bool {
        matches!(self, Waiting::Transaction(..) | Waiting::Other(Fact::Transaction(_)))
    }
}
