//! Names and access classes of S7comm-plus. There is no public specification: codes, identifiers and their names are those that
//! S7CommPlusDriver, the Wireshark plugin S7comm-plus and ICSNPP's analyser publish, written in this project's way; what none of
//! them names keeps its number.

use crate::protocols::cotp::tables::{self as cotp, CONNECT, DISCONNECT, ERROR, REASONS};
use crate::protocols::{FunctionRow, PointKind, SubFunctionRow, Syntax};
use crate::transaction::{Access, Code, SubFunction};

/// The number of this protocol in [`crate::protocols::PROTOCOLS`].
pub const NUMBER: u8 = 4;

/// Versions of frames.
#[allow(missing_docs)]
pub mod version {
    pub const V1: u8 = 1;
    pub const V2: u8 = 2;
    pub const V3: u8 = 3;
    pub const SYSTEM_EVENT: u8 = 0xFE;
    pub const KEEP_ALIVE: u8 = 0xFF;
}

/// Whether a frame can have this version.
#[inline]
pub fn is_version(code: u8) -> bool {
    matches!(code, version::V1..=version::V3 | version::SYSTEM_EVENT | version::KEEP_ALIVE)
}

/// Function codes that decide what a body holds.
#[allow(missing_docs)]
pub mod function {
    pub const EXPLORE: u16 = 0x04BB;
    pub const CREATE_OBJECT: u16 = 0x04CA;
    pub const DELETE_OBJECT: u16 = 0x04D4;
    pub const SET_VARIABLE: u16 = 0x04F2;
    pub const GET_VARIABLE: u16 = 0x04FC;
    pub const ADD_LINK: u16 = 0x0506;
    pub const REMOVE_LINK: u16 = 0x051A;
    pub const GET_LINK: u16 = 0x0524;
    pub const SET_MULTI_VARIABLES: u16 = 0x0542;
    pub const GET_MULTI_VARIABLES: u16 = 0x054C;
    pub const BEGIN_SEQUENCE: u16 = 0x0556;
    pub const END_SEQUENCE: u16 = 0x0560;
    pub const INVOKE: u16 = 0x056B;
    pub const SET_VAR_SUB_STREAMED: u16 = 0x057C;
    pub const GET_VAR_SUB_STREAMED: u16 = 0x0586;
    pub const INIT_SSL: u16 = 0x05B3;
    /// Not functions on the wire: what has none is told under its operation code, version or record type.
    pub const NOTIFICATION: u16 = 0x33;
    pub const SYSTEM_EVENT: u16 = 0xFE;
    pub const TLS: u16 = 0x17;
}

const fn row(code: u32, name: &'static str, access: Access, about: &'static str) -> FunctionRow {
    FunctionRow { code, name, access, about }
}

/// Function codes. What is done to which object decides the access of most; here stands that of an object of which nothing is known.
pub static FUNCTIONS: &[FunctionRow] = &[
    row(0x17, "tls", Access::Session, "TLS inside COTP (newer firmware): what is done there is not seen"),
    row(0x33, "notification", Access::Report, "Values or alarms of a subscription, unasked"),
    ERROR,
    DISCONNECT,
    CONNECT,
    row(0xFE, "system_event", Access::Session, "Message of the transport: error or end of a session"),
    row(0x04B1, "error", Access::Session, "An error"),
    row(0x04BB, "explore", Access::Identify, "Asks for an object with its attributes and what is inside of it"),
    row(
        0x04CA,
        "create_object",
        Access::Configure,
        "Creates objects: sessions, subscriptions, jobs, blocks of a program",
    ),
    row(0x04D4, "delete_object", Access::Configure, "Deletes an object"),
    row(0x04F2, "set_variable", Access::Configure, "Sets attributes of an object; starts and stops the controller"),
    row(0x04FC, "get_variable", Access::Read, "Reads attributes of an object"),
    row(0x0506, "add_link", Access::Configure, "Links objects"),
    row(0x051A, "remove_link", Access::Configure, "Removes a link between objects"),
    row(0x0524, "get_link", Access::Identify, "Asks what an object is linked with"),
    row(0x0542, "set_multi_variables", Access::Write, "Writes variables, or sets attributes of an object"),
    row(0x054C, "get_multi_variables", Access::Read, "Reads variables, or attributes of an object"),
    row(0x0556, "begin_sequence", Access::Session, "Begins a sequence of requests that belong together"),
    row(0x0560, "end_sequence", Access::Session, "Ends such a sequence"),
    row(0x056B, "invoke", Access::Configure, "Calls a method of an object"),
    row(0x057C, "set_var_sub_streamed", Access::Program, "Streams an attribute's value into the device"),
    row(0x0586, "get_var_sub_streamed", Access::Read, "Reads an attribute's value as a stream"),
    row(0x0590, "get_variables_address", Access::Identify, "Asks for addresses of variables"),
    row(0x059A, "abort", Access::Session, "Gives a sequence up"),
    row(0x05A9, "error_2", Access::Session, "An error"),
    row(0x05B3, "init_ssl", Access::Session, "Asks for TLS, in which everything else follows"),
];

