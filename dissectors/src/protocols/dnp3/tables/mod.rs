//! Names, access classes, kinds of points and limits of DNP3 (IEEE 1815-2012). Objects stand in [`objects`].
//!
//! # Names
//!
//! A **function** code is that of the application layer (0 to 255). Link frames without user data are functions of their own:
//! 256 and the link function for what a primary station asks (`request_link_status` is 265), 272 and the link function for an
//! answer of a secondary station whose request was not seen.
//!
//! A **unit** is `master>outstation`, the link addresses in the direction of a request whoever sent the frame: `3>1024`. The
//! client is the master's side, for what an outstation sends of its own accord too.
//!
//! A **rejection** code is a command status (1 to 127), 256 and a bit number of IIN2, 512 and a file status, 768 and an
//! authentication error, or 1024 and the link function of a refusal.
//!
//! # Fields beside those that all protocols have (`dnp3` object of a transaction)
//!
//! | field | what |
//! |---|---|
//! | `sequence` | application sequence number |
//! | `iin` | names of the internal indications of the response, `iin_code` their 16 bits (first octet high) |
//! | `request_objects`, `response_objects` | object headers: `object` (`g30v1`), `group`, `variation`, `qualifier`, then `first` and `last`, or `count` |
//! | `classes` | classes that a poll, an assignment, or (un)solicited reporting names |
//! | `fragments` | fragments of the response, where more than one |
//! | `retries` | how often the same message was sent again |
//! | `repeated` | true: sequence and content of the request that has just been answered; an outstation only repeats its answer |
//! | `broadcast` | which broadcast address a request went to |
//! | `self_address` | true: sent to the self-address 65532 |
//! | `asked_by` | `outstation`, for link frames that it sends as primary station |
//! | `link_function` | what a secondary station answered to a link frame |
//! | `confirmed` | a report's confirmation: true or false; absent where none was asked for |
//! | `time_ms`, `delay_ms` | time that is written or told, ms since 1970; a delay |
//! | `file` | `name`, `mode`, `direction` (`to_outstation`, `from_outstation`), `handle`, `size`, `block`, `last`, `bytes` and `complete` so far, `sha256` of what passed (with the last block and the close), `status`, `type`, `created_ms`, `permissions`, `user`, `password_seen` |
//! | `authentication` | `message`, `user`, `user_name`, `challenge_sequence`, `key_status`, `mac_algorithm`, `error`, `aggressive`, `challenged`, `outcome` (`accepted`, `failed`) |
//! | `select` | of an operate: `capture` and `packet` of the select it belongs to |
//! | `unread` | bytes of the objects that could not be read |
//!
//! # Fields of a point
//!
//! | field | what |
//! |---|---|
//! | `object` | `g12v1` |
//! | `attribute` | name of a device attribute |
//! | `class` | class that an `assign_class` puts the point into |
//! | `octets` | length of a virtual terminal's text, which is not shown: it may hold a password |
//! | `association` | of a security statistic |
//! | `quality` | names of the set quality flags; points that stand side by side and have the same are one range |
//! | `time_ms` | ms since 1970; relative times are resolved with the common time of occurrence before them |
//! | `synchronized` | false: the time rests on an unsynchronised clock (g51v2) |
//! | `relative_time_ms` | a relative time without a common time |
//! | `operation`, `trip_close`, `queue`, `clear`, `count`, `on_time_ms`, `off_time_ms`, `control_code` | of a control relay output block |
//! | `status` | of a command: code and name as the response says |
//!
//! # What is observed of stations
//!
//! `dnp3_role` (`master`, `outstation`), `dnp3_address` and `dnp3_link_confirm` (it wants its user data confirmed by the link layer) when a
//! station is first heard; `vendor`, `model`, `firmware`, `hardware`, `serial`, `name`, `id_code`, `location` and `owner` from the device
//! attributes of set 0. An outstation is a unit, a master is not.

pub mod objects;

use crate::protocols::points::Syntax;
use crate::protocols::{FunctionRow, PointKind, SubFunctionRow};
use crate::transaction::{Access, Code, SubFunction};

/// The number of this protocol in [`crate::protocols::PROTOCOLS`].
pub const NUMBER: u8 = 2;

const fn row(code: u32, name: &'static str, access: Access, about: &'static str) -> FunctionRow {
    FunctionRow { code, name, access, about }
}

/// Added to the link function of a frame without user data that a primary station sent.
pub const LINK_PRIMARY: u32 = 256;

