//! The services by the type id of their request in the binary encoding, and the messages of the connection.

use crate::protocols::FunctionRow;
use crate::transaction::{Access, Code};

/// Which half of a call a type id is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// A request: the service's code.
    Request(u32),
    /// A response: the service's code.
    Response(u32),
    /// A fault, which answers any request.
    Fault,
}

/// Type id of a service fault.
pub const SERVICE_FAULT: u32 = 397;

/// The codes of services that are named elsewhere.
#[allow(missing_docs)]
pub mod service {
    pub const FIND_SERVERS: u32 = 422;
    pub const GET_ENDPOINTS: u32 = 428;
    pub const REGISTER_SERVER: u32 = 437;
    pub const OPEN_SECURE_CHANNEL: u32 = 446;
    pub const CLOSE_SECURE_CHANNEL: u32 = 452;
    pub const CREATE_SESSION: u32 = 461;
    pub const ACTIVATE_SESSION: u32 = 467;
    pub const CLOSE_SESSION: u32 = 473;
    pub const CANCEL: u32 = 479;
    pub const ADD_NODES: u32 = 488;
    pub const ADD_REFERENCES: u32 = 494;
    pub const DELETE_NODES: u32 = 500;
    pub const DELETE_REFERENCES: u32 = 506;
    pub const BROWSE: u32 = 527;
    pub const BROWSE_NEXT: u32 = 533;
    pub const TRANSLATE_BROWSE_PATHS: u32 = 554;
    pub const REGISTER_NODES: u32 = 560;
    pub const UNREGISTER_NODES: u32 = 566;
    pub const QUERY_FIRST: u32 = 615;
    pub const QUERY_NEXT: u32 = 621;
    pub const READ: u32 = 631;
    pub const HISTORY_READ: u32 = 664;
    pub const WRITE: u32 = 673;
    pub const HISTORY_UPDATE: u32 = 700;
    pub const CALL: u32 = 712;
    pub const CREATE_MONITORED_ITEMS: u32 = 751;
    pub const MODIFY_MONITORED_ITEMS: u32 = 763;
    pub const SET_MONITORING_MODE: u32 = 769;
    pub const SET_TRIGGERING: u32 = 775;
    pub const DELETE_MONITORED_ITEMS: u32 = 781;
    pub const CREATE_SUBSCRIPTION: u32 = 787;
    pub const MODIFY_SUBSCRIPTION: u32 = 793;
    pub const SET_PUBLISHING_MODE: u32 = 799;
    pub const PUBLISH: u32 = 826;
    pub const REPUBLISH: u32 = 832;
    pub const TRANSFER_SUBSCRIPTIONS: u32 = 841;
    pub const DELETE_SUBSCRIPTIONS: u32 = 847;
    pub const FIND_SERVERS_ON_NETWORK: u32 = 12208;
    pub const REGISTER_SERVER2: u32 = 12211;
    pub const SESSIONLESS_INVOKE: u32 = 15_903;
    /// "HEL": the messages of the connection have the number of their three letters.
    pub const HELLO: u32 = 0x48_45_4C;
    /// "RHE".
    pub const REVERSE_HELLO: u32 = 0x52_48_45;
    /// "ERR": an error that answers nothing.
    pub const ERROR: u32 = 0x45_52_52;
    /// "MSG": a message whose content was not seen.
    pub const ENCRYPTED: u32 = 0x4D_53_47;
}

