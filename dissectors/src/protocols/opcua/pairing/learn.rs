//! What a call changes in the state.

use bumpalo::Bump;

use super::state::{Node, State, kept, tag};
use crate::protocols::opcua::certificate::Certificate;
use crate::protocols::opcua::message::attributes::Target;
use crate::protocols::opcua::message::descriptions::Endpoint;
use crate::protocols::opcua::message::services::{Halves, RequestHeader};
use crate::protocols::opcua::message::sessions::{Asked, Granted, User};
use crate::protocols::opcua::message::types::{Read, Reader};
use crate::protocols::opcua::tables::attributes::kind;
use crate::protocols::opcua::tables::security::{Mode, UserType};
use crate::protocols::opcua::tables::services::service;
use crate::protocols::opcua::tables::{anomaly, is_bad};
use crate::transaction::Anomalies;

/// A user as it is kept and told.
#[derive(Debug, Clone, Default)]
pub struct Who {
    /// Kind of token.
    pub kind: UserType,
    /// Name, or subject of the certificate.
    pub name: Box<[u8]>,
}

impl Who {
    /// The user of a token.
    pub fn of(user: &User<'_>) -> Who {
        let subject = user.certificate.map(|der| match Certificate::read(der).content {
            Some(content) => kept(content.subject.as_bytes()),
            None => Box::default(),
        });
        Who { kind: user.kind, name: subject.unwrap_or_else(|| kept(user.name.unwrap_or_default())) }
    }
}

/// Services after which the state is another.
#[inline]
pub fn matters(service: u32) -> bool {
    !matches!(service, service::READ | service::PUBLISH | service::WRITE)
}

/// What was learned of a call before its record is made.
#[derive(Debug, Default)]
pub struct Learned {
    /// Anomalies of it.
    pub anomalies: Anomalies,
    /// The server offers better security than the session uses.
    pub downgraded: bool,
    /// The user that asked to be accepted.
    pub who: Option<Who>,
}

/// Before the record is made: what begins with this call. `accepted`: the response says yes.
pub fn begins(
    state: &mut State,
    service: u32,
    header: Option<&RequestHeader<'_>>,
    halves: &Halves<'_>,
    accepted: bool,
) -> Learned {
    let mut learned = Learned::default();
    if !matters(service) {
        return learned;
    }
    let read = match service {
        service::OPEN_SECURE_CHANNEL => open_channel(state, halves),
        service::GET_ENDPOINTS => endpoints(state, halves),
        service::CREATE_SESSION => create_session(state, halves, &mut learned),
        service::ACTIVATE_SESSION => activate_session(state, header, halves, accepted, &mut learned),
        service::CREATE_SUBSCRIPTION | service::MODIFY_SUBSCRIPTION => {
            create_subscription(state, service, halves, &mut learned)
        }
        service::CREATE_MONITORED_ITEMS => create_items(state, halves, &mut learned),
        service::MODIFY_MONITORED_ITEMS => modify_items(state, halves),
        service::BROWSE => browse(state, halves),
        service::BROWSE_NEXT => browse_next(state, halves),
        _ => Ok(()),
    };
    // What is wrong with it is told by its record.
    let _ = read;
    learned
}

/// After it: what ends with this call.
pub fn ends(state: &mut State, (service, at): (u32, u64), header: Option<&RequestHeader<'_>>, halves: &Halves<'_>) {
    let Some(mut request) = halves.request.filter(|_| matters(service)) else { return };
    let _: Read<()> = match service {
        service::CLOSE_SESSION => {
            if let Some(header) = header {
                state.sessions.close(&header.token, at);
            }
            Ok(())
        }
        service::DELETE_SUBSCRIPTIONS => {
            request.each(4, |body| body.u32().map(|id| state.subscriptions.delete(id))).map(|_| ())
        }
        service::DELETE_MONITORED_ITEMS => delete_items(state, &mut request),
        _ => Ok(()),
    };
}

