//! How what comes out of a flow reaches the engine.

use crate::packet::L2;
use crate::protocols::Ending;
use crate::stream::flow::{Flow, FlowId, Scene};
use crate::stream::key::FlowKey;
use crate::stream::ledger::Ledger;
use crate::stream::tcp::{Event, Out, Sink, Tcp};
use crate::stream::waiting::Pool;

/// Who takes what comes out of the table.
pub trait Receiver<T> {
    /// The next thing in a TCP flow.
    fn event(&mut self, event: Event<'_>, scene: &mut Scene<'_, T>);
    /// A flow ends; its last events have been given. The record is used again afterwards.
    fn ended(&mut self, id: FlowId, flow: &mut Flow<T>, ending: Ending);
}

/// Hands a stream's events to the receiver, with the rest of the flow's record.
pub(super) struct Stage<'a, T, R> {
    id: FlowId,
    generation: u32,
    key: &'a FlowKey,
    l2: &'a [L2; 2],
    data: &'a mut T,
    clock: u64,
    receiver: &'a mut R,
}

impl<T, R: Receiver<T>> Sink for Stage<'_, T, R> {
    #[inline]
    fn event(&mut self, event: Event<'_>, ledger: &mut Ledger, tcp: &Tcp) {
        let Stage { id, generation, key, l2, clock, .. } = *self;
        let mut scene = Scene { id, generation, key, tcp, l2, ledger, data: self.data, clock };
        self.receiver.event(event, &mut scene);
    }
}

/// Runs something on a flow's stream.
#[inline]
pub(super) fn on_stage<T, R: Receiver<T>>(
    id: FlowId,
    flow: &mut Flow<T>,
    pool: &mut Pool,
    clock: u64,
    receiver: &mut R,
    run: impl FnOnce(&mut Tcp, &mut Out<'_, Stage<'_, T, R>>),
) {
    let Flow { key, l2, generation, tcp, ledger, data, .. } = flow;
    let sink = Stage { id, generation: *generation, key, l2, data, clock, receiver };
    run(tcp, &mut Out { ledger, pool, sink });
}
