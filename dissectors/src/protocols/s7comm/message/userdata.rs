//! Userdata: a second protocol within the first, with groups of sub-functions, requests, responses and what nobody asked for.

use super::compose::{Exchange, Fields, Parts};
use super::{Pdu, rosctr};
use crate::protocols::Sink;
use crate::protocols::s7comm::tables;
use crate::protocols::s7comm::transfer::State;
use crate::transaction::{Access, Anomalies, Outcome, Value};

/// The parameters of userdata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// What it is.
    pub way: Way,
    /// Group.
    pub group: u8,
    /// Sub-function.
    pub code: u8,
    /// Chosen by who answers, for answers in several parts.
    pub sequence: u8,
    /// Number of a cyclic job, of a message's parts.
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

/// Hands over a request of userdata with its response, or what nobody asked for.
pub fn emit(exchange: &Exchange<'_>, _state: &mut State, sink: &mut dyn Sink) {
    let asked = exchange.request.as_ref().and_then(head);
    let answered = exchange.response.as_ref().and_then(head);
    let Some(head) = asked.or(answered) else { return };
    let (sub_function, access) = tables::userdata(head.group, head.code);
    let mut detail = Fields::with(exchange.reference());
    if let Some(name) = tables::group_name(head.group) {
        detail.add("group", Value::Text(name.as_bytes()));
    }
    let outcome = match answered {
        Some(head) if head.error != 0 => Outcome::Rejected(tables::rejection(u32::from(head.error))),
        _ => exchange.outcome(),
    };
    let access = if head.way == Way::Push { Access::Report } else { access };
    let parts = Parts {
        sub_function: Some(sub_function),
        access,
        points: &[],
        detail: detail.as_slice(),
        outcome,
        anomalies: Anomalies::default(),
    };
    exchange.hand(&parts, sink);
}
