//! State and identity: functions 7, 8, 11, 12, 17 and 43 (Application Protocol Specification V1.1b3, 6.7 to 6.10, 6.13, 6.19 to 6.21).

use super::compose::{Exchange, Fields, Half, List, Parts};
use crate::cursor::{Cursor, Incomplete};
use crate::protocols::Sink;
use crate::protocols::modbus::tables::{self, anomaly};
use crate::transaction::{Access, Anomalies, Field, Observation, SubFunction, Value};

/// Objects of one device identification that are kept (252 bytes of at least two hold no more).
const MAX_OBJECTS: usize = 128;

/// What the basic and regular objects are called: id, name, attribute, field (6.21, table of objects).
const OBJECTS: &[(u8, &str, &str, &str)] = &[
    (0, "vendor_name", "vendor", "modbus.device_identification.vendor_name"),
    (1, "product_code", "product", "modbus.device_identification.product_code"),
    (2, "major_minor_revision", "firmware", "modbus.device_identification.major_minor_revision"),
    (3, "vendor_url", "url", "modbus.device_identification.vendor_url"),
    (4, "product_name", "product_name", "modbus.device_identification.product_name"),
    (5, "model_name", "model", "modbus.device_identification.model_name"),
    (6, "user_application_name", "name", "modbus.device_identification.user_application_name"),
];

fn data(pdu: &[u8]) -> Cursor<'_> {
    Cursor::new("modbus.pdu", pdu.get(1..).unwrap_or_default())
}

/// The bytes of a list whose length is its first byte, or what there is of them.
fn counted<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let count = usize::from(cursor.u8().ok()?);
    cursor.take(count).ok()
}

/// Text that people can read, at least three characters of it.
fn is_text(bytes: &[u8]) -> bool {
    bytes.len() >= 3 && std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(char::is_control))
}

impl<'a> Exchange<'a> {
    /// Functions 7, 11 and 12.
    pub(super) fn status(&self, sink: &mut dyn Sink) {
        let mut detail = self.fields::<8>();
        let mut anomalies = Anomalies::default();
        if let Some(pdu) = self.answer() {
            let read = match self.function() {
                7 => data(pdu).u8().map(|status| detail.number("exception_status", status)),
                11 => event_counter(&mut data(pdu), &mut detail),
                _ => event_log(pdu, &mut detail),
            };
            anomalies.set(anomaly::INVALID_BYTE_COUNT, read.is_err());
        }
        self.hand_state(None, Access::Read, detail.as_slice(), anomalies, sink);
    }

    /// Function 8.
    pub(super) fn diagnostics(&self, sink: &mut dyn Sink) {
        let mut detail = self.fields::<8>();
        let mut anomalies = Anomalies::default();
        let question = self.question().and_then(sub_function);
        let answer = self.answer().and_then(sub_function);
        if let (Some((asked, sent)), Some((answered, echoed))) = (question, answer) {
            // Counters are answered, everything else is echoed.
            let echo = !matches!(asked, 2 | 11..=18);
            anomalies.set(anomaly::RESPONSE_MISMATCH, asked != answered || (echo && sent != echoed));
        }
        if let Some((code, sent)) = question {
            detail.add("request_data", Value::Hex(sent));
            anomalies.set(anomaly::INVALID_VALUE, !sound_diagnostics(code, sent));
        }
        if let Some((code, bytes)) = answer {
            match (code, bytes) {
                (2 | 11..=18, &[high, low]) => detail.number("data", u16::from_be_bytes([high, low])),
                _ => detail.add("response_data", Value::Hex(bytes)),
            }
        }
        let known = question.or(answer).map(|(code, _)| tables::sub_function(8, code));
        // Without a sub-function the gravest that it could have been is not known: the function's own class.
        let access = known.map_or(tables::access(8), |(_, access)| access);
        self.hand_state(known.map(|(sub, _)| sub), access, detail.as_slice(), anomalies, sink);
    }

