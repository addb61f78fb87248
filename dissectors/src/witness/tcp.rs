//! TCP (RFC 9293): how a stack opens a connection. The conclusion is Python's; this is what was on the wire.

use super::{Says, Testimony, Witness, says};
use crate::address::Net;
use crate::cursor::{Cursor, Incomplete};
use crate::packet::{Packet, tcp_flags};

const SYN: &str = "tcp.syn";
const SYN_ACK: &str = "tcp.syn_ack";
const EXAMPLE: &str = "ttl=64,df=1,window=64240,options=mss:sok:ts:nop:ws,mss=1460,scale=7";

/// What it is called in every output.
pub static WITNESS: Witness = Witness::new("tcp", "TCP stack", "RFC 9293, RFC 7323", SAYS);

const SAYS: &[Says] = &[
    says("tcp_stack", SYN, "who opens a connection", EXAMPLE),
    says("tcp_stack", SYN_ACK, "who accepts one", EXAMPLE),
];

/// Options that are read at most.
const MAX_OPTIONS: usize = 40;

/// The options of a SYN: their order, the largest segment and the window scale where they are told.
#[derive(Default)]
struct Options {
    order: Vec<String>,
    mss: Option<u16>,
    scale: Option<u8>,
}

/// Reads a packet with SYN. One without options (as scanners craft it) says nothing of a stack.
pub fn read(packet: &Packet, bytes: &[u8], testimony: &mut Testimony<'_>) {
    let Some((fragment, options)) = headers(packet, bytes) else { return };
    let options = options_of(options);
    if options.order.is_empty() {
        return;
    }
    let mut text = format!("ttl={}{fragment},window={},options={}", packet.ttl, packet.window, options.order.join(":"));
    if let Some(mss) = options.mss {
        text.push_str(&format!(",mss={mss}"));
    }
    if let Some(scale) = options.scale {
        text.push_str(&format!(",scale={scale}"));
    }
    let field = if packet.flags & tcp_flags::ACK == 0 { SYN } else { SYN_ACK };
    testimony.text(packet.source_address(), "tcp_stack", field, text.as_bytes());
}

/// Whether fragmenting is forbidden (IPv4), and the bytes of the TCP options.
fn headers<'a>(packet: &Packet, bytes: &'a [u8]) -> Option<(&'static str, &'a [u8])> {
    let network = packet.network.of(bytes);
    let (fragment, length, next) = match packet.net {
        Net::V4 => {
            let header = network.first_chunk::<20>()?;
            let fragment = if header[6] & 0x40 == 0 { ",df=0" } else { ",df=1" };
            (fragment, usize::from(header[0] & 15).saturating_mul(4), header[9])
        }
        Net::V6 => ("", 40, *network.get(6)?),
        Net::Mac => return None,
    };
    let tcp = network.get(length..).filter(|_| next == 6)?;
    let header = usize::from(tcp.get(12)? >> 4).saturating_mul(4);
    Some((fragment, tcp.get(20..header)?))
}

fn options_of(bytes: &[u8]) -> Options {
    let mut options = Options::default();
    let mut cursor = Cursor::new("tcp.options", bytes);
    while options.order.len() < MAX_OPTIONS {
        match option(&mut cursor, &mut options) {
            Ok(Some(name)) => options.order.push(name),
            Ok(None) | Err(_) => break,
        }
    }
    options
}

/// One option (IANA registry); `None` at the end of the list.
fn option(cursor: &mut Cursor<'_>, options: &mut Options) -> Result<Option<String>, Incomplete> {
    let kind = cursor.u8()?;
    if kind < 2 {
        return Ok(
            Some(if kind == 1 { "nop" } else { "eol" }.to_owned()).filter(|_| kind == 1 || cursor.remaining() > 0)
        );
    }
    let length = usize::from(cursor.u8()?);
    let content = cursor.take(length.saturating_sub(2))?;
    Ok(Some(match (kind, content) {
        (2, [a, b]) => {
            options.mss = Some(u16::from_be_bytes([*a, *b]));
            "mss".to_owned()
        }
        (3, [scale]) => {
            options.scale = Some(*scale);
            "ws".to_owned()
        }
        (4, []) => "sok".to_owned(),
        (8, _) => "ts".to_owned(),
        _ => format!("?{kind}"),
    }))
}
