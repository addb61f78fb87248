//! Names, access classes, kinds of points and limits of Modbus (Application Protocol Specification V1.1b3).

use crate::protocols::{FunctionRow, PointKind, SubFunctionRow, Syntax};
use crate::transaction::{Access, Code, SubFunction};

/// The number of this protocol in [`crate::protocols::PROTOCOLS`].
pub const NUMBER: u8 = 0;

const fn row(code: u32, name: &'static str, access: Access, about: &'static str) -> FunctionRow {
    FunctionRow { code, name, access, about }
}

/// All named function codes. Public ones with their section in V1.1b3; below them the reserved ones that legacy products are
/// known to use, whose data stays raw. What a legacy programming code does is not published: it counts as `program`.
pub static FUNCTIONS: &[FunctionRow] = &[
    row(1, "read_coils", Access::Read, "Reads 1 to 2000 coils (6.1)"),
    row(2, "read_discrete_inputs", Access::Read, "Reads 1 to 2000 discrete inputs (6.2)"),
    row(3, "read_holding_registers", Access::Read, "Reads 1 to 125 holding registers (6.3)"),
    row(4, "read_input_registers", Access::Read, "Reads 1 to 125 input registers (6.4)"),
    row(5, "write_single_coil", Access::Write, "Sets one coil on or off (6.5)"),
    row(6, "write_single_register", Access::Write, "Writes one holding register (6.6)"),
    row(7, "read_exception_status", Access::Read, "Reads eight status outputs, serial line only (6.7)"),
    row(8, "diagnostics", Access::Read, "Serial line diagnostics; the sub-function decides the access (6.8)"),
    row(9, "program_484", Access::Program, "Reserved: programming of the 484"),
    row(10, "poll_484", Access::Program, "Reserved: polls a programming command of the 484"),
    row(11, "get_comm_event_counter", Access::Read, "Reads status word and event counter (6.9)"),
    row(12, "get_comm_event_log", Access::Read, "Reads status, counters and the event log (6.10)"),
    row(13, "program_584", Access::Program, "Reserved: programming of the 584 and 984"),
    row(14, "poll_584", Access::Program, "Reserved: polls a programming command of the 584 and 984"),
    row(15, "write_multiple_coils", Access::Write, "Writes 1 to 1968 coils (6.11)"),
    row(16, "write_multiple_registers", Access::Write, "Writes 1 to 123 holding registers (6.12)"),
    row(17, "report_server_id", Access::Identify, "Asks for type, run indicator and further data (6.13)"),
    row(18, "program_884", Access::Program, "Reserved: programming of the 884"),
    row(19, "reset_comm_link_884", Access::Mode, "Reserved: resets the communication link of the 884"),
    row(20, "read_file_record", Access::Read, "Reads records of extended memory files (6.14)"),
    row(21, "write_file_record", Access::Write, "Writes records of extended memory files (6.15)"),
    row(22, "mask_write_register", Access::Write, "Changes bits of a holding register by two masks (6.16)"),
    row(23, "read_write_multiple_registers", Access::Write, "Writes, then reads holding registers (6.17)"),
    row(24, "read_fifo_queue", Access::Read, "Reads a queue of up to 31 registers (6.18)"),
    row(40, "program_concept", Access::Program, "Reserved: programming by Concept"),
    row(
        43,
        "encapsulated_interface_transport",
        Access::Identify,
        "Carries another interface; the MEI type says which (6.19)",
    ),
    row(90, "unity_umas", Access::Configure, "Reserved: UMAS, the programming protocol of Unity (protocol `umas`)"),
    row(125, "firmware_replacement", Access::Program, "Reserved: replaces firmware"),
    row(126, "program_984", Access::Program, "Reserved: programming of the 584 and 984"),
    row(127, "report_local_address", Access::Identify, "Reserved: reports the local address (Modbus Plus)"),
];

const fn sub(function: u32, code: u32, name: &'static str, access: Access) -> SubFunctionRow {
    SubFunctionRow { function, group: None, code, name, access }
}