/// What there is of the standard's services (Part 4), and the connection's messages (Part 6, 7.1).
#[rustfmt::skip]
pub const FUNCTIONS: &[FunctionRow] = &[
    FunctionRow { code: SERVICE_FAULT, name: "service_fault", access: Access::Session, about: "refuses a request that was not seen (Part 4, 7.35)" },
    FunctionRow { code: 422, name: "find_servers", access: Access::Identify, about: "asks a discovery server for the servers it knows (Part 4, 5.5.2)" },
    FunctionRow { code: 428, name: "get_endpoints", access: Access::Identify, about: "asks for endpoints with their security (Part 4, 5.5.4)" },
    FunctionRow { code: 437, name: "register_server", access: Access::Configure, about: "a server registers with a discovery server (Part 4, 5.5.5)" },
    FunctionRow { code: 446, name: "open_secure_channel", access: Access::Session, about: "opens or renews a secure channel (Part 4, 5.6.2)" },
    FunctionRow { code: 452, name: "close_secure_channel", access: Access::Session, about: "closes a secure channel; has no response (Part 4, 5.6.3)" },
    FunctionRow { code: 461, name: "create_session", access: Access::Session, about: "creates a session (Part 4, 5.7.2)" },
    FunctionRow { code: 467, name: "activate_session", access: Access::Session, about: "tells the session's user (Part 4, 5.7.3)" },
    FunctionRow { code: 473, name: "close_session", access: Access::Session, about: "closes a session (Part 4, 5.7.4)" },
    FunctionRow { code: 479, name: "cancel", access: Access::Session, about: "cancels open requests (Part 4, 5.7.5)" },
    FunctionRow { code: 488, name: "add_nodes", access: Access::Configure, about: "adds nodes to the address space (Part 4, 5.8.2)" },
    FunctionRow { code: 494, name: "add_references", access: Access::Configure, about: "adds references between nodes (Part 4, 5.8.3)" },
    FunctionRow { code: 500, name: "delete_nodes", access: Access::Configure, about: "deletes nodes (Part 4, 5.8.4)" },
    FunctionRow { code: 506, name: "delete_references", access: Access::Configure, about: "deletes references (Part 4, 5.8.5)" },
    FunctionRow { code: 527, name: "browse", access: Access::Identify, about: "follows the references of nodes (Part 4, 5.9.2)" },
    FunctionRow { code: 533, name: "browse_next", access: Access::Identify, about: "goes on browsing (Part 4, 5.9.3)" },
    FunctionRow { code: 554, name: "translate_browse_paths", access: Access::Identify, about: "finds nodes by the path of their names (Part 4, 5.9.4)" },
    FunctionRow { code: 560, name: "register_nodes", access: Access::Identify, about: "announces nodes that will be used often (Part 4, 5.9.5)" },
    FunctionRow { code: 566, name: "unregister_nodes", access: Access::Identify, about: "takes that back (Part 4, 5.9.6)" },
    FunctionRow { code: 615, name: "query_first", access: Access::Read, about: "searches the address space (Part 4, 5.10.3)" },
    FunctionRow { code: 621, name: "query_next", access: Access::Read, about: "goes on searching (Part 4, 5.10.4)" },
    FunctionRow { code: 631, name: "read", access: Access::Read, about: "reads attributes of nodes (Part 4, 5.11.2)" },
    FunctionRow { code: 664, name: "history_read", access: Access::Read, about: "reads values or events of the past (Part 4, 5.11.3)" },
    FunctionRow { code: 673, name: "write", access: Access::Write, about: "writes attributes of nodes (Part 4, 5.11.4)" },
    FunctionRow { code: 700, name: "history_update", access: Access::Write, about: "changes or deletes values or events of the past (Part 4, 5.11.5)" },
    FunctionRow { code: 712, name: "call", access: Access::Write, about: "calls methods (Part 4, 5.12.2)" },
    FunctionRow { code: 751, name: "create_monitored_items", access: Access::Read, about: "has nodes watched (Part 4, 5.13.2)" },
    FunctionRow { code: 763, name: "modify_monitored_items", access: Access::Session, about: "changes how nodes are watched (Part 4, 5.13.3)" },
    FunctionRow { code: 769, name: "set_monitoring_mode", access: Access::Session, about: "switches the watching of nodes (Part 4, 5.13.4)" },
    FunctionRow { code: 775, name: "set_triggering", access: Access::Session, about: "links watched nodes (Part 4, 5.13.5)" },
    FunctionRow { code: 781, name: "delete_monitored_items", access: Access::Session, about: "ends the watching of nodes (Part 4, 5.13.6)" },
    FunctionRow { code: 787, name: "create_subscription", access: Access::Session, about: "creates a subscription (Part 4, 5.14.2)" },
    FunctionRow { code: 793, name: "modify_subscription", access: Access::Session, about: "changes a subscription (Part 4, 5.14.3)" },
    FunctionRow { code: 799, name: "set_publishing_mode", access: Access::Session, about: "switches the publishing of subscriptions (Part 4, 5.14.4)" },
    FunctionRow { code: 826, name: "publish", access: Access::Report, about: "fetches notifications of subscriptions (Part 4, 5.14.5)" },
    FunctionRow { code: 832, name: "republish", access: Access::Report, about: "fetches a notification again (Part 4, 5.14.6)" },
    FunctionRow { code: 841, name: "transfer_subscriptions", access: Access::Session, about: "moves subscriptions to another session (Part 4, 5.14.7)" },
    FunctionRow { code: 847, name: "delete_subscriptions", access: Access::Session, about: "deletes subscriptions (Part 4, 5.14.8)" },
    FunctionRow { code: 12208, name: "find_servers_on_network", access: Access::Identify, about: "asks a discovery server for the servers it heard of (Part 4, 5.5.3)" },
    FunctionRow { code: 12211, name: "register_server2", access: Access::Configure, about: "a server registers with a discovery server (Part 4, 5.5.6)" },
    FunctionRow { code: 15_903, name: "sessionless_invoke", access: Access::Write, about: "calls a service without a session (Part 6, 6.8)" },
    FunctionRow { code: service::ERROR, name: "error", access: Access::Session, about: "an error that ends the connection (Part 6, 7.1.2.5)" },
    FunctionRow { code: service::HELLO, name: "hello", access: Access::Session, about: "begins a connection and agrees upon its limits (Part 6, 7.1.2.3)" },
    FunctionRow { code: service::ENCRYPTED, name: "encrypted_message", access: Access::Session, about: "a message whose content was not seen (Part 6, 6.7.2)" },
    FunctionRow { code: service::REVERSE_HELLO, name: "reverse_hello", access: Access::Session, about: "a server asks a client to begin (Part 6, 7.1.2.6)" },
];

