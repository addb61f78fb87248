//! The messages of the connection and of its secure channel: HEL, ACK, ERR, RHE, OPN, and what is encrypted.

use super::assembly;
use super::certificate::Certificate;
use super::message::build::Build;
use super::message::transport::{Asymmetric, Header, Kind, LEAST_BUFFER, Limits, Part, Sequence, text};
use super::pairing::compose::{channel, with_arena};
use super::pairing::identity;
use super::tables::security::{Mode, policy_of};
use super::tables::services::{access, function, service};
use super::tables::{self, anomaly};
use super::{Opcua, Seen, Sink};
use crate::address::{Moment, Side};
use crate::cursor::{Cursor, Incomplete};
use crate::protocols::Ending;
use crate::protocols::opcua::message::transport::HEADER;
use crate::protocols::opcua::pairing::state::kept;
use crate::transaction::{Anomalies, Outcome, Transaction, Value};

/// HEL and OPN without an answer are closed after so long, ns.
const TIMEOUT: u64 = 10_000_000_000;

/// A HEL that waits for its ACK.
#[derive(Debug)]
pub struct Hello {
    side: Side,
    at: Moment,
    url: Box<[u8]>,
    anomalies: Anomalies,
}

/// An encrypted OPN that waits for its answer.
#[derive(Debug)]
pub struct Opening {
    side: Side,
    at: Moment,
    anomalies: Anomalies,
}

/// A record of the connection.
struct Told {
    function: u32,
    client: Side,
    request: Option<Moment>,
    response: Option<Moment>,
    outcome: Outcome,
    anomalies: Anomalies,
    completed: u64,
}

