//! Chunks of MSG and CLO, the messages that they become, and where these go.

use super::assembly;
use super::message::transport::{Header, Kind, Part, Sequence, Symmetric};
use super::message::types::Reader;
use super::pairing::{Context, Message, compose};
use super::tables::services::{Half, service};
use super::tables::{anomaly, half};
use super::{Opcua, Seen, Sink};
use crate::address::{Moment, Side};
use crate::transaction::Anomalies;

impl Opcua {
    /// A chunk of MSG or CLO.
    #[inline]
    pub(super) fn symmetric(
        &mut self,
        side: Side,
        header: &Header,
        bytes: &[u8],
        now: (Moment, &Seen),
        sink: &mut dyn Sink,
    ) {
        let Ok(symmetric) = Symmetric::read(bytes) else { return };
        let mut anomalies = Anomalies::default();
        assembly::check_channel(&mut self.state, side, &symmetric, &mut anomalies);
        if self.is_rest(side, header, &symmetric) {
            return;
        }
        let from_client = self.likely_client(side) == side;
        let [a, b] = &self.assembly;
        let before = if side == Side::A { a } else { b };
        assembly::check_sizes(&self.state, from_client, header, before, &mut anomalies);
        if !assembly::is_readable(&mut self.state, header, &symmetric) {
            return self.sealed(side, header, anomalies, now, sink);
        }
        let content = symmetric.rest;
        let cut = bytes.len() < header.size;
        let signature = if cut { 0 } else { self.state.channel.signature() };
        let content = content.get(..content.len().saturating_sub(signature)).unwrap_or_default();
        if let Ok(sequence) = Sequence::read(content) {
            self.sequenced(side, header, &sequence, (anomalies, cut), now, sink);
        }
    }

    /// A chunk of a message whose begin was not seen.
    #[inline]
    fn is_rest(&mut self, side: Side, header: &Header, symmetric: &Symmetric<'_>) -> bool {
        let Some(aligned) = self.aligned.get_mut(side.index()) else { return false };
        if *aligned {
            return false;
        }
        *aligned = header.part != Part::Intermediate;
        let begins =
            Sequence::read(symmetric.rest).is_ok_and(|sequence| assembly::looks_readable(header, sequence.body));
        *aligned |= begins;
        !begins && self.state.channel.readable != Some(false)
    }

    /// A chunk that can be read.
    #[inline]
    pub(super) fn sequenced(
        &mut self,
        side: Side,
        header: &Header,
        sequence: &Sequence<'_>,
        (mut anomalies, cut): (Anomalies, bool),
        now: (Moment, &Seen),
        sink: &mut dyn Sink,
    ) {
        let assembly = self.assembly(side);
        assembly.number(sequence.number, &mut anomalies);
        let whole = header.part == Part::Final && assembly.request.is_none();
        if whole {
            let size = u64::try_from(header.size).unwrap_or(u64::MAX);
            let (request, body) = (sequence.request, sequence.body);
            anomalies.set(anomaly::MESSAGE_CUT, cut);
            let message = Message { side, request, body, at: now.0, chunks: 1, size, cut, anomalies };
            return self.message(&message, header.kind, now, sink);
        }
        self.chunked(side, header, sequence, (anomalies, cut), now, sink);
    }

    /// A chunk of many.
    fn chunked(
        &mut self,
        side: Side,
        header: &Header,
        sequence: &Sequence<'_>,
        (anomalies, cut): (Anomalies, bool),
        now: (Moment, &Seen),
        sink: &mut dyn Sink,
    ) {
        let aborted = header.part == Part::Abort;
        let assembly = self.assembly(side);
        if aborted {
            // What it carries is the reason; the message is told as far as it went.
            assembly.request = Some(sequence.request);
            assembly.count(header);
            assembly.anomalies.0 |= anomalies.0;
            assembly.anomalies.set(anomaly::ABORTED, true);
            assembly.cut = true;
        } else {
            assembly.add(sequence, header, anomalies, cut);
        }
        if header.part == Part::Intermediate {
            return;
        }
        let whole = std::mem::take(assembly);
        let mut all = whole.anomalies;
        all.set(anomaly::MESSAGE_CUT, whole.cut && !aborted);
        let message = Message {
            side,
            request: sequence.request,
            body: &whole.bytes,
            at: now.0,
            chunks: whole.chunks,
            size: whole.size,
            cut: whole.cut,
            anomalies: all,
        };
        self.message(&message, header.kind, now, sink);
        let assembly = self.assembly(side);
        *assembly = whole;
        assembly.clear();
    }

    /// A whole message that can be read.
    #[inline]
    fn message(&mut self, message: &Message<'_>, kind: Kind, (_, seen): (Moment, &Seen), sink: &mut dyn Sink) {
        let side = message.side;
        let (type_id, known) = match message.body {
            [1, 0, low, high, ..] => {
                let id = u32::from(u16::from_le_bytes([*low, *high]));
                (id, half(id))
            }
            body => type_of(body, kind),
        };
        let client = match known {
            Some(Half::Request(_)) => side,
            Some(Half::Response(_) | Half::Fault) => side.other(),
            None => self.likely_client(side),
        };
        self.client.get_or_insert(client);
        let certain = self.state.complete && !self.lost;
        let mut context = Context { state: &mut self.state, seen, certain };
        match known {
            Some(Half::Request(service)) => self.pairing.request(message, service, &mut context, sink),
            None if client == side => {
                let mut message = *message;
                message.anomalies.set(anomaly::UNKNOWN_SERVICE, message.body.len() >= 2);
                self.pairing.request(&message, type_id, &mut context, sink);
            }
            _ => self.pairing.response(message, known, &mut context, sink),
        }
    }
}

/// The type id of a message in any encoding.
#[cold]
fn type_of(body: &[u8], kind: Kind) -> (u32, Option<Half>) {
    let id = compose::with_arena(|arena| Reader::new(body, arena).node_id().ok().and_then(|id| id.standard()));
    match id {
        Some(id) => (id, half(id)),
        // An aborted request may have no bytes at all.
        None if kind == Kind::Close => (service::CLOSE_SECURE_CHANNEL, half(service::CLOSE_SECURE_CHANNEL)),
        None => (0, None),
    }
}
