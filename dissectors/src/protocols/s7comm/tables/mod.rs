//! Names, access classes, kinds of points and limits of S7comm. Siemens has published neither protocol nor codes: the names follow
//! what Wireshark's dissector and the open implementations (Snap7, libnodave) agree on and captures confirm.

mod errors;
mod kinds;
mod services;
mod userdata;

use crate::protocols::cotp::tables as cotp;
use crate::protocols::{FunctionRow, SubFunctionRow};
use crate::transaction::{Access, Code, SubFunction};
pub use errors::{REJECTIONS, class_name};
pub use kinds::{Area, Kind, MAX_ADDRESS, POINT_KINDS, area};
pub use userdata::group_name;

/// The number of this protocol in [`crate::protocols::PROTOCOLS`].
pub const NUMBER: u8 = 3;

const fn row(code: u32, name: &'static str, access: Access, about: &'static str) -> FunctionRow {
    FunctionRow { code, name, access, about }
}

/// Function codes of jobs; `userdata` has none of its own and stands under the number of its message type (ROSCTR), and the set-up
/// and end of the connection under those of their COTP data units.
pub static FUNCTIONS: &[FunctionRow] = &[
    row(0x00, "cpu_services", Access::Configure, "Services of the CPU; what they do is not told"),
    row(0x04, "read_var", Access::Read, "Reads variables: areas, data blocks, symbols"),
    row(0x05, "write_var", Access::Write, "Writes variables"),
    row(0x07, "userdata", Access::Configure, "Userdata; group and sub-function decide the access"),
    row(0x1A, "request_download", Access::Program, "Begins to load a block into the controller"),
    row(0x1B, "download_block", Access::Program, "Fetches a part of the block from the programming device"),
    row(0x1C, "download_ended", Access::Program, "Ends loading a block into the controller"),
    row(0x1D, "start_upload", Access::Program, "Begins to load a block out of the controller"),
    row(0x1E, "upload", Access::Program, "A part of the block, out of the controller"),
    row(0x1F, "end_upload", Access::Program, "Ends loading a block out of the controller"),
    row(0x28, "pi_service", Access::Program, "Calls a program invocation service; which one decides the access"),
    row(0x29, "plc_stop", Access::Mode, "Stops the controller"),
    row(0xF0, "setup_communication", Access::Session, "Agrees on PDU size and parallel jobs"),
    cotp::CONNECT,
    cotp::DISCONNECT,
    cotp::ERROR,
];

/// The function of PI services.
pub const SERVICE: u32 = 0x28;
/// The number under which userdata stands.
pub const USERDATA: u32 = 0x07;

const fn sub(function: u32, group: Option<u32>, code: u32, name: &'static str, access: Access) -> SubFunctionRow {
    SubFunctionRow { function, group, code, name, access }
}

/// Sub-functions of userdata, and PI services.
pub static SUB_FUNCTIONS: &[SubFunctionRow] = &all_sub_functions();

const UD: usize = userdata::SUB_FUNCTIONS.len();
const ALL: usize = UD + services::SERVICES.len();

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // evaluated by the compiler, which stops at a wrong index
const fn all_sub_functions() -> [SubFunctionRow; ALL] {
    let mut all = [const { sub(0, None, 0, "", Access::Session) }; ALL];
    let mut place = 0;
    while place < ALL {
        let row = if place < UD { &userdata::SUB_FUNCTIONS[place] } else { &services::SERVICES[place - UD] };
        all[place] = sub(row.function, row.group, row.code, row.name, row.access);
        place += 1;
    }
    all
}