    /// Function 17. How long the identifier is depends on the device; the run indicator is the first byte behind it that is 0 or 255.
    pub(super) fn server_id(&self, sink: &mut dyn Sink) {
        let mut detail = self.fields::<8>();
        let bytes = self.answer().and_then(|pdu| counted(&mut data(pdu)));
        if let (Some(bytes), Some(half)) = (bytes, self.response) {
            detail.add("server_id_data", Value::Hex(bytes));
            let place =
                bytes.iter().skip(1).position(|&byte| byte == 0 || byte == 255).map(|place| place.saturating_add(1));
            let (id, rest) = bytes.split_at(place.unwrap_or(bytes.len()));
            detail.add("server_id", if is_text(id) { Value::Text(id) } else { Value::Hex(id) });
            if is_text(id) {
                self.observe("server_id", Value::Text(id), "modbus.server_id", half, sink);
            }
            if let Some((&run, additional)) = rest.split_first() {
                detail.add("run_indicator", Value::Bool(run == 255));
                self.additional(additional, half, &mut detail, sink);
            }
        }
        self.hand_state(None, Access::Identify, detail.as_slice(), Anomalies::default(), sink);
    }

    fn additional<const N: usize>(
        &self,
        bytes: &'a [u8],
        half: Half<'a>,
        detail: &mut Fields<'a, N>,
        sink: &mut dyn Sink,
    ) {
        let end = bytes.iter().rposition(|&byte| byte != 0 && byte != b' ').map_or(0, |last| last.saturating_add(1));
        let text = bytes.get(..end).unwrap_or_default();
        if is_text(text) {
            detail.add("additional_data", Value::Text(text));
            self.observe("description", Value::Text(text), "modbus.server_id.additional_data", half, sink);
        } else if !bytes.is_empty() {
            detail.add("additional_data", Value::Hex(bytes));
        }
    }

    /// Function 43.
    pub(super) fn encapsulated(&self, sink: &mut dyn Sink) {
        let asked = self.question().and_then(|pdu| pdu.get(1).copied());
        let answered = self.answer().and_then(|pdu| pdu.get(1).copied());
        let mut anomalies = Anomalies::default();
        if let (Some(asked), Some(answered)) = (asked, answered) {
            anomalies.set(anomaly::RESPONSE_MISMATCH, asked != answered);
        }
        let known = asked.or(answered).map(|code| tables::sub_function(43, u16::from(code)));
        let access = known.map_or(Access::Identify, |(_, access)| access);
        let sub = known.map(|(sub, _)| sub);
        if asked.or(answered) == Some(14) && asked.is_none_or(|asked| answered.is_none_or(|answered| asked == answered))
        {
            return self.identification(sub, anomalies, sink);
        }
        let mut detail = self.fields::<8>();
        if let Some([_, _, data @ ..]) = self.question() {
            detail.add("request_data", Value::Hex(data));
        }
        if let Some([_, _, data @ ..]) = self.answer() {
            detail.add("response_data", Value::Hex(data));
        }
        self.hand_state(sub, access, detail.as_slice(), anomalies, sink);
    }

