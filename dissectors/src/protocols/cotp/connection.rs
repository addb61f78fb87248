//! The set-up, refusal and end of a connection, told as transactions of what rides on it.

use super::message::{Setup, Tsap};
use super::tables::{self, CONNECT, DISCONNECT, ERROR};
use super::{IsoOnTcp, Link, PASSENGERS, recognition};
use crate::address::{Moment, Side};
use crate::protocols::{Ending, Seen, Sink};
use crate::transaction::{Access, Anomalies, Code, Field, Observation, Outcome, Transaction, Value};

/// A request for a connection that gets no answer is closed after so long, ns.
const TIMEOUT: u64 = 10_000_000_000;

/// The type of an S7 connection, the first byte of the selector that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A programming device.
    Programming,
    /// An operator panel.
    Operator,
    /// S7 basic communication between controllers.
    Basic,
    /// A configured connection, with the number of its resource.
    Configured(u8),
}

impl Kind {
    fn of(first: u8) -> Option<Kind> {
        match first {
            0 => None,
            1 => Some(Kind::Programming),
            2 => Some(Kind::Operator),
            3 => Some(Kind::Basic),
            resource => Some(Kind::Configured(resource)),
        }
    }

    /// The word in the output.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Programming => "pg",
            Kind::Operator => "op",
            Kind::Basic => "basic",
            Kind::Configured(_) => "configured",
        }
    }
}

/// Type, and rack and slot, of a selector of S7: two bytes.
pub(super) fn place(tsap: &Tsap) -> Option<(Kind, u32)> {
    match tsap.bytes() {
        [kind, place] => Some((Kind::of(*kind)?, u32::from(*place))),
        _ => None,
    }
}

/// What was said at the set-up.
#[derive(Debug)]
pub(super) struct Connection {
    client: Side,
    request: Option<(Setup, Moment)>,
    confirm: Option<(Setup, Moment)>,
    refusal: Option<(Code, Moment)>,
    /// Answers were lost since the request.
    lost: bool,
    deadline: u64,
}

impl Connection {
    pub(super) fn lose(&mut self, side: Side) {
        self.lost |= side != self.client;
    }

    fn setup(&self) -> Option<&Setup> {
        self.request.as_ref().or(self.confirm.as_ref()).map(|(setup, _)| setup)
    }

    fn outcome(&self, is_over: bool, seen: &Seen) -> Outcome {
        let lost = self.lost || seen.lost.get(self.client.other().index()).copied().unwrap_or_default();
        match (self.refusal, self.confirm) {
            (Some((code, _)), _) => Outcome::Rejected(code),
            (None, Some(_)) => Outcome::Accepted,
            (None, None) if is_over && seen.both_directions && !lost => Outcome::Unanswered,
            (None, None) => Outcome::Unknown,
        }
    }

    fn tell(&self, protocol: u8, unit: Option<u32>, outcome: Outcome, completed: u64, sink: &mut dyn Sink) {
        let mut fields = [const { Field { name: "", value: Value::Null } }; 10];
        let count = self.describe(&mut fields);
        sink.transaction(&Transaction {
            protocol,
            client: self.client,
            unit,
            function: tables::function(&CONNECT),
            sub_function: None,
            access: Access::Session,
            points: &[],
            outcome,
            anomalies: Anomalies::default(),
            tag: 0,
            request: self.request.as_ref().map(|(_, at)| *at),
            response: self.refusal.map(|(_, at)| at).or(self.confirm.as_ref().map(|(_, at)| *at)),
            completed,
            detail: fields.get(..count).unwrap_or_default(),
        });
    }

    /// An accepted connection's type says what its client is: a programming device, a panel, a controller.
    fn observe(&self, protocol: u8, kind: Kind, sink: &mut dyn Sink) {
        if let (Some((_, at)), Some(_)) = (&self.request, &self.confirm) {
            sink.observation(&Observation {
                protocol,
                side: self.client,
                unit: None,
                attribute: "connection_type",
                value: Value::Text(kind.name().as_bytes()),
                field: "cotp.called_tsap",
                at: *at,
            });
        }
    }