/// Bits of the anomaly set; the first ones are COTP's.
#[allow(missing_docs)]
pub mod anomaly {
    use crate::protocols::cotp::tables::anomaly::OWN;
    pub const INVALID_LENGTH: u8 = OWN;
    pub const TRAILING_BYTES: u8 = OWN + 1;
    pub const INVALID_TYPE: u8 = OWN + 2;
    pub const UNSOLICITED_RESPONSE: u8 = OWN + 3;
    pub const LATE_RESPONSE: u8 = OWN + 4;
    pub const RESPONSE_MISMATCH: u8 = OWN + 5;
    pub const TOO_MANY_OPEN_REQUESTS: u8 = OWN + 6;
    pub const UNKNOWN_FUNCTION: u8 = OWN + 7;
    pub const INVALID_ITEM: u8 = OWN + 8;
    pub const ADDRESS_OVERFLOW: u8 = OWN + 9;
}

/// Names of the anomalies, in the order of their bits.
pub static ANOMALIES: &[(&str, &str)] = &cotp::with_anomalies::<15>(&[
    ("invalid_length", "A length does not fit what is there"),
    ("trailing_bytes", "More bytes than the lengths say"),
    ("invalid_type", "A message type that does not exist"),
    ("unsolicited_response", "A response without a request, though nothing was lost"),
    ("late_response", "A response after its request had been closed"),
    ("response_mismatch", "The response does not fit its request (function, number of items)"),
    ("too_many_open_requests", "More requests without response than are kept; the oldest was let go"),
    ("unknown_function", "A function that is not known"),
    ("invalid_item", "An item of a read or write that cannot be read, or more items than there are"),
    ("address_overflow", "An item reaches beyond the last address"),
]);

/// A function code with its name.
#[inline]
pub fn function(code: u8) -> Code {
    Code { code: u32::from(code), name: row_of(code).map(|row| row.name) }
}

/// What kind of thing a function does. What an unknown one does can't be known: `configure`.
#[inline]
pub fn access(code: u8) -> Access {
    row_of(code).map_or(Access::Configure, |row| row.access)
}

#[inline]
fn row_of(code: u8) -> Option<&'static FunctionRow> {
    let place = match code {
        0x00 => 0,
        0x04 => 1,
        0x05 => 2,
        0x07 => 3,
        0x1A..=0x1F => code.checked_sub(0x16)?,
        0x28 | 0x29 => code.checked_sub(0x1E)?,
        0xF0 => 12,
        _ => return None,
    };
    FUNCTIONS.get(usize::from(place))
}

/// A sub-function of userdata with its name, and its access.
pub fn userdata(group: u8, code: u8) -> (SubFunction, Access) {
    let (group_code, code) = (u32::from(group), u32::from(code));
    let row = userdata::SUB_FUNCTIONS.iter().find(|row| row.group == Some(group_code) && row.code == code);
    let found = SubFunction { group: Some(group_code), code, name: row.map(|row| row.name) };
    (found, row.map_or_else(|| userdata::group_access(group), |row| row.access))
}

/// A PI service by its name; what an unknown one does cannot be known: the graver, `program`.
pub fn service(name: &[u8]) -> (SubFunction, Access) {
    let row = services::SERVICES.iter().find(|row| row.name.as_bytes() == name);
    let code = row.map_or(0, |row| row.code);
    (SubFunction { group: None, code, name: row.map(|row| row.name) }, row.map_or(Access::Program, |row| row.access))
}

/// The code of a rejection with its name.
pub fn rejection(code: u32) -> Code {
    let place = REJECTIONS.binary_search_by_key(&code, |row| row.0).ok();
    Code { code, name: place.and_then(|place| REJECTIONS.get(place)).map(|row| row.1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_code() {
        for code in 0..=255u8 {
            let row = FUNCTIONS[..13].iter().find(|row| row.code == u32::from(code));
            assert_eq!(function(code).name, row.map(|row| row.name), "function {code}: mend row_of");
        }
    }

    #[test]
    fn bits_have_names() {
        assert_eq!(ANOMALIES.len(), usize::from(anomaly::ADDRESS_OVERFLOW) + 1);
        assert_eq!(ANOMALIES[usize::from(anomaly::LATE_RESPONSE)].0, "late_response");
        assert_eq!(crate::protocols::PROTOCOLS[usize::from(NUMBER)].name, "s7comm");
    }
}