fn open_channel(state: &mut State, halves: &Halves<'_>) -> Read<()> {
    if let Some(mut request) = halves.request {
        request.u32()?;
        let renewal = request.u32()? == 1;
        let mode = Mode::of(request.u32()?);
        state.channel.renewals = state.channel.renewals.saturating_add(u32::from(renewal));
        state.channel.secure(mode);
    }
    if let Some(mut response) = halves.response {
        response.u32()?;
        state.channel.id = Some(response.u32()?);
        let token = response.u32()?;
        let [last, _] = state.channel.issued;
        state.channel.issued = [Some(token), last];
    }
    Ok(())
}

fn endpoints(state: &mut State, halves: &Halves<'_>) -> Read<()> {
    halves.response.map_or(Ok(()), |mut body| offered(state, &mut body))
}

/// The best of a list of endpoints; only those of the binary protocol are a choice for this client.
fn offered(state: &mut State, body: &mut Reader<'_>) -> Read<()> {
    body.each(Endpoint::LEAST, |body| {
        let endpoint = Endpoint::read(body)?;
        let rank = endpoint.policy.map_or(0, |policy| policy.rank);
        if endpoint.url.is_some_and(|url| url.starts_with(b"opc.tcp:")) {
            state.offered = state.offered.max(Some((endpoint.mode, rank)));
        }
        Ok(())
    })
    .map(|_| ())
}

fn create_session(state: &mut State, halves: &Halves<'_>, learned: &mut Learned) -> Read<()> {
    let asked = match halves.request {
        Some(mut body) => Some(Asked::read(&mut body)?),
        None => None,
    };
    let uri = asked.as_ref().and_then(|asked| asked.client.uri).unwrap_or_default();
    if let Some(der) = asked.as_ref().and_then(|asked| asked.certificate).filter(|der| !der.is_empty()) {
        // Without security the certificate means nothing (Part 4, 5.7.2.2).
        let differs = state.channel.mode != Mode::None && Certificate::read(der).contradicts(uri);
        learned.anomalies.set(anomaly::APPLICATION_URI_MISMATCH, differs);
    }
    let Some(mut body) = halves.response else { return Ok(()) };
    let granted = Granted::read(&mut body)?;
    let (session, full) = state.sessions.ensure(&granted.token);
    learned.anomalies.set(anomaly::TOO_MANY_SESSIONS, full);
    if let (Some(session), Some(asked)) = (session, &asked) {
        session.application_uri = kept(uri);
        session.name = kept(asked.session_name.unwrap_or_default());
        session.endpoint_url = kept(asked.endpoint_url.unwrap_or_default());
        session.tag = state.channel.tag;
    }
    offered(state, &mut body)?;
    learned.downgraded = state.channel.is_downgraded(state.offered);
    Ok(())
}

fn activate_session(
    state: &mut State,
    header: Option<&RequestHeader<'_>>,
    halves: &Halves<'_>,
    accepted: bool,
    learned: &mut Learned,
) -> Read<()> {
    let (Some(mut body), Some(header)) = (halves.request, header) else { return Ok(()) };
    let who = Who::of(&User::of_request(&mut body)?);
    learned.downgraded = state.channel.is_downgraded(state.offered);
    if accepted {
        let number = tag(&state.channel, who.kind, &who.name);
        let (session, full) = state.sessions.ensure(&header.token);
        learned.anomalies.set(anomaly::TOO_MANY_SESSIONS, full);
        if let Some(session) = session {
            session.user_type = who.kind;
            session.user = who.name.clone();
            session.tag = number;
        }
    }
    learned.who = Some(who);
    Ok(())
}

/// The longest life of a subscription, ms.
const MAX_LIFETIME: f64 = 86_400_000.0;

fn create_subscription(state: &mut State, service: u32, halves: &Halves<'_>, learned: &mut Learned) -> Read<()> {
    let Some(mut body) = halves.response else { return Ok(()) };
    let id = match (service, halves.request) {
        (service::CREATE_SUBSCRIPTION, _) => body.u32()?,
        (_, Some(mut request)) => request.u32()?,
        _ => return Ok(()),
    };
    let (interval, count) = (body.f64()?, body.u32()?);
    let life = (interval * f64::from(count)).clamp(0.0, MAX_LIFETIME);
    // A NaN is no life at all.
    let nanoseconds = std::time::Duration::try_from_secs_f64(life / 1_000.0).map_or(0, |life| life.as_nanos());
    let fits = state.subscriptions.create(id, u64::try_from(nanoseconds).unwrap_or(u64::MAX));
    learned.anomalies.set(anomaly::TOO_MANY_SUBSCRIPTIONS, !fits);
    Ok(())
}