/// Added to the link function of a secondary station's answer to a frame that was not seen.
pub const LINK_SECONDARY: u32 = 272;

/// Application functions (4.4), then those of the link layer (9.2.4).
pub static FUNCTIONS: &[FunctionRow] = &[
    row(0, "confirm", Access::Session, "Confirms a response fragment (4.4.1)"),
    row(1, "read", Access::Read, "Reads objects; device attributes count as identify (4.4.2)"),
    row(2, "write", Access::Write, "Writes objects; the object decides the access (4.4.3)"),
    row(3, "select", Access::Write, "Selects outputs for the operate that follows (4.4.4)"),
    row(4, "operate", Access::Write, "Operates outputs that were selected (4.4.5)"),
    row(5, "direct_operate", Access::Write, "Operates outputs without select (4.4.6)"),
    row(6, "direct_operate_no_ack", Access::Write, "Operates outputs without select and without answer (4.4.6)"),
    row(7, "immediate_freeze", Access::Write, "Copies counters or analog inputs to their frozen values (4.4.7)"),
    row(8, "immediate_freeze_no_ack", Access::Write, "The same without answer (4.4.7)"),
    row(9, "freeze_clear", Access::Write, "Freezes, then clears counters (4.4.8)"),
    row(10, "freeze_clear_no_ack", Access::Write, "The same without answer (4.4.8)"),
    row(11, "freeze_at_time", Access::Write, "Freezes at a time or interval (4.4.9)"),
    row(12, "freeze_at_time_no_ack", Access::Write, "The same without answer (4.4.9)"),
    row(13, "cold_restart", Access::Mode, "Restarts the outstation as after power-on (4.4.10)"),
    row(14, "warm_restart", Access::Mode, "Restarts part of the outstation (4.4.11)"),
    row(15, "initialize_data", Access::Mode, "Obsolete: resets data to initial values (4.4.12)"),
    row(16, "initialize_application", Access::Mode, "Makes an application ready to run (4.4.13)"),
    row(17, "start_application", Access::Mode, "Starts an application (4.4.14)"),
    row(18, "stop_application", Access::Mode, "Stops an application (4.4.15)"),
    row(19, "save_configuration", Access::Configure, "Deprecated: saves the configuration (4.4.16)"),
    row(20, "enable_unsolicited", Access::Configure, "Lets classes be reported unsolicited (4.4.17)"),
    row(21, "disable_unsolicited", Access::Configure, "Stops classes from being reported unsolicited (4.4.17)"),
    row(22, "assign_class", Access::Configure, "Assigns points to event classes (4.4.18)"),
    row(23, "delay_measure", Access::Session, "Measures the delay for time synchronisation (4.4.19)"),
    row(
        24,
        "record_current_time",
        Access::Session,
        "Records the time of arrival, for LAN time synchronisation (4.4.20)",
    ),
    row(25, "open_file", Access::Configure, "Opens or creates a file; the mode is the sub-function (4.4.21)"),
    row(26, "close_file", Access::Session, "Closes a file (4.4.22)"),
    row(27, "delete_file", Access::Configure, "Deletes a file (4.4.23)"),
    row(28, "get_file_info", Access::Identify, "Asks for type, size, time and permissions of a file (4.4.24)"),
    row(29, "authenticate_file", Access::Session, "Gets a key for a file with user name and password (4.4.25)"),
    row(30, "abort_file", Access::Configure, "Ends a file transfer without its effect (4.4.26)"),
    row(31, "activate_configuration", Access::Program, "Makes configurations or programs take effect (4.4.27)"),
    row(32, "authentication_request", Access::Session, "Secure authentication, with answer (4.4.28)"),
    row(33, "authentication_request_no_ack", Access::Session, "Secure authentication, without answer (4.4.28)"),
    row(129, "response", Access::Report, "A response whose request was not seen (4.4.29)"),
    row(130, "unsolicited_response", Access::Report, "Data that the outstation sends of its own accord (4.4.30)"),
    row(131, "authentication_response", Access::Session, "Secure authentication by the outstation (4.4.31)"),
    row(256, "reset_link_states", Access::Session, "Link layer: resets the frame count bit (9.2.4)"),
    row(257, "reset_user_process", Access::Session, "Link layer, obsolete: resets the user process (9.2.4)"),
    row(258, "test_link_states", Access::Session, "Link layer: tests the frame count bit (9.2.4)"),
    row(265, "request_link_status", Access::Session, "Link layer: asks whether the station is there (9.2.4)"),
    row(272, "link_ack", Access::Session, "Link layer: an acknowledgement whose request was not seen (9.2.4)"),
    row(273, "link_nack", Access::Session, "Link layer: a negative acknowledgement whose request was not seen (9.2.4)"),
    row(283, "link_status", Access::Session, "Link layer: a status whose request was not seen (9.2.4)"),
    row(286, "link_not_functioning", Access::Session, "Link layer, obsolete: link service not functioning (9.2.4)"),
    row(287, "link_not_supported", Access::Session, "Link layer: a refusal whose request was not seen (9.2.4)"),
];

