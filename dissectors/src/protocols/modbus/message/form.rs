//! What a PDU looks like: how long its function demands it to be as a request and as a response, and how sure one can be that
//! bytes are Modbus at all (Application Protocol Specification V1.1b3, section 6).

use crate::cursor::{Cursor, Incomplete};
use crate::protocols::modbus::tables::{Kind, is_defined};
use crate::protocols::umas;
use crate::transaction::Access;

/// Which half of a transaction a PDU is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Sent by the client.
    Request,
    /// Sent by the server.
    Response,
}

/// How long a PDU has to be, function code included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// Exactly so many bytes.
    Exactly(usize),
    /// So many or more: the specification leaves it open.
    AtLeast(usize),
    /// Its first bytes do not say yet: so many are needed to tell.
    Unknown(usize),
}

/// What a PDU can be by its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A request only.
    Request,
    /// A response only.
    Response,
    /// The form fits both (echoes, codes without a definition).
    Either,
    /// It fits neither.
    Neither,
}

/// How much like Modbus a PDU is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// It contradicts its function.
    None,
    /// Nothing speaks against it, little for it.
    Weak,
    /// Function, length and limits agree.
    Strong,
}

/// The length that the function demands, from a PDU's first bytes.
#[inline]
pub fn demand(role: Role, pdu: &[u8]) -> Demand {
    let Some(&function) = pdu.first() else { return Demand::Unknown(1) };
    match role {
        Role::Request => request_demand(function, pdu),
        Role::Response => response_demand(function, pdu),
    }
}

#[inline]
fn request_demand(function: u8, pdu: &[u8]) -> Demand {
    match function {
        1..=6 => Demand::Exactly(5),
        7 | 11 | 12 | 17 => Demand::Exactly(1),
        8 => diagnostics_demand(pdu),
        15 | 16 => counted(pdu, 5),
        20 | 21 => counted(pdu, 1),
        22 => Demand::Exactly(7),
        23 => counted(pdu, 9),
        24 => Demand::Exactly(3),
        43 => match pdu.get(1) {
            Some(14) => Demand::Exactly(4),
            _ => Demand::AtLeast(2),
        },
        umas::FUNCTION => Demand::AtLeast(3),
        _ => Demand::AtLeast(1),
    }
}

#[inline]
fn response_demand(function: u8, pdu: &[u8]) -> Demand {
    match function {
        1..=4 | 12 | 17 | 20 | 21 | 23 => counted(pdu, 1),
        5 | 6 | 11 | 15 | 16 => Demand::Exactly(5),
        7 => Demand::Exactly(2),
        8 => diagnostics_demand(pdu),
        22 => Demand::Exactly(7),
        24 => match (pdu.get(1), pdu.get(2)) {
            (Some(&high), Some(&low)) => {
                Demand::Exactly(usize::from(u16::from_be_bytes([high, low])).saturating_add(3))
            }
            _ => Demand::Unknown(3),
        },
        43 => match pdu.get(1) {
            Some(14) => identification_demand(pdu),
            _ => Demand::AtLeast(2),
        },
        umas::FUNCTION => Demand::AtLeast(3),
        128.. => Demand::Exactly(2),
        _ => Demand::AtLeast(1),
    }
}

/// A PDU whose byte at `place` counts the bytes behind it.
#[inline]
fn counted(pdu: &[u8], place: usize) -> Demand {
    let header = place.saturating_add(1);
    match pdu.get(place) {
        Some(&count) => Demand::Exactly(header.saturating_add(usize::from(count))),
        None => Demand::Unknown(header),
    }
}

/// Query data (sub-function 0) may have any length; all others carry one word (6.8).
fn diagnostics_demand(pdu: &[u8]) -> Demand {
    match (pdu.get(1), pdu.get(2)) {
        (Some(0), Some(0)) => Demand::AtLeast(3),
        (Some(_), Some(_)) => Demand::Exactly(5),
        _ => Demand::Unknown(3),
    }
}

/// Seven bytes, then a list of id, length and value (6.21).
fn identification_demand(pdu: &[u8]) -> Demand {
    let mut cursor = Cursor::new("modbus.pdu", pdu);
    let walked = (|| -> Result<usize, Incomplete> {
        cursor.skip(6)?;
        for _ in 0..cursor.u8()? {
            cursor.skip(1)?;
            let length = cursor.u8()?;
            cursor.skip(usize::from(length))?;
        }
        Ok(cursor.offset())
    })();
    match walked {
        Ok(length) => Demand::Exactly(length),
        Err(short) => Demand::Unknown(short.offset.saturating_add(short.needed)),
    }
}

/// Whether a PDU has the length that its function demands in this role.
#[inline]
pub fn fits(role: Role, pdu: &[u8]) -> bool {
    match demand(role, pdu) {
        Demand::Exactly(length) => pdu.len() == length,
        Demand::AtLeast(least) => pdu.len() >= least,
        Demand::Unknown(_) => false,
    }
}

/// What a complete PDU can be.
#[inline]
pub fn form(pdu: &[u8]) -> Form {
    let function = pdu.first().copied().unwrap_or_default();
    match function {
        0 => return Form::Request,
        // Exceptions have two bytes; a longer one may as well be a request that has no business to be one.
        128.. => return if pdu.len() == 2 { Form::Response } else { Form::Either },
        umas::FUNCTION => return umas::form(pdu),
        20 => return file_form(pdu),
        _ => {}
    }
    match (fits(Role::Request, pdu), fits(Role::Response, pdu)) {
        (true, true) => Form::Either,
        (true, false) => Form::Request,
        (false, true) => Form::Response,
        (false, false) => Form::Neither,
    }
}

