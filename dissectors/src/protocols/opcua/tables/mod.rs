//! Services, status codes, attributes, anomalies: the one place that knows the names of OPC UA (Part 4, Part 6 Annex A).
//!
//! # Fields beside those that all protocols have (`opcua` object of a transaction)
//!
//! | field | what |
//! |---|---|
//! | `security_mode`, `security_policy`, `channel_id` | how the secure channel is secured: `none`, `sign`, `sign_and_encrypt`, or `unknown` where its opening was not seen |
//! | `user_type`, `user` | of the session: `anonymous`, `user_name`, `certificate`, `issued_token` or `unknown`; name, or subject of the certificate |
//! | `application_uri`, `session_name`, `session_endpoint` | who the session's client says it is, and where it thinks that it is |
//! | `request_id`, `request_handle` | numbers of the call |
//! | `request_chunks`, `response_chunks` | where one of them has more than one |
//! | `operations_refused` | operations of the call that were refused one by one; where all were, the outcome is `rejected` with the first one's reason (but not for Read: what it brings are values) |
//! | `content`, `direction`, `size`, `chunks` | of what is encrypted |
//!
//! What weakens a session and is legal is a field, and no anomaly. It is there only where it is true:
//!
//! | field | of | what |
//! |---|---|---|
//! | `password_in_clear` | `activate_session` | a password, or an issued token, was sent readable; it is not kept |
//! | `downgraded` | `create_session`, `activate_session` | the server offers better security than the session uses |
//! | `deprecated_policy` | `open_secure_channel` | a security policy that is withdrawn (Basic128Rsa15, Basic256) |
//! | `weak` | certificates | signed with SHA-1 or MD5, or an RSA key under 2048 bits |

pub mod attributes;
pub mod methods;
pub mod security;
pub mod services;
pub mod status;

pub use services::{FUNCTIONS, Half, half};
pub use status::STATUS;

use crate::transaction::Code;

/// Number of OPC UA in the registry.
pub const NUMBER: u8 = 5;

/// Bits of a status code that say which one it is; the others are flags of the value.
const STATUS_MASK: u32 = 0xFFFF_0000;

/// Name of a status code without its flags.
#[inline]
pub fn status_name(code: u32) -> Option<&'static str> {
    if code & STATUS_MASK == 0 {
        return Some("good");
    }
    let place = STATUS.binary_search_by_key(&(code & STATUS_MASK), |row| row.0).ok()?;
    STATUS.get(place).map(|row| row.1)
}

/// A status code as a rejection code.
pub fn rejection(status: u32) -> Code {
    Code { code: status, name: status_name(status) }
}

/// The status says no.
#[inline]
pub fn is_bad(status: u32) -> bool {
    status >> 31 == 1
}

/// Class of a status code by its two highest bits.
pub fn status_class(status: u32) -> &'static str {
    match status >> 30 {
        0 => "good",
        1 => "uncertain",
        _ => "bad",
    }
}

/// Declares the anomalies: a constant with the bit, and the row of the table.
macro_rules! anomalies {
    ($($constant:ident $name:literal $about:literal)*) => {
        /// Bits of the anomalies.
        #[allow(missing_docs)]
        pub mod anomaly {
            #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
            enum Bit { $($constant),* }
            $(
                #[allow(clippy::as_conversions)] // an enum's own number
                pub const $constant: u8 = Bit::$constant as u8;
            )*
        }

        /// Names of the anomalies, by bit.
        pub const ANOMALIES: &[(&str, &str)] = &[$(($name, $about)),*];
    };
}

