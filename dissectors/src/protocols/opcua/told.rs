//! Records of the connection and of its channel: what is told of HEL, ACK, ERR, RHE, OPN and of what cannot be read.

use super::message::build::Build;
use super::tables;
use super::tables::services::{access, function};
use super::{Seen, Sink};
use crate::address::{Moment, Side};
use crate::transaction::{Anomalies, Outcome, Transaction};

/// A record of the connection.
pub struct Told {
    function: u32,
    /// Who asks.
    pub client: Side,
    request: Option<Moment>,
    response: Option<Moment>,
    outcome: Outcome,
    anomalies: Anomalies,
    /// When it was complete, ns.
    pub completed: u64,
}

impl Told {
    /// A request with what became of it, complete at a time (ns).
    pub fn asked(
        function: u32,
        (client, at): (Side, Moment),
        (outcome, response): (Outcome, Option<Moment>),
        completed: u64,
    ) -> Told {
        let request = Some(at).filter(|at| response != Some(*at));
        Told { function, client, request, response, outcome, anomalies: Anomalies::default(), completed }
    }

    /// One message of the client, or of its server.
    pub fn said(function: u32, client: Side, (side, at): (Side, Moment), outcome: Outcome, seen: &Seen) -> Told {
        let (request, response) = if side == client { (Some(at), None) } else { (None, Some(at)) };
        let completed = at.time.max(seen.clock);
        Told { function, client, request, response, outcome, anomalies: Anomalies::default(), completed }
    }

    /// The same, with what is wrong with it.
    pub fn with(self, anomalies: Anomalies) -> Told {
        Told { anomalies, ..self }
    }

    /// Hands it over with its fields.
    pub fn hand(&self, build: &Build<'_>, tag: u32, sink: &mut dyn Sink) {
        sink.transaction(&Transaction {
            protocol: tables::NUMBER,
            client: self.client,
            unit: None,
            function: function(self.function),
            sub_function: None,
            access: access(self.function),
            points: &[],
            outcome: self.outcome,
            anomalies: Anomalies(self.anomalies.0 | build.anomalies.0),
            tag,
            request: self.request,
            response: self.response,
            completed: self.completed,
            detail: &build.fields,
        });
    }
}
