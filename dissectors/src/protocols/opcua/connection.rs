//! The messages of the connection: HEL, ACK, ERR and RHE.

use super::message::build::Build;
use super::message::text::number;
use super::message::transport::{HEADER, Kind, LEAST_BUFFER, Limits, text};
use super::pairing::compose::{channel, with_arena};
use super::pairing::state::kept;
use super::tables::services::service;
use super::tables::{self, anomaly};
use super::told::Told;
use super::{Ending, Opcua, Seen, Sink};
use crate::address::{Moment, Side};
use crate::cursor::{Cursor, Incomplete};
use crate::transaction::{Anomalies, Outcome, Value};

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
            let told = Told::said(service::HELLO, side.other(), (side, at), Outcome::Accepted, seen).with(anomalies);
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
        let told = Told::said(service::REVERSE_HELLO, side.other(), (side, at), Outcome::Accepted, seen);
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
            let told = Told::said(service::ERROR, self.likely_client(side), (side, at), outcome, seen);
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
        let asked = (hello.side, hello.at);
        let told = Told::asked(service::HELLO, asked, (outcome, response), completed).with(hello.anomalies);
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
                    number("version", limits.version),
                    number("receive_buffer", limits.receive),
                    number("send_buffer", limits.send),
                    number("max_message", limits.message),
                    number("max_chunks", limits.chunks),
                ];
                build.add(name, Value::Object(arena.alloc_slice_copy(&fields)));
            }
            told.hand(&build, 0, sink);
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
