//! A flow of one protocol: pieces of any bytes over TCP or UDP, with gaps, losses and time between them.

use fieldtap_native::address::{Moment, Net, Side};
use fieldtap_native::cursor::Incomplete;
use fieldtap_native::dissection::{Arrival, Dissection, Malformed};
use fieldtap_native::output::json_line;
use fieldtap_native::packet::{Transport, Vlan};
use fieldtap_native::protocols::{Ending, Hints, Plugins, Seen, Sink};
use fieldtap_native::stream::FlowKey;
use fieldtap_native::transaction::{Observation, Transaction};

use crate::script::Script;

struct Written {
    key: FlowKey,
    transactions: u64,
}

impl Sink for Written {
    fn transaction(&mut self, transaction: &Transaction<'_>) {
        self.transactions += 1;
        assert!(transaction.request.is_some() || transaction.response.is_some());
        for point in transaction.points {
            assert!(point.first <= point.last, "{point:?}");
            assert!(point.access <= transaction.access, "the gravest access is the transaction's");
        }
        let line = json_line(&self.key, [[0; 6]; 2], Vlan::default(), None, transaction);
        assert!(line.ends_with('}') && !line.contains(|c: char| c.is_control()), "{line}");
    }

    fn observation(&mut self, _: &Observation<'_>) {}
    fn anomaly(&mut self, _: u8, _: u8, _: Side, _: Moment) {}
}

impl Malformed for Written {
    fn malformed(&mut self, _: u8, _: u8, _: Side, _: Moment, place: Incomplete) {
        assert!(!place.layer.is_empty());
    }
}

/// First the flow, then pieces: side, what happens before it, pause, length, bytes. `wrap` makes of the bytes what is sent.
pub fn run(data: &[u8], port: u16, wrap: impl Fn(Side, &[u8]) -> Vec<u8>) {
    let mut script = Script::new(data);
    let kind = script.u8();
    let datagram = kind & 1 == 1;
    let ports = if kind & 2 == 0 { [port, 50_000] } else { [4_000, 50_000] };
    let initiator = (kind & 4 == 0 && !datagram).then_some(if kind & 8 == 0 { Side::B } else { Side::A });
    let transport = if datagram { Transport::Udp } else { Transport::Tcp };
    let key = FlowKey { a: 1, b: 2, ports, tunnel: 0, protocol: 0, group: 0, transport, net: Net::V4 };
    let hints = Hints { ports, initiator, datagram };
    let (mut dissection, mut sink) = (Dissection::default(), Written { key, transactions: 0 });
    let mut seen = Seen { clock: 1_700_000_000_000_000_000, both_directions: kind & 16 == 0, lost: [false; 2] };
    let (mut given, mut undecoded, mut packet) = (0_u64, 0_u64, 0);
    while script.more() {
        let what = script.u8();
        let side = if what & 1 == 0 { Side::A } else { Side::B };
        seen.clock += script.pause();
        if what & 0xE0 == 0xE0 && !datagram {
            seen.lost[side.index()] = true;
            undecoded += dissection.gap(side, u64::from(what));
        }
        if what & 0x1C == 0x1C {
            dissection.expire(&seen, &mut sink);
        }
        let length = usize::from(script.u8()) << usize::from(what >> 1 & 1);
        let bytes = &wrap(side, script.bytes(length))[..];
        packet += 1;
        given += bytes.len() as u64;
        let at = Moment { time: seen.clock, packet, capture: 1 };
        let from_start = initiator.is_some() && !seen.lost[side.index()];
        let arrival = Arrival { side, bytes, at, hints, from_start, seen, plugins: Plugins::default() };
        let outcome = dissection.take(&arrival, &mut sink);
        undecoded += outcome.undecoded;
        assert_eq!(outcome.shut_off, None, "the contract was broken");
    }
    undecoded += dissection.finish(Ending::CaptureEnd, &seen, &mut sink);
    assert!(undecoded <= given, "{undecoded} of {given} bytes undecoded");
    assert!(sink.transactions <= given, "a transaction needs bytes");
}
