//! Userdata: a second protocol within the first, with groups of sub-functions, requests, responses and what nobody asked for.

use bumpalo::Bump;

use super::compose::{Exchange, Fields, Parts};
use super::values::{SUCCESS, date_and_time};
use super::{Pdu, cyclic, header, messages, rosctr, services, szl, test_functions};
use crate::cursor::Cursor;
use crate::protocols::Sink;
use crate::protocols::s7comm::tables::{self, anomaly};
use crate::protocols::s7comm::transfer::State;
use crate::transaction::{Access, Anomalies, Outcome, Point, Value};

/// The parameters of userdata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// What it is.
    pub way: Way,
    /// Group.
    pub group: u8,
    /// Sub-function.
    pub code: u8,
    /// Chosen by who answers: number of a job, and of answers in several parts.
    pub sequence: u8,
    /// Number of a message's parts.
    pub data_unit: u8,
    /// More parts follow.
    pub more: bool,
    /// Error class and code of a response.
    pub error: u16,
}

/// What a message of userdata is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Nobody asked for it.
    Push,
    /// A request.
    Request,
    /// A response.
    Response,
}

/// Reads the parameters: three bytes of a specification, a length, then what is asked.
pub fn head(pdu: &Pdu<'_>) -> Option<Head> {
    let [0, 1, 0x12, _, _, kind, code, sequence, rest @ ..] = pdu.parameters else { return None };
    let way = match kind >> 4 {
        0 | 3 => Way::Push,
        4 | 7 => Way::Request,
        8 | 11 => Way::Response,
        _ => return None,
    };
    let head = Head { way, group: kind & 0xF, code: *code, sequence: *sequence, data_unit: 0, more: false, error: 0 };
    Some(match rest {
        [data_unit, more, e1, e0, ..] => {
            Head { data_unit: *data_unit, more: *more != 0, error: u16::from_be_bytes([*e1, *e0]), ..head }
        }
        _ => head,
    })
}

/// Group and sub-function as one number; 0 for other messages.
#[inline]
pub fn detail(pdu: &Pdu<'_>) -> u16 {
    if pdu.rosctr != rosctr::USERDATA {
        return 0;
    }
    head(pdu).map_or(0, |head| u16::from_be_bytes([head.group, head.code]))
}

/// Data of userdata: return code, size, length, bytes.
fn payload<'a>(pdu: &Pdu<'a>, anomalies: &mut Anomalies) -> Option<(u8, &'a [u8])> {
    if pdu.data.is_empty() {
        return None;
    }
    let mut cursor = Cursor::new("s7comm.userdata", pdu.data);
    let Ok([code, _, high, low]) = cursor.array() else {
        anomalies.set(anomaly::INVALID_LENGTH, true);
        return None;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let rest = cursor.rest();
    anomalies.set(anomaly::INVALID_LENGTH, rest.len() < length);
    Some((code, rest.get(..length).unwrap_or(rest)))
}

/// A request of userdata with its response, or what nobody asked for, on its way to a record.
struct Call<'e, 'a> {
    exchange: &'e Exchange<'a>,
    head: Head,
    /// The response's parameters.
    answered: Option<Head>,
    /// Data of the request.
    question: Option<&'a [u8]>,
    /// Data of the response, or of what nobody asked for, where they carry success.
    answer: Option<&'a [u8]>,
    access: Access,
    outcome: Outcome,
    anomalies: Anomalies,
    points: &'a [Point<'a>],
    detail: Fields<'a>,
    arena: &'a Bump,
}

