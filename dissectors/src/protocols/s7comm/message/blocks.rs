//! Blocks on their way into the controller and out of it.

use super::compose::{Exchange, Fields, Parts};
use crate::protocols::Sink;
use crate::protocols::s7comm::transfer::State;
use crate::transaction::{Access, Anomalies};

/// Hands over a step of an upload or download.
pub fn emit(exchange: &Exchange<'_>, _state: &mut State, sink: &mut dyn Sink) {
    let detail = Fields::with(exchange.reference());
    let parts = Parts {
        sub_function: None,
        access: Access::Program,
        points: &[],
        detail: detail.as_slice(),
        outcome: exchange.outcome(),
        anomalies: Anomalies::default(),
    };
    exchange.hand(&parts, sink);
}