/// Whether a function code is known.
pub fn is_function(code: u16) -> bool {
    code >= 0x0100 && row_of(code).is_some()
}

fn row_of(code: u16) -> Option<&'static FunctionRow> {
    FUNCTIONS.iter().find(|row| row.code == u32::from(code))
}

/// A function with its name.
pub fn function(code: u16) -> Code {
    Code { code: u32::from(code), name: row_of(code).map(|row| row.name) }
}

/// What a function does to an object of which nothing is known; an unknown function: `configure`.
pub fn access(code: u16) -> Access {
    row_of(code).map_or(Access::Configure, |row| row.access)
}

const fn sub(code: u32, name: &'static str, access: Access) -> SubFunctionRow {
    SubFunctionRow { function: 0x04F2, group: None, code, name, access }
}

/// What SetVariable sets, where that makes it another thing to do: the attribute's identifier.
pub static SUB_FUNCTIONS: &[SubFunctionRow] = &[
    sub(attribute::SESSION_RESPONSE, "legitimation_response", Access::Session),
    sub(attribute::SUBSCRIPTION_CREDIT, "subscription_credit_limit", Access::Session),
    sub(attribute::LEGITIMATE, "legitimate", Access::Session),
    sub(attribute::OPERATING_STATE_REQUEST, "operating_state_request", Access::Mode),
    sub(attribute::CLOCK, "set_clock", Access::Configure),
];

/// The sub-function of setting an attribute.
pub fn sub_function(attribute: u32) -> Option<SubFunction> {
    let row = SUB_FUNCTIONS.iter().find(|row| row.code == attribute)?;
    Some(SubFunction { group: None, code: row.code, name: Some(row.name) })
}

/// Codes of rejections: the low 16 bits of a return value, negative as a signed number; then those of COTP.
pub static REJECTIONS: &[(u32, &str)] = &ALL_REJECTIONS;

const ERRORS: [(u32, &str); 4] = [
    (0xFFF4, "object_not_found"),
    (0xFFEF, "invalid_crc"),
    (0xFF7A, "service_multi_es_not_supported"),
    (0xFF01, "invalid_lid"),
];

const REJECTION_COUNT: usize = ERRORS.len() + REASONS.len();

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // evaluated by the compiler, which stops at a wrong index
const ALL_REJECTIONS: [(u32, &str); REJECTION_COUNT] = {
    let mut all = [(0, ""); REJECTION_COUNT];
    let mut place = 0;
    while place < REJECTION_COUNT {
        all[place] = if place < REASONS.len() { REASONS[place] } else { ERRORS[place - REASONS.len()] };
        place += 1;
    }
    all
};

/// The rejection that a return value says: its code is negative.
pub fn rejection(return_value: u64) -> Option<Code> {
    let code = return_value & 0xFFFF;
    let code = u32::try_from(code).unwrap_or_default();
    let name = || ERRORS.iter().find(|row| row.0 == code).map(|row| row.1);
    (code >= 0x8000).then(|| Code { code, name: name() })
}

