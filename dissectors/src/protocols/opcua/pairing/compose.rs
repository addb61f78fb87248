//! From a request and its response to the record that leaves: who, how secured, as which user, what, how it ended.

use std::cell::RefCell;

use bumpalo::Bump;

use super::learn::{self, Learned};
use super::state::{Channel, Session, State, tag};
use super::{Message, identity};
use crate::address::Side;
use crate::protocols::Sink;
use crate::protocols::opcua::message::build::Build;
use crate::protocols::opcua::message::descriptions::policy_value;
use crate::protocols::opcua::message::services::{self, Halves, RequestHeader, ResponseHeader};
use crate::protocols::opcua::message::types::{Read, Reader, Wrong};
use crate::protocols::opcua::tables::security::UserType;
use crate::protocols::opcua::tables::services::{Half, access, function, half, service};
use crate::protocols::opcua::tables::{self, anomaly, is_bad};
use crate::transaction::{Anomalies, Outcome, Transaction, Value};

thread_local! {
    /// Where the lists of one record are put; empty between two records.
    static ARENA: RefCell<Bump> = RefCell::new(Bump::new());
}

/// Bytes that the arena keeps from record to record.
const MAX_ARENA: usize = 1024 * 1024;

/// Does something with an empty arena.
#[inline]
pub fn with_arena<T>(work: impl FnOnce(&Bump) -> T) -> T {
    ARENA.with(|arena| match arena.try_borrow_mut() {
        Ok(mut arena) => {
            let done = work(&arena);
            arena.reset();
            if arena.allocated_bytes() > MAX_ARENA {
                *arena = Bump::new();
            }
            done
        }
        Err(_) => work(&Bump::new()),
    })
}

/// A call before its record is made. At least one half is there.
pub struct Exchange<'a> {
    /// The service by the type id of its request.
    pub service: u32,
    /// Who asks.
    pub asker: Side,
    /// The request, where seen.
    pub request: Option<Message<'a>>,
    /// The response, where seen.
    pub response: Option<Message<'a>>,
    /// How it ended when there is no response.
    pub ending: Outcome,
    /// When it was complete, ns.
    pub completed: u64,
}

/// A half with its header read.
struct Opened<'a, H> {
    header: Option<H>,
    type_id: Option<u32>,
    body: Option<Reader<'a>>,
    wrong: Option<Wrong>,
}

impl<'a, H> Opened<'a, H> {
    #[inline]
    fn of(message: Option<Message<'a>>, arena: &'a Bump, read: impl FnOnce(&mut Reader<'a>) -> Read<H>) -> Self {
        let mut opened = Opened { header: None, type_id: None, body: None, wrong: None };
        let Some(message) = message else { return opened };
        let mut body = Reader::new(message.body, arena);
        let header = body.node_id().and_then(|id| {
            opened.type_id = id.standard();
            read(&mut body)
        });
        match header {
            Ok(header) => {
                opened.header = Some(header);
                opened.body = Some(body);
            }
            Err(wrong) => opened.wrong = Some(wrong),
        }
        opened
    }
}

impl<'a> Exchange<'a> {
    /// Of a service, without its halves.
    #[inline]
    pub fn new(service: u32, asker: Side, completed: u64) -> Self {
        Exchange { service, asker, request: None, response: None, ending: Outcome::Unknown, completed }
    }

    /// Makes the record and hands it over.
    #[inline]
    pub fn emit(&self, state: &mut State, sink: &mut dyn Sink) {
        with_arena(|arena| self.emit_in(arena, state, sink));
    }

    #[inline]
    fn emit_in(&self, arena: &Bump, state: &mut State, sink: &mut dyn Sink) {
        let request = Opened::of(self.request, arena, RequestHeader::read);
        let response = Opened::of(self.response, arena, ResponseHeader::read);
        let result = response.header.as_ref().map(|header| header.result);
        let accepted = result.is_some_and(|result| !is_bad(result));
        // A fault has no more than its header, and another service's response does not answer this request.
        let answers = response.type_id.and_then(half) == Some(Half::Response(self.service));
        let halves = Halves { request: request.body, response: response.body.filter(|_| answers) };
        let learned = learn::begins(state, self.service, request.header.as_ref(), &halves, accepted);
        let identity = self.record(arena, state, (&request, &response), (&halves, &learned), sink);
        if identity || learn::matters(self.service) {
            identity::observe(self, &halves, sink);
        }
        if accepted {
            learn::ends(state, (self.service, self.completed), request.header.as_ref(), &halves);
        }
    }

    /// Makes the record; true where its values tell an identity.
    fn record<'b>(
        &self,
        arena: &'b Bump,
        state: &'b State,
        (request, response): (&Opened<'b, RequestHeader<'b>>, &Opened<'b, ResponseHeader<'b>>),
        (halves, learned): (&Halves<'b>, &'b Learned),
        sink: &mut dyn Sink,
    ) -> bool {
        let mut build = Build::new(arena, state, self.completed);
        build.anomalies = learned.anomalies;
        let result = response.header.as_ref().map(|header| header.result);
        build.answered = result.is_some_and(|result| !is_bad(result));
        build.cut = self.request.is_some_and(|part| part.cut) || self.response.is_some_and(|part| part.cut);
        let tag = self.describe(&mut build, request, response, learned);
        services::compose(self.service, &mut build, halves);
        for wrong in [request.wrong, response.wrong].into_iter().flatten() {
            build.note(wrong);
        }
        close(&mut build, response.header.as_ref());
        self.hand(&build, result, tag, sink);
        self.service == service::READ && identity::is_told_by(&build.points)
    }

