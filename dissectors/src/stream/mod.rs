//! Flows: who talks with whom, what was seen of it and what was not, and TCP bytes in order.

mod clock;
mod flow;
mod flows;
mod idle;
mod index;
mod key;
mod ledger;
mod limits;
mod slots;
mod tcp;
#[cfg(test)]
mod tests;
mod timers;
mod waiting;

pub use clock::{CONFIRMATIONS, Came, Clock, JUMP, Tick};
pub use flow::{Flow, FlowId, Scene};
pub use flows::{Flows, Found, Receiver, Slot};
pub use key::{FlowKey, state};
pub use ledger::{Counts, Ledger, Rare, Totals};
pub use limits::Limits;
pub use tcp::{ACKED_WAIT, CHECKSUMS, Event, FAR, FAR_SEGMENTS, ONE_WAY_WAIT, Tcp, UNACKED_WAIT};
pub use timers::{MAX_TIMERS, Timers};
pub use waiting::Pool;
