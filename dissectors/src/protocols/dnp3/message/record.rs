//! A record as it is put together from the objects of both halves.

use bumpalo::Bump;

use super::application::{self, Fragment};
use super::authentication::AuthenticationNote;
use super::compose::Exchange;
use super::controls::{self, Statuses};
use super::detail::Detail;
use super::files::FileNote;
use super::objects::{Block, Range, Walk};
use super::points::{self, Points};
use crate::cursor::Cursor;
use crate::protocols::Sink;
use crate::protocols::dnp3::pairing::transfers::Transfers;
use crate::protocols::dnp3::tables::objects::Layout;
use crate::protocols::dnp3::tables::{self, Kind, anomaly, subs};
use crate::transaction::{Access, Anomalies, Field, Outcome, Point, SubFunction, Transaction, Value, Values};

/// A record as it is put together.
pub struct Record<'b> {
    pub(super) exchange: &'b Exchange<'b>,
    pub(super) points: Points<'b>,
    pub(super) detail: Detail<'b>,
    pub(super) file: FileNote<'b>,
    pub(super) authentication: AuthenticationNote<'b>,
    pub(super) time: Option<u64>,
    pub(super) delay: Option<u64>,
    pub(super) unread: usize,
    /// Classes that are named, a bit each.
    pub(super) classes: u8,
    /// The first object of the request.
    first: Option<(u8, u8)>,
    restart_cleared: bool,
    access: Option<Access>,
    refused: Option<u8>,
    anomalies: Anomalies,
}

impl<'b> Record<'b> {
    /// Nothing read yet.
    pub(super) fn new(arena: &'b Bump, exchange: &'b Exchange<'b>) -> Self {
        Record {
            exchange,
            points: Points::new(arena),
            detail: Detail::new(arena),
            file: FileNote::default(),
            authentication: AuthenticationNote::default(),
            time: None,
            delay: None,
            unread: 0,
            classes: 0,
            first: None,
            restart_cleared: false,
            access: None,
            refused: None,
            anomalies: exchange.anomalies,
        }
    }

    /// Reads both halves and hands the record over; says how it ended.
    pub(super) fn tell(mut self, transfers: &mut Transfers, sink: &mut dyn Sink) -> Outcome {
        let exchange = self.exchange;
        let function = exchange.function();
        self.detail.begin(exchange);
        self.request();
        self.response();
        let (sub_function, access) = self.what(function);
        let outcome = self.outcome();
        self.check_response(outcome);
        self.end_detail(outcome, transfers);
        self.anomalies.0 |= self.points.anomalies.0;
        if let Some(request) = &exchange.request {
            self.anomalies
                .set(anomaly::INVALID_FUNCTION, tables::function(u32::from(request.fragment.function)).name.is_none());
        }
        self.observe(sink);
        if let Some(content) = self.file.content {
            sink.content(content);
        }
        sink.transaction(&Transaction {
            protocol: tables::NUMBER,
            client: exchange.client,
            unit: Some(exchange.unit),
            function: tables::function(u32::from(function)),
            sub_function,
            access,
            points: &self.points.list,
            outcome,
            anomalies: self.anomalies,
            tag: 0,
            request: exchange.request.map(|request| request.at),
            response: exchange.response.map(|response| response.at),
            completed: exchange.completed,
            detail: self.detail.as_slice(),
        });
        outcome
    }

    /// Objects of the request.
    fn request(&mut self) {
        let Some(request) = self.exchange.request else { return };
        let Fragment { function, objects, .. } = request.fragment;
        let answered = self.exchange.response.filter(|response| response.parts().any(|part| !part.is_empty()));
        let command = matches!(function, 3..=6);
        let statuses =
            answered.filter(|_| command).map(|response| Statuses::of(self.points.arena(), response.fragment.objects));
        self.refused = statuses.as_ref().and_then(Statuses::refusal);
        let told = function != application::READ || answered.is_none();
        let mut place = 0;
        let mut class = None;
        let mut walk = Walk::new(objects, application::is_bare(function));
        for block in walk.by_ref() {
            self.detail.request_object(&block, &self.points);
            self.first = self.first.or(Some(block.code));
            let access = block_access(function, block.code.0);
            self.access = self.access.max(Some(access));
            self.note(&block);
            match block.layout {
                Layout::Crob | Layout::AnalogCommand(_) if command => {
                    let statuses = statuses.as_ref().map(|statuses| (statuses, &mut place));
                    self.points.commands(&block, access, statuses);
                }
                _ if block.code.0 == 60 => class = block.code.1.checked_sub(1),
                // What all there is was, the response tells, if only by telling nothing.
                _ if block.range == Range::All && function == application::READ && self.exchange.response.is_some() => {
                }
                _ if told && block.code.0 == 0 => self.points.attributes(&block, access),
                _ if told && function == 22 => self.assign(&block, class),
                _ if told => self.points.add(&block, access),
                _ => {}
            }
        }
        self.ended(&walk);
        self.class_points(function);
    }

