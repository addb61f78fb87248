//! A record while it is made: points, fields, anomalies.

use bumpalo::Bump;
use bumpalo::collections::Vec as List;

use super::text;
use super::types::{Identifier, NodeId, Read, Reader, Wrong};
use super::variant::DataValue;
use crate::protocols::opcua::pairing::state::State;
use crate::protocols::opcua::tables::{anomaly, is_bad};
use crate::transaction::{Access, Anomalies, Field, Point, Value, Values};

/// Points of one record at most; what comes after them is counted.
pub const MAX_POINTS: usize = 16_384;

/// Fields that a point usually has.
const USUAL_FIELDS: usize = 4;

/// A record while it is made.
pub struct Build<'a> {
    /// Where everything is put.
    pub arena: &'a Bump,
    /// What is known of the connection.
    pub state: &'a State,
    /// The time of the packet, ns.
    pub now: u64,
    /// What it is done to.
    pub points: List<'a, Point<'a>>,
    /// The protocol's own fields.
    pub fields: List<'a, Field<'a>>,
    /// What is wrong with it.
    pub anomalies: Anomalies,
    /// Operations that were refused one by one.
    pub refused: u32,
    /// Why the first of them was, and how many results there are.
    judged: (u32, u32),
    /// A message of it was cut: its end says nothing.
    pub cut: bool,
    /// The response carries results.
    pub answered: bool,
    /// Values of items whose nodes were not seen.
    pub nameless: List<'a, Value<'a>>,
    /// Points that were not kept.
    pub omitted: u32,
}

/// The node as block, address and name of a point.
#[inline]
pub fn place<'a>(node: NodeId<'a>, arena: &'a Bump) -> (u32, u64, Option<&'a [u8]>) {
    let block = u32::from(node.namespace);
    match node.id {
        Identifier::Numeric(number) => (block, u64::from(number), None),
        other => (block, 0, text::identifier(other, arena)),
    }
}

impl<'a> Build<'a> {
    /// Begins.
    #[inline]
    pub fn new(arena: &'a Bump, state: &'a State, now: u64) -> Self {
        Build {
            arena,
            state,
            now,
            points: List::new_in(arena),
            fields: List::with_capacity_in(24, arena),
            anomalies: Anomalies::default(),
            refused: 0,
            judged: (0, 0),
            cut: false,
            answered: false,
            nameless: List::new_in(arena),
            omitted: 0,
        }
    }

