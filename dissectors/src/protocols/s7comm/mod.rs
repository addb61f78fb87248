//! S7comm, the protocol of Siemens' S7-300 and S7-400 (and of the S7-1200 and S7-1500 where they are asked to), on ISO on TCP.
//! There is no public specification; [`tables`] says what the names follow.

#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions, clippy::unwrap_used)
)]

pub mod message;
pub mod pairing;
pub mod tables;
#[cfg(test)]
mod tests;
mod transfer;

use super::cotp::message::{Setup, Tsap};
use super::cotp::{self, Link, Message, Passenger, Rider, Unreadable};
use super::{Ending, Protocol, Seen, Sink};
use crate::address::Side;
use crate::cursor::Incomplete;
use message::userdata::{self, Way};
use message::{Pdu, rosctr};
use pairing::{Context, Pairing};
use tables::anomaly;
use transfer::State;

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
    let short = |tsap: &Option<Tsap>| tsap.is_some_and(|tsap| matches!(tsap.bytes(), [kind, _] if *kind != 0));
    short(&setup.called) && short(&setup.calling)
}

/// A flow of S7comm.
#[derive(Debug, Default)]
pub struct S7 {
    pairing: Pairing,
    state: State,
}

/// What a message is to the other side.
enum Part {
    Request,
    Response,
    Report,
}

impl Part {
    #[inline]
    fn of(pdu: &Pdu<'_>) -> Option<Part> {
        Some(match pdu.rosctr {
            rosctr::JOB => Part::Request,
            rosctr::ACK | rosctr::ACK_DATA => Part::Response,
            rosctr::USERDATA => match userdata::head(pdu)?.way {
                Way::Push => Part::Report,
                Way::Request => Part::Request,
                Way::Response => Part::Response,
            },
            _ => return None,
        })
    }
}

impl Rider for S7 {
    #[inline]
    fn message(
        &mut self,
        message: &Message<'_>,
        link: &Link,
        seen: &Seen,
        sink: &mut dyn Sink,
    ) -> Result<(), Unreadable> {
        let Message { side, bytes, at } = *message;
        let short = |place| Unreadable { anomaly: anomaly::INVALID_LENGTH, place };
        let pdu = message::read(bytes, at).map_err(short)?;
        let place = Incomplete { layer: "s7comm.header", offset: 1, needed: 1, available: 0 };
        let part = Part::of(&pdu).ok_or(Unreadable { anomaly: anomaly::INVALID_TYPE, place })?;
        let S7 { pairing, state } = self;
        let mut context = Context { link, seen, state };
        match part {
            Part::Request => pairing.request(side, &pdu, bytes, &mut context, sink),
            Part::Response => pairing.response(side, &pdu, &mut context, sink),
            Part::Report => {
                let completed = at.time.max(seen.clock);
                let exchange = pairing::exchange(side.other(), None, Some(pdu), completed, &context);
                exchange.emit(context.state, sink);
            }
        }
        Ok(())
    }

    fn gap(&mut self, side: Side, _link: &Link) {
        self.pairing.lose(side);
        self.state.lose();
    }

    fn expire(&mut self, link: &Link, seen: &Seen, sink: &mut dyn Sink) -> Option<u64> {
        let S7 { pairing, state } = self;
        pairing.expire(&mut Context { link, seen, state }, sink)
    }

    fn finish(&mut self, ending: Ending, link: &Link, seen: &Seen, sink: &mut dyn Sink) {
        let S7 { pairing, state } = self;
        pairing.finish(ending, &mut Context { link, seen, state }, sink);
    }
}
