//! A flow that no dissector claims is an operation too, so that SSH into a cell is judged like a write (DESIGN.md, 2.1).

use crate::address::{Moment, Side};
use crate::packet::Transport;
use crate::protocols::services;
use crate::stream::FlowKey;
use crate::transaction::{Access, Anomalies, Code, Outcome, Transaction};

/// What is known of such a flow.
#[derive(Debug, Clone, Copy)]
pub struct Connection<'a> {
    /// The flow.
    pub key: &'a FlowKey,
    /// Which side opened it, if seen.
    pub initiator: Option<Side>,
    /// First packet of each side.
    pub firsts: [Option<Moment>; 2],
    /// TCP was refused: the first word of the other side was a reset.
    pub refused: bool,
    /// When it is told, ns.
    pub completed: u64,
}

/// The function of every such transaction.
const CONNECT: &str = "connect";
/// A refused connection's code: no protocol gives one.
const REFUSED: Code = Code { code: 0, name: Some("refused") };

/// The flow as a transaction: function `connect` (code: ethertype or IP protocol number where there are no ports), access `session`.
pub fn connect<'a>(connection: &Connection<'_>) -> Transaction<'a> {
    let client = client(connection);
    let key = connection.key;
    let (request, response) = (connection.firsts[client.index()], connection.firsts[client.other().index()]);
    let outcome = match (connection.refused, request.is_some() && response.is_some()) {
        (true, _) => Outcome::Rejected(REFUSED),
        (false, true) => Outcome::Accepted,
        (false, false) => Outcome::Unknown,
    };
    Transaction {
        protocol: service(key, client),
        client,
        unit: None,
        function: Code { code: if is_ported(key) { 0 } else { u32::from(key.protocol) }, name: Some(CONNECT) },
        sub_function: None,
        access: Access::Session,
        points: &[],
        outcome,
        anomalies: Anomalies::default(),
        tag: 0,
        request,
        response,
        completed: connection.completed,
        detail: &[],
    }
}

/// The number of the service that the flow is named after.
pub fn service(key: &FlowKey, client: Side) -> u8 {
    let number = if is_ported(key) { key.port(client.other()) } else { key.protocol };
    services::service_of(key.transport, number)
}

/// Whether the flow has ports.
pub fn is_ported(key: &FlowKey) -> bool {
    matches!(key.transport, Transport::Tcp | Transport::Udp)
}

/// Who opened it; else whoever speaks to a group; else whoever speaks to the port that has a name, or the lower one; else who spoke first.
pub fn client(connection: &Connection<'_>) -> Side {
    let key = connection.key;
    if let Some(side) = connection.initiator {
        return side;
    }
    for side in [Side::A, Side::B] {
        if key.address(side).is_group() {
            return side.other();
        }
    }
    let first = match connection.firsts {
        [Some(a), Some(b)] if b < a => Side::B,
        [None, Some(_)] => Side::B,
        _ => Side::A,
    };
    if !is_ported(key) || key.port(Side::A) == key.port(Side::B) {
        return first;
    }
    let named = |side| services::is_known_port(key.transport, key.port(side));
    match (named(Side::A), named(Side::B)) {
        (true, false) => Side::B,
        (false, true) => Side::A,
        _ if key.transport == Transport::Udp => first,
        _ if key.port(Side::A) < key.port(Side::B) => Side::B,
        _ => Side::A,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Net;

    fn key(ports: [u16; 2], transport: Transport) -> FlowKey {
        FlowKey { a: 1, b: 2, ports, tunnel: 0, protocol: 0, group: 0, transport, net: Net::V4 }
    }

    fn connection(key: &FlowKey) -> Connection<'_> {
        let at = |packet| Some(Moment { time: packet, packet, capture: 1 });
        Connection { key, initiator: None, firsts: [at(2), at(1)], refused: false, completed: 9 }
    }

    #[test]
    fn the_named_port_is_the_server() {
        let key = key([22, 50_000], Transport::Tcp);
        let told = connect(&connection(&key));
        assert_eq!(told.client, Side::B);
        assert_eq!(services::service_name(told.protocol), Some("ssh"));
        assert_eq!(told.outcome, Outcome::Accepted);
    }

    #[test]
    fn who_opened_it_is_the_client_whatever_the_ports() {
        let key = key([22, 50_000], Transport::Tcp);
        let told = connect(&Connection { initiator: Some(Side::A), refused: true, ..connection(&key) });
        assert_eq!(told.client, Side::A);
        assert_eq!(services::service_name(told.protocol), Some("tcp"));
        assert_eq!(told.outcome, Outcome::Rejected(REFUSED));
    }

    #[test]
    fn whoever_speaks_first_is_the_client_of_nameless_datagrams() {
        let key = key([40_000, 50_000], Transport::Udp);
        assert_eq!(connect(&connection(&key)).client, Side::B);
        let one_way = Connection { firsts: [connection(&key).firsts[0], None], ..connection(&key) };
        assert_eq!((connect(&one_way).client, connect(&one_way).outcome), (Side::A, Outcome::Unknown));
    }
}