/// Read File Record has its reference type (6) first in a request's group, second in a response's (6.14).
fn file_form(pdu: &[u8]) -> Form {
    let whole = fits(Role::Request, pdu);
    let request = pdu.get(2) == Some(&6) && pdu.len() % 7 == 2;
    let response = pdu.get(3) == Some(&6) && pdu.get(2).is_some_and(|length| length % 2 == 1);
    match (whole, request, response) {
        (false, ..) => Form::Neither,
        (true, true, false) => Form::Request,
        (true, false, true) => Form::Response,
        _ => Form::Either,
    }
}

/// How much like Modbus a complete PDU is.
pub fn likeness(pdu: &[u8]) -> Likeness {
    let function = pdu.first().copied().unwrap_or_default();
    let sound = match form(pdu) {
        Form::Neither => false,
        Form::Request => sound_request(function, pdu),
        Form::Response => sound_response(function, pdu),
        Form::Either => function < 128 && (sound_request(function, pdu) || sound_response(function, pdu)),
    };
    match (sound, function) {
        (false, _) => Likeness::None,
        (true, umas::FUNCTION) => umas::likeness(pdu),
        (true, 129..) => {
            if is_defined(function & 0x7F) {
                Likeness::Strong
            } else {
                Likeness::Weak
            }
        }
        (true, _) if is_defined(function) => Likeness::Strong,
        _ => Likeness::Weak,
    }
}

fn word(pdu: &[u8], place: usize) -> Option<u16> {
    pdu.get(place..place.saturating_add(2))?.try_into().ok().map(u16::from_be_bytes)
}

/// Whether the fixed fields of a PDU, of which the end may be missing, keep the limits of its function.
pub fn is_sound(role: Role, pdu: &[u8]) -> bool {
    let function = pdu.first().copied().unwrap_or_default();
    match role {
        Role::Request => sound_request(function, pdu),
        Role::Response => sound_response(function, pdu),
    }
}

/// Limits of requests that content must keep to be taken for Modbus where nothing else speaks for it.
fn sound_request(function: u8, pdu: &[u8]) -> bool {
    let first = word(pdu, 1).unwrap_or_default();
    let second = word(pdu, 3).unwrap_or_default();
    match function {
        0 => false,
        1 | 2 => (1..=Kind::Coil.max_quantity(Access::Read)).contains(&second),
        3 | 4 => (1..=Kind::HoldingRegister.max_quantity(Access::Read)).contains(&second),
        5 => second == 0 || second == 0xFF00,
        8 => first <= 20,
        15 => pdu.get(5).is_some_and(|&count| u16::from(count) == second.div_ceil(8) && count > 0),
        16 => pdu.get(5).is_some_and(|&count| u16::from(count) == second.saturating_mul(2) && count > 0),
        20 => pdu.len() >= 9 && pdu.get(2) == Some(&6),
        21 => pdu.len() >= 11 && pdu.get(2) == Some(&6),
        23 => pdu.get(9).is_some_and(|&count| word(pdu, 7) == Some(u16::from(count) / 2) && count > 0),
        43 => match pdu.get(1) {
            Some(14) => pdu.get(2).is_some_and(|code| (1..=4).contains(code)),
            _ => true,
        },
        _ => true,
    }
}

/// Limits of responses, likewise.
fn sound_response(function: u8, pdu: &[u8]) -> bool {
    let count = pdu.get(1).copied().unwrap_or_default();
    let second = word(pdu, 3).unwrap_or_default();
    match function {
        1 | 2 => (1..=250).contains(&count),
        3 | 4 | 23 => (2..=250).contains(&count) && count % 2 == 0,
        5 => second == 0 || second == 0xFF00,
        8 => word(pdu, 1).unwrap_or_default() <= 20,
        12 => (6..=70).contains(&count),
        15 => (1..=Kind::Coil.max_quantity(Access::Write)).contains(&second),
        16 => (1..=Kind::HoldingRegister.max_quantity(Access::Write)).contains(&second),
        17 => count > 0,
        20 | 21 => count > 2 && pdu.get(if function == 20 { 3 } else { 2 }) == Some(&6),
        24 => word(pdu, 3).is_some_and(|quantity| {
            quantity <= 31 && word(pdu, 1) == Some(quantity.saturating_mul(2).saturating_add(2))
        }),
        43 => match pdu.get(1) {
            Some(14) => pdu.get(2).is_some_and(|code| (1..=4).contains(code)),
            _ => true,
        },
        128.. => function != 128 && (1..=11).contains(&count),
        _ => true,
    }
}

/// Whether the first bytes of a PDU of `length` bytes can still become one that is like Modbus.
pub fn may_become(pdu: &[u8], length: usize) -> bool {
    let Some(&function) = pdu.first() else { return true };
    let possible = |role| match demand(role, pdu) {
        Demand::Exactly(exact) => exact == length,
        Demand::AtLeast(least) => length >= least,
        Demand::Unknown(least) => length >= least,
    };
    function != 0 && function != 128 && (possible(Role::Request) || possible(Role::Response))
}