const fn sub(function: u32, code: u32, name: &'static str, access: Access) -> SubFunctionRow {
    SubFunctionRow { function, group: None, code, name, access }
}

/// What a function is about where its objects make it another operation. Read, write: numbers of our own. Open file: the mode
/// (g70v3). Authentication: the variation of group 120.
pub static SUB_FUNCTIONS: &[SubFunctionRow] = &[
    sub(1, 1, "integrity_poll", Access::Read),
    sub(1, 2, "class_0_poll", Access::Read),
    sub(1, 3, "event_poll", Access::Read),
    sub(1, 4, "device_attributes", Access::Identify),
    sub(1, 5, "file_block", Access::Read),
    sub(2, 1, "clear_restart", Access::Configure),
    sub(2, 2, "time", Access::Configure),
    sub(2, 3, "file_block", Access::Configure),
    sub(2, 4, "deadbands", Access::Configure),
    sub(2, 5, "internal_indications", Access::Configure),
    sub(2, 6, "device_attributes", Access::Configure),
    sub(25, 0, "null", Access::Configure),
    sub(25, 1, "read", Access::Read),
    sub(25, 2, "write", Access::Configure),
    sub(25, 3, "append", Access::Configure),
    sub(32, 1, "challenge", Access::Session),
    sub(32, 2, "reply", Access::Session),
    sub(32, 4, "session_key_status_request", Access::Session),
    sub(32, 6, "session_key_change", Access::Configure),
    sub(32, 8, "certificate", Access::Configure),
    sub(32, 10, "user_status_change", Access::Configure),
    sub(32, 11, "update_key_change_request", Access::Configure),
    sub(32, 13, "update_key_change", Access::Configure),
    sub(32, 14, "update_key_change_signature", Access::Configure),
    sub(32, 15, "update_key_change_confirmation", Access::Configure),
    sub(33, 7, "error", Access::Session),
    sub(131, 1, "challenge", Access::Session),
    sub(131, 2, "reply", Access::Session),
    sub(131, 5, "session_key_status", Access::Session),
    sub(131, 7, "error", Access::Session),
    sub(131, 12, "update_key_change_reply", Access::Session),
    sub(131, 15, "update_key_change_confirmation", Access::Session),
];

/// Sub-functions of read and write.
#[allow(missing_docs)]
pub mod subs {
    pub const INTEGRITY_POLL: u32 = 1;
    pub const CLASS_0_POLL: u32 = 2;
    pub const EVENT_POLL: u32 = 3;
    pub const READ_ATTRIBUTES: u32 = 4;
    pub const READ_FILE: u32 = 5;
    pub const CLEAR_RESTART: u32 = 1;
    pub const WRITE_TIME: u32 = 2;
    pub const WRITE_FILE: u32 = 3;
    pub const WRITE_DEADBANDS: u32 = 4;
    pub const WRITE_INDICATIONS: u32 = 5;
    pub const WRITE_ATTRIBUTES: u32 = 6;
}

