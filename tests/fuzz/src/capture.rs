//! Any bytes as a capture file.

use fieldtap_native::capture::{self, Options};
use fieldtap_native::packet::Block;

/// Reads the file to its end, in pieces whose size the first byte tells.
pub fn run(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let path = crate::file(rest);
    let limit = if first & 1 == 0 { usize::MAX } else { usize::from(first) };
    let from = (first & 2 != 0).then_some(1_600_000_000_000_000_000);
    let Ok(mut reader) = capture::open(&[path], &Options { from, digest: first & 4 != 0, ..Options::default() }) else {
        return;
    };
    let mut block = Block::default();
    let mut number = 0;
    while let Ok(true) = reader.fill(&mut block, limit) {
        assert!(block.frames.len() <= limit);
        for frame in &block.frames {
            assert!(frame.span.end() as usize <= block.bytes.len());
            assert!(frame.at.packet > number, "numbers grow");
            number = frame.at.packet;
        }
    }
    reader.finish_digests();
    assert_eq!(reader.captures().len(), 1);
}