    /// What the selectors and parameters say.
    fn describe<'a>(&'a self, fields: &mut [Field<'a>]) -> usize {
        let Some(setup) = self.setup() else { return 0 };
        let mut count = 0_usize;
        let mut add = |name, value| {
            if let Some(place) = fields.get_mut(count) {
                *place = Field { name, value };
                count = count.saturating_add(1);
            }
        };
        add("class", Value::Unsigned(u64::from(setup.class)));
        for (name, tsap) in [("calling_tsap", &setup.calling), ("called_tsap", &setup.called)] {
            match tsap {
                Some(tsap) if tsap.is_text() => add(name, Value::Text(tsap.bytes())),
                Some(tsap) => add(name, Value::Hex(tsap.bytes())),
                None => {}
            }
        }
        if let Some((kind, _)) = setup.called.as_ref().and_then(place) {
            add("connection_type", Value::Text(kind.name().as_bytes()));
        }
        // What was agreed is the confirmation's, as far as it says so.
        let agreed = self.confirm.as_ref().map(|(confirm, _)| confirm.size).filter(|size| *size != 0);
        let exponent = agreed.unwrap_or(setup.size);
        if let Some(bytes) = 1_u64.checked_shl(u32::from(exponent)).filter(|_| (7..=13).contains(&exponent)) {
            add("tpdu_size", Value::Unsigned(bytes));
        }
        add("source_reference", Value::Unsigned(u64::from(setup.source)));
        if let Some((confirm, _)) = &self.confirm {
            add("destination_reference", Value::Unsigned(u64::from(confirm.source)));
        }
        count
    }
}

impl IsoOnTcp {
    /// A connection request. An older connection on the same flow is over.
    pub(super) fn requested(&mut self, side: Side, setup: Setup, at: Moment, seen: &Seen, sink: &mut dyn Sink) {
        self.finish_connection(Ending::Closed, seen, sink);
        let called = setup.called.as_ref().and_then(place);
        let known = self.link.client.is_some();
        self.link = Link {
            client: Some(side),
            from_start: !known && self.link.lost == [false; 2],
            unit: called.map(|(_, unit)| unit),
            kind: called.map(|(kind, _)| kind),
            ..self.link
        };
        // Whatever was being sent before is over as well.
        self.parts = Default::default();
        self.parted = [false; 2];
        self.connection = Some(Box::new(Connection {
            client: side,
            request: Some((setup, at)),
            confirm: None,
            refusal: None,
            lost: false,
            deadline: seen.clock.max(at.time).saturating_add(TIMEOUT),
        }));
    }

    /// A confirmation, mostly of the request that waits.
    pub(super) fn confirmed(&mut self, side: Side, setup: Setup, at: Moment) {
        let client = side.other();
        match &mut self.connection {
            Some(connection) if connection.client == client && connection.confirm.is_none() => {
                connection.confirm = Some((setup, at));
            }
            Some(_) => {}
            None if self.link.client.is_none() => {
                let called = setup.called.as_ref().and_then(place);
                self.link.client = Some(client);
                self.link.unit = called.map(|(_, unit)| unit);
                self.link.kind = called.map(|(kind, _)| kind);
                self.connection = Some(Box::new(Connection {
                    client,
                    request: None,
                    confirm: Some((setup, at)),
                    refusal: None,
                    lost: false,
                    deadline: at.time.saturating_add(TIMEOUT),
                }));
            }
            None => {}
        }
    }

    /// A refusal of what waits to be confirmed, or the end of the connection.
    pub(super) fn disconnected(&mut self, side: Side, reason: u8, at: Moment, seen: &Seen, sink: &mut dyn Sink) {
        let code = tables::reason(tables::REASON.saturating_add(u32::from(reason)));
        match &mut self.connection {
            Some(connection) if connection.client != side && connection.confirm.is_none() => {
                connection.refusal = Some((code, at));
                self.tell_connection(None, seen, sink);
            }
            _ => {
                self.finish_connection(Ending::Closed, seen, sink);
                self.tell_end(side, (DISCONNECT.code, Some(DISCONNECT.name)), code, at, seen, sink);
            }
        }
    }