    /// Points that are put into a class.
    fn assign(&mut self, block: &Block<'b>, class: Option<u8>) {
        let class = class.map(|class| Field { name: "class", value: Value::Unsigned(u64::from(class)) });
        self.points.named(block, Access::Configure, class.as_slice());
    }

    #[inline]
    fn ended(&mut self, walk: &Walk<'_>) {
        self.anomalies.0 |= walk.anomalies.0;
        self.unread = self.unread.saturating_add(walk.unread);
    }

    /// Classes that are polled, or reported unsolicited, as points: side by side they are a range.
    #[inline]
    fn class_points(&mut self, function: u8) {
        let access = match function {
            1 => Access::Read,
            20 | 21 => Access::Configure,
            _ => return,
        };
        let mut rest = u64::from(self.classes);
        while rest != 0 {
            let first = u64::from(rest.trailing_zeros());
            let run = u64::from((rest >> first).trailing_ones());
            let last = first.saturating_add(run).saturating_sub(1);
            rest &= u64::MAX.checked_shl(u32::try_from(last).unwrap_or(63).saturating_add(1)).unwrap_or(0);
            let kind = Kind::Class.index();
            let values = Values::Unseen;
            self.points.list.push(Point { kind, access, block: 0, first, last, name: None, values, fields: &[] });
        }
    }

    /// Objects of the response.
    fn response(&mut self) {
        let Some(response) = self.exchange.response else { return };
        let told = match self.exchange.function() {
            application::READ => Some(Access::Read),
            application::RESPONSE | application::UNSOLICITED => Some(Access::Report),
            _ => None,
        };
        for part in response.parts() {
            self.points.begin_fragment();
            let mut walk = Walk::new(part, false);
            for block in walk.by_ref() {
                self.detail.response_object(&block, &self.points);
                self.note(&block);
                if let Some(access) = told {
                    self.answered(&block, access);
                }
            }
            self.ended(&walk);
        }
    }

    #[inline]
    fn answered(&mut self, block: &Block<'b>, access: Access) {
        let access = if access == Access::Read { block_access(application::READ, block.code.0) } else { access };
        let before = self.points.list.len();
        match block.layout {
            Layout::Crob | Layout::AnalogCommand(_) => {
                let statuses = Statuses::of_block(self.points.arena(), block);
                self.points.commands(block, access, Some((&statuses, &mut 0)));
            }
            _ if block.code.0 == 0 => self.points.attributes(block, access),
            _ if block.code.0 == 60 => {}
            _ => self.points.add(block, access),
        }
        if self.points.list.len() > before {
            self.access = self.access.max(Some(access));
        }
    }

    /// What is not a point.
    #[inline]
    fn note(&mut self, block: &Block<'b>) {
        match block.code {
            (60, variation @ 1..=4) => self.classes |= 1 << variation.saturating_sub(1),
            (70, _) => self.file.add(block),
            (80, 1) => {
                let cleared = block.range == Range::Span(7, 7) && block.data == [0];
                self.restart_cleared |= cleared;
            }
            (120, _) => self.authentication.add(block),
            (50, _) if !block.data.is_empty() => {
                self.time = points::time48(Cursor::new("dnp3.objects", block.data)).or(self.time);
            }
            (52, _) => {
                if let (Layout::Delay(unit), [d0, d1, ..]) = (block.layout, block.data) {
                    let delay = u64::from(u16::from_le_bytes([*d0, *d1]));
                    self.delay = Some(delay.saturating_mul(u64::from(unit)));
                }
            }
            _ => {}
        }
    }