anomalies! {
    INVALID_HEADER "invalid_header" "what follows is no message header: unknown type, or a size that cannot be"
    INVALID_SIZE "invalid_size" "a message of its kind cannot have this size"
    CHUNK_TOO_LARGE "chunk_too_large" "a chunk larger than the receiver's buffer that was negotiated"
    MESSAGE_TOO_LARGE "message_too_large" "a message larger, or in more chunks, than was negotiated"
    MESSAGE_CUT "message_cut" "a message larger than is put together here: its end was not looked at"
    CHUNK_ORDER "chunk_order" "chunks of two messages mixed, or a last chunk of another message"
    ABORTED "aborted" "the sender aborted the message after its first chunks"
    SEQUENCE_GAP "sequence_gap" "sequence numbers are missing although no bytes were lost"
    SEQUENCE_REUSED "sequence_reused" "a sequence number that was used before"
    UNKNOWN_CHANNEL "unknown_channel" "a secure channel id other than the one that was opened"
    UNKNOWN_TOKEN "unknown_token" "a security token that the server did not issue"
    TOKEN_REUSED "token_reused" "a security token that was replaced before"
    UNKNOWN_SERVICE "unknown_service" "a type id that is no service's"
    MALFORMED_BODY "malformed_body" "the body ends before what it announces"
    TYPE_ERROR "type_error" "a value of a type or encoding that does not exist"
    TOO_DEEP "too_deep" "values or diagnostics within each other deeper than is allowed (Part 6, 5.2.2)"
    TRAILING_BYTES "trailing_bytes" "bytes behind the end of the body"
    VALUES_OMITTED "values_omitted" "more values than are kept of one call"
    COUNT_MISMATCH "count_mismatch" "as many results as operations are demanded, and were not given"
    RESPONSE_MISMATCH "response_mismatch" "a response of another service than its request"
    UNSOLICITED_RESPONSE "unsolicited_response" "a response whose request was not sent"
    LATE_RESPONSE "late_response" "a response after its request's time had passed"
    TOO_MANY_OPEN_REQUESTS "too_many_open_requests" "more requests open than are kept"
    TOO_MANY_SESSIONS "too_many_sessions" "more sessions on a connection than are kept"
    TOO_MANY_SUBSCRIPTIONS "too_many_subscriptions" "more subscriptions or monitored items than are kept"
    UNKNOWN_SESSION "unknown_session" "an authentication token that no session of this connection has"
    INVALID_ATTRIBUTE "invalid_attribute" "an attribute id that does not exist"
    REQUEST_REUSED "request_reused" "a request id that is still open"
    UNKNOWN_POLICY "unknown_policy" "a security policy that is not standardised"
    CERTIFICATE_UNREADABLE "certificate_unreadable" "a certificate that cannot be read"
    CERTIFICATE_EXPIRED "certificate_expired" "a certificate outside its validity at the time of the packet"
    APPLICATION_URI_MISMATCH "application_uri_mismatch" "the certificate has another application URI than its application says"
    UNSUPPORTED_VERSION "unsupported_version" "a protocol version that is not defined"
    LIMIT_TOO_SMALL "limit_too_small" "a buffer under the 8192 bytes that the protocol demands"
    LIMIT_RAISED "limit_raised" "the server acknowledges larger buffers than were offered"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::PROTOCOLS;

    #[test]
    fn the_number_is_its_place_in_the_registry() {
        assert_eq!(PROTOCOLS[usize::from(NUMBER)].name, "opcua");
    }

    #[test]
    fn tables_that_are_searched_are_sorted() {
        assert!(STATUS.is_sorted_by(|a, b| a.0 < b.0) && FUNCTIONS.is_sorted_by(|a, b| a.code < b.code));
        assert!(ANOMALIES.len() <= 64);
    }

    #[test]
    fn every_attribute_has_its_kind() {
        use attributes::{POINT_KINDS, kind};
        let name = |attribute| POINT_KINDS[usize::from(kind(attribute))].name;
        let of = [
            (1, "node_id"),
            (5, "description"),
            (12, "event_notifier"),
            (13, "value"),
            (14, "data_type"),
            (27, "access_level_ex"),
            (0, "other_attribute"),
            (28, "other_attribute"),
        ];
        of.iter().for_each(|&(attribute, expected)| assert_eq!(name(attribute), expected));
        let places = [attributes::METHOD, attributes::REFERENCES, attributes::NODE];
        assert_eq!(places.map(|place| POINT_KINDS[usize::from(place)].name), ["method", "references", "node"]);
    }

    #[test]
    fn names_of_status_codes() {
        assert_eq!(status_name(0x8034_0000), Some("bad_node_id_unknown"));
        assert_eq!(status_name(0x8034_0480), Some("bad_node_id_unknown"), "flags of the value are no part of it");
        assert_eq!(status_name(0x80FF_0000), None);
        assert_eq!([0, 0x40A4_0000, 0x8034_0000].map(status_class), ["good", "uncertain", "bad"]);
    }
}