/// Diagnostics sub-functions (6.8.1) and MEI types (6.19 to 6.21). A CANopen general reference (CiA 309) may read or write the
/// object dictionary, and which is not in the Modbus specification: it counts as the graver, `write`.
pub static SUB_FUNCTIONS: &[SubFunctionRow] = &[
    sub(8, 0, "return_query_data", Access::Session),
    sub(8, 1, "restart_communications_option", Access::Mode),
    sub(8, 2, "return_diagnostic_register", Access::Read),
    sub(8, 3, "change_ascii_input_delimiter", Access::Configure),
    sub(8, 4, "force_listen_only_mode", Access::Mode),
    sub(8, 10, "clear_counters_and_diagnostic_register", Access::Configure),
    sub(8, 11, "return_bus_message_count", Access::Read),
    sub(8, 12, "return_bus_communication_error_count", Access::Read),
    sub(8, 13, "return_bus_exception_error_count", Access::Read),
    sub(8, 14, "return_server_message_count", Access::Read),
    sub(8, 15, "return_server_no_response_count", Access::Read),
    sub(8, 16, "return_server_nak_count", Access::Read),
    sub(8, 17, "return_server_busy_count", Access::Read),
    sub(8, 18, "return_bus_character_overrun_count", Access::Read),
    sub(8, 20, "clear_overrun_counter_and_flag", Access::Configure),
    sub(43, 13, "canopen_general_reference", Access::Write),
    sub(43, 14, "read_device_identification", Access::Identify),
];

/// Exception codes (section 7); 7 is from the older Modbus Protocol Reference Guide (PI-MBUS-300).
pub static EXCEPTIONS: &[(u32, &str)] = &[
    (1, "illegal_function"),
    (2, "illegal_data_address"),
    (3, "illegal_data_value"),
    (4, "server_device_failure"),
    (5, "acknowledge"),
    (6, "server_device_busy"),
    (7, "negative_acknowledge"),
    (8, "memory_parity_error"),
    (10, "gateway_path_unavailable"),
    (11, "gateway_target_device_failed_to_respond"),
];

/// Bits of the anomaly set; UMAS shares them.
#[allow(missing_docs)]
pub mod anomaly {
    pub const INVALID_PROTOCOL_ID: u8 = 0;
    pub const INVALID_LENGTH: u8 = 1;
    pub const INVALID_QUANTITY: u8 = 2;
    pub const INVALID_BYTE_COUNT: u8 = 3;
    pub const INVALID_VALUE: u8 = 4;
    pub const INVALID_FUNCTION: u8 = 5;
    pub const INVALID_EXCEPTION_CODE: u8 = 6;
    pub const UNSOLICITED_RESPONSE: u8 = 7;
    pub const LATE_RESPONSE: u8 = 8;
    pub const RESPONSE_MISMATCH: u8 = 9;
    pub const TOO_MANY_OPEN_REQUESTS: u8 = 10;
    pub const ADDRESS_OVERFLOW: u8 = 11;
    pub const UNREADABLE: u8 = 12;
    pub const TRAILING_BYTES: u8 = 13;
    pub const CRC: u8 = 14;
}

/// Names of the anomalies, in the order of their bits.
pub static ANOMALIES: &[(&str, &str)] = &[
    ("invalid_protocol_id", "The MBAP protocol identifier is not 0"),
    ("invalid_length", "The length is out of range or less than the function demands"),
    ("invalid_quantity", "A quantity is 0 or above the function's limit"),
    ("invalid_byte_count", "A byte count does not fit the quantity or the data beside it"),
    (
        "invalid_value",
        "A value that the specification does not allow (coil, sub-function data, reference type, object)",
    ),
    ("invalid_function", "Function code 0, or a request with 128 and above"),
    ("invalid_exception_code", "An exception code that the specification does not define"),
    ("unsolicited_response", "A response without a request, though nothing was lost"),
    ("late_response", "A response after its request had been closed"),
    ("response_mismatch", "The response does not fit its request (echo, byte count, function, unit)"),
    ("too_many_open_requests", "More requests without response than are kept; the oldest was let go"),
    ("address_overflow", "First address and quantity reach beyond 65535"),
    ("unreadable", "No message could be found in these bytes"),
    ("trailing_bytes", "More bytes than the function demands"),
    ("crc", "The CRC of an RTU frame is wrong"),
];

/// Kinds of points. `file` addresses are record numbers, its block is the file number (6.14); `fifo` is the queue's pointer address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Kind {
    Coil = 0,
    DiscreteInput = 1,
    HoldingRegister = 2,
    InputRegister = 3,
    File = 4,
    Fifo = 5,
}

impl Kind {
    /// Index into [`POINT_KINDS`].
    #[inline]
    pub fn index(self) -> u8 {
        match self {
            Kind::Coil => 0,
            Kind::DiscreteInput => 1,
            Kind::HoldingRegister => 2,
            Kind::InputRegister => 3,
            Kind::File => 4,
            Kind::Fifo => 5,
        }
    }

    /// One bit per address rather than a word.
    #[inline]
    pub fn is_bits(self) -> bool {
        matches!(self, Kind::Coil | Kind::DiscreteInput)
    }