/// Rejection codes: command status (A.8.1), then IIN2 bits, file status (A.25.4), authentication errors (A.45.7).
pub static REJECTIONS: &[(u32, &str)] = &[
    (1, "timeout"),
    (2, "no_select"),
    (3, "format_error"),
    (4, "not_supported"),
    (5, "already_active"),
    (6, "hardware_error"),
    (7, "local"),
    (8, "too_many_objects"),
    (9, "not_authorized"),
    (10, "automation_inhibit"),
    (11, "processing_limited"),
    (12, "out_of_range"),
    (13, "downstream_local"),
    (14, "already_complete"),
    (15, "blocked"),
    (16, "cancelled"),
    (17, "blocked_other_master"),
    (18, "downstream_fail"),
    (126, "non_participating"),
    (127, "undefined"),
    (256, "function_not_supported"),
    (257, "object_unknown"),
    (258, "parameter_error"),
    (260, "already_executing"),
    (513, "file_permission_denied"),
    (514, "file_invalid_mode"),
    (515, "file_not_found"),
    (516, "file_locked"),
    (517, "file_too_many_open"),
    (518, "file_invalid_handle"),
    (519, "file_write_block_size"),
    (520, "file_communication_lost"),
    (521, "file_cannot_abort"),
    (528, "file_not_opened"),
    (529, "file_handle_timeout"),
    (530, "file_buffer_overrun"),
    (531, "file_fatal_error"),
    (532, "file_block_sequence"),
    (767, "file_undefined_error"),
    (769, "authentication_failed"),
    (770, "authentication_unexpected_response"),
    (771, "authentication_no_response"),
    (772, "authentication_aggressive_mode_not_supported"),
    (773, "authentication_mac_algorithm_not_supported"),
    (774, "authentication_key_wrap_algorithm_not_supported"),
    (775, "authentication_authorization_failed"),
    (776, "authentication_update_key_method_not_permitted"),
    (777, "authentication_invalid_signature"),
    (778, "authentication_invalid_certification_data"),
    (779, "authentication_unknown_user"),
    (780, "authentication_max_session_key_status_requests_exceeded"),
    (1025, "link_nack"),
    (1038, "link_not_functioning"),
    (1039, "link_not_supported"),
];

/// Added to an IIN2 bit number in a rejection code.
pub const REJECTED_IIN: u32 = 256;
/// Added to a file status in a rejection code.
pub const REJECTED_FILE: u32 = 512;
/// Added to an authentication error in a rejection code.
pub const REJECTED_AUTHENTICATION: u32 = 768;

/// Added to a link function in a rejection code.
pub const REJECTED_LINK: u32 = 1024;

/// Bits of the anomaly set.
#[allow(missing_docs)]
pub mod anomaly {
    pub const HEADER_CRC: u8 = 0;
    pub const DATA_CRC: u8 = 1;
    pub const INVALID_LENGTH: u8 = 2;
    pub const INVALID_LINK_FUNCTION: u8 = 3;
    pub const TRANSPORT_SEQUENCE: u8 = 4;
    pub const TOO_LONG_REASSEMBLY: u8 = 5;
    pub const UNKNOWN_OBJECT: u8 = 6;
    pub const INVALID_QUALIFIER: u8 = 7;
    pub const INVALID_RANGE: u8 = 8;
    pub const TRUNCATED_OBJECT: u8 = 9;
    pub const TOO_MANY_OBJECTS: u8 = 10;
    pub const TOO_MANY_POINTS: u8 = 11;
    pub const INVALID_FUNCTION: u8 = 12;
    pub const INVALID_VALUE: u8 = 13;
    pub const INVALID_DIRECTION: u8 = 14;
    pub const FRAGMENT_BITS: u8 = 15;
    pub const FRAGMENT_SEQUENCE: u8 = 16;
    pub const INCOMPLETE_RESPONSE: u8 = 17;
    pub const RESPONSE_WITHOUT_REQUEST: u8 = 18;
    pub const LATE_RESPONSE: u8 = 19;
    pub const RESPONSE_MISMATCH: u8 = 20;
    pub const TOO_MANY_OPEN_REQUESTS: u8 = 21;
    pub const TOO_MANY_UNITS: u8 = 22;
    pub const DEVICE_TROUBLE: u8 = 23;
    pub const RESERVED_IIN: u8 = 24;
    pub const UNSOLICITED_NOT_ENABLED: u8 = 25;
    pub const UNEXPECTED_CONFIRM: u8 = 26;
    pub const UNCONFIRMED_RESPONSE: u8 = 27;
    pub const OPERATE_WITHOUT_SELECT: u8 = 28;
    pub const SELECT_MISMATCH: u8 = 29;
    pub const SELECT_EXPIRED: u8 = 30;
    pub const SECOND_MASTER: u8 = 31;
    pub const BROADCAST_CONTROL: u8 = 32;
    pub const TIME_WITHOUT_CTO: u8 = 33;
    pub const FILE_BLOCK_SEQUENCE: u8 = 34;
    pub const UNREADABLE: u8 = 35;
}