/// Bits of the anomaly set; the first ones are COTP's.
#[allow(missing_docs)]
pub mod anomaly {
    use super::cotp::anomaly::OWN;
    pub use super::cotp::anomaly::UNREADABLE;
    pub const INVALID_FRAME: u8 = OWN;
    pub const INVALID_HEAD: u8 = OWN + 1;
    pub const INVALID_BODY: u8 = OWN + 2;
    pub const TRAILING_BYTES: u8 = OWN + 3;
    pub const UNKNOWN_FUNCTION: u8 = OWN + 4;
    pub const UNSOLICITED_RESPONSE: u8 = OWN + 5;
    pub const LATE_RESPONSE: u8 = OWN + 6;
    pub const RESPONSE_MISMATCH: u8 = OWN + 7;
    pub const TOO_MANY_OPEN_REQUESTS: u8 = OWN + 8;
    pub const INTEGRITY_MISMATCH: u8 = OWN + 9;
    pub const MIXED_VERSIONS: u8 = OWN + 10;
}

/// Names of the anomalies, in the order of their bits.
pub static ANOMALIES: &[(&str, &str)] = &cotp::with_anomalies::<16>(&[
    ("invalid_frame", "A frame's version or length can't be true"),
    ("invalid_head", "The head of a message can't be read"),
    ("invalid_body", "A body can't be read to its end in the way that its function has it"),
    ("trailing_bytes", "Bytes behind a frame that belong to nothing"),
    ("unknown_function", "A function code that nobody knows"),
    ("unsolicited_response", "A response to which no request was seen, though all were"),
    ("late_response", "A response after its request had been closed"),
    ("response_mismatch", "A response has the sequence number of a request with another function"),
    ("too_many_open_requests", "More open requests than are held: the oldest were let go"),
    ("integrity_mismatch", "A response's integrity number is not the sum of its request's and the sequence number"),
    ("mixed_versions", "Parts of one message have different versions"),
]);

/// Kinds of points, in the order of [`point`].
pub static POINT_KINDS: &[PointKind] = &[
    PointKind { name: "object", example: "object:52/2167", max: 0xFFFF_FFFF, block: true, syntax: Syntax::Colon },
    PointKind { name: "db", example: "db:10/9", max: 0xFFFF_FFFF, block: true, syntax: Syntax::Colon },
    PointKind { name: "input", example: "input:9", max: 0xFFFF_FFFF, block: false, syntax: Syntax::Colon },
    PointKind { name: "output", example: "output:9", max: 0xFFFF_FFFF, block: false, syntax: Syntax::Colon },
    PointKind { name: "memory", example: "memory:9", max: 0xFFFF_FFFF, block: false, syntax: Syntax::Colon },
    PointKind { name: "counter", example: "counter:0", max: 0xFFFF_FFFF, block: false, syntax: Syntax::Colon },
    PointKind { name: "timer", example: "timer:0", max: 0xFFFF_FFFF, block: false, syntax: Syntax::Colon },
];

/// Indices into [`POINT_KINDS`]: an attribute of an object (block: the object's RID, address: the attribute, 0 for the object
/// itself); a variable by its local identifier (LID) in a data block or an area.
#[allow(missing_docs)]
pub mod point {
    pub const OBJECT: u8 = 0;
    pub const DB: u8 = 1;
    pub const INPUT: u8 = 2;
    pub const OUTPUT: u8 = 3;
    pub const MEMORY: u8 = 4;
    pub const COUNTER: u8 = 5;
    pub const TIMER: u8 = 6;
}

/// Identifiers (RID) of objects that every controller has.
#[allow(missing_docs)]
pub mod object {
    pub const ROOT: u32 = 1;
    pub const PROGRAM: u32 = 3;
    pub const ALARMS: u32 = 8;
    pub const DEVICE: u32 = 49;
    pub const EXECUTION: u32 = 52;
    pub const INPUTS: u32 = 80;
    pub const OUTPUTS: u32 = 81;
    pub const MEMORY: u32 = 82;
    pub const COUNTERS: u32 = 83;
    pub const TIMERS: u32 = 84;
    pub const SESSIONS: u32 = 285;
    pub const NULL_SESSION: u32 = 288;
    /// From here on: what sessions create for themselves.
    pub const CREATED: u32 = 0x7000_0000;
    /// From here on: blocks of the program, by type and number.
    pub const BLOCKS: u32 = 0x8000_0000;
    /// Data blocks, with their number in the low 16 bits.
    pub const DATA_BLOCKS: u32 = 0x8A0E;
}

