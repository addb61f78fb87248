//! UMAS requests and responses, and the records they become.

use super::tables::{self, ACCEPTED, REJECTED};
use crate::cursor::{Cursor, Incomplete};
use crate::protocols::Sink;
use crate::protocols::modbus::message::compose::{Exchange, Fields, Half};
use crate::protocols::modbus::tables::anomaly;
use crate::transaction::{Access, Anomalies, Code, Observation, Outcome, Point, Transaction, Value, Values};

/// Session key, function or status, data.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    key: u8,
    code: u8,
    data: &'a [u8],
}

fn part(pdu: &[u8]) -> Option<Part<'_>> {
    match pdu {
        [_, key, code, data @ ..] => Some(Part { key: *key, code: *code, data }),
        _ => None,
    }
}

/// Hands over a transaction of Modbus function 90 as what it carries.
pub fn emit(exchange: &Exchange<'_>, sink: &mut dyn Sink) {
    let Some(leading) = exchange.leading() else { return };
    let question = exchange.question().and_then(part);
    let answer = exchange.answer().and_then(part);
    let mut anomalies = Anomalies(exchange.anomalies.0 | exchange.frame_anomalies().0);
    let outcome = outcome(exchange, answer, &mut anomalies);
    let mut detail = exchange.fields::<16>();
    if let Some(part) = question.or(answer) {
        detail.number("session_key", part.key);
    }
    if let Some(part) = answer {
        detail.number("status", part.code);
    }
    let accepted = answer.filter(|part| part.code == ACCEPTED).map(|part| part.data);
    if let Some(part) = answer.filter(|part| part.code != ACCEPTED) {
        detail.add("error", Value::Hex(part.data));
    }
    let point = question.and_then(|part| memory_block(part, accepted, &mut detail, &mut anomalies));
    if point.is_none() {
        describe(question, accepted, &mut detail);
    }
    if let (Some(part), Some(data), Some(half)) = (question, accepted, exchange.response) {
        identity(exchange, part.code, data, half, sink);
    }
    let code = question.map(|part| part.code);
    if let Some(block) = question.and_then(|part| program_block(part, accepted)) {
        sink.content(block);
    }
    let transaction = Transaction {
        protocol: tables::NUMBER,
        client: exchange.client,
        unit: Some(u32::from(leading.unit)),
        // A response alone does not say what was asked: 0, which is no UMAS function.
        function: code.map_or(Code::default(), tables::function),
        sub_function: None,
        access: code.map_or(Access::Configure, tables::access),
        points: point.as_slice(),
        outcome,
        anomalies,
        tag: 0,
        request: exchange.request.map(|half| half.at),
        response: exchange.response.map(|half| half.at),
        completed: exchange.completed,
        detail: detail.as_slice(),
    };
    sink.transaction(&transaction);
}

fn outcome(exchange: &Exchange<'_>, answer: Option<Part<'_>>, anomalies: &mut Anomalies) -> Outcome {
    match answer.map(|part| part.code) {
        Some(ACCEPTED) => Outcome::Accepted,
        Some(REJECTED) => Outcome::Rejected(Code { code: tables::UMAS_ERROR.0, name: Some(tables::UMAS_ERROR.1) }),
        Some(_) => {
            anomalies.set(anomaly::INVALID_VALUE, true);
            Outcome::Unknown
        }
        None => {
            let code = exchange.exception();
            anomalies.set(anomaly::INVALID_EXCEPTION_CODE, code.is_some_and(|code| !matches!(code, 1..=8 | 10 | 11)));
            exchange.outcome()
        }
    }
}

/// Function 0x20: range, block, offset, a word that is 0 in all that is known, number of bytes. The answer: range, number of
/// bytes, the bytes.
fn memory_block<'a>(
    question: Part<'a>,
    answer: Option<&'a [u8]>,
    detail: &mut Fields<'a, 16>,
    anomalies: &mut Anomalies,
) -> Option<Point<'a>> {
    if question.code != 0x20 {
        return None;
    }
    let (range, block, offset, quantity) = read_request(question.data).ok()?;
    detail.number("range", range);
    detail.number("block", block);
    detail.number("offset", offset);
    detail.number("length", quantity);
    if let Some(data) = answer {
        let read = read_answer(data);
        let mismatch = read.is_ok_and(|bytes| bytes.len() != usize::from(quantity));
        anomalies.set(anomaly::INVALID_BYTE_COUNT, read.is_err());
        anomalies.set(anomaly::RESPONSE_MISMATCH, mismatch);
        detail.add("response_data", Value::Hex(read.unwrap_or(data)));
    }
    let first = u64::from(offset);
    let last = first.saturating_add(u64::from(quantity.max(1)).saturating_sub(1));
    let (block, values) = (u32::from(block), Values::Unseen);
    Some(Point { kind: 0, access: Access::Read, block, first, last, name: None, values, fields: &[] })
}

fn read_request(data: &[u8]) -> Result<(u8, u16, u16, u16), Incomplete> {
    let mut cursor = Cursor::new("umas.read_memory_block", data);
    let (range, block, offset) = (cursor.u8()?, cursor.u16_le()?, cursor.u16_le()?);
    cursor.skip(2)?;
    Ok((range, block, offset, cursor.u16_le()?))
}

fn read_answer(data: &[u8]) -> Result<&[u8], Incomplete> {
    let mut cursor = Cursor::new("umas.read_memory_block", data);
    cursor.skip(1)?;
    let count = cursor.u16_le()?;
    cursor.take(usize::from(count))
}

