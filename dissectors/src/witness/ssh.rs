//! SSH (RFC 4253, 4.2): what each side calls its software.

use super::{Listener, Look, Piece, Recognised, Says, StreamEar, Testimony, Witness, says};

/// What it is called in every output.
pub static WITNESS: Witness = Witness {
    streams: Some(StreamEar { recognise, start: || Box::new(Ssh), budget: 1_024 }),
    ..Witness::new("ssh", "SSH", "RFC 4253, 4.2", SAYS)
};

const FIELD: &str = "ssh.identification";
const SAYS: &[Says] = &[says("ssh_banner", FIELD, "the side that says it", "SSH-2.0-OpenSSH_7.4p1 Debian-10")];

const BEGINNING: &[u8] = b"SSH-";
/// The longest line (RFC 4253, 4.2).
const MAX_LINE: usize = 255;

fn recognise(bytes: &[u8]) -> Recognised {
    if bytes.starts_with(BEGINNING) {
        Recognised::Mine
    } else if BEGINNING.starts_with(bytes) {
        Recognised::More
    } else {
        Recognised::NotMine
    }
}

struct Ssh;

impl Listener for Ssh {
    fn hear(&mut self, piece: &Piece<'_>, testimony: &mut Testimony<'_>) -> Look {
        let end = piece.bytes.iter().take(MAX_LINE).position(|byte| *byte == b'\n');
        let Some(line) = end.and_then(|end| piece.bytes.get(..end)) else {
            return if piece.bytes.len() < MAX_LINE { Look::More } else { Look::Done };
        };
        if line.starts_with(BEGINNING) {
            testimony.text(piece.source, "ssh_banner", FIELD, line);
        }
        Look::Done
    }
}