/// Type ids of requests and responses, sorted by the request.
#[rustfmt::skip]
const PAIRS: &[(u32, u32)] = &[
    (422, 425), (428, 431), (437, 440), (446, 449), (452, 455), (461, 464), (467, 470), (473, 476),
    (479, 482), (488, 491), (494, 497), (500, 503), (506, 509), (527, 530), (533, 536), (554, 557),
    (560, 563), (566, 569), (615, 618), (621, 624), (631, 634), (664, 667), (673, 676), (700, 703),
    (712, 715), (751, 754), (763, 766), (769, 772), (775, 778), (781, 784), (787, 790), (793, 796),
    (799, 802), (826, 829), (832, 835), (841, 844), (847, 850), (12208, 12209), (12211, 12212), (15903, 21001),
];

/// Which half of which service a type id is.
#[inline]
pub fn half(type_id: u32) -> Option<Half> {
    // The usual ones first: nine of ten messages are these.
    match type_id {
        631 => return Some(Half::Request(631)),
        634 => return Some(Half::Response(631)),
        826 => return Some(Half::Request(826)),
        829 => return Some(Half::Response(826)),
        SERVICE_FAULT => return Some(Half::Fault),
        _ => {}
    }
    PAIRS.iter().find_map(|&(request, response)| match type_id {
        id if id == request => Some(Half::Request(request)),
        id if id == response => Some(Half::Response(request)),
        _ => None,
    })
}

/// A function with its name.
#[inline]
pub fn function(code: u32) -> Code {
    Code { code, name: row(code).map(|row| row.name) }
}

/// What kind of thing a function does; one that nobody knows may do anything that changes something.
#[inline]
pub fn access(code: u32) -> Access {
    row(code).map_or(Access::Configure, |row| row.access)
}

#[inline]
fn row(code: u32) -> Option<&'static FunctionRow> {
    let place = FUNCTIONS.binary_search_by_key(&code, |row| row.code).ok()?;
    FUNCTIONS.get(place)
}