/// What else is known of a function's data. Program transfer: 0, a file number, then the number of the block (0x31, 0x34) or of all
/// blocks (0x32, 0x35). Program blocks and echoes leave only their lengths.
fn describe<'a>(question: Option<Part<'a>>, answer: Option<&'a [u8]>, detail: &mut Fields<'a, 16>) {
    let code = question.map_or(0, |part| part.code);
    match code {
        0x30..=0x32 => detail.add("direction", Value::Text(b"into_plc")),
        0x33..=0x35 => detail.add("direction", Value::Text(b"out_of_plc")),
        _ => {}
    }
    let bulk = matches!(code, 0x0A | 0x31 | 0x34);
    if let Some(part) = question {
        raw(["request_data", "request_length"], part.data, bulk, detail);
    }
    if let Some(data) = answer {
        raw(["response_data", "response_length"], data, bulk, detail);
    }
    match (code, question.map(|part| part.data), answer) {
        (0x01, _, Some([low, high, ..])) => detail.number("max_frame_size", u16::from_le_bytes([*low, *high])),
        (0x10, Some(data), granted) => {
            if let Some(name) = reservation(data) {
                detail.add("reserved_by", Value::Text(name));
            }
            if let Some([key]) = granted {
                detail.number("granted_key", *key);
            }
        }
        (0x30..=0x35, Some([0, file, rest @ ..]), _) => {
            detail.number("file", *file);
            if let ([low, high, ..], 0x31 | 0x32 | 0x34 | 0x35) = (rest, code) {
                let name = if matches!(code, 0x31 | 0x34) { "block" } else { "blocks" };
                detail.number(name, u16::from_le_bytes([*low, *high]));
            }
        }
        _ => {}
    }
}

/// The bytes of a program block. Into the controller they stand behind the block's number, out of it they are the answer, which may repeat
/// that number; a length in front that fits is left out. Schneider publishes no format: what else stands there is handed on as it was sent.
fn program_block<'a>(question: Part<'a>, answer: Option<&'a [u8]>) -> Option<&'a [u8]> {
    let bytes = match (question.code, question.data, answer) {
        (0x31, [0, _, _, _, bytes @ ..], Some(_)) => bytes,
        (0x34, [0, _, low, high, ..], Some([first, second, bytes @ ..])) if [low, high] == [first, second] => bytes,
        (0x34, _, Some(bytes)) => bytes,
        _ => return None,
    };
    let counted = |start: usize| {
        let [low, high, rest @ ..] = bytes.get(start..)? else { return None };
        (usize::from(u16::from_le_bytes([*low, *high])) == rest.len()).then_some(rest)
    };
    Some(counted(0).or_else(|| counted(1)).or_else(|| counted(2)).unwrap_or(bytes))
}

fn raw<'a>(names: [&'static str; 2], data: &'a [u8], bulk: bool, detail: &mut Fields<'a, 16>) {
    let [whole, length] = names;
    match (data.is_empty(), bulk, u64::try_from(data.len())) {
        (false, true, Ok(count)) => detail.number(length, count),
        (false, false, _) => detail.add(whole, Value::Hex(data)),
        _ => {}
    }
}

/// Who reserves: four bytes, then a counted text up to the end.
fn reservation(data: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new("umas.take_plc_reservation", data);
    cursor.skip(4).ok()?;
    let count = usize::from(cursor.u8().ok()?);
    let name = cursor.take(count).ok()?;
    (cursor.remaining() == 0 && is_name(name)).then_some(name)
}

/// Text that a name can be.
fn is_name(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

/// What an answer says of the controller.
fn identity(exchange: &Exchange<'_>, code: u8, data: &[u8], half: Half<'_>, sink: &mut dyn Sink) {
    let side = exchange.client.other();
    let unit = Some(u32::from(half.unit));
    let mut observe = |attribute, value: &[u8], field| {
        sink.observation(&Observation {
            protocol: tables::NUMBER,
            side,
            unit,
            attribute,
            value: Value::Text(value),
            field,
            at: half.at,
        });
    };
    match code {
        0x02 => {
            if let Some((name, version)) = plc_identity(data) {
                observe("model", name, "umas.read_id.name");
                let text = version_text(version);
                observe("firmware", text.strip_prefix(b"0").unwrap_or(&text), "umas.read_id.version");
            }
        }
        0x03 => {
            if let Some(name) = project_name(data) {
                observe("project", name, "umas.read_project_info.name");
            }
        }
        _ => {}
    }
}

/// Name and version from the answer to 0x02: range, identifier (4), model, version, patch, internal version, hardware version, crash
/// code (4), a word, counted name.
fn plc_identity(data: &[u8]) -> Option<(&[u8], u16)> {
    let mut cursor = Cursor::new("umas.read_id", data);
    cursor.skip(8).ok()?;
    let version = cursor.u16_le().ok()?;
    cursor.skip(12).ok()?;
    let count = usize::from(cursor.u8().ok()?);
    let name = cursor.take(count).ok()?;
    is_name(name).then_some((name, version))
}

/// A version of four hexadecimal digits, as people write it: 0x0270 is 2.70.
fn version_text(version: u16) -> [u8; 5] {
    let [high, low] = version.to_be_bytes();
    let digit = |value: u8| {
        char::from_digit(u32::from(value & 0x0F), 16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(b'?')
    };
    [digit(high >> 4), digit(high), b'.', digit(low >> 4), digit(low)]
}

/// The project's name from the answer to 0x03: two versions of nine bytes, two dates of eight, four bytes, then the counted name with
/// a zero at its end, which ends the answer too.
fn project_name(data: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new("umas.read_project_info", data);
    cursor.skip(38).ok()?;
    let count = usize::from(cursor.u8().ok()?);
    let name = cursor.take(count).ok()?.strip_suffix(&[0])?;
    (cursor.remaining() == 0 && is_name(name)).then_some(name)
}