    /// An error TPDU.
    pub(super) fn error(&mut self, side: Side, cause: u8, at: Moment, seen: &Seen, sink: &mut dyn Sink) {
        let code = tables::reason(u32::from(cause).saturating_add(tables::ERROR_CAUSE));
        self.tell_end(side, (ERROR.code, Some(ERROR.name)), code, at, seen, sink);
    }

    /// One side ends the connection or complains: nobody answers that.
    fn tell_end(
        &self,
        side: Side,
        (function, name): (u32, Option<&'static str>),
        code: Code,
        at: Moment,
        seen: &Seen,
        sink: &mut dyn Sink,
    ) {
        let client = self.link.client.unwrap_or_else(|| side.other());
        let by = if side == client { "client" } else { "server" };
        let Some(protocol) = self.passenger(None) else { return };
        let rejected = function == ERROR.code && side != client;
        let reason = code.name.map_or(Value::Null, |name| Value::Text(name.as_bytes()));
        sink.transaction(&Transaction {
            protocol,
            client,
            unit: self.link.unit,
            function: Code { code: function, name },
            sub_function: None,
            access: Access::Session,
            points: &[],
            outcome: if rejected { Outcome::Rejected(code) } else { Outcome::Unknown },
            anomalies: Anomalies::default(),
            tag: 0,
            request: (side == client).then_some(at),
            response: (side != client).then_some(at),
            completed: at.time.max(seen.clock),
            detail: &[
                Field { name: "by", value: Value::Text(by.as_bytes()) },
                Field { name: "reason_code", value: Value::Unsigned(u64::from(code.code & 0xFF)) },
                Field { name: "reason", value: reason },
            ],
        });
    }

    /// The number of the protocol that rides here: the one that speaks, else the one that was called, else the first of all.
    fn passenger(&self, speaks: Option<usize>) -> Option<u8> {
        let riding = || self.riders.get(self.usual).is_some_and(Option::is_some).then_some(self.usual);
        let setup = self.connection.as_ref().and_then(|connection| connection.setup());
        let called = || setup.and_then(recognition::is_called);
        let index = speaks.or_else(riding).or_else(called).unwrap_or(0);
        PASSENGERS.get(index).map(|passenger| passenger.protocol)
    }

    /// The set-up leaves: its protocol is known, or will never be.
    #[cold]
    pub(super) fn tell_connection(&mut self, speaks: Option<usize>, seen: &Seen, sink: &mut dyn Sink) {
        self.leave(speaks, false, seen.clock, seen, sink);
    }

    fn leave(&mut self, speaks: Option<usize>, is_over: bool, completed: u64, seen: &Seen, sink: &mut dyn Sink) {
        let protocol = self.passenger(speaks);
        if let (Some(connection), Some(protocol)) = (self.connection.take(), protocol) {
            let last = connection.refusal.map(|(_, at)| at.time).unwrap_or_default();
            let outcome = connection.outcome(is_over, seen);
            connection.tell(protocol, self.link.unit, outcome, completed.max(last), sink);
            if let Some(kind) = self.link.kind {
                connection.observe(protocol, kind, sink);
            }
        }
    }

    pub(super) fn expire_connection(&mut self, seen: &Seen, sink: &mut dyn Sink) -> Option<u64> {
        let deadline = self.connection.as_ref()?.deadline;
        if deadline > seen.clock {
            return Some(deadline);
        }
        self.leave(None, true, deadline, seen, sink);
        None
    }

    pub(super) fn finish_connection(&mut self, ending: Ending, seen: &Seen, sink: &mut dyn Sink) {
        self.expire_connection(seen, sink);
        if self.connection.is_some() {
            self.leave(None, ending == Ending::Closed, seen.clock, seen, sink);
        }
    }
}
