//! The secure channel: OPN, and what is encrypted.

use super::assembly;
use super::certificate::Certificate;
use super::message::build::Build;
use super::message::transport::{Asymmetric, Header, Part, Sequence};
use super::pairing::compose::{channel, with_arena};
use super::pairing::identity;
use super::pairing::state::kept;
use super::tables::security::{Mode, policy_of};
use super::tables::services::service;
use super::tables::{self, anomaly};
use super::told::Told;
use super::{Opcua, Seen, Sink};
use crate::address::{Moment, Side};
use crate::transaction::{Anomalies, Outcome};

/// An encrypted OPN that waits for its answer.
#[derive(Debug)]
pub struct Opening {
    pub(super) side: Side,
    pub(super) at: Moment,
    anomalies: Anomalies,
}

impl Opcua {
    /// OPN: with no policy it is a call like others, else only what stands before the encrypted part is read.
    #[cold]
    pub(super) fn open(
        &mut self,
        side: Side,
        header: &Header,
        bytes: &[u8],
        (at, seen): (Moment, &Seen),
        sink: &mut dyn Sink,
    ) {
        let Ok(asymmetric) = Asymmetric::read(bytes) else {
            return sink.anomaly(tables::NUMBER, anomaly::MALFORMED_BODY, side, at);
        };
        let policy = policy_of(asymmetric.policy);
        let sequence = Sequence::read(asymmetric.rest);
        let readable = sequence.is_ok_and(|sequence| assembly::looks_readable(header, sequence.body));
        let client = self.learn_channel(side, &asymmetric, policy.is_some_and(|policy| policy.rank == 0));
        match sequence {
            Ok(sequence) if readable || header.part == Part::Abort => {
                self.sequenced(side, header, &sequence, (Anomalies::default(), false), (at, seen), sink);
            }
            _ if client == side => {
                self.finish_opening((Outcome::Unknown, None), at.time.max(seen.clock), sink);
                let mut anomalies = Anomalies::default();
                anomalies.set(anomaly::UNKNOWN_POLICY, policy.is_none());
                self.opening = Some(Box::new(Opening { side, at, anomalies }));
            }
            _ => {
                self.state.channel.id = Some(asymmetric.channel).filter(|id| *id != 0).or(self.state.channel.id);
                let completed = at.time.max(seen.clock);
                if self.opening.is_none() {
                    self.opening = Some(Box::new(Opening { side: side.other(), at, anomalies: Anomalies::default() }));
                }
                self.finish_opening((Outcome::Accepted, Some(at)), completed, sink);
            }
        }
        self.observe_certificate(side, at, sink);
    }

    /// Keeps what an OPN says of the channel; gives who is client.
    fn learn_channel(&mut self, side: Side, asymmetric: &Asymmetric<'_>, none: bool) -> Side {
        let client = self.likely_client(side);
        let channel = &mut self.state.channel;
        // Only the first OPN of a client has no channel yet (Part 6, 6.7.2.3).
        channel.renewals =
            channel.renewals.saturating_add(u32::from(!none && client == side && asymmetric.channel != 0));
        channel.seen = true;
        channel.policy = policy_of(asymmetric.policy);
        channel.policy_uri = if channel.policy.is_some() { Box::default() } else { kept(asymmetric.policy) };
        if none {
            channel.readable = Some(true);
            channel.secure(Mode::None);
        }
        let place = usize::from(client != side);
        if let (Some(kept), false) = (channel.certificates.get_mut(place), asymmetric.certificate.is_empty()) {
            *kept = Some(Box::new(Certificate::read(asymmetric.certificate)));
        }
        client
    }

    fn observe_certificate(&self, side: Side, at: Moment, sink: &mut dyn Sink) {
        let place = usize::from(self.likely_client(side) != side);
        if let Some(Some(certificate)) = self.state.channel.certificates.get(place) {
            identity::certificate(sink, side, at, certificate);
        }
    }

    pub(super) fn finish_opening(
        &mut self,
        (outcome, response): (Outcome, Option<Moment>),
        completed: u64,
        sink: &mut dyn Sink,
    ) {
        let Some(opening) = self.opening.take() else { return };
        let answered = response.is_some();
        let asked = (opening.side, opening.at);
        let told =
            Told::asked(service::OPEN_SECURE_CHANNEL, asked, (outcome, response), completed).with(opening.anomalies);
        with_arena(|arena| {
            let mut build = Build::new(arena, &self.state, completed);
            let state = &self.state.channel;
            channel(&mut build, state);
            build.word("content", "encrypted");
            build.number("renewals", state.renewals);
            build.flag("deprecated_policy", state.policy.is_some_and(|policy| policy.deprecated));
            let names = ["client_certificate", "server_certificate"];
            for (name, certificate) in names.into_iter().zip(&state.certificates).take(if answered { 2 } else { 1 }) {
                if let Some(certificate) = certificate {
                    build.anomalies.0 |= certificate.anomalies(completed).0;
                    build.add(name, certificate.value(arena));
                }
            }
            told.hand(&build, state.tag, sink);
        });
    }

    /// A chunk that cannot be read. The last one of a message tells the message.
    pub(super) fn sealed(
        &mut self,
        side: Side,
        header: &Header,
        anomalies: Anomalies,
        (at, seen): (Moment, &Seen),
        sink: &mut dyn Sink,
    ) {
        let client = self.likely_client(side);
        let assembly = self.assembly(side);
        assembly.request = Some(0);
        assembly.count(header);
        assembly.anomalies.0 |= anomalies.0;
        assembly.anomalies.set(anomaly::ABORTED, header.part == Part::Abort);
        if header.part == Part::Intermediate {
            return;
        }
        let (chunks, size, anomalies) = (assembly.chunks, assembly.size, assembly.anomalies);
        assembly.clear();
        let told = Told::said(header.kind.function(), client, (side, at), Outcome::Unknown, seen).with(anomalies);
        with_arena(|arena| {
            let mut build = Build::new(arena, &self.state, told.completed);
            channel(&mut build, &self.state.channel);
            build.word("content", "encrypted");
            build.word("direction", if client == side { "request" } else { "response" });
            build.number("size", size);
            build.number("chunks", chunks);
            told.hand(&build, self.state.channel.tag, sink);
        });
    }
}