/// Names of those objects.
pub static OBJECT_NAMES: &[(u32, &str)] = &[
    (object::ROOT, "as_root"),
    (object::PROGRAM, "plc_program"),
    (object::ALARMS, "alarm_subsystem"),
    (object::DEVICE, "device"),
    (object::EXECUTION, "cpu_execution_unit"),
    (object::INPUTS, "input_area"),
    (object::OUTPUTS, "output_area"),
    (object::MEMORY, "memory_area"),
    (object::COUNTERS, "s7_counters"),
    (object::TIMERS, "s7_timers"),
    (201, "object_root"),
    (object::SESSIONS, "server_session_container"),
    (object::NULL_SESSION, "null_server_session"),
    (537, "type_info_container"),
];

/// The name of an object that every controller has.
pub fn object_name(rid: u32) -> Option<&'static str> {
    OBJECT_NAMES.iter().find(|row| row.0 == rid).map(|row| row.1)
}

/// Classes of objects.
#[allow(missing_docs)]
pub mod class {
    pub const SUBSCRIPTION: u32 = 1001;
    pub const SESSION: u32 = 287;
    pub const ALARM_SUBSCRIPTION: u32 = 2662;
    pub const DATA_BLOCK: u32 = 2574;
}

/// Names of classes.
pub static CLASS_NAMES: &[(u32, &str)] = &[
    (255, "subscriptions"),
    (284, "server_session_container"),
    (class::SESSION, "server_session"),
    (511, "type_info"),
    (534, "type_info_container"),
    (606, "text_library"),
    (class::SUBSCRIPTION, "subscription"),
    (2520, "plc_program"),
    (class::DATA_BLOCK, "data_block"),
    (class::ALARM_SUBSCRIPTION, "alarm_subscription"),
    (2681, "alarm"),
    (7854, "alarm_types"),
];

/// The name of a class.
pub fn class_name(class: u32) -> Option<&'static str> {
    CLASS_NAMES.iter().find(|row| row.0 == class).map(|row| row.1)
}

/// Identifiers of attributes that matter to more than their name.
#[allow(missing_docs)]
pub mod attribute {
    pub const NAME: u32 = 233;
    pub const SESSION_APPLICATION: u32 = 297;
    pub const SESSION_HOST: u32 = 298;
    pub const SESSION_CHALLENGE: u32 = 303;
    pub const SESSION_RESPONSE: u32 = 304;
    pub const SESSION_VERSION: u32 = 306;
    pub const DEVICE_VERSION: u32 = 319;
    pub const SUBSCRIPTION_LIST: u32 = 1048;
    pub const SUBSCRIPTION_CREDIT: u32 = 1053;
    pub const SESSION_KEY: u32 = 1830;
    pub const LEGITIMATE: u32 = 1846;
    pub const OPERATING_STATE_REQUEST: u32 = 2167;
    pub const CLOCK: u32 = 2421;
    pub const BLOCK_NUMBER: u32 = 2521;
    pub const DB_INITIAL: u32 = 2548;
    pub const DB_ACTUAL: u32 = 2550;
    pub const OPERATING_STATE: u32 = 3486;
    pub const AREA_INITIAL: u32 = 3735;
    pub const AREA_ACTUAL: u32 = 3736;
    pub const IDENTIFICATION: u32 = 3753;
}

