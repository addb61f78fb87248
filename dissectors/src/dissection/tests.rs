//! A dissector that breaks its contract, or panics, loses its flow and nothing else.

use super::*;
use crate::address::Moment;
use crate::protocols::Seen;
use crate::transaction::{Observation, Transaction};

/// What a scripted dissector does with what it is fed.
#[derive(Clone, Copy)]
enum Way {
    /// Uses so many bytes.
    Use(usize),
    /// Gives up so many bytes as unreadable.
    GiveUp(usize),
    /// Wants more, always.
    Wait,
    /// Lets go.
    LetGo,
    Panic,
}

struct Scripted(Way);

fn place() -> Incomplete {
    Incomplete { layer: "scripted", offset: 0, needed: 1, available: 0 }
}

impl Dissector for Scripted {
    fn feed(&mut self, _: Side, _: &[u8], _: Moment, _: &Seen, _: &mut dyn Sink) -> Fed {
        match self.0 {
            Way::Use(used) => Fed::Used(used),
            Way::GiveUp(used) => Fed::Malformed { used, anomaly: 0, place: place() },
            Way::Wait => Fed::Incomplete(place()),
            Way::LetGo => Fed::NotMine,
            Way::Panic => panic!("scripted"),
        }
    }

    fn gap(&mut self, _: Side, _: u64) {
        assert!(!matches!(self.0, Way::Panic), "scripted");
    }

    fn expire(&mut self, _: &Seen, _: &mut dyn Sink) -> Option<u64> {
        assert!(!matches!(self.0, Way::Panic), "scripted");
        Some(7)
    }

    fn finish(&mut self, _: Ending, _: &Seen, _: &mut dyn Sink) {
        assert!(!matches!(self.0, Way::Panic), "scripted");
    }
}

#[derive(Default)]
struct Told {
    malformed: usize,
}

impl Sink for Told {
    fn transaction(&mut self, _: &Transaction<'_>) {}
    fn observation(&mut self, _: &Observation<'_>) {}
    fn anomaly(&mut self, _: u8, _: u8, _: Side, _: Moment) {}
}

impl Malformed for Told {
    fn malformed(&mut self, _: u8, _: u8, _: Side, _: Moment, _: Incomplete) {
        self.malformed += 1;
    }
}

const SEEN: Seen = Seen { clock: 0, both_directions: true, lost: [false; 2] };

fn speaking(way: Way) -> Dissection {
    let dissector: Box<dyn Dissector> = Box::new(Scripted(way));
    Dissection { state: State::Speaking { protocol: 0, dissector }, ..Dissection::default() }
}

fn arrival(bytes: &[u8]) -> Arrival<'_> {
    let hints = Hints { ports: [40_000, 502], initiator: None, datagram: false };
    Arrival {
        side: Side::A,
        bytes,
        at: Moment::default(),
        hints,
        from_start: true,
        seen: SEEN,
        plugins: Plugins::default(),
    }
}

#[test]
fn using_no_byte_or_too_many_breaks_the_contract() {
    for way in [Way::Use(0), Way::Use(4), Way::Use(usize::MAX), Way::GiveUp(0), Way::GiveUp(4), Way::GiveUp(usize::MAX)]
    {
        let (mut dissection, mut told) = (speaking(way), Told::default());
        let outcome = dissection.take(&arrival(b"abc"), &mut told);
        assert_eq!((outcome.shut_off, outcome.undecoded, outcome.gave_up), (Some(Fault::Contract), 3, false));
        assert_eq!(told.malformed, 0);
        assert_eq!(dissection.protocol(), Some(0), "the flow keeps its protocol");
        let after = dissection.take(&arrival(b"defg"), &mut told);
        assert_eq!((after.shut_off, after.undecoded), (None, 4), "it is told once, and the rest is counted");
    }
}

#[test]
fn what_is_used_up_to_the_last_byte_is_no_breach() {
    let (mut dissection, mut told) = (speaking(Way::Use(1)), Told::default());
    assert_eq!(dissection.take(&arrival(b"abc"), &mut told), Outcome::default());
    let (mut dissection, mut told) = (speaking(Way::GiveUp(1)), Told::default());
    assert_eq!(dissection.take(&arrival(b"abc"), &mut told).undecoded, 3);
    assert_eq!(told.malformed, 3);
}

#[test]
fn a_dissector_that_wants_ever_more_is_shut_off_at_the_ceiling() {
    let (mut dissection, mut told) = (speaking(Way::Wait), Told::default());
    let piece = [0_u8; 1_024];
    for _ in 0..MAX_HELD / piece.len() {
        assert_eq!(dissection.take(&arrival(&piece), &mut told), Outcome::default());
    }
    let outcome = dissection.take(&arrival(&piece), &mut told);
    assert_eq!(outcome.shut_off, Some(Fault::Contract));
    assert_eq!(outcome.undecoded, MAX_HELD as u64 + 1_024);
    assert_eq!(dissection.finish(Ending::CaptureEnd, &SEEN, &mut told), 0, "nothing is held any more");
}

#[test]
fn a_panic_ends_the_dissector_and_not_the_run() {
    let mut told = Told::default();
    let mut dissection = speaking(Way::Panic);
    let outcome = dissection.take(&arrival(b"abc"), &mut told);
    assert_eq!((outcome.shut_off, outcome.undecoded), (Some(Fault::Panic), 3));
    assert_eq!(dissection.take(&arrival(b"de"), &mut told).undecoded, 2);

    let mut dissection = speaking(Way::Panic);
    assert_eq!(dissection.gap(Side::B, 10), 0);
    assert!(matches!(dissection.state, State::ShutOff { protocol: 0 }));

    let mut dissection = speaking(Way::Panic);
    assert_eq!(dissection.expire(&SEEN, &mut told), None);
    assert!(matches!(dissection.state, State::ShutOff { protocol: 0 }));

    let mut dissection = speaking(Way::Panic);
    dissection.finish(Ending::Closed, &SEEN, &mut told);
    assert!(matches!(dissection.state, State::ShutOff { protocol: 0 }));
}

#[test]
fn letting_go_leaves_an_unclaimed_flow() {
    let (mut dissection, mut told) = (speaking(Way::LetGo), Told::default());
    let outcome = dissection.take(&arrival(b"abc"), &mut told);
    assert_eq!((outcome.gave_up, outcome.shut_off, outcome.undecoded), (true, None, 3));
    assert_eq!(dissection.protocol(), None);
}

#[test]
fn what_is_held_is_given_up_at_a_gap_and_counted_at_the_end() {
    let (mut dissection, mut told) = (speaking(Way::Wait), Told::default());
    dissection.take(&arrival(b"abc"), &mut told);
    assert_eq!(dissection.gap(Side::B, 1), 0, "the other side's");
    assert_eq!(dissection.gap(Side::A, 1), 3);
    dissection.take(&arrival(b"de"), &mut told);
    assert_eq!(dissection.finish(Ending::Timeout, &SEEN, &mut told), 2);
}
