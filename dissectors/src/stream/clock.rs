//! Capture time, the only clock of the analysis (DESIGN.md, section 2.2).

/// A step ahead of more than this counts only when confirmed, ns.
pub const JUMP: u64 = 3_600 * 1_000_000_000;

/// So many packets in a row confirm a jump.
pub const CONFIRMATIONS: u32 = 100;

/// What one packet did to the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// The clock at this packet, ns since 1970-01-01 UTC.
    pub now: u64,
    /// This packet confirmed a jump ahead: open requests end as `unknown`.
    pub jumped: bool,
    /// The packet is older than the clock.
    pub backwards: bool,
}

/// The greatest packet time seen, with jumps ahead held back until they are confirmed.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    now: Option<u64>,
    /// Greatest time of the row of packets that say the same jump.
    ahead: u64,
    row: u32,
    /// Packets that were older than the clock and ran at the clock.
    pub time_backwards: u64,
    /// Confirmed jumps ahead.
    pub time_jumps: u64,
    /// Packets that lay more than an hour ahead and ran at the clock, because nothing had confirmed them yet.
    pub time_unconfirmed: u64,
}

impl Clock {
    /// A clock that the first packet sets.
    pub fn new() -> Self {
        Clock::default()
    }

    /// The clock, ns; 0 before the first packet.
    pub fn now(&self) -> u64 {
        self.now.unwrap_or_default()
    }

    /// Takes the time of the next packet (ns), gives the clock that it runs at.
    #[inline]
    pub fn advance(&mut self, packet_time: u64) -> Tick {
        let Some(now) = self.now else {
            self.now = Some(packet_time);
            return Tick { now: packet_time, jumped: false, backwards: false };
        };
        if packet_time.saturating_sub(now) > JUMP {
            return self.far_ahead(now, packet_time);
        }
        self.row = 0;
        let backwards = packet_time < now;
        self.time_backwards = self.time_backwards.wrapping_add(u64::from(backwards));
        let now = now.max(packet_time);
        self.now = Some(now);
        Tick { now, jumped: false, backwards }
    }

    /// A packet more than an hour ahead: one more of its row, or the first of a new one when it lies more than an hour from it.
    #[cold]
    fn far_ahead(&mut self, now: u64, packet_time: u64) -> Tick {
        if self.row == 0 || self.ahead.abs_diff(packet_time) > JUMP {
            (self.row, self.ahead) = (0, packet_time);
        }
        self.row = self.row.saturating_add(1);
        self.ahead = self.ahead.max(packet_time);
        if self.row < CONFIRMATIONS {
            self.time_unconfirmed = self.time_unconfirmed.saturating_add(1);
            return Tick { now, jumped: false, backwards: false };
        }
        self.row = 0;
        self.time_jumps = self.time_jumps.saturating_add(1);
        self.now = Some(self.ahead);
        Tick { now: self.ahead, jumped: true, backwards: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn the_first_packet_sets_it_and_older_ones_run_at_it() {
        let mut clock = Clock::new();
        assert_eq!(clock.advance(5_000_000 * S).now, 5_000_000 * S);
        let tick = clock.advance(4_999_999 * S);
        assert_eq!((tick.now, tick.backwards), (5_000_000 * S, true));
        assert_eq!(clock.time_backwards, 1);
        assert_eq!(clock.advance(5_003_600 * S).now, 5_003_600 * S, "an hour is no jump");
    }

    #[test]
    fn a_jump_needs_a_hundred_packets_in_a_row() {
        let mut clock = Clock::new();
        clock.advance(S);
        for i in 0..99 {
            let tick = clock.advance(10_000 * S + i);
            assert_eq!((tick.now, tick.jumped), (S, false));
        }
        clock.advance(2 * S); // breaks the row
        for i in 0..99 {
            assert!(!clock.advance(10_000 * S + 99 - i).jumped);
        }
        let tick = clock.advance(10_000 * S);
        assert_eq!((tick.now, tick.jumped), (10_000 * S + 99, true));
        assert_eq!((clock.time_jumps, clock.time_unconfirmed), (1, 198));
    }

    #[test]
    fn times_that_contradict_each_other_confirm_nothing() {
        let mut clock = Clock::new();
        clock.advance(S);
        for i in 0..1_000_u64 {
            assert!(!clock.advance((i % 2 + 1) * 1_000_000 * S).jumped);
        }
        assert_eq!(clock.now(), S);
    }
}