/// Names of attributes and of elements of structures.
pub static ATTRIBUTE_NAMES: &[(u32, &str)] = &[
    (229, "type_parent"),
    (attribute::NAME, "name"),
    (289, "session_connection"),
    (296, "session_user"),
    (attribute::SESSION_APPLICATION, "session_application"),
    (attribute::SESSION_HOST, "session_host"),
    (299, "session_roles"),
    (300, "session_client_rid"),
    (301, "session_client_comment"),
    (302, "session_timeout"),
    (attribute::SESSION_CHALLENGE, "session_challenge"),
    (attribute::SESSION_RESPONSE, "session_response"),
    (attribute::SESSION_VERSION, "session_version"),
    (attribute::DEVICE_VERSION, "device_version"),
    (608, "text_library_offsets"),
    (609, "text_library_strings"),
    (1002, "subscription_missed_sendings"),
    (1003, "subscription_subsystem_error"),
    (1005, "subscription_trigger_and_transmit_mode"),
    (1037, "system_limits"),
    (1040, "subscription_route_mode"),
    (1041, "subscription_active"),
    (attribute::SUBSCRIPTION_LIST, "subscription_list"),
    (1049, "subscription_cycle_time"),
    (1050, "subscription_delay_time"),
    (1051, "subscription_disabled"),
    (1052, "subscription_count"),
    (attribute::SUBSCRIPTION_CREDIT, "subscription_credit_limit"),
    (1054, "subscription_ticks"),
    (1081, "free_items"),
    (1082, "subscription_function_class"),
    (1246, "filter"),
    (1247, "filter_operation"),
    (1249, "filter_address_count"),
    (1250, "filter_address"),
    (1251, "filter_value"),
    (1256, "object_qualifier"),
    (1257, "parent_rid"),
    (1258, "composition_aid"),
    (1259, "key_qualifier"),
    (1502, "type_size"),
    (attribute::SESSION_KEY, "session_key"),
    (1842, "effective_protection_level"),
    (1843, "active_protection_level"),
    (attribute::LEGITIMATE, "legitimate"),
    (attribute::OPERATING_STATE_REQUEST, "operating_state_request"),
    (attribute::CLOCK, "clock"),
    (2449, "ident_es"),
    (2450, "designators"),
    (2451, "working_memory_size"),
    (2453, "last_modified"),
    (2454, "load_memory_size"),
    (attribute::BLOCK_NUMBER, "block_number"),
    (2522, "auto_numbering"),
    (2523, "block_language"),
    (2524, "knowhow_protected"),
    (2527, "unlinked"),
    (2529, "runtime_modified"),
    (2532, "block_crc"),
    (2533, "body_description"),
    (2537, "optimize_info"),
    (2543, "interface_modified"),
    (2544, "interface_description"),
    (2545, "compiler_switches"),
    (2546, "line_comments"),
    (attribute::DB_INITIAL, "db_initial_values"),
    (attribute::DB_ACTUAL, "db_actual_values"),
    (2551, "db_initial_changed"),
    (2580, "code"),
    (2581, "parameters_modified"),
    (2582, "external_references"),
    (2583, "internal_references"),
    (2584, "network_comments"),
    (2585, "network_titles"),
    (2586, "callees"),
    (2587, "interface_signature"),
    (2588, "display_info"),
    (2589, "debug_info"),
    (2590, "local_error_handling"),
    (2591, "long_constants"),
    (2607, "start_info_type"),
    (2659, "alarm_domain"),
    (2660, "alarm_subsystem"),
    (2670, "alarm_id"),
    (2671, "alarm_all_states"),
    (2672, "alarm_domain_of_instance"),
    (2673, "alarm_coming"),
    (2677, "alarm_going"),
    (2715, "alarm_texts"),
    (3151, "binding"),
    (3448, "knowhow_protection_mode"),
    (KNOWHOW_PASSWORD, "knowhow_protection_password"),
    (3474, "alarm_states"),
    (3475, "alarm_time"),
    (3476, "alarm_values"),
    (attribute::OPERATING_STATE, "operating_state"),
    (3619, "technology_block_set"),
    (3634, "change_counter_copy"),
    (3646, "alarm_acknowledged"),
    (attribute::AREA_INITIAL, "area_initial_values"),
    (attribute::AREA_ACTUAL, "area_actual_values"),
    (3737, "area_runtime_modified"),
    (attribute::IDENTIFICATION, "identification"),
    (4079, "alarm_message_type"),
    (4287, "title"),
    (4288, "comment"),
    (4294, "instance_db"),
    (4560, "process_image_partition"),
    (4578, "type_information"),
    (7731, "alarm_domain_2"),
    (7813, "alarm_hmi_info"),
    (7859, "alarm_type_list"),
    (7917, "alarm_sequence"),
    (8173, "alarm_send_texts"),
    (8181, "alarm_text_languages"),
    (40305, "return_value"),
    (40400, "legitimation"),
    (40401, "legitimation_type"),
    (40402, "legitimation_user"),
    (LEGITIMATION_PASSWORD, "legitimation_password"),
];