    /// Reads a body, as far as it goes.
    #[inline]
    pub fn read(&mut self, body: Option<Reader<'a>>, read: impl FnOnce(&mut Self, &mut Reader<'a>) -> Read<()>) {
        let Some(mut body) = body else { return };
        match read(self, &mut body) {
            Ok(()) => self
                .anomalies
                .set(anomaly::TRAILING_BYTES, body.remaining() > 0 && !self.cut && self.state.channel.seen),
            Err(wrong) => self.note(wrong),
        }
        self.anomalies.set(anomaly::VALUES_OMITTED, body.omitted);
    }

    /// Notes what was wrong.
    #[cold]
    pub fn note(&mut self, wrong: Wrong) {
        self.anomalies.set(wrong.bit, !self.cut || wrong.bit != anomaly::MALFORMED_BODY);
    }

    /// Adds a field.
    #[inline]
    pub fn add(&mut self, name: &'static str, value: Value<'a>) {
        self.fields.push(Field { name, value });
    }

    /// Adds a number.
    #[inline]
    pub fn number(&mut self, name: &'static str, value: impl Into<u64>) {
        self.add(name, Value::Unsigned(value.into()));
    }

    /// Adds a word of ours.
    #[inline]
    pub fn word(&mut self, name: &'static str, value: &'static str) {
        self.add(name, Value::Text(value.as_bytes()));
    }

    /// Adds what is true.
    #[inline]
    pub fn flag(&mut self, name: &'static str, is_so: bool) {
        if is_so {
            self.add(name, Value::Bool(true));
        }
    }

    /// Adds a text where there is one.
    #[inline]
    pub fn text(&mut self, name: &'static str, value: Option<&'a [u8]>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.add(name, Value::Text(value));
        }
    }

    /// Adds a node.
    #[inline]
    pub fn node(&mut self, name: &'static str, node: NodeId<'a>) {
        let value = text::node(node, self.arena);
        self.add(name, value);
    }

    /// Adds a point.
    #[inline]
    pub fn point(&mut self, kind: u8, access: Access, node: NodeId<'a>, fields: &'a [Field<'a>]) {
        let (block, first, name) = place(node, self.arena);
        self.push(Point { kind, access, block, first, last: first, name, values: Values::Unseen, fields });
    }

    /// Adds a point that is made already.
    #[inline]
    pub fn push(&mut self, point: Point<'a>) {
        if self.points.len() < MAX_POINTS {
            self.points.push(point);
        } else {
            self.omitted = self.omitted.saturating_add(1);
            self.anomalies.set(anomaly::VALUES_OMITTED, true);
        }
    }

    /// What is told of a value, as fields.
    #[inline]
    pub fn described(&self, value: &DataValue<'a>) -> &'a [Field<'a>] {
        let mut fields = List::with_capacity_in(USUAL_FIELDS, self.arena);
        value.describe(|field| fields.push(field));
        fields.into_bump_slice()
    }

    /// Adds fields to a point.
    pub fn extend(&mut self, place: usize, more: &[Field<'a>]) {
        let arena = self.arena;
        if let Some(point) = self.points.get_mut(place) {
            let mut fields = List::with_capacity_in(point.fields.len().saturating_add(more.len()), arena);
            fields.extend_from_slice_copy(point.fields);
            fields.extend_from_slice_copy(more);
            point.fields = fields.into_bump_slice();
        }
    }

    /// Adds a status to a point.
    #[inline]
    pub fn status(&mut self, place: usize, status: u32) {
        self.judge(status);
        let mut fields = List::with_capacity_in(3, self.arena);
        text::status(status, |field| fields.push(field));
        self.extend(place, &fields);
    }

    /// Counts an operation's status.
    #[inline]
    pub fn judge(&mut self, status: u32) {
        if is_bad(status) {
            self.refused = self.refused.saturating_add(1);
            let (reason, _) = &mut self.judged;
            *reason = if *reason == 0 { status } else { *reason };
        }
    }

    /// Why everything was refused: the service went well, and not one of its operations.
    #[inline]
    pub fn refusal(&self) -> Option<u32> {
        let (reason, results) = self.judged;
        (reason != 0 && self.refused == results).then_some(reason)
    }

    /// Results of operations, one for each of `asked`; `None` where these were not seen.
    #[inline]
    pub fn results(
        &mut self,
        body: &mut Reader<'a>,
        least: usize,
        asked: Option<u32>,
        mut read: impl FnMut(&mut Self, usize, &mut Reader<'a>) -> Read<()>,
    ) -> Read<()> {
        let mut place = 0_usize;
        let count = body.each(least, |body| {
            read(self, place, body)?;
            place = place.saturating_add(1);
            Ok(())
        })?;
        self.judged.1 = count;
        self.counted(asked, count);
        Ok(())
    }

    /// So many results came for so many operations.
    #[inline]
    pub fn counted(&mut self, asked: Option<u32>, count: u32) {
        let differs = asked.is_some_and(|asked| asked != count) && self.answered && !self.cut;
        self.anomalies.set(anomaly::COUNT_MISMATCH, differs);
        if asked.is_none() {
            self.number("results", count);
        }
    }

    /// Results that are a status each, and their diagnostics.
    pub fn statuses(&mut self, body: &mut Reader<'a>, asked: Option<u32>) -> Read<()> {
        self.results(body, 4, asked, |build, place, body| {
            build.status(place, body.u32()?);
            Ok(())
        })?;
        self.diagnostics(body)
    }

    /// Diagnostics of the operations.
    #[inline]
    pub fn diagnostics(&mut self, body: &mut Reader<'a>) -> Read<()> {
        match body.diagnostics()? {
            Value::Null => {}
            told => self.add("diagnostics", told),
        }
        Ok(())
    }
}
