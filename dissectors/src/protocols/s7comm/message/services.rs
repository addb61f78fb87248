//! The set-up of communication, PI services and PLC stop.

use bumpalo::Bump;

use super::compose::{Exchange, Fields, Parts};
use crate::cursor::{Cursor, Incomplete};
use crate::protocols::Sink;
use crate::protocols::s7comm::tables::{self, Kind};
use crate::transaction::{Access, Anomalies, Point, SubFunction, Value, Values};

/// Setup communication: how many jobs may be open on each side, and how long a message may be. The response says what is agreed.
pub fn setup(exchange: &Exchange<'_>, sink: &mut dyn Sink) {
    let read = |parameters: &[u8]| -> Result<[u16; 3], Incomplete> {
        let mut cursor = Cursor::new("s7comm.setup", parameters);
        cursor.skip(2)?;
        Ok([cursor.u16_be()?, cursor.u16_be()?, cursor.u16_be()?])
    };
    let asked = exchange.request.and_then(|pdu| read(pdu.parameters).ok());
    let agreed = exchange.answer().and_then(|pdu| read(pdu.parameters).ok());
    let mut detail = Fields::with(exchange.reference());
    if let Some([calling, called, size]) = agreed.or(asked) {
        detail.number("parallel_jobs_calling", calling);
        detail.number("parallel_jobs_called", called);
        detail.number("pdu_size", size);
    }
    if let (Some([_, _, size]), Some(_)) = (asked, agreed) {
        detail.number("pdu_size_asked", size);
    }
    let parts = Parts {
        sub_function: None,
        access: Access::Session,
        points: &[],
        detail: detail.as_slice(),
        outcome: exchange.outcome(),
        anomalies: Anomalies::default(),
    };
    exchange.hand(&parts, sink);
}

/// A PI service or PLC stop.
struct Call<'a> {
    /// Name of the service.
    name: &'a [u8],
    /// Its argument.
    argument: &'a [u8],
}

/// PI service: seven bytes, length and argument, length and name. PLC stop: five bytes, length and name.
fn read(parameters: &[u8]) -> Result<Call<'_>, Incomplete> {
    let mut cursor = Cursor::new("s7comm.service", parameters);
    let stop = cursor.u8()? == 0x29;
    cursor.skip(if stop { 5 } else { 7 })?;
    let length = if stop { 0 } else { cursor.u16_be()? };
    let argument = cursor.take(usize::from(length))?;
    let length = cursor.u8()?;
    Ok(Call { name: cursor.take(usize::from(length))?, argument })
}

/// Hands over a PI service or PLC stop.
pub fn emit(exchange: &Exchange<'_>, sink: &mut dyn Sink) {
    let arena = Bump::new();
    let call = exchange.request.and_then(|pdu| read(pdu.parameters).ok());
    let stop = exchange.function() == Some(0x29);
    let mut detail = Fields::with(exchange.reference());
    let mut points: &[Point<'_>] = &[];
    let (mut sub_function, mut access): (Option<SubFunction>, Access) =
        (None, if stop { Access::Mode } else { Access::Program });
    if let Some(Call { name, argument }) = call {
        detail.text("service", name);
        if !stop {
            let (found, kind) = tables::service(name);
            (sub_function, access) = (Some(found), kind);
        }
        match name {
            b"P_PROGRAM" if !stop => {
                detail.text("argument", argument);
                let start: &[u8] = if argument == b"C " { b"cold" } else { b"warm" };
                detail.text("start", start);
            }
            b"_INSE" | b"_DELE" => points = blocks(argument, access, &arena),
            _ if argument.is_empty() => {}
            _ if secret(name) => detail.add("argument", Value::Null),
            _ if argument.iter().all(|byte| (0x20..0x7F).contains(byte)) => detail.text("argument", argument),
            _ => detail.add("argument", Value::Hex(argument)),
        }
    }
    let (outcome, detail, anomalies) = (exchange.outcome(), detail.as_slice(), Anomalies::default());
    exchange.hand(&Parts { sub_function, access, points, detail, outcome, anomalies }, sink);
}

/// Services whose arguments hold passwords.
fn secret(name: &[u8]) -> bool {
    matches!(name, b"_N_LOGIN_" | b"_N_NEWPWD")
}

/// The blocks of an argument: a number of them, a byte that is 0, and eight bytes for each: `0A00001P`, type in two characters,
/// number in five digits, file system.
fn blocks<'a>(argument: &[u8], access: Access, arena: &'a Bump) -> &'a [Point<'a>] {
    let Some(names) = argument.get(2..) else { return &[] };
    let points = names.chunks_exact(8).filter_map(|name| block(name.get(..2)?, name.get(2..7)?, access));
    let points: Vec<Point<'_>> = points.collect();
    arena.alloc_slice_copy(&points)
}

/// The point of a block, by its type and number as they are written in file names.
pub fn block(of: &[u8], number: &[u8], access: Access) -> Option<Point<'static>> {
    let of = std::str::from_utf8(of).ok().and_then(|of| u8::from_str_radix(of, 16).ok())?;
    let number = number.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(number).ok()).flatten();
    point(of, number?.parse().ok()?, access)
}

/// The point of a block, by its type and number. A whole data block is all its addresses.
pub fn point(of: u8, number: u32, access: Access) -> Option<Point<'static>> {
    let kind = match of {
        0x08 => Kind::OrganizationBlock,
        0x0A => Kind::DataBlock,
        0x0B => Kind::SystemDataBlock,
        0x0C => Kind::Function,
        0x0D => Kind::SystemFunction,
        0x0E => Kind::FunctionBlock,
        0x0F => Kind::SystemFunctionBlock,
        _ => return None,
    };
    let (block, first, last) = match kind {
        Kind::DataBlock => (number, 0, tables::MAX_ADDRESS),
        _ => (0, u64::from(number), u64::from(number)),
    };
    Some(Point { kind: kind.index(), access, block, first, last, name: None, values: Values::Unseen, fields: &[] })
}
