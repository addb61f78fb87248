//! S7comm, the protocol of Siemens' S7-300 and S7-400 (and of the S7-1200 and S7-1500 where they are asked to), on ISO on TCP.
//! There is no public specification; [`tables`] says what the names follow.

#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions, clippy::unwrap_used)
)]

pub mod message;
pub mod pairing;
pub mod tables;

use super::cotp::message::Setup;
use super::cotp::{self, Link, Message, Passenger, Rider, Unreadable};
use super::{Ending, Protocol, Seen, Sink};
use crate::address::Side;
use message::rosctr;
use pairing::Pairing;
use tables::anomaly;

/// What there is to know of S7comm.
pub static PROTOCOL: Protocol = Protocol {
    name: "s7comm",
    title: "S7comm",
    specification: "Unpublished; read as in Wireshark's dissector, Snap7 and libnodave, over RFC 1006 and ISO 8073",
    tcp_ports: &[cotp::PORT],
    udp_ports: &[],
    functions: tables::FUNCTIONS,
    sub_functions: tables::SUB_FUNCTIONS,
    rejections: tables::REJECTIONS,
    anomalies: tables::ANOMALIES,
    point_kinds: tables::POINT_KINDS,
    recognise: Some(&cotp::recognise),
    start: &cotp::start,
    write_unit,
};

/// S7comm as it rides on COTP.
pub static PASSENGER: Passenger =
    Passenger { protocol: tables::NUMBER, likeness: message::likeness, is_called, start: |_| Box::new(S7::default()) };

/// Rack and slot, as in the second byte of the selector.
pub(super) fn write_unit(out: &mut Vec<u8>, unit: u32) {
    crate::output::number(out, u64::from(unit >> 5));
    out.push(b'/');
    crate::output::number(out, u64::from(unit & 0x1F));
}

/// A connection is for S7comm where its selectors are two bytes, connection type and place. Type 0 is no S7 connection.
fn is_called(setup: &Setup) -> bool {
    let short = |tsap: &Option<_>| {
        tsap.as_ref().is_some_and(|tsap: &cotp::message::Tsap| matches!(tsap.bytes(), [kind, _] if *kind != 0))
    };
    short(&setup.called) && short(&setup.calling)
}

/// A flow of S7comm.
#[derive(Debug, Default)]
pub struct S7 {
    /// Who asks, once a message has told.
    client: Option<Side>,
    pairing: Pairing,
}

impl Rider for S7 {
    fn message(
        &mut self,
        message: &Message<'_>,
        link: &Link,
        seen: &Seen,
        sink: &mut dyn Sink,
    ) -> Result<(), Unreadable> {
        let unreadable = |place| Unreadable { anomaly: anomaly::INVALID_LENGTH, place };
        let pdu = message::read(message.bytes, message.at).map_err(unreadable)?;
        let _ = (pdu, link, seen, sink, rosctr::JOB);
        Ok(())
    }

    fn gap(&mut self, side: Side, _link: &Link) {
        if self.client != Some(side) {
            self.pairing.lose();
        }
    }

    fn expire(&mut self, link: &Link, seen: &Seen, sink: &mut dyn Sink) -> Option<u64> {
        let _ = (link, seen, sink);
        None
    }

    fn finish(&mut self, ending: Ending, link: &Link, seen: &Seen, sink: &mut dyn Sink) {
        let _ = (ending, link, seen, sink);
    }
}