impl Told {
    /// Hands it over with its fields.
    fn hand(&self, build: &Build<'_>, tag: u32, sink: &mut dyn Sink) {
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

impl Opcua {
    /// HEL, ACK, ERR or RHE.
    #[cold]
    pub(super) fn connection_message(
        &mut self,
        side: Side,
        kind: Kind,
        bytes: &[u8],
        (at, seen): (Moment, &Seen),
        sink: &mut dyn Sink,
    ) {
        let mut cursor = Cursor::new("opcua.connection", bytes);
        let read = cursor.skip(HEADER).and_then(|()| match kind {
            Kind::Hello => self.hello(side, &mut cursor, (at, seen), sink),
            Kind::Acknowledge => self.acknowledge(side, &mut cursor, (at, seen), sink),
            Kind::ReverseHello => self.reverse_hello(side, &mut cursor, (at, seen), sink),
            _ => self.error(side, &mut cursor, (at, seen), sink),
        });
        if read.is_err() {
            sink.anomaly(tables::NUMBER, anomaly::MALFORMED_BODY, side, at);
        }
    }

    fn hello(
        &mut self,
        side: Side,
        cursor: &mut Cursor<'_>,
        (at, seen): (Moment, &Seen),
        sink: &mut dyn Sink,
    ) -> Result<(), Incomplete> {
        let limits = Limits::read(cursor)?;
        let url = text(cursor)?;
        self.finish_hello((Outcome::Unknown, None), at.time.max(seen.clock), sink);
        self.client = Some(side);
        self.state.connection.client = Some(limits);
        self.state.complete = !self.lost && self.hints.initiator.is_some();
        let mut anomalies = Anomalies::default();
        anomalies.set(anomaly::UNSUPPORTED_VERSION, limits.version != 0);
        anomalies.set(anomaly::LIMIT_TOO_SMALL, limits.receive < LEAST_BUFFER || limits.send < LEAST_BUFFER);
        anomalies.set(anomaly::TRAILING_BYTES, cursor.remaining() > 0);
        self.hello = Some(Box::new(Hello { side, at, url: kept(url), anomalies }));
        Ok(())
    }

    fn acknowledge(
        &mut self,
        side: Side,
        cursor: &mut Cursor<'_>,
        (at, seen): (Moment, &Seen),
        sink: &mut dyn Sink,
    ) -> Result<(), Incomplete> {
        let limits = Limits::read(cursor)?;
        self.client = Some(side.other());
        self.state.connection.server = Some(limits);
        let mut anomalies = Anomalies::default();
        if let Some(offered) = self.state.connection.client {
            let raised = limits.receive > offered.send || limits.send > offered.receive;
            anomalies.set(anomaly::LIMIT_RAISED, raised);
        }
        anomalies.set(anomaly::LIMIT_TOO_SMALL, limits.receive < LEAST_BUFFER || limits.send < LEAST_BUFFER);
        if let Some(hello) = &mut self.hello {
            hello.anomalies.0 |= anomalies.0;
        }
        let completed = at.time.max(seen.clock);
        if self.hello.is_some() {
            self.finish_hello((Outcome::Accepted, Some(at)), completed, sink);
        } else {
            let told = Told {
                function: service::HELLO,
                client: side.other(),
                request: None,
                response: Some(at),
                outcome: Outcome::Accepted,
                anomalies,
                completed,
            };
            self.tell_hello(&told, &[], sink);
        }
        Ok(())
    }

    /// The server asks the client to begin (Part 6, 7.1.2.6): whoever receives it is client.
    fn reverse_hello(
        &mut self,
        side: Side,
        cursor: &mut Cursor<'_>,
        (at, seen): (Moment, &Seen),
        sink: &mut dyn Sink,
    ) -> Result<(), Incomplete> {
        let (uri, url) = (text(cursor)?, text(cursor)?);
        self.client = Some(side.other());
        let told = Told {
            function: service::REVERSE_HELLO,
            client: side.other(),
            request: None,
            response: Some(at),
            outcome: Outcome::Accepted,
            anomalies: Anomalies::default(),
            completed: at.time.max(seen.clock),
        };
        with_arena(|arena| {
            let mut build = Build::new(arena, &self.state, told.completed);
            build.text("server_uri", Some(uri));
            build.text("endpoint_url", Some(url));
            told.hand(&build, 0, sink);
        });
        Ok(())
    }

    /// An error ends the connection: it answers HEL or OPN, or nothing.
    fn error(
        &mut self,
        side: Side,
        cursor: &mut Cursor<'_>,
        (at, seen): (Moment, &Seen),
        sink: &mut dyn Sink,
    ) -> Result<(), Incomplete> {
        let (status, reason) = (cursor.u32_le()?, text(cursor)?);
        let completed = at.time.max(seen.clock);
        let outcome = Outcome::Rejected(tables::rejection(status));
        if self.hello.as_ref().is_some_and(|hello| hello.side != side) {
            self.finish_hello((outcome, Some(at)), completed, sink);
        } else if self.opening.as_ref().is_some_and(|opening| opening.side != side) {
            self.finish_opening((outcome, Some(at)), completed, sink);
        } else {
            let told = Told {
                function: service::ERROR,
                client: self.likely_client(side),
                request: None,
                response: Some(at),
                outcome,
                anomalies: Anomalies::default(),
                completed,
            };
            with_arena(|arena| {
                let mut build = Build::new(arena, &self.state, completed);
                channel(&mut build, &self.state.channel);
                build.text("reason", Some(reason));
                build.word("from", if told.client == side { "client" } else { "server" });
                told.hand(&build, self.state.channel.tag, sink);
            });
        }
        Ok(())
    }

    fn finish_hello(&mut self, (outcome, response): (Outcome, Option<Moment>), completed: u64, sink: &mut dyn Sink) {
        let Some(hello) = self.hello.take() else { return };
        let told = Told {
            function: service::HELLO,
            client: hello.side,
            request: Some(hello.at),
            response,
            outcome,
            anomalies: hello.anomalies,
            completed,
        };
        self.tell_hello(&told, &hello.url, sink);
    }

    fn tell_hello(&self, told: &Told, url: &[u8], sink: &mut dyn Sink) {
        with_arena(|arena| {
            let mut build = Build::new(arena, &self.state, told.completed);
            build.text("endpoint_url", Some(arena.alloc_slice_copy(url)));
            let limits =
                [("client_limits", self.state.connection.client), ("server_limits", self.state.connection.server)];
            for (name, limits) in limits.into_iter().filter_map(|(name, limits)| Some((name, limits?))) {
                let fields = [
                    super::message::text::number("version", limits.version),
                    super::message::text::number("receive_buffer", limits.receive),
                    super::message::text::number("send_buffer", limits.send),
                    super::message::text::number("max_message", limits.message),
                    super::message::text::number("max_chunks", limits.chunks),
                ];
                build.add(name, Value::Object(arena.alloc_slice_copy(&fields)));
            }
            told.hand(&build, 0, sink);
        });
    }

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

    fn finish_opening(&mut self, (outcome, response): (Outcome, Option<Moment>), completed: u64, sink: &mut dyn Sink) {
        let Some(opening) = self.opening.take() else { return };
        let answered = response.is_some();
        let told = Told {
            function: service::OPEN_SECURE_CHANNEL,
            client: opening.side,
            request: Some(opening.at).filter(|at| response != Some(*at)),
            response,
            outcome,
            anomalies: opening.anomalies,
            completed,
        };
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
        let told = Told {
            function: header.kind.function(),
            client,
            request: Some(at).filter(|_| client == side),
            response: Some(at).filter(|_| client != side),
            outcome: Outcome::Unknown,
            anomalies,
            completed: at.time.max(seen.clock),
        };
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

    /// Closes a HEL or OPN that waits for too long; the next deadline.
    pub(super) fn expire_connection(&mut self, seen: &Seen, sink: &mut dyn Sink) -> Option<u64> {
        let deadline = |at: Moment| at.time.saturating_add(TIMEOUT);
        let outcome = if seen.both_directions && !self.lost { Outcome::Unanswered } else { Outcome::Unknown };
        if let Some(end) = self.hello.as_ref().map(|hello| deadline(hello.at)).filter(|end| *end <= seen.clock) {
            self.finish_hello((outcome, None), end, sink);
        }
        if let Some(end) = self.opening.as_ref().map(|opening| deadline(opening.at)).filter(|end| *end <= seen.clock) {
            self.finish_opening((outcome, None), end, sink);
        }
        let open = [self.hello.as_ref().map(|hello| hello.at), self.opening.as_ref().map(|opening| opening.at)];
        open.into_iter().flatten().map(deadline).min()
    }

    /// The flow ends.
    pub(super) fn finish_connection(&mut self, ending: Ending, seen: &Seen, sink: &mut dyn Sink) {
        self.expire_connection(seen, sink);
        let judged = ending == Ending::Closed && seen.both_directions && !self.lost;
        let outcome = if judged { Outcome::Unanswered } else { Outcome::Unknown };
        self.finish_hello((outcome, None), seen.clock, sink);
        self.finish_opening((outcome, None), seen.clock, sink);
    }
}
