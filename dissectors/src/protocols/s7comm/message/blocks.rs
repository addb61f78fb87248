//! Blocks on their way into the controller and out of it. The controller fetches what is loaded into it: it asks the programming device
//! for each part. Whole blocks are told with the last part: header, end and hash.

use bumpalo::Bump;

use super::compose::{Exchange, Fields, Parts};
use super::{Pdu, header, services};
use crate::cursor::{Cursor, Incomplete};
use crate::protocols::Sink;
use crate::protocols::s7comm::tables::anomaly;
use crate::protocols::s7comm::transfer::{Key, State, Transfer};
use crate::transaction::{Access, Anomalies, Point, Value};

/// What the parameters of a step say.
#[derive(Debug, Default)]
struct Step<'a> {
    /// More parts follow.
    more: bool,
    /// Number of an upload.
    number: Option<u32>,
    /// Name of the block.
    name: Option<&'a [u8]>,
    /// Lengths that a download announces: load memory and code.
    lengths: Option<(u64, u64)>,
    /// Length that the answer to an upload announces.
    length: Option<u64>,
}

fn digits(text: &[u8]) -> Option<u64> {
    text.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten()
}

/// The parameters of a request: function, status, two bytes, four bytes that number an upload, then a name and lengths.
fn request<'a>(pdu: &Pdu<'a>) -> Result<Step<'a>, Incomplete> {
    let mut cursor = Cursor::new("s7comm.transfer", pdu.parameters);
    let function = cursor.u8()?;
    cursor.skip(3)?;
    let number = cursor.u32_be()?;
    let mut step = Step { number: matches!(function, 0x1E | 0x1F).then_some(number), ..Step::default() };
    if matches!(function, 0x1A..=0x1D) {
        let length = cursor.u8()?;
        step.name = Some(cursor.take(usize::from(length))?);
    }
    if function == 0x1A && cursor.remaining() > 0 {
        cursor.skip(2)?;
        let (load, code) = (digits(cursor.take(6)?), digits(cursor.take(6)?));
        step.lengths = load.zip(code);
    }
    Ok(step)
}

/// The parameters of a response.
fn response<'a>(pdu: &Pdu<'a>) -> Result<Step<'a>, Incomplete> {
    let mut cursor = Cursor::new("s7comm.transfer", pdu.parameters);
    let function = cursor.u8()?;
    let mut step = Step::default();
    if matches!(function, 0x1B | 0x1E) {
        step.more = cursor.u8()? & 1 != 0;
    }
    if function == 0x1D {
        cursor.skip(3)?;
        step.number = Some(cursor.u32_be()?);
        let length = cursor.u8()?;
        step.length = digits(cursor.take(usize::from(length))?);
    }
    Ok(step)
}

/// The bytes of a part: its length, two bytes that are always 00 FB, the bytes.
fn part<'a>(pdu: &Pdu<'a>) -> Result<&'a [u8], Incomplete> {
    let mut cursor = Cursor::new("s7comm.part", pdu.data);
    let _length_of_all = cursor.u16_be()?;
    cursor.skip(2)?;
    Ok(cursor.rest())
}

/// Type and number of a block in a name: `_0A00001P`.
fn block_of(name: &[u8]) -> Option<(u8, u32)> {
    let of = u8::from_str_radix(std::str::from_utf8(name.get(1..3)?).ok()?, 16).ok()?;
    Some((of, u32::try_from(digits(name.get(3..8)?)?).ok()?))
}