    /// Sub-function and access.
    #[inline]
    fn what(&self, function: u8) -> (Option<SubFunction>, Access) {
        let code = u32::from(function);
        let sub = match (function, self.first) {
            (1, Some((group, variation))) => self.read_sub(group, variation),
            (2, Some((group, variation))) => self.write_sub(group, variation),
            (25, _) => self.file.mode.map(u32::from),
            (32 | 33 | 131, _) => self.authentication.message.map(u32::from),
            _ => None,
        };
        let own = tables::access(code);
        match (sub, function) {
            (Some(sub), 25 | 32 | 33 | 131) => {
                let (sub, access) = tables::sub_function(code, sub);
                (Some(sub), access)
            }
            (sub, 1 | 2) => (sub.map(|sub| tables::sub_function(code, sub).0), self.access.unwrap_or(own)),
            _ => (None, own),
        }
    }

    fn read_sub(&self, group: u8, variation: u8) -> Option<u32> {
        match (group, variation) {
            (60, _) if self.classes == 1 => Some(subs::CLASS_0_POLL),
            (60, _) if self.classes & 1 == 1 => Some(subs::INTEGRITY_POLL),
            (60, _) if self.classes != 0 => Some(subs::EVENT_POLL),
            (0, _) => Some(subs::READ_ATTRIBUTES),
            (70, 5) => Some(subs::READ_FILE),
            _ => None,
        }
    }

    fn write_sub(&self, group: u8, variation: u8) -> Option<u32> {
        match (group, variation) {
            (80, _) if self.restart_cleared => Some(subs::CLEAR_RESTART),
            (80, _) => Some(subs::WRITE_INDICATIONS),
            (50, _) => Some(subs::WRITE_TIME),
            (70, 5) => Some(subs::WRITE_FILE),
            (34, _) => Some(subs::WRITE_DEADBANDS),
            (0, _) => Some(subs::WRITE_ATTRIBUTES),
            _ => None,
        }
    }

    /// How it ended.
    fn outcome(&self) -> Outcome {
        let Some(response) = self.exchange.response else { return self.exchange.ending };
        if self.exchange.function() == application::UNSOLICITED || self.exchange.incomplete {
            return self.exchange.ending;
        }
        // IIN2.0 to 2.2 and 2.4.
        let refusing = response.iin & 0b1_0111;
        let authentication = self.authentication.error.filter(|_| response.fragment.function == 131);
        let code = match (self.refused, self.file.refusal(), authentication) {
            _ if refusing != 0 => tables::REJECTED_IIN.saturating_add(refusing.trailing_zeros()),
            (Some(status), _, _) => u32::from(status),
            (_, Some(status), _) => status,
            (_, _, Some(error)) => tables::REJECTED_AUTHENTICATION.saturating_add(u32::from(error)),
            _ => return Outcome::Accepted,
        };
        Outcome::Rejected(tables::rejection(code))
    }

    /// What a response says of itself, and whether it fits.
    fn check_response(&mut self, outcome: Outcome) {
        let Some(response) = self.exchange.response else { return };
        // IIN1.6 and IIN2.5; then the two that are reserved. What refuses (IIN2.0 to 2.2) is the outcome, and nothing is wrong with it.
        self.anomalies.set(anomaly::DEVICE_TROUBLE, response.iin & 0x4020 != 0);
        self.anomalies.set(anomaly::RESERVED_IIN, response.iin & 0x00C0 != 0);
        let command = self.exchange.request.filter(|request| matches!(request.fragment.function, 3..=5));
        if let Some(request) = command
            && response.fragment.function == application::RESPONSE
            && !matches!(outcome, Outcome::Rejected(code) if code.code >= tables::REJECTED_IIN)
        {
            let echo = controls::is_echo(request.fragment.objects, response.fragment.objects);
            self.anomalies.set(anomaly::RESPONSE_MISMATCH, !echo);
        }
    }
}

/// What a function does to the objects of a group.
#[inline]
fn block_access(function: u8, group: u8) -> Access {
    match (function, group) {
        (1, 0) => Access::Identify,
        (1, _) => Access::Read,
        (2, 0 | 34 | 50 | 51 | 60 | 70 | 80..=83 | 85 | 86 | 90 | 91) => Access::Configure,
        (2, 120) => Access::Session,
        _ => tables::access(u32::from(function)),
    }
}