    /// What every record has: the numbers of the call, the channel, the session.
    #[inline]
    fn describe<'b>(
        &self,
        build: &mut Build<'b>,
        request: &Opened<'b, RequestHeader<'b>>,
        response: &Opened<'b, ResponseHeader<'b>>,
        learned: &'b Learned,
    ) -> u32 {
        let state = build.state;
        let number = self.request.as_ref().or(self.response.as_ref()).map_or(0, |message| message.request);
        build.number("request_id", number);
        let handles = (request.header.as_ref().map(|h| h.handle), response.header.as_ref().map(|h| h.handle));
        if let Some(handle) = handles.0.or(handles.1) {
            build.number("request_handle", handle);
        }
        channel(build, &state.channel);
        let token = request.header.as_ref().map(|header| header.token).filter(|token| token.standard() != Some(0));
        let asked = self.request.map_or(self.completed, |message| message.at.time);
        let session = token.and_then(|token| state.sessions.find(&token, asked));
        // A channel is closed after its session, and a session may come from another connection.
        let free = matches!(self.service, service::ACTIVATE_SESSION | service::CLOSE_SECURE_CHANNEL);
        let stranger = token.is_some() && session.is_none() && state.complete && !free;
        build.anomalies.set(anomaly::UNKNOWN_SESSION, stranger);
        let tag = user(build, session, learned);
        build.flag("downgraded", learned.downgraded);
        if let Some(header) = &request.header {
            build.text("audit_entry", header.audit);
            if header.diagnostics != 0 {
                build.number("return_diagnostics", header.diagnostics);
            }
        }
        let chunks = |message: Option<Message<'_>>| message.map_or(0, |message| message.chunks);
        if chunks(self.request) > 1 || chunks(self.response) > 1 {
            build.number("request_chunks", chunks(self.request));
            build.number("response_chunks", chunks(self.response));
        }
        tag
    }

    fn hand(&self, build: &Build<'_>, result: Option<u32>, tag: u32, sink: &mut dyn Sink) {
        let outcome = match result {
            _ if self.response.is_none() => self.ending,
            None => Outcome::Unknown,
            Some(result) if is_bad(result) => Outcome::Rejected(tables::rejection(result)),
            // Not one of its operations went well.
            Some(_) => build.refusal().map_or(Outcome::Accepted, |reason| Outcome::Rejected(tables::rejection(reason))),
        };
        let of = |message: &Option<Message<'_>>| message.as_ref().map_or(0, |message| message.anomalies.0);
        let anomalies = build.anomalies.0 | of(&self.request) | of(&self.response);
        let anomalies = Anomalies(anomalies);
        let gravest = build.points.iter().map(|point| point.access).max();
        sink.transaction(&Transaction {
            protocol: tables::NUMBER,
            client: self.asker,
            unit: None,
            function: function(self.service),
            sub_function: None,
            access: gravest.unwrap_or_else(|| access(self.service)),
            points: &build.points,
            outcome,
            anomalies,
            tag,
            request: self.request.map(|message| message.at),
            response: self.response.map(|message| message.at),
            completed: self.completed,
            detail: &build.fields,
        });
    }
}

/// How the channel is secured.
#[inline]
pub fn channel<'b>(build: &mut Build<'b>, channel: &'b Channel) {
    if let Some(id) = channel.id {
        build.number("channel_id", id);
    }
    build.word("security_mode", channel.mode.name());
    build.add("security_policy", policy_value(channel.policy, &channel.policy_uri));
}

/// Who asks: the session's application and user. What was not seen is unknown.
#[inline]
fn user<'b>(build: &mut Build<'b>, session: Option<&'b Session>, learned: &'b Learned) -> u32 {
    let state = build.state;
    let (kind, name, number) = match (&learned.who, session) {
        (Some(who), _) => (who.kind, &who.name, tag(&state.channel, who.kind, &who.name)),
        (None, Some(session)) => (session.user_type, &session.user, session.tag),
        (None, None) => {
            build.word("user_type", UserType::Unknown.name());
            return state.channel.tag;
        }
    };
    build.word("user_type", kind.name());
    build.text("user", Some(name));
    if let Some(session) = session {
        build.text("application_uri", Some(&session.application_uri));
        build.text("session_name", Some(&session.name));
        build.text("session_endpoint", Some(&session.endpoint_url));
    }
    number
}

/// What stands at the end of a record.
#[inline]
fn close<'b>(build: &mut Build<'b>, response: Option<&ResponseHeader<'b>>) {
    if build.refused > 0 {
        build.number("operations_refused", build.refused);
    }
    if build.omitted > 0 {
        build.number("points_omitted", build.omitted);
    }
    if !build.nameless.is_empty() {
        let list = std::mem::replace(&mut build.nameless, bumpalo::collections::Vec::new_in(build.arena));
        build.add("unnamed_values", Value::List(list.into_bump_slice()));
    }
    for (name, value) in
        response.map(|r| [("service_diagnostics", r.diagnostics), ("strings", r.strings)]).into_iter().flatten()
    {
        if value != Value::Null {
            build.add(name, value);
        }
    }
}