/// Hands over a request of userdata with its response, or what nobody asked for.
pub fn emit(exchange: &Exchange<'_>, state: &mut State, sink: &mut dyn Sink) {
    let arena = Bump::new();
    let asked = exchange.request.as_ref().and_then(head);
    let answered = exchange.response.as_ref().and_then(head);
    let Some(head) = asked.or(answered) else { return };
    let mut anomalies = Anomalies::default();
    let question = exchange.request.and_then(|pdu| payload(&pdu, &mut anomalies));
    let answer = exchange.response.and_then(|pdu| payload(&pdu, &mut anomalies));
    let (sub_function, access) = tables::userdata(head.group, head.code);
    let outcome = match (answered, answer) {
        (Some(head), _) if head.error != 0 => Outcome::Rejected(tables::rejection(u32::from(head.error))),
        // Where there is nothing to give, 0x0A stands beside an empty answer: that is no refusal.
        (Some(_), Some((code, [_, ..]))) if code != SUCCESS => Outcome::Rejected(tables::rejection(u32::from(code))),
        _ => exchange.outcome(),
    };
    let mut call = Call {
        exchange,
        head,
        answered,
        question: question.map(|(_, data)| data),
        answer: answer.filter(|(code, _)| *code == SUCCESS).map(|(_, data)| data),
        access: if head.way == Way::Push { Access::Report } else { access },
        outcome,
        anomalies,
        points: &[],
        detail: Fields::with(exchange.reference()),
        arena: &arena,
    };
    if let Some(name) = tables::group_name(head.group) {
        call.detail.text("group", name.as_bytes());
    }
    call.describe(state, sink);
    let Call { access, points, outcome, anomalies, detail, .. } = call;
    let detail = detail.as_slice();
    exchange.hand(&Parts { sub_function: Some(sub_function), access, points, detail, outcome, anomalies }, sink);
}

