//! Names and access classes of UMAS. There is no public specification: the names are those that researchers and open
//! implementations use (see [`super`]); a code that none of them knows keeps its number.

use crate::protocols::{FunctionRow, PointKind, Syntax};
use crate::transaction::{Access, Code};

/// The number of this protocol in [`crate::protocols::PROTOCOLS`].
pub const NUMBER: u8 = 1;

const fn row(code: u32, name: &'static str, access: Access, about: &'static str) -> FunctionRow {
    FunctionRow { code, name, access, about }
}

/// Function codes. `upload` and `download` in the names of 0x30 to 0x35 are UMAS's own, seen from the controller: the first
/// three go into it, the others come out of it; both are `program`, and `direction` in the detail says which.
pub static FUNCTIONS: &[FunctionRow] = &[
    row(0x01, "init_comm", Access::Session, "Begins a session and agrees on the frame size"),
    row(0x02, "read_id", Access::Identify, "Asks for type, versions and name of the controller"),
    row(0x03, "read_project_info", Access::Identify, "Asks for name, versions and dates of the project"),
    row(0x04, "read_plc_info", Access::Identify, "Asks for state and project checksums of the controller"),
    row(0x06, "read_card_info", Access::Identify, "Asks for the memory card"),
    row(0x0A, "repeat", Access::Session, "Has the controller send back the same data"),
    row(0x10, "take_plc_reservation", Access::Configure, "Reserves the controller for one engineering station"),
    row(0x11, "release_plc_reservation", Access::Configure, "Gives the reservation back"),
    row(0x12, "keep_alive", Access::Session, "Keeps the reservation"),
    row(0x20, "read_memory_block", Access::Read, "Reads bytes of a memory block"),
    row(0x22, "read_variables", Access::Read, "Reads variables by block and offset"),
    row(0x23, "write_variables", Access::Write, "Writes variables by block and offset"),
    row(0x24, "read_coils_registers", Access::Read, "Reads coils and registers"),
    row(0x25, "write_coils_registers", Access::Write, "Writes coils and registers"),
    row(0x26, "read_data_dictionary", Access::Identify, "Asks for names and types of variables"),
    row(0x30, "initialize_upload", Access::Program, "Begins a program transfer into the controller"),
    row(0x31, "upload_block", Access::Program, "A block of a program, into the controller"),
    row(0x32, "end_strategy_upload", Access::Program, "Ends a program transfer into the controller"),
    row(0x33, "initialize_download", Access::Program, "Begins a program transfer out of the controller"),
    row(0x34, "download_block", Access::Program, "A block of a program, out of the controller"),
    row(0x35, "end_strategy_download", Access::Program, "Ends a program transfer out of the controller"),
    row(0x39, "read_eth_master_data", Access::Identify, "Asks for the Ethernet master's data"),
    row(0x40, "start_plc", Access::Mode, "Starts the controller"),
    row(0x41, "stop_plc", Access::Mode, "Stops the controller"),
    row(0x50, "monitor_plc", Access::Read, "Watches variables and the state of the controller"),
    row(0x58, "check_plc", Access::Read, "Checks the connection and the state of the controller"),
    row(0x70, "read_io_object", Access::Read, "Reads an input or output object"),
    row(0x71, "write_io_object", Access::Write, "Writes an input or output object"),
    row(0x73, "get_status_module", Access::Read, "Asks for the state of a module"),
];

/// Response status: done.
pub const ACCEPTED: u8 = 0xFE;

/// Response status: not done.
pub const REJECTED: u8 = 0xFD;

/// UMAS's own negative response; its error data stands in the detail.
pub const UMAS_ERROR: (u32, &str) = (0xFD, "umas_error");

/// Rejections: Modbus exceptions of function 90 (Modbus Application Protocol Specification V1.1b3, section 7), and UMAS's own.
pub static REJECTIONS: &[(u32, &str)] = &[
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
    UMAS_ERROR,
];

/// A function with its name; `None` in it where nobody knows the code.
pub fn function(code: u8) -> Code {
    let code = u32::from(code);
    Code { code, name: row_of(code).map(|row| row.name) }
}

/// What kind of thing a function does; what an unknown one does can't be known: `configure`.
pub fn access(code: u8) -> Access {
    row_of(u32::from(code)).map_or(Access::Configure, |row| row.access)
}

fn row_of(code: u32) -> Option<&'static FunctionRow> {
    FUNCTIONS.iter().find(|row| row.code == code)
}

/// Kinds of points: bytes of a memory block.
pub static POINT_KINDS: &[PointKind] = &[PointKind {
    name: "memory_block",
    example: "memory_block:19/0-99",
    max: 0xFFFF_FFFF,
    block: true,
    syntax: Syntax::Colon,
}];