    /// MEI type 14, read device identification.
    fn identification(&self, sub: Option<SubFunction>, mut anomalies: Anomalies, sink: &mut dyn Sink) {
        let mut detail = self.fields::<12>();
        let mut code = None;
        if let Some([_, _, read_code, object, ..]) = self.question() {
            code = Some(*read_code);
            detail.number("read_device_id_code", *read_code);
            detail.number("object_id", *object);
            anomalies.set(anomaly::INVALID_VALUE, !(1..=4).contains(read_code));
        }
        let mut objects = Objects::new(EMPTY_OBJECT);
        if let (Some(pdu), Some(half)) = (self.answer(), self.response) {
            let read = identification_answer(pdu, &mut detail, &mut objects);
            anomalies.set(anomaly::INVALID_BYTE_COUNT, read.is_err());
            let answered = pdu.get(2).copied();
            anomalies
                .set(anomaly::RESPONSE_MISMATCH, code.is_some_and(|code| answered.is_some_and(|other| code != other)));
            for object in objects.as_slice() {
                if let Some(&(_, _, attribute, field)) = OBJECTS.iter().find(|row| row.0 == object.id) {
                    self.observe(attribute, Value::Text(object.value), field, half, sink);
                }
            }
        }
        let mut fields = List::<[Field<'_>; 3], MAX_OBJECTS>::new([NO_FIELD; 3]);
        for object in objects.as_slice() {
            fields.push(object.fields());
        }
        let mut values = List::<Value<'_>, MAX_OBJECTS>::new(Value::Null);
        for three in fields.as_slice() {
            values.push(Value::Object(three));
        }
        let mut whole = Fields::<'_, 16>::new(NO_FIELD);
        for &field in detail.as_slice() {
            whole.push(field);
        }
        if self.answer().is_some() {
            whole.add("objects", Value::List(values.as_slice()));
        }
        self.hand_state(sub, Access::Identify, whole.as_slice(), anomalies, sink);
    }

    fn observe(
        &self,
        attribute: &'static str,
        value: Value<'_>,
        field: &'static str,
        half: Half<'_>,
        sink: &mut dyn Sink,
    ) {
        if value == Value::Text(&[]) {
            return;
        }
        let (side, unit) = (self.client.other(), Some(u32::from(half.unit)));
        sink.observation(&Observation { protocol: tables::NUMBER, side, unit, attribute, value, field, at: half.at });
    }

    fn hand_state(
        &self,
        sub_function: Option<SubFunction>,
        access: Access,
        detail: &[Field<'_>],
        anomalies: Anomalies,
        sink: &mut dyn Sink,
    ) {
        self.hand(&Parts { sub_function, access, points: &[], detail, anomalies }, sink);
    }
}

/// Sub-function and data of function 8.
fn sub_function(pdu: &[u8]) -> Option<(u16, &[u8])> {
    let mut cursor = data(pdu);
    let code = cursor.u16_be().ok()?;
    Some((code, cursor.rest()))
}

/// What the specification allows as a diagnostics request's data (6.8.1); unknown sub-functions are not judged.
fn sound_diagnostics(code: u16, data: &[u8]) -> bool {
    match code {
        1 => matches!(data, [0, 0] | [0xFF, 0]),
        3 => matches!(data, [_, 0]),
        2 | 4 | 10..=18 | 20 => data == [0, 0],
        _ => true,
    }
}

fn event_counter<const N: usize>(cursor: &mut Cursor<'_>, detail: &mut Fields<'_, N>) -> Result<(), Incomplete> {
    detail.number("status", cursor.u16_be()?);
    detail.number("event_count", cursor.u16_be()?);
    Ok(())
}

fn event_log<'a, const N: usize>(pdu: &'a [u8], detail: &mut Fields<'a, N>) -> Result<(), Incomplete> {
    let mut cursor = data(pdu);
    let count = usize::from(cursor.u8()?);
    let mut cursor = Cursor::new("modbus.pdu", cursor.take(count)?);
    event_counter(&mut cursor, detail)?;
    detail.number("message_count", cursor.u16_be()?);
    detail.add("events", Value::Hex(cursor.rest()));
    Ok(())
}

const NO_FIELD: Field<'static> = Field { name: "", value: Value::Null };

/// An object of a device identification.
#[derive(Debug, Clone, Copy)]
struct Object<'a> {
    id: u8,
    value: &'a [u8],
}

const EMPTY_OBJECT: Object<'static> = Object { id: 0, value: &[] };

type Objects<'a> = List<Object<'a>, MAX_OBJECTS>;

impl<'a> Object<'a> {
    fn fields(self) -> [Field<'a>; 3] {
        let name = OBJECTS.iter().find(|row| row.0 == self.id).map(|row| row.1);
        // Below 128 the objects are text by definition; above, the device decides.
        let value = if self.id < 128 || is_text(self.value) { Value::Text(self.value) } else { Value::Hex(self.value) };
        [
            Field { name: "id", value: Value::Unsigned(u64::from(self.id)) },
            Field { name: "name", value: name.map_or(Value::Null, |name| Value::Text(name.as_bytes())) },
            Field { name: "value", value },
        ]
    }
}

fn identification_answer<'a, const N: usize>(
    pdu: &'a [u8],
    detail: &mut Fields<'a, N>,
    objects: &mut Objects<'a>,
) -> Result<(), Incomplete> {
    let mut cursor = Cursor::new("modbus.pdu", pdu);
    cursor.skip(2)?;
    let code = cursor.u8()?;
    if !detail.as_slice().iter().any(|field| field.name == "read_device_id_code") {
        detail.number("read_device_id_code", code);
    }
    detail.number("conformity_level", cursor.u8()?);
    detail.add("more_follows", Value::Bool(cursor.u8()? != 0));
    detail.number("next_object_id", cursor.u8()?);
    for _ in 0..cursor.u8()? {
        let id = cursor.u8()?;
        let length = usize::from(cursor.u8()?);
        objects.push(Object { id, value: cursor.take(length)? });
    }
    Ok(())
}