fn create_items(state: &mut State, halves: &Halves<'_>, learned: &mut Learned) -> Read<()> {
    let (Some(mut request), Some(mut response)) = (halves.request, halves.response) else { return Ok(()) };
    let subscription = request.u32()?;
    request.u32()?;
    let count = request.count(40)?.min(response.count(23)?);
    for _ in 0..count {
        let (target, _) = Target::read_value_id(&mut request)?;
        request.u32()?;
        let handle = request.u32()?;
        request.f64()?;
        request.extension()?;
        request.u32()?;
        request.bool()?;
        let (status, id) = (response.u32()?, response.u32()?);
        response.f64()?;
        response.u32()?;
        response.extension()?;
        if !is_bad(status) {
            let node = Node::of(target.node, request.arena);
            let fits = state.subscriptions.watch(subscription, handle, id, (node, kind(target.attribute)));
            learned.anomalies.set(anomaly::TOO_MANY_SUBSCRIPTIONS, !fits);
        }
    }
    Ok(())
}

fn modify_items(state: &mut State, halves: &Halves<'_>) -> Read<()> {
    let (Some(mut request), Some(mut response)) = (halves.request, halves.response) else { return Ok(()) };
    let subscription = request.u32()?;
    request.u32()?;
    let count = request.count(24)?.min(response.count(19)?);
    for _ in 0..count {
        let (id, handle) = (request.u32()?, request.u32()?);
        request.f64()?;
        request.extension()?;
        request.u32()?;
        request.bool()?;
        if !is_bad(response.u32()?) {
            state.subscriptions.rename(subscription, id, handle);
        }
        response.f64()?;
        response.u32()?;
        response.extension()?;
    }
    Ok(())
}

fn delete_items(state: &mut State, request: &mut Reader<'_>) -> Read<()> {
    let subscription = request.u32()?;
    request.each(4, |body| body.u32().map(|id| state.subscriptions.forget(subscription, id))).map(|_| ())
}

/// Continuation points belong to the nodes that were asked for.
fn browse(state: &mut State, halves: &Halves<'_>) -> Read<()> {
    let (Some(mut request), Some(mut response)) = (halves.request, halves.response) else { return Ok(()) };
    let arena: &Bump = request.arena;
    request.node_id()?;
    request.u64()?;
    request.u64()?;
    let count = request.count(17)?.min(response.count(12)?);
    for _ in 0..count {
        let node = request.node_id()?;
        request.u32()?;
        request.node_id()?;
        request.array::<9>()?;
        response.u32()?;
        let point = response.bytes()?.unwrap_or_default();
        if !point.is_empty() {
            state.continuations.insert(point, Node::of(node, arena));
        }
        references(&mut response)?;
    }
    Ok(())
}

/// Passes over the references of a node.
fn references(body: &mut Reader<'_>) -> Read<()> {
    body.each(15, |body| {
        body.node_id()?;
        body.bool()?;
        body.expanded()?;
        body.qualified_name()?;
        body.localized()?;
        body.u32()?;
        body.expanded().map(|_| ())
    })
    .map(|_| ())
}

/// New continuation points belong to the nodes of those that were asked for.
fn browse_next(state: &mut State, halves: &Halves<'_>) -> Read<()> {
    let (Some(mut request), Some(mut response)) = (halves.request, halves.response) else { return Ok(()) };
    request.bool()?;
    let count = request.count(4)?.min(response.count(12)?);
    for _ in 0..count {
        let node = state.continuations.find(request.bytes()?.unwrap_or_default()).cloned();
        response.u32()?;
        let point = response.bytes()?.unwrap_or_default();
        if let Some(node) = node.filter(|_| !point.is_empty()) {
            state.continuations.insert(point, node);
        }
        references(&mut response)?;
    }
    Ok(())
}
