//! Numbers out of fuzz bytes; what has run out is 0.

/// Bytes that are read as a script.
pub struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    /// A script of these bytes.
    pub fn new(data: &'a [u8]) -> Self {
        Script(data)
    }

    /// Whether something is left.
    pub fn more(&self) -> bool {
        !self.0.is_empty()
    }

    /// The next `count` bytes, or as many as there are.
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// One byte.
    pub fn u8(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    /// Two bytes.
    pub fn u16(&mut self) -> u16 {
        u16::from(self.u8()) << 8 | u16::from(self.u8())
    }

    /// Four bytes.
    pub fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    /// Time that passes: nothing, milliseconds, seconds or hours, ns.
    pub fn pause(&mut self) -> u64 {
        let n = u64::from(self.u8());
        (n >> 2)
            * match n & 3 {
                0 => 0,
                1 => 1_000_000,
                2 => 1_000_000_000,
                _ => 600_000_000_000,
            }
    }
}
