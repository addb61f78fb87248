//! A request that waits, with what has come of its response.

use super::MAX_RESPONSE;
use crate::address::Moment;
use crate::protocols::dnp3::message::application::{Control, Fragment};
use crate::protocols::dnp3::message::compose::{Challenge, Exchange, Response};
use crate::protocols::dnp3::message::controls;
use crate::protocols::dnp3::tables::anomaly;
use crate::transaction::Anomalies;

/// Requests of up to so many octets are kept in place.
const SHORT: usize = 32;

/// A request that waits.
#[derive(Debug, Default)]
pub struct Open {
    short: [u8; SHORT],
    len: u8,
    /// Bytes were lost since, so that the response may be among them.
    pub lost: bool,
    /// What the engine said of losses when it came.
    pub lost_before: bool,
    /// It had just been answered.
    pub repeated: bool,
    /// How often it was sent again.
    pub retries: u16,
    /// Fragments of the response so far.
    pub fragments: u16,
    /// Number of the next fragment.
    next: u8,
    /// When it came.
    pub at: Moment,
    /// When it is closed.
    pub deadline: u64,
    /// What is wrong with it.
    pub anomalies: Anomalies,
    /// Its select.
    pub select: Option<Moment>,
    long: Vec<u8>,
    rare: Option<Box<Rare>>,
}

/// What few requests have: a response of several fragments, a challenge.
#[derive(Debug, Default)]
struct Rare {
    /// It has to be authenticated.
    challenged: Option<Challenge>,
    /// When the last fragment came.
    answered: Option<Moment>,
    /// The first fragment, then the objects of the others.
    collected: Vec<u8>,
    /// Where each fragment ends in that.
    ends: Vec<usize>,
    iin: u16,
}

impl Open {
    /// Of a fragment.
    #[inline]
    pub fn new(fragment: &Fragment<'_>, at: Moment, deadline: u64) -> Open {
        let mut open = Open { at, deadline, ..Open::default() };
        match (open.short.get_mut(..fragment.bytes.len()), u8::try_from(fragment.bytes.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(fragment.bytes);
                open.len = len;
            }
            _ => open.long = fragment.bytes.to_vec(),
        }
        open
    }

    /// The request's octets.
    #[inline]
    pub fn octets(&self) -> &[u8] {
        if self.long.is_empty() { self.short.get(..usize::from(self.len)).unwrap_or_default() } else { &self.long }
    }

    /// The request.
    #[inline]
    pub fn fragment(&self) -> Option<Fragment<'_>> {
        Fragment::read(self.octets()).ok()
    }

    /// Its function.
    #[inline]
    pub fn function(&self) -> u8 {
        self.octets().get(1).copied().unwrap_or_default()
    }

    /// Its sequence number.
    #[inline]
    pub fn sequence(&self) -> u8 {
        Control(self.octets().first().copied().unwrap_or_default()).sequence()
    }

    /// Whether this is the same request, sent again while it is open.
    #[inline]
    pub fn is_again(&mut self, fragment: &Fragment<'_>) -> bool {
        let again = self.octets() == fragment.bytes;
        self.retries = self.retries.saturating_add(u16::from(again));
        again
    }

    /// Whether a fragment of a response is the next of this one.
    #[inline]
    pub fn awaits(&self, control: Control) -> bool {
        match self.fragments {
            0 => control.first() && control.sequence() == self.sequence(),
            _ => !control.first() && control.sequence() == self.next,
        }
    }

    /// Whether a response may be that to this request by its content: a command is repeated, or refused without objects; nothing
    /// else is answered with commands.
    pub fn fits(&self, fragment: &Fragment<'_>) -> bool {
        let Some(request) = self.fragment() else { return false };
        match request.function {
            3..=5 => fragment.objects.is_empty() || controls::is_echo(request.objects, fragment.objects),
            _ => !matches!(fragment.objects, [12 | 41, ..]),
        }
    }

    /// Keeps a fragment of a response that has more than one.
    pub fn collect(&mut self, fragment: &Fragment<'_>, at: Moment) {
        let octets = if self.fragments == 0 { fragment.bytes } else { fragment.objects };
        self.fragments = self.fragments.saturating_add(1);
        self.next = fragment.control.sequence().wrapping_add(1) & 0x0F;
        let rare = self.rare.get_or_insert_default();
        rare.answered = Some(at);
        rare.iin |= fragment.iin;
        let fits = rare.collected.len().saturating_add(octets.len()) <= MAX_RESPONSE;
        self.anomalies.set(anomaly::TOO_LONG_REASSEMBLY, !fits);
        if fits {
            rare.collected.extend_from_slice(octets);
            rare.ends.push(rare.collected.len());
        }
    }

    /// Whether the last fragment that came is this one.
    pub fn ends_with(&self, fragment: &Fragment<'_>) -> bool {
        let before = self.next.wrapping_sub(1) & 0x0F;
        let same = || self.rare.as_ref().is_some_and(|rare| rare.collected.ends_with(fragment.objects));
        self.fragments > 0 && before == fragment.control.sequence() && same()
    }

    /// What was collected of a response of several fragments.
    #[inline]
    pub fn response(&self) -> Option<Response<'_>> {
        let rare = self.rare.as_ref()?;
        let (first, ends) = rare.ends.split_first()?;
        let fragment = Fragment::read(rare.collected.get(..*first)?).ok()?;
        let at = rare.answered.unwrap_or(self.at);
        Some(Response { fragment, iin: rare.iin, more: (&rare.collected, ends), at })
    }

    /// The outstation asks for authentication first.
    pub fn challenge(&mut self, challenge: Challenge) {
        self.rare.get_or_insert_default().challenged = Some(challenge);
    }

    /// What it asked for.
    #[inline]
    pub fn challenged(&self) -> Option<Challenge> {
        self.rare.as_ref().and_then(|rare| rare.challenged)
    }

    /// What a record takes from it.
    #[inline]
    pub fn exchange<'a>(&self, plain: Exchange<'a>) -> Exchange<'a> {
        let Open { anomalies, retries, repeated, select, .. } = *self;
        let challenged = self.challenged();
        Exchange { anomalies, retries, repeated, select, challenged, ..plain }
    }
}