/// Names of the anomalies, in the order of their bits.
pub static ANOMALIES: &[(&str, &str)] = &[
    ("header_crc", "The CRC of a link header is wrong"),
    ("data_crc", "The CRC of a block of user data is wrong; the frame is given up, as a station does"),
    (
        "invalid_length",
        "A link length below 5 or that does not fit the link function, or a fragment without its header",
    ),
    ("invalid_link_function", "A link function that is not defined"),
    ("transport_sequence", "Transport segments are missing or out of order; the fragment is given up"),
    ("too_long_reassembly", "A fragment or response longer than is put together"),
    ("unknown_object", "A group and variation that IEEE 1815 does not define"),
    ("invalid_qualifier", "A qualifier that is reserved or does not fit the object or function"),
    ("invalid_range", "A range whose start is above its stop, or a count of 0"),
    ("truncated_object", "Objects reach beyond the end of the fragment, or bytes are left behind them"),
    ("too_many_objects", "More object headers than are read"),
    ("too_many_points", "More points than are told"),
    ("invalid_function", "A function code that is not defined"),
    ("invalid_value", "A value that is not defined (control code, status, file mode, flags)"),
    ("invalid_direction", "A request from an outstation, or a response from a master"),
    ("fragment_bits", "First, final, confirm or unsolicited bits that the function does not allow"),
    ("fragment_sequence", "A fragment of a response does not follow the one before it"),
    ("incomplete_response", "The final fragment of a response did not come"),
    ("response_without_request", "A response to nobody, though nothing was lost"),
    ("late_response", "A response after its request had been closed"),
    ("response_mismatch", "The response does not fit its request (echoed command, file handle)"),
    ("too_many_open_requests", "More requests without response than are kept; the oldest was let go"),
    ("too_many_units", "More pairs of link addresses on a flow than are kept; the one idle for longest was let go"),
    (
        "device_trouble",
        "The outstation says that it is in trouble, or that its configuration is corrupt (IIN1.6, IIN2.5)",
    ),
    ("reserved_iin", "Reserved internal indications are set"),
    ("unsolicited_not_enabled", "Events reported unsolicited after a restart or disable, and not enabled since"),
    ("unexpected_confirm", "A confirmation of nothing that asked for one"),
    ("unconfirmed_response", "A response that asked for a confirmation got none"),
    ("operate_without_select", "An operate without a select before it"),
    ("select_mismatch", "An operate whose objects or sequence differ from the select"),
    ("select_expired", "An operate later after its select than an outstation keeps it"),
    ("second_master", "Another master controls the same outstation between select and operate"),
    ("broadcast_control", "A control or restart sent to a broadcast address"),
    ("time_without_cto", "A relative time without a common time of occurrence before it"),
    ("file_block_sequence", "A file block that does not follow the one before it"),
    ("unreadable", "No frame could be found in these bytes"),
];

/// Kinds of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Kind {
    BinaryInput = 0,
    DoubleBitInput = 1,
    BinaryOutput = 2,
    Counter = 3,
    FrozenCounter = 4,
    AnalogInput = 5,
    FrozenAnalogInput = 6,
    AnalogInputDeadband = 7,
    AnalogOutput = 8,
    Class = 9,
    InternalIndication = 10,
    DeviceAttribute = 11,
    OctetString = 12,
    VirtualTerminal = 13,
    DataSet = 14,
    DataSetPrototype = 15,
    BcdInteger = 16,
    UnsignedInteger = 17,
    SecurityStatistic = 18,
}

impl Kind {
    /// Index into [`POINT_KINDS`].
    #[inline]
    #[allow(clippy::as_conversions)] // an enum's own number
    pub const fn index(self) -> u8 {
        self as u8
    }
}

const fn kind(name: &'static str, example: &'static str) -> PointKind {
    PointKind { name, example, max: LAST_INDEX, block: false, syntax: Syntax::Colon }
}

/// The greatest index; all points of a kind are `0` to this.
pub const LAST_INDEX: u64 = 0xFFFF_FFFF;