/// Hands over a step of an upload or download.
pub fn emit(exchange: &Exchange<'_>, state: &mut State, sink: &mut dyn Sink) {
    let arena = Bump::new();
    let mut anomalies = Anomalies::default();
    let asked = exchange.request.map(|pdu| request(&pdu));
    let answered = exchange.answer().map(|pdu| response(&pdu));
    let broken = |step: &Option<Result<Step<'_>, Incomplete>>| matches!(step, Some(Err(_)));
    anomalies.set(anomaly::INVALID_LENGTH, broken(&asked) || broken(&answered));
    let asked = asked.and_then(Result::ok).unwrap_or_default();
    let answered = answered.and_then(Result::ok);
    let mut detail = Fields::with(exchange.reference());
    let mut block = asked.name.and_then(block_of);
    let function = exchange.function().unwrap_or_default();
    let known = follow(function, exchange, (&asked, answered.as_ref()), state);
    if let Some((named, _)) = &known {
        block = block.or(*named);
    }
    describe(&asked, block, &mut detail);
    if let Some(number) = asked.number.or(answered.as_ref().and_then(|step| step.number)) {
        detail.number("upload_id", number);
    }
    if let Some(length) = answered.as_ref().and_then(|step| step.length) {
        detail.number("block_length", length);
    }
    if let (0x1B | 0x1E, Some(pdu)) = (function, exchange.answer()) {
        let bytes = part(&pdu).unwrap_or_default();
        detail.number("bytes", u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        sink.content(bytes);
    }
    if let Some((_, Some(content))) = &known {
        content.describe(&mut detail, &arena);
    }
    let point = block.and_then(|(of, number)| services::point(of, number, Access::Program));
    let points: &[Point<'_>] = point.as_slice();
    let parts = Parts {
        sub_function: None,
        access: Access::Program,
        points,
        detail: detail.as_slice(),
        outcome: exchange.outcome(),
        anomalies,
    };
    exchange.hand(&parts, sink);
}

/// Type and number of a block.
type Block = (u8, u32);

/// A block that has passed.
struct Content {
    length: u64,
    digest: Option<[u8; 32]>,
    head: Option<[u8; header::HEADER]>,
    end: Option<[u8; header::END]>,
}

impl Content {
    fn of(transfer: &Transfer) -> Self {
        let (head, end) = transfer.ends();
        Content {
            length: transfer.passed,
            digest: transfer.is_whole().then(|| transfer.digest()),
            head: head.and_then(|head| head.try_into().ok()),
            end: end.and_then(|end| end.try_into().ok()),
        }
    }

    fn describe<'a>(&self, detail: &mut Fields<'a>, arena: &'a Bump) {
        let mut fields = Fields::default();
        fields.number("length", self.length);
        fields.add("complete", Value::Bool(self.digest.is_some()));
        if let Some(digest) = self.digest {
            fields.add("sha256", Value::Hex(arena.alloc_slice_copy(&digest)));
        }
        if let Some(head) = self.head {
            let _ = header::describe(&head, &mut fields, arena); // 36 bytes are all that it reads
        }
        if let (Some(_), Some(end)) = (self.head, self.end) {
            let _ = header::describe_end(&end, &mut fields, arena);
        }
        detail.add("content", Value::Object(arena.alloc_slice_copy(fields.as_slice())));
    }
}

/// Follows the transfer: its block, and all of it when it has passed with this step.
fn follow(
    function: u8,
    exchange: &Exchange<'_>,
    (asked, answered): (&Step<'_>, Option<&Step<'_>>),
    state: &mut State,
) -> Option<(Option<Block>, Option<Content>)> {
    let block = asked.name.and_then(block_of);
    let key = match function {
        0x1A..=0x1C => block.map(|(of, number)| Key::Download(of, number)),
        0x1D => answered.and_then(|step| step.number).map(Key::Upload),
        _ => asked.number.map(Key::Upload),
    }?;
    match function {
        0x1A => state.begin(key, block, asked.lengths.map(|(load, _)| load)),
        0x1D => state.begin(key, block, answered.and_then(|step| step.length)),
        0x1B | 0x1E => {
            let bytes = exchange.answer().and_then(|pdu| part(&pdu).ok());
            let transfer = state.transfer(key)?;
            transfer.take(bytes.unwrap_or_default());
            let last = answered.is_some_and(|step| !step.more);
            transfer.done |= last;
            return Some((transfer.block, if last { Some(Content::of(transfer)) } else { None }));
        }
        _ => return state.end(key).map(|transfer| (transfer.block, None)),
    }
    None
}

fn describe<'a>(asked: &Step<'a>, block: Option<(u8, u32)>, detail: &mut Fields<'a>) {
    if let Some(name) = asked.name {
        detail.text("file", name);
        if let Some(system) = name.get(8..9) {
            detail.text("file_system", system);
        }
    }
    if let Some((of, number)) = block {
        match header::type_name(of) {
            Some(name) => detail.text("block_type", name.as_bytes()),
            None => detail.number("block_type_code", of),
        }
        detail.number("block_number", number);
    }
    if let Some((load, code)) = asked.lengths {
        detail.number("load_memory_length", load);
        detail.number("code_length", code);
    }
}
