//! The short way of the usual record: a poll of classes and the response of one fragment that accepts it, with values alone. Nine
//! of ten transactions are that. It says what the general way says; whatever is unusual takes that one.

use super::application;
use super::compose::{Exchange, with_arena};
use super::detail;
use super::objects::Walk;
use super::points::Points;
use crate::protocols::Sink;
use crate::protocols::dnp3::tables::objects::Layout;
use crate::protocols::dnp3::tables::{self, Kind, subs};
use crate::transaction::{Access, Anomalies, Field, Outcome, Point, SubFunction, Transaction, Value, Values};

use bumpalo::collections::Vec as List;

/// Object headers of a poll that is usual.
const MAX_HEADERS: usize = 4;

/// Indications that make a response unusual: trouble, refusals, reserved ones.
const UNUSUAL: u16 = 0x40F7;

/// The classes that a poll names.
struct Poll {
    headers: [Value<'static>; MAX_HEADERS],
    count: usize,
    mask: u8,
}

impl Poll {
    /// Of the objects of a request, when it names classes and nothing else, none of them twice.
    #[inline]
    fn read(objects: &[u8]) -> Option<Poll> {
        let (headers, rest) = objects.as_chunks::<3>();
        if !rest.is_empty() || headers.is_empty() || headers.len() > MAX_HEADERS {
            return None;
        }
        let mut poll = Poll { headers: [Value::Null; MAX_HEADERS], count: headers.len(), mask: 0 };
        for (place, header) in poll.headers.iter_mut().zip(headers) {
            let [60, variation @ 1..=4, 6] = header else { return None };
            let class = variation.saturating_sub(1);
            *place = Value::Object(detail::CLASS_HEADERS.get(usize::from(class))?);
            poll.mask |= 1 << class;
        }
        // Classes that do not stand side by side are more than one point.
        let run = u32::from(self::run(poll.mask));
        (poll.mask.count_ones() == run).then_some(poll)
    }

    #[inline]
    fn sub_function(&self) -> SubFunction {
        let code = match self.mask {
            1 => subs::CLASS_0_POLL,
            mask if mask & 1 == 1 => subs::INTEGRITY_POLL,
            _ => subs::EVENT_POLL,
        };
        tables::sub_function(u32::from(application::READ), code).0
    }

    #[inline]
    fn point(&self) -> Point<'static> {
        let first = u64::from(self.mask.trailing_zeros());
        let last = first.saturating_add(u64::from(run(self.mask))).saturating_sub(1);
        let kind = Kind::Class.index();
        Point { kind, access: Access::Read, block: 0, first, last, name: None, values: Values::Unseen, fields: &[] }
    }
}

/// Length of the lowest run of set bits.
#[inline]
fn run(mask: u8) -> u8 {
    let shifted = mask.checked_shr(mask.trailing_zeros()).unwrap_or(0);
    u8::try_from(shifted.trailing_ones()).unwrap_or(0)
}

/// Whether nothing was met while pairing that a record has to tell.
#[inline]
fn is_plain(exchange: &Exchange<'_>) -> bool {
    exchange.anomalies.is_empty()
        && exchange.retries == 0
        && !exchange.repeated
        && !exchange.incomplete
        && exchange.confirmed.is_none()
        && exchange.select.is_none()
        && exchange.challenged.is_none()
        && exchange.unit & 0xFFFF < u32::from(tables::SELF_ADDRESS)
}

/// Tells a usual record; false, and nothing said, when it is not one.
#[inline]
pub fn tell(exchange: &Exchange<'_>, sink: &mut dyn Sink) -> bool {
    let (Some(request), Some(response)) = (&exchange.request, &exchange.response) else { return false };
    let plain = request.fragment.function == application::READ
        && response.fragment.function == application::RESPONSE
        && response.iin & UNUSUAL == 0
        && response.more.1.is_empty()
        && is_plain(exchange);
    if !plain {
        return false;
    }
    let Some(poll) = Poll::read(request.fragment.objects) else { return false };
    if response.fragment.objects.is_empty() && response.iin == 0 {
        hand(exchange, &poll, (&[poll.point()], &[]), Value::List(&[]), sink);
        return true;
    }
    with_arena(|arena| {
        let mut points = Points::new(arena);
        points.list.push(poll.point());
        let mut headers = List::with_capacity_in(4, arena);
        let mut walk = Walk::new(response.fragment.objects, false);
        for block in walk.by_ref() {
            if !matches!(block.layout, Layout::Fixed { .. } | Layout::CommonTime(_)) {
                return false;
            }
            headers.push(detail::header(arena, &block, &points));
            points.add(&block, Access::Read);
        }
        if !walk.anomalies.is_empty() || !points.anomalies.is_empty() {
            return false;
        }
        let indications = detail::indications(arena, response.iin);
        hand(exchange, &poll, (&points.list, &headers), indications, sink);
        true
    })
}

/// Hands the record over.
#[inline]
fn hand(
    exchange: &Exchange<'_>,
    poll: &Poll,
    found: (&[Point<'_>], &[Value<'_>]),
    indications: Value<'_>,
    sink: &mut dyn Sink,
) {
    let (Some(request), Some(response)) = (&exchange.request, &exchange.response) else { return };
    let (points, headers) = found;
    let asked = poll.headers.get(..poll.count).unwrap_or_default();
    let classes = detail::CLASSES.get(usize::from(poll.mask)).copied().unwrap_or_default();
    let sequence = u64::from(request.fragment.control.sequence());
    let classes = Field { name: "classes", value: Value::List(classes) };
    let answered = Field { name: "response_objects", value: Value::List(headers) };
    let fields = [
        Field { name: "sequence", value: Value::Unsigned(sequence) },
        Field { name: "iin", value: indications },
        Field { name: "iin_code", value: Value::Unsigned(u64::from(response.iin)) },
        Field { name: "request_objects", value: Value::List(asked) },
        if headers.is_empty() { classes } else { answered },
        classes,
    ];
    let count = if headers.is_empty() { 5 } else { 6 };
    sink.transaction(&Transaction {
        protocol: tables::NUMBER,
        client: exchange.client,
        unit: Some(exchange.unit),
        function: tables::function(u32::from(application::READ)),
        sub_function: Some(poll.sub_function()),
        access: Access::Read,
        points,
        outcome: Outcome::Accepted,
        anomalies: Anomalies::default(),
        tag: 0,
        request: Some(request.at),
        response: Some(response.at),
        completed: exchange.completed,
        detail: fields.get(..count).unwrap_or_default(),
    });
}
