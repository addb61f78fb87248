//! Capture time, the only clock of the analysis (DESIGN.md, section 2.2).

use crate::address::Moment;
use crate::packet::SILENT;

/// A step ahead of more than this counts only when confirmed, ns.
pub const JUMP: u64 = 3_600 * 1_000_000_000;

/// So many packets in a row confirm a jump.
pub const CONFIRMATIONS: u32 = 100;

/// What came, as the clock sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// A packet.
    Packet,
    /// A packet that confirmed a jump ahead: open requests end as `unknown`.
    Jump,
    /// Nothing: the source says that no packet came until now ([`Packet::silence`](crate::packet::Packet::silence)).
    Nothing,
}

/// What one packet did to the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// The clock at this packet, ns since 1970-01-01 UTC.
    pub now: u64,
    /// What it was.
    pub came: Came,
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
    pub fn advance(&mut self, at: &Moment) -> Tick {
        let packet_time = at.time;
        let Some(now) = self.now else {
            return self.begin(at);
        };
        if packet_time.saturating_sub(now) > JUMP {
            return self.far_ahead(now, at);
        }
        self.row = 0;
        let backwards = packet_time < now;
        self.time_backwards = self.time_backwards.wrapping_add(u64::from(backwards));
        let now = now.max(packet_time);
        self.now = Some(now);
        Tick { now, came: Came::Packet, backwards }
    }

    #[cold]
    fn begin(&mut self, at: &Moment) -> Tick {
        if silent_until(at).is_some() {
            return Tick { now: 0, came: Came::Nothing, backwards: false };
        }
        self.now = Some(at.time);
        Tick { now: at.time, came: Came::Packet, backwards: false }
    }

    /// Nothing came until then. What claims more than an hour of it is not believed.
    fn silence(&mut self, now: u64, until: u64) -> Tick {
        let believed = until > now && until.abs_diff(now) <= JUMP;
        let now = if believed { until } else { now };
        self.now = Some(now);
        Tick { now, came: Came::Nothing, backwards: false }
    }

    /// A packet more than an hour ahead: one more of its row, or the first of a new one when it lies more than an hour from it.
    #[cold]
    fn far_ahead(&mut self, now: u64, at: &Moment) -> Tick {
        if let Some(until) = silent_until(at) {
            return self.silence(now, until);
        }
        let packet_time = at.time;
        if self.row == 0 || self.ahead.abs_diff(packet_time) > JUMP {
            (self.row, self.ahead) = (0, packet_time);
        }
        self.row = self.row.saturating_add(1);
        self.ahead = self.ahead.max(packet_time);
        if self.row < CONFIRMATIONS {
            self.time_unconfirmed = self.time_unconfirmed.saturating_add(1);
            return Tick { now, came: Came::Packet, backwards: false };
        }
        self.row = 0;
        self.time_jumps = self.time_jumps.saturating_add(1);
        self.now = Some(self.ahead);
        Tick { now: self.ahead, came: Came::Jump, backwards: false }
    }
}

/// Until when nothing came, where that is what is said.
fn silent_until(at: &Moment) -> Option<u64> {
    (at.packet == 0 && at.time & SILENT != 0).then_some(at.time & !SILENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn at(time: u64) -> Moment {
        Moment { time, packet: 1, capture: 1 }
    }

    fn silence(until: u64) -> Moment {
        Moment { time: until | SILENT, packet: 0, capture: 1 }
    }

    #[test]
    fn silence_lets_time_pass_but_never_begins_it_and_never_jumps() {
        let mut clock = Clock::new();
        assert_eq!(clock.advance(&silence(5 * S)), Tick { now: 0, came: Came::Nothing, backwards: false });
        clock.advance(&at(7 * S));
        assert_eq!(clock.advance(&silence(9 * S)), Tick { now: 9 * S, came: Came::Nothing, backwards: false });
        assert_eq!(clock.advance(&silence(8 * S)).now, 9 * S, "it doesn't go back");
        assert_eq!(clock.advance(&silence(9 * S + JUMP + 1)).now, 9 * S, "nor far ahead");
        let tick = clock.advance(&at(8 * S));
        assert_eq!((tick.now, tick.backwards), (9 * S, true));
    }

    #[test]
    fn a_packet_that_claims_the_time_of_silence_is_a_packet() {
        let mut clock = Clock::new();
        clock.advance(&at(S));
        assert_eq!(clock.advance(&at((9 * S) | SILENT)), Tick { now: S, came: Came::Packet, backwards: false });
        assert_eq!(clock.time_unconfirmed, 1);
    }

    #[test]
    fn the_first_packet_sets_it_and_older_ones_run_at_it() {
        let mut clock = Clock::new();
        assert_eq!(clock.advance(&at(5_000_000 * S)).now, 5_000_000 * S);
        let tick = clock.advance(&at(4_999_999 * S));
        assert_eq!((tick.now, tick.backwards), (5_000_000 * S, true));
        assert_eq!(clock.time_backwards, 1);
        assert_eq!(clock.advance(&at(5_003_600 * S)).now, 5_003_600 * S, "an hour is no jump");
    }

    #[test]
    fn a_jump_needs_a_hundred_packets_in_a_row() {
        let mut clock = Clock::new();
        clock.advance(&at(S));
        for i in 0..99 {
            let tick = clock.advance(&at(10_000 * S + i));
            assert_eq!((tick.now, tick.came), (S, Came::Packet));
        }
        clock.advance(&at(2 * S)); // breaks the row
        for i in 0..99 {
            assert_eq!(clock.advance(&at(10_000 * S + 99 - i)).came, Came::Packet);
        }
        let tick = clock.advance(&at(10_000 * S));
        assert_eq!((tick.now, tick.came), (10_000 * S + 99, Came::Jump));
        assert_eq!((clock.time_jumps, clock.time_unconfirmed), (1, 198));
    }

    #[test]
    fn times_that_contradict_each_other_confirm_nothing() {
        let mut clock = Clock::new();
        clock.advance(&at(S));
        for i in 0..1_000_u64 {
            assert_eq!(clock.advance(&at((i % 2 + 1) * 1_000_000 * S)).came, Came::Packet);
        }
        assert_eq!(clock.now(), S);
    }
}
