//! DCE/RPC over TCP (C706, MS-RPCE), which carries DCOM and so OPC Classic: what NTLM tells when a client binds. Nothing of a call is read.

use super::{Listener, Look, Piece, Recognised, Says, StreamEar, Testimony, Witness, ntlmssp, says};

/// What it is called in every output.
pub static WITNESS: Witness = Witness {
    streams: Some(StreamEar { recognise, start: || Box::new(Rpc::default()), budget: 32 << 10 }),
    ..Witness::new("dcerpc", "DCE/RPC (DCOM)", "C706, MS-RPCE, MS-NLMP", SAYS)
};

const SERVER: &str = "the server";
const CLIENT: &str = "the client";
const SPEAKER: &str = "the side that says it";

const SAYS: &[Says] = &[
    says("hostname", ntlmssp::COMPUTER, SERVER, "OPCSRV"),
    says("domain", ntlmssp::DOMAIN, SERVER, "PLANT"),
    says("dns_name", ntlmssp::DNS_COMPUTER, SERVER, "opcsrv.plant.local"),
    says("dns_domain", ntlmssp::DNS_DOMAIN, SERVER, "plant.local"),
    says("os_build", ntlmssp::VERSION, SPEAKER, "10.0.17763"),
    says("hostname", ntlmssp::WORKSTATION, CLIENT, "ENG-PC"),
    says("domain", ntlmssp::CLIENT_DOMAIN, CLIENT, "PLANT"),
];

/// Kinds of fragments (C706, 12.6.4; MS-RPCE 2.2.2.1).
const BIND: u8 = 11;
const BIND_ACK: u8 = 12;
const ALTER_CONTEXT: u8 = 14;
const ALTER_CONTEXT_RESPONSE: u8 = 15;
const AUTH3: u8 = 16;
const HEADER: usize = 16;
/// Fragments of one direction that are looked at.
const MAX_FRAGMENTS: u8 = 8;

/// Version 5, a bind or its answer, data in little-endian ASCII and IEEE form.
fn recognise(bytes: &[u8]) -> Recognised {
    match bytes {
        [5, 0 | 1, BIND | BIND_ACK, _, 0x10, 0, ..] => Recognised::Mine,
        [5] | [5, 0 | 1] | [5, 0 | 1, BIND | BIND_ACK] | [5, 0 | 1, BIND | BIND_ACK, _] => Recognised::More,
        [5, 0 | 1, BIND | BIND_ACK, _, 0x10] => Recognised::More,
        _ => Recognised::NotMine,
    }
}

#[derive(Default)]
struct Rpc {
    fragments: [u8; 2],
}

impl Listener for Rpc {
    fn hear(&mut self, piece: &Piece<'_>, testimony: &mut Testimony<'_>) -> Look {
        let Some([5, _, kind, _, _, _, _, _, low, high, ..]) = piece.bytes.first_chunk::<HEADER>() else {
            return if piece.bytes.len() < HEADER { Look::More } else { Look::Done };
        };
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        let Some(count) = self.fragments.get_mut(piece.side.index()) else { return Look::Done };
        if length < HEADER || *count >= MAX_FRAGMENTS {
            return Look::Done;
        }
        let Some(fragment) = piece.bytes.get(..length) else { return Look::More };
        *count = count.saturating_add(1);
        if matches!(*kind, BIND | BIND_ACK | ALTER_CONTEXT | ALTER_CONTEXT_RESPONSE | AUTH3) {
            ntlmssp::read(piece.source, fragment, testimony);
        }
        Look::Used(length)
    }
}
