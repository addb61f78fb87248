//! The table: time-outs, ceilings, reuse of ports, order.

use super::*;
use Side::{A, B};

#[test]
fn both_directions_are_one_flow_with_its_counts() {
    let mut rig = Rig::new();
    let first = rig.a(100, b"abc");
    let second = rig.b(5000, 103, b"x");
    assert_eq!((first.id, first.side, first.new), (0, A, true));
    assert_eq!((second.id, second.side, second.new), (0, B, false));
    let flow = rig.flows.get(0);
    assert_eq!(*flow.ledger.counts(A), Counts { packets: 1, bytes: 60, payload: 3 });
    assert_eq!((flow.first.packet, flow.last.packet), (1, 2));
    assert!(flow.both_directions() && !flow.ledger.one_way());
}

#[test]
fn silence_ends_flows_exactly_even_where_nobody_looked() {
    let mut rig = Rig::new();
    rig.udp();
    rig.now += 180 * S - 1;
    assert!(!rig.udp().new);
    // Without the wheel: the packet itself finds that its flow is over.
    rig.now += 180 * S;
    let packet = rig.packet(A, Transport::Udp);
    let found = rig.flows.find(&packet, rig.now, &mut rig.log);
    assert!(found.new && found.id == 0);
    assert_eq!(rig.take(), [Came::Ended(0, Ending::Timeout)]);
    assert_eq!(rig.flows.get(0).generation, 1);
    assert_eq!(rig.flows.begun(), 2);
    // With it.
    rig.later(182 * S);
    assert_eq!(rig.take(), [Came::Ended(0, Ending::Timeout)]);
    assert!(rig.flows.is_empty() && rig.flows.alive_mut(0, 1).is_none());
}

#[test]
fn tcp_flows_live_for_an_hour_and_unanswered_ones_a_minute() {
    let mut rig = Rig::new();
    rig.a(100, b"x");
    rig.client_port = 1001;
    rig.send(A, tf::SYN, 1, 0, b"");
    rig.later(62 * S);
    assert_eq!(rig.take(), [data(A, b"x"), Came::Opened(A), Came::Ended(1, Ending::Timeout)]);
    rig.later(3_500 * S);
    assert_eq!(rig.flows.len(), 1);
    rig.later(41 * S);
    assert_eq!(rig.take(), [Came::Ended(0, Ending::Timeout)]);
}

#[test]
fn a_flow_in_use_is_put_back_not_ended() {
    let mut rig = Rig::new();
    for _ in 0..100 {
        rig.udp();
        rig.later(170 * S);
    }
    assert_eq!((rig.take(), rig.flows.begun()), (vec![], 1));
}

#[test]
fn the_quietest_flow_is_pushed_out_at_the_ceiling() {
    let mut rig = Rig::with(Limits { max_flows: 10, ..Limits::default() });
    for port in 1000..1010 {
        rig.client_port = port;
        rig.udp();
        rig.now += 3 * S;
    }
    rig.client_port = 1000;
    rig.udp(); // 1001 is now the quietest
    rig.client_port = 2000;
    rig.udp();
    assert_eq!(rig.take(), [Came::Ended(1, Ending::Timeout)]);
    assert_eq!(rig.flows.len(), 10);
    assert_eq!(rig.flows.ceilings().next(), Some(("flows", 1)));
    for port in 3000..4000 {
        rig.client_port = port;
        rig.udp();
        assert_eq!(rig.flows.len(), 10);
    }
}

#[test]
fn a_new_connection_between_the_same_ports_is_a_new_flow() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.send(A, tf::FIN | tf::ACK, 100, 5000, b"");
    rig.send(B, tf::FIN | tf::ACK, 5000, 101, b"");
    assert!(!rig.send(A, tf::SYN, 99, 0, b"").new, "a late copy of the first SYN");
    rig.take();
    let found = rig.send(A, tf::SYN, 7777, 0, b"");
    assert!(found.new && found.id == 0);
    assert_eq!(rig.take(), [Came::Ended(0, Ending::Closed), Came::Opened(A)]);
    assert_eq!(rig.flows.get(0).ledger.counts(A).packets, 1);
}

#[test]
fn a_syn_on_a_living_flow_counts_only_when_it_is_answered() {
    let mut rig = Rig::new();
    rig.handshake();
    rig.send(A, tf::SYN, 7777, 0, b"");
    rig.a(100, b"goes on");
    rig.send(B, tf::SYN | tf::ACK, 9000, 7778, b""); // too late: the stream went on
    assert_eq!(rig.take(), [data(A, b"goes on")]);
    let mut rig = Rig::new();
    rig.handshake();
    rig.send(A, tf::SYN, 7777, 0, b"");
    assert!(rig.send(B, tf::SYN | tf::ACK, 9000, 7778, b"").new);
    rig.send(A, tf::ACK, 7778, 9001, b"new");
    assert_eq!(rig.take(), [Came::Ended(0, Ending::Closed), Came::Opened(A), data(A, b"new")]);
    assert!(!rig.flows.get(0).ledger.midstream);
}

#[test]
fn the_end_comes_in_order_of_beginning() {
    let mut rig = Rig::new();
    for port in [1005, 1001, 1009] {
        rig.client_port = port;
        rig.udp();
    }
    rig.now += 181 * S;
    rig.client_port = 1009;
    rig.udp();
    rig.client_port = 1;
    rig.udp();
    rig.take();
    rig.finish();
    let ended: Vec<_> = rig.take();
    assert_eq!(ended.len(), 2);
    assert_eq!(rig.flows.totals().flows, 5);
}

#[test]
fn many_flows_end_in_an_order_that_packets_alone_decide() {
    let run = |limits: Limits| {
        let mut rig = Rig::with(limits);
        let mut seed = 5_u64;
        for _ in 0..30_000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            rig.client_port = (seed >> 16) as u16 % 5_000;
            rig.now += seed % (100 * MS);
            let slot = rig.flows.locate(seed);
            rig.flows.warm(slot);
            rig.udp();
        }
        rig.finish();
        assert!(rig.flows.is_empty());
        assert_eq!(rig.flows.totals().counts.packets, 30_000);
        rig.take()
    };
    let limits = Limits { max_flows: 2_000, ..Limits::default() };
    assert_eq!(run(limits), run(limits));
}

#[test]
fn the_record_stays_small() {
    assert_eq!(size_of::<Flow<[u64; 6]>>(), 384);
    assert_eq!(std::mem::offset_of!(Flow<u64>, data), 272, "four lines for every packet, and a place in the fifth");
}