impl<'a> Call<'_, 'a> {
    fn describe(&mut self, state: &mut State, sink: &mut dyn Sink) {
        match (self.head.group, self.head.code) {
            (1, code) if test_functions::has_table(code) => self.table(),
            (2, code) => self.cyclic(code, state),
            (3, code) => self.blocks(code),
            (4, 1) => self.list(state, sink),
            (4, 2) => {
                if let Some(data) = self.question {
                    messages::subscription(data, &mut self.detail, self.arena);
                }
            }
            (4, 3) => self.diagnostic(),
            (4, code) if messages::is_alarm(code).is_some() => self.alarms(code),
            // A password is seen, and never told.
            (5, 1) => self.detail.add("password", Value::Text(b"(hidden)")),
            (5, _) => {}
            (7, _) => self.clock(),
            (0, _) => {}
            _ => self.raw(),
        }
    }

    fn raw(&mut self) {
        if let Some(data) = self.question.filter(|data| !data.is_empty()) {
            self.detail.add("request_data", Value::Hex(data));
        }
        if let Some(data) = self.answer.filter(|data| !data.is_empty()) {
            self.detail.add("response_data", Value::Hex(data));
        }
    }

    /// A table of variables. What the controller sends of a job that watches does not say what it watches.
    fn table(&mut self) {
        if self.head.way == Way::Push {
            return self.raw();
        }
        let access = if self.head.code == 2 { Access::Read } else { Access::Write };
        match self.question.map(|job| test_functions::points(job, access, self.arena)) {
            Some(Ok(points)) => self.points = points,
            Some(Err(_)) => {
                self.anomalies.set(anomaly::INVALID_ITEM, true);
                self.raw();
            }
            None => {}
        }
    }

    fn cyclic(&mut self, code: u8, state: &mut State) {
        let read = if self.head.way == Way::Push {
            let data = self.answer;
            data.and_then(|data| cyclic::report(data, self.head.sequence, &mut state.cyclic, self.arena))
        } else if cyclic::reads(code) {
            let number = self.answered.map(|head| head.sequence);
            let (halves, ends) = ((self.question, self.answer), (number, self.outcome));
            cyclic::job(halves, ends, &mut state.cyclic, &mut self.detail, self.arena)
        } else {
            if let (4, Some(data)) = (code, self.question) {
                cyclic::unsubscribe(data, &mut state.cyclic, &mut self.detail);
            }
            None
        };
        if let Some(head) = self.answered.filter(|_| code != 4) {
            self.detail.number("job", head.sequence);
        }
        if let Some(read) = read {
            (self.points, self.outcome) = (read.points, read.outcome);
            self.anomalies.0 |= read.anomalies.0;
        } else if self.head.way == Way::Push {
            self.raw();
        }
    }

    fn blocks(&mut self, code: u8) {
        let kind = |text: Option<&[u8]>| {
            let text = text.and_then(|text| std::str::from_utf8(text).ok());
            text.and_then(|text| u8::from_str_radix(text, 16).ok())
        };
        let asked = kind(self.question.and_then(|data| data.get(..2)));
        if let Some(name) = asked.filter(|_| code != 1).and_then(header::type_name) {
            self.detail.text("block_type", name.as_bytes());
        }
        match (code, self.answer) {
            (1, Some(data)) => self.counts(data),
            (2, Some(data)) => self.numbers(data),
            (3, answer) => self.block(answer),
            _ => {}
        }
    }

    /// How many blocks of each type there are.
    fn counts(&mut self, data: &'a [u8]) {
        let mut fields = Fields::default();
        for entry in data.chunks_exact(4) {
            let &[_, kind, high, low] = entry else { continue };
            let code = char::from(kind).to_digit(16).and_then(|code| u8::try_from(code).ok());
            if let Some(name) = code.and_then(header::type_name) {
                fields.number(name, u16::from_be_bytes([high, low]));
            }
        }
        self.detail.add("block_counts", Value::Object(self.arena.alloc_slice_copy(fields.as_slice())));
    }

    /// The numbers of all blocks of a type.
    fn numbers(&mut self, data: &'a [u8]) {
        let entries = data.chunks_exact(4).filter_map(|entry| entry.first_chunk());
        let numbers = entries.map(|number| Value::Unsigned(u64::from(u16::from_be_bytes(*number))));
        let numbers: Vec<Value<'a>> = numbers.collect();
        self.detail.add("block_numbers", Value::List(self.arena.alloc_slice_copy(&numbers)));
    }

    /// One block: type and number in digits, and its header and end in the answer.
    fn block(&mut self, answer: Option<&'a [u8]>) {
        if let Some(data) = self.question {
            let point = data.get(..2).zip(data.get(2..7));
            let point = point.and_then(|(of, number)| services::block(of, number, Access::Identify));
            self.points = self.arena.alloc_slice_copy(point.as_slice());
            if let Some(system) = data.get(7..8) {
                self.detail.text("file_system", system);
            }
        }
        let Some(info) = answer.and_then(|data| data.get(6..)).filter(|info| info.starts_with(b"pp")) else { return };
        let mut fields = Fields::default();
        let whole = header::describe(info, &mut fields, self.arena).and_then(|()| {
            header::describe_end(info.get(header::HEADER..).unwrap_or_default(), &mut fields, self.arena)
        });
        self.anomalies.set(anomaly::INVALID_LENGTH, whole.is_err());
        self.detail.add("content", Value::Object(self.arena.alloc_slice_copy(fields.as_slice())));
    }

    /// A system status list, or a part of one. The first request says which; further ones have no data.
    fn list(&mut self, state: &mut State, sink: &mut dyn Sink) {
        let question = self.question.and_then(szl::question);
        if let Some((id, index)) = question {
            szl::describe_question(id, index, &mut self.detail);
        }
        let (Some(head), Some(data)) = (self.answered, self.answer) else { return };
        let first = question.is_some() || (self.exchange.request.is_none() && !head.more);
        let whole = state.lists.add(head.sequence, data, first, head.more, self.arena);
        if head.more || !first {
            self.detail.number("part", head.data_unit);
        }
        let Some(list) = whole.and_then(|bytes| szl::List::read(bytes).ok()) else { return };
        if question.is_none() {
            szl::describe_question(list.id, list.index, &mut self.detail);
        }
        list.describe(&mut self.detail, self.arena);
        if let Some(response) = self.exchange.response {
            let (side, unit, at) = (self.exchange.asker.other(), self.exchange.unit, response.at);
            list.observe(&szl::Who { side, unit, at }, self.arena, sink);
        }
    }

    fn diagnostic(&mut self) {
        let event = self.answer.or(self.question).and_then(|data| szl::event(data, self.arena));
        for field in event.into_iter().flatten() {
            self.detail.add(field.name, field.value);
        }
    }

    fn alarms(&mut self, code: u8) {
        let timed = messages::is_alarm(code).unwrap_or_default();
        if let Some(data) = self.question.or(self.answer) {
            messages::alarms(data, timed, &mut self.detail, self.arena);
        }
    }

    /// Two bytes, of which the second counts centuries in a way of its own, then the time.
    fn clock(&mut self) {
        let data = if matches!(self.head.code, 2 | 4) { self.question } else { self.answer };
        let time = data.and_then(|data| data.get(2..10)).and_then(|time| date_and_time(time, self.arena));
        if let Some(time) = time {
            self.detail.add("clock", time);
        }
    }
}