const KNOWHOW_PASSWORD: u32 = 3449;
const LEGITIMATION_PASSWORD: u32 = 40403;

/// The name of an attribute or element.
pub fn attribute_name(id: u32) -> Option<&'static str> {
    ATTRIBUTE_NAMES.iter().find(|row| row.0 == id).map(|row| row.1)
}

/// Values that are told as seen and never shown: challenges, answers to them, keys and passwords.
pub fn is_secret(attribute: u32) -> bool {
    matches!(
        attribute,
        attribute::SESSION_CHALLENGE
            | attribute::SESSION_RESPONSE
            | attribute::SESSION_KEY
            | attribute::LEGITIMATE
            | KNOWHOW_PASSWORD
            | LEGITIMATION_PASSWORD
    )
}

/// Whether an attribute belongs to proving who one is.
pub fn is_legitimation(attribute: u32) -> bool {
    matches!(attribute, attribute::SESSION_CHALLENGE | attribute::SESSION_RESPONSE | attribute::LEGITIMATE)
}

/// What a block of the program is, and what its number: by its identifier.
pub fn block(rid: u32) -> Option<(&'static str, u32)> {
    (rid >> 16 == object::DATA_BLOCKS).then_some(("DB", rid & 0xFFFF))
}

/// Whether an object is part of the program or of the device's configuration: what is created there is a download.
pub fn is_program(rid: u32) -> bool {
    matches!(rid, object::ROOT | object::PROGRAM) || rid >= object::BLOCKS
}

/// Whether an attribute holds a part of a block: what reads it takes the program.
pub fn is_block_content(attribute: u32) -> bool {
    matches!(attribute, 2533 | 2544 | 2546 | attribute::DB_INITIAL | 2580 | 2582..=2589)
}

/// What setting an attribute of an object does.
pub fn set_access(rid: u32, session: u32, attribute: u32) -> Access {
    match attribute {
        attribute::OPERATING_STATE_REQUEST => Access::Mode,
        attribute::DB_ACTUAL | attribute::AREA_ACTUAL => Access::Write,
        attribute::DB_INITIAL | attribute::AREA_INITIAL => Access::Program,
        attribute::CLOCK => Access::Configure,
        // What a subscription is made of.
        1001..=1082 => Access::Session,
        _ if rid == session || (object::CREATED..object::BLOCKS).contains(&rid) => Access::Session,
        _ if is_program(rid) => Access::Program,
        _ => Access::Configure,
    }
}

/// What reading an attribute of an object does.
pub fn get_access(rid: u32, session: u32, attribute: u32) -> Access {
    match attribute {
        attribute::IDENTIFICATION => Access::Identify,
        attribute::DB_ACTUAL | attribute::AREA_ACTUAL => Access::Read,
        _ if is_block_content(attribute) => Access::Program,
        _ if rid == session => Access::Session,
        _ => Access::Read,
    }
}

/// What creating or deleting an object does, by where it is created and its class (0 where that is not known).
pub fn object_access(rid: u32, parent: u32, session: u32, class: u32) -> Access {
    match class {
        class::SESSION => Access::Session,
        class::SUBSCRIPTION | class::ALARM_SUBSCRIPTION => Access::Read,
        _ if rid == session || parent == object::SESSIONS => Access::Session,
        _ if is_program(parent) || rid >= object::BLOCKS => Access::Program,
        0 if (object::CREATED..object::BLOCKS).contains(&rid) => Access::Session,
        _ => Access::Configure,
    }
}
