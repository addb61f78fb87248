//! OPC UA: any bytes as a flow, or any bodies as services in right chunks after a channel was opened.

use fieldtap_native::protocols::opcua::tables::FUNCTIONS;

use crate::flow;

/// Bytes of a body, so that its piece is no longer than a script can say.
const LONGEST: usize = 150;

/// The policy without security.
const NONE: &[u8] = b"http://opcfoundation.org/UA/SecurityPolicy#None";

fn framed(kind: &[u8; 4], rest: &[u8]) -> Vec<u8> {
    let size = u32::try_from(rest.len()).unwrap_or(u32::MAX).saturating_add(8);
    [&kind[..], &size.to_le_bytes(), rest].concat()
}

/// An OPN whose policy is none: the channel, its sequence header, the service.
fn open(channel: u8, service: u16, rest: &[u8]) -> Vec<u8> {
    let length = u32::try_from(NONE.len()).unwrap_or(0).to_le_bytes();
    let head = [&[channel, 0, 0, 0][..], &length, NONE, &[0xFF; 8], &[1, 0, 0, 0, 1, 0, 0, 0]].concat();
    framed(b"OPNF", &[&head[..], &[1, 0], &service.to_le_bytes(), rest].concat())
}

/// HEL, ACK and the opening of channel 9 as pieces of a script.
fn begin(script: &mut Vec<u8>) {
    let limits = [&[0; 4][..], &[0, 0, 1, 0], &[0, 0, 1, 0], &[0; 8]].concat();
    let granted = [&[0; 28][..], &[9, 0, 0, 0, 1, 0, 0, 0], &[0; 12], &[0xFF; 4]].concat();
    let pieces = [
        (1, framed(b"HELF", &[&limits[..], &[0; 4]].concat())),
        (0, framed(b"ACKF", &limits)),
        (1, open(0, 446, &[&[0; 10][..], &[0; 8], &[0xFF; 4], &[0; 7], &[0; 8], &[1, 0, 0, 0], &[0xFF; 4], &[0; 4]].concat())),
        (0, open(9, 449, &granted)),
    ];
    pieces.iter().for_each(|(side, bytes)| piece(script, *side, bytes));
}

/// A piece of the flow; lengths over 255 are said as half of them.
fn piece(script: &mut Vec<u8>, side: u8, bytes: &[u8]) {
    script.extend([side, 5, u8::try_from(bytes.len()).unwrap_or(u8::MAX)]);
    script.extend_from_slice(bytes.get(..255).unwrap_or(bytes));
}

/// With the highest bit of the first byte: for each piece a byte that says side, kind of chunk and half, one for the service, a
/// length, a body. Else any bytes.
pub fn run(data: &[u8]) {
    let Some((kind, mut rest)) = data.split_first().filter(|(kind, _)| **kind & 0x80 != 0) else {
        return flow::run(data, 4_840, |_, bytes| bytes.to_vec());
    };
    let mut script = vec![kind & 0x16];
    begin(&mut script);
    let mut sequence = [1_u32; 2];
    while let [what, service, length, body @ ..] = rest {
        let length = usize::from(*length).min(LONGEST).min(body.len());
        let (body, behind) = body.split_at(length);
        let side = what & 1;
        let number = &mut sequence[usize::from(side)];
        *number = number.wrapping_add(1);
        piece(&mut script, side, &message(*what, *service, *number, body));
        rest = behind;
    }
    flow::run(&script, 4_840, |_, bytes| bytes.to_vec());
}

/// A chunk: the client's is a request, the server's a response, unless `what` says otherwise.
fn message(what: u8, service: u8, number: u32, body: &[u8]) -> Vec<u8> {
    let known = FUNCTIONS[usize::from(service) % FUNCTIONS.len()].code as u16;
    let answer = what & 1 == u8::from(what & 0x40 != 0);
    let type_id = [1, 0].into_iter().chain((if answer { known.wrapping_add(3) } else { known }).to_le_bytes());
    let token = if what & 0x20 == 0 { vec![0, 0] } else { vec![5, 0, 0, 1, 0, 0, 0, 7] };
    let header = if answer { vec![0; 24] } else { [&token[..], &[0; 16], &[0xFF; 4], &[0; 7]].concat() };
    let start = if what & 8 == 0 { type_id.chain(header).collect() } else { Vec::new() };
    let part = [b"MSGF", b"MSGC", b"MSGF", b"MSGA"][usize::from(what >> 1 & 3)];
    let request = number.wrapping_add(u32::from(what >> 7)).to_le_bytes();
    framed(part, &[&[9, 0, 0, 0, 1, 0, 0, 0][..], &number.to_le_bytes(), &request, &start, body].concat())
}
