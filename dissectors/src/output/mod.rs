//! Transactions as lines of JSON, written natively (DESIGN.md, section 7).

mod digits;
mod phrases;
mod text;
mod transaction_line;

use std::io::{self, Write};

pub use digits::number;
pub use text::{hex, json_text, signed, time_text};
pub use transaction_line::{Identity, Prefix, community_id, transaction_line, value};

/// Bytes collected before they are written.
const BUFFER: usize = 256 * 1024;

/// What lines have in common, kept from one to the next.
#[derive(Debug, Default)]
pub struct Wording {
    times: text::TimeCache,
    phrases: phrases::Phrases,
}

/// Where lines go, through one buffer.
pub struct Lines {
    target: Box<dyn Write + Send>,
    buffer: Vec<u8>,
    wording: Wording,
    written: u64,
}

impl Lines {
    /// Lines to any target (a file, standard output).
    pub fn new(target: Box<dyn Write + Send>) -> Self {
        Lines { target, buffer: Vec::with_capacity(BUFFER + 4096), wording: Wording::default(), written: 0 }
    }

    /// Adds one transaction.
    ///
    /// # Errors
    /// What the target says when the buffer is written (a full disk, a closed pipe).
    #[inline]
    pub fn transaction(
        &mut self,
        identity: &mut Identity<'_>,
        transaction: &crate::transaction::Transaction<'_>,
    ) -> io::Result<()> {
        transaction_line::transaction_line(&mut self.buffer, &mut self.wording, identity, transaction);
        self.buffer.push(b'\n');
        self.written = self.written.saturating_add(1);
        if self.buffer.len() >= BUFFER {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what is held.
    ///
    /// # Errors
    /// What the target says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.target.write_all(&self.buffer)?;
        self.buffer.clear();
        self.target.flush()
    }

    /// Lines so far.
    pub fn written(&self) -> u64 {
        self.written
    }
}

/// One transaction as a JSON object, without a line's end.
pub fn json_line(
    key: &crate::stream::FlowKey,
    macs: [crate::address::Mac; 2],
    vlan: crate::packet::Vlan,
    initiator: Option<crate::address::Side>,
    transaction: &crate::transaction::Transaction<'_>,
) -> String {
    let (mut out, mut prefix) = (Vec::new(), Prefix::default());
    let mut identity = Identity { key, macs, vlan, initiator, prefix: &mut prefix };
    transaction_line(&mut out, &mut Wording::default(), &mut identity, transaction);
    String::from_utf8_lossy(&out).into_owned()
}