    /// The most that one message of this access may hold (6.1 to 6.4, 6.11, 6.12, 6.18).
    #[inline]
    pub fn max_quantity(self, access: Access) -> u16 {
        match (self, access) {
            (Kind::Coil, Access::Write) => 1968,
            (Kind::Coil | Kind::DiscreteInput, _) => 2000,
            (Kind::HoldingRegister, Access::Write) => 123,
            (Kind::Fifo, _) => 31,
            _ => 125,
        }
    }

    /// The most that function 23 may write beside reading (6.17).
    #[inline]
    pub fn max_written_beside_read() -> u16 {
        121
    }
}

/// The kinds in the order of [`Kind`].
pub static POINT_KINDS: &[PointKind] = &[
    PointKind { name: "coil", example: "coil:7", max: 65535, block: false, syntax: Syntax::Colon },
    PointKind {
        name: "discrete_input",
        example: "discrete_input:0-15",
        max: 65535,
        block: false,
        syntax: Syntax::Colon,
    },
    PointKind {
        name: "holding_register",
        example: "holding_register:100-101",
        max: 65535,
        block: false,
        syntax: Syntax::Colon,
    },
    PointKind { name: "input_register", example: "input_register:30", max: 65535, block: false, syntax: Syntax::Colon },
    PointKind { name: "file", example: "file:4/10-12", max: 65535, block: true, syntax: Syntax::Colon },
    PointKind { name: "fifo", example: "fifo:1246", max: 65535, block: false, syntax: Syntax::Colon },
];

/// Who defines a function code (section 4.1 and annex A).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// Defined by the specification, or free for a later version of it.
    Public,
    /// 65 to 72 and 100 to 110.
    UserDefined,
    /// Kept for legacy products (annex A).
    Reserved,
    /// 0, and 128 and above, which only mark exceptions.
    Invalid,
}

impl Category {
    /// The word in the output.
    pub fn name(self) -> &'static str {
        match self {
            Category::Public => "public",
            Category::UserDefined => "user_defined",
            Category::Reserved => "reserved",
            Category::Invalid => "invalid",
        }
    }
}

/// Who defines this function code.
#[inline]
pub fn category(function: u8) -> Category {
    match function {
        0 | 128.. => Category::Invalid,
        65..=72 | 100..=110 => Category::UserDefined,
        9 | 10 | 13 | 14 | 18 | 19 | 40 | 41 | 42 | 90 | 91 | 125..=127 => Category::Reserved,
        _ => Category::Public,
    }
}

/// Whether the specification defines what the function's messages look like.
#[inline]
pub fn is_defined(function: u8) -> bool {
    matches!(function, 1..=8 | 11 | 12 | 15..=17 | 20..=24 | 43)
}

/// A function code with its name.
#[inline]
pub fn function(code: u8) -> Code {
    Code { code: u32::from(code), name: row_of(code).map(|row| row.name) }
}

/// What kind of thing a function does. What an unknown, user-defined or reserved code does can't be known: `configure`.
#[inline]
pub fn access(code: u8) -> Access {
    row_of(code).map_or(Access::Configure, |row| row.access)
}

#[inline]
fn row_of(code: u8) -> Option<&'static FunctionRow> {
    let place = match code {
        1..=24 => code.checked_sub(1)?,
        40 => 24,
        43 => 25,
        90 => 26,
        125..=127 => code.checked_sub(98)?,
        _ => return None,
    };
    FUNCTIONS.get(usize::from(place))
}

/// A sub-function with its name, and its access; what one without a row does cannot be known: `configure`.
pub fn sub_function(function: u8, code: u16) -> (SubFunction, Access) {
    let code = u32::from(code);
    let row = SUB_FUNCTIONS.iter().find(|row| row.function == u32::from(function) && row.code == code);
    let found = SubFunction { group: None, code, name: row.map(|row| row.name) };
    (found, row.map_or(Access::Configure, |row| row.access))
}

/// An exception code with its name.
pub fn exception(code: u8) -> Code {
    let code = u32::from(code);
    Code { code, name: EXCEPTIONS.iter().find(|row| row.0 == code).map(|row| row.1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_code() {
        for code in 0..=255u8 {
            let row = FUNCTIONS.iter().find(|row| row.code == u32::from(code));
            assert_eq!(function(code).name, row.map(|row| row.name), "function {code}: mend row_of");
        }
    }

    #[test]
    fn bits_and_kinds_have_names() {
        assert_eq!(ANOMALIES.len(), usize::from(anomaly::CRC) + 1);
        assert_eq!(ANOMALIES[usize::from(anomaly::LATE_RESPONSE)].0, "late_response");
        assert_eq!(POINT_KINDS[usize::from(Kind::Fifo.index())].name, "fifo");
    }
}