/// The kinds in the order of [`Kind`]. The block of a device attribute is its set, the address its variation; class 0 is
/// static data.
pub static POINT_KINDS: &[PointKind] = &[
    kind("binary_input", "binary_input:0-7"),
    kind("double_bit_input", "double_bit_input:2"),
    kind("binary_output", "binary_output:3"),
    kind("counter", "counter:0"),
    kind("frozen_counter", "frozen_counter:0"),
    kind("analog_input", "analog_input:0-23"),
    kind("frozen_analog_input", "frozen_analog_input:4"),
    kind("analog_input_deadband", "analog_input_deadband:4"),
    kind("analog_output", "analog_output:1"),
    kind("class", "class:1-3"),
    kind("internal_indication", "internal_indication:7"),
    PointKind {
        name: "device_attribute",
        example: "device_attribute:0/242",
        max: 255,
        block: true,
        syntax: Syntax::Colon,
    },
    kind("octet_string", "octet_string:0"),
    kind("virtual_terminal", "virtual_terminal:0"),
    kind("data_set", "data_set:2"),
    kind("data_set_prototype", "data_set_prototype:0"),
    kind("bcd_integer", "bcd_integer:0"),
    kind("unsigned_integer", "unsigned_integer:0"),
    kind("security_statistic", "security_statistic:0-17"),
];

/// Internal indications, from bit 0 of the first octet to bit 7 of the second.
pub static INDICATIONS: [&str; 16] = [
    "broadcast",
    "class_1_events",
    "class_2_events",
    "class_3_events",
    "need_time",
    "local_control",
    "device_trouble",
    "device_restart",
    "function_not_supported",
    "object_unknown",
    "parameter_error",
    "event_buffer_overflow",
    "already_executing",
    "configuration_corrupt",
    "reserved_1",
    "reserved_2",
];

/// Broadcast destinations (9.2.5).
pub fn broadcast(destination: u16) -> Option<&'static str> {
    match destination {
        0xFFFD => Some("do_not_confirm"),
        0xFFFE => Some("shall_confirm"),
        0xFFFF => Some("optional_confirm"),
        _ => None,
    }
}

/// The address to which every outstation answers that has it switched on.
pub const SELF_ADDRESS: u16 = 0xFFFC;

/// Names of link functions that a secondary station sends.
pub fn secondary(function: u8) -> Option<&'static str> {
    match function {
        0 => Some("ack"),
        1 => Some("nack"),
        11 => Some("link_status"),
        14 => Some("not_functioning"),
        15 => Some("not_supported"),
        _ => None,
    }
}

/// A function code with its name.
#[inline]
pub fn function(code: u32) -> Code {
    Code { code, name: row_of(code).map(|row| row.name) }
}

/// What kind of thing a function does; what an unknown one does can't be known: `configure`.
#[inline]
pub fn access(code: u32) -> Access {
    row_of(code).map_or(Access::Configure, |row| row.access)
}

#[inline]
fn row_of(code: u32) -> Option<&'static FunctionRow> {
    let place = match code {
        0..=33 => code,
        129..=131 => code.saturating_sub(95),
        256..=258 => code.saturating_sub(219),
        265 => 40,
        272 | 273 => code.saturating_sub(231),
        283 => 43,
        286 | 287 => code.saturating_sub(242),
        _ => return None,
    };
    FUNCTIONS.get(usize::try_from(place).ok()?)
}

/// A sub-function with its name and access; what one without a row does cannot be known: `configure`.
pub fn sub_function(function: u32, code: u32) -> (SubFunction, Access) {
    let row = SUB_FUNCTIONS.iter().find(|row| row.function == function && row.code == code);
    let found = SubFunction { group: None, code, name: row.map(|row| row.name) };
    (found, row.map_or(Access::Configure, |row| row.access))
}

/// A rejection code with its name.
pub fn rejection(code: u32) -> Code {
    Code { code, name: REJECTIONS.iter().find(|row| row.0 == code).map(|row| row.1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_code() {
        for code in 0..400 {
            let row = FUNCTIONS.iter().find(|row| row.code == code);
            assert_eq!(function(code).name, row.map(|row| row.name), "function {code}: mend row_of");
        }
    }

    #[test]
    fn bits_and_kinds_have_names() {
        assert_eq!(ANOMALIES.len(), usize::from(anomaly::UNREADABLE) + 1);
        assert_eq!(ANOMALIES[usize::from(anomaly::LATE_RESPONSE)].0, "late_response");
        assert_eq!(ANOMALIES[usize::from(anomaly::BROADCAST_CONTROL)].0, "broadcast_control");
        assert_eq!(POINT_KINDS[usize::from(Kind::SecurityStatistic.index())].name, "security_statistic");
        assert_eq!(POINT_KINDS[usize::from(Kind::DeviceAttribute.index())].name, "device_attribute");
    }
}
