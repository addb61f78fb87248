//! Responses find their requests; confirmations what they confirm.

use super::open::Open;
use super::{Answered, Association, Context, TIMEOUT, Unsolicited, hash};
use crate::address::Moment;
use crate::protocols::Sink;
use crate::protocols::dnp3::message::application::{self, Control, Fragment};
use crate::protocols::dnp3::message::authentication::AuthenticationNote;
use crate::protocols::dnp3::message::compose::{Challenge, Exchange, Request, Response};
use crate::protocols::dnp3::message::objects::Walk;
use crate::protocols::dnp3::tables::{self, anomaly};
use crate::transaction::{Anomalies, Outcome};

impl Association {
    /// Whether an open request waits for this.
    #[inline]
    pub fn awaits(&self, control: Control) -> bool {
        self.first.iter().chain(&self.rest).any(|open| open.awaits(control))
    }

    /// A response of the outstation.
    pub fn response(&mut self, fragment: &Fragment<'_>, at: Moment, context: &Context<'_>, sink: &mut dyn Sink) {
        if context.seen.clock >= self.wake {
            self.expire(context, sink);
        }
        let control = fragment.control;
        let Some(place) = self.find(fragment) else {
            return self.response_to_nobody(fragment, at, context, sink);
        };
        if control.confirm() {
            self.ask_confirmation(control.sequence(), at, context, sink);
        }
        let Some(open) = self.open_mut().nth(place) else { return };
        if fragment.function == application::AUTHENTICATION_RESPONSE
            && let Some(challenge) = challenge(fragment)
            && !matches!(open.function(), 32 | 33)
        {
            open.challenge(challenge);
            open.deadline = context.seen.clock.max(at.time).saturating_add(TIMEOUT);
            return;
        }
        if !control.last() || open.fragments > 0 {
            open.collect(fragment, at);
            if !control.last() {
                open.deadline = context.seen.clock.max(at.time).saturating_add(TIMEOUT);
                return;
            }
        }
        if let Some(open) = self.take(place) {
            self.complete(&open, fragment, at, context, sink);
        }
        // A master has one request under way: what it asked before the one that is answered it has given up.
        if place > 0 && !context.datagram {
            let older = |open: &Open| open.challenged().is_none();
            for place in (0..place).rev() {
                if self.first.iter().chain(&self.rest).nth(place).is_some_and(older) {
                    self.give_up(place, context, sink);
                }
            }
        }
    }

    /// The request that a response belongs to: the oldest of its number whose content it fits, else the oldest of its number.
    #[inline]
    fn find(&self, fragment: &Fragment<'_>) -> Option<usize> {
        let mut waiting = self.first.iter().chain(&self.rest).enumerate();
        let (place, open) = waiting.find(|(_, open)| open.awaits(fragment.control))?;
        if self.rest.is_empty() || open.fits(fragment) {
            return Some(place);
        }
        let other = waiting.find(|(_, open)| open.awaits(fragment.control) && open.fits(fragment));
        Some(other.map_or(place, |(place, _)| place))
    }

    /// The final fragment is there.
    fn complete(
        &mut self,
        open: &Open,
        fragment: &Fragment<'_>,
        at: Moment,
        context: &Context<'_>,
        sink: &mut dyn Sink,
    ) {
        let request = open.fragment();
        let response =
            open.response().unwrap_or(Response { fragment: *fragment, iin: fragment.iin, more: (&[], &[]), at });
        let exchange = Exchange {
            request: request.map(|fragment| Request { fragment, at: open.at }),
            response: Some(response),
            ..open.exchange(self.exchange(at.time.max(context.seen.clock)))
        };
        let outcome = exchange.emit(&mut self.transfers, sink);
        let sequence = open.sequence();
        self.answered =
            Some(Answered { request: hash(open.octets()), response: hash(fragment.bytes), sequence, at: at.time });
        self.aftermath(open.function(), outcome);
        if open.challenged().is_some() {
            self.end_authentication(sequence, outcome, at, context, sink);
        }
    }

    /// What an accepted or refused request changes.
    #[inline]
    fn aftermath(&mut self, function: u8, outcome: Outcome) {
        match (function, outcome) {
            (application::SELECT, Outcome::Rejected(_)) => self.select.clear(),
            (13 | 14, Outcome::Accepted) => self.unsolicited = Unsolicited::Off,
            (20, Outcome::Accepted) => self.unsolicited = Unsolicited::On,
            (21, Outcome::Accepted) => self.unsolicited = Unsolicited::Off,
            _ => {}
        }
    }

    /// The reply to a challenge has no answer of its own: that of the request tells how it ended.
    fn end_authentication(
        &mut self,
        sequence: u8,
        outcome: Outcome,
        at: Moment,
        context: &Context<'_>,
        sink: &mut dyn Sink,
    ) {
        let is_reply = |open: &Open| open.function() == 32 && open.sequence() == sequence;
        let Some(place) = self.first.iter().chain(&self.rest).position(is_reply) else { return };
        let Some(open) = self.take(place) else { return };
        let refused = matches!(outcome, Outcome::Rejected(code) if code.code >= tables::REJECTED_AUTHENTICATION);
        let ending = if refused { outcome } else { Outcome::Accepted };
        self.leave(&open, (ending, true), at.time.max(context.seen.clock), sink);
    }

    /// A response that no open request awaits.
    #[cold]
    fn response_to_nobody(&mut self, fragment: &Fragment<'_>, at: Moment, context: &Context<'_>, sink: &mut dyn Sink) {
        let sequence = fragment.control.sequence();
        let again = |answered: &Answered| answered.sequence == sequence && answered.response == hash(fragment.bytes);
        if self.answered.is_some_and(|answered| again(&answered))
            || self.open_mut().any(|open| open.ends_with(fragment))
        {
            return; // the outstation sent it again, as when a confirmation does not come
        }
        if let Some(place) = self.late.iter().position(|&late| late == sequence) {
            self.late.remove(place);
            return sink.anomaly(tables::NUMBER, anomaly::LATE_RESPONSE, self.client.other(), at);
        }
        if let Some(open) = self.open_mut().find(|open| open.fragments > 0) {
            open.anomalies.set(anomaly::FRAGMENT_SEQUENCE, true);
            if !fragment.control.first() {
                return;
            }
        }
        if fragment.control.confirm() {
            self.ask_confirmation(sequence, at, context, sink);
        }
        let mut anomalies = Anomalies::default();
        anomalies.set(anomaly::RESPONSE_WITHOUT_REQUEST, context.certain);
        let response = Some(Response { fragment: *fragment, iin: fragment.iin, more: (&[], &[]), at });
        let completed = at.time.max(context.seen.clock);
        Exchange { response, anomalies, ..self.exchange(completed) }.emit(&mut self.transfers, sink);
    }

    /// A response asks for its confirmation.
    fn ask_confirmation(&mut self, sequence: u8, at: Moment, context: &Context<'_>, sink: &mut dyn Sink) {
        let before = self.confirm.replace(sequence);
        if before.is_some_and(|before| before != sequence) && context.whole {
            sink.anomaly(tables::NUMBER, anomaly::UNCONFIRMED_RESPONSE, self.client.other(), at);
        }
    }

    /// A confirmation of the master.
    pub fn confirmation(&mut self, control: Control, at: Moment, context: &Context<'_>, sink: &mut dyn Sink) {
        if control.unsolicited() {
            return self.confirm_report(control, at, context, sink);
        }
        match self.confirm {
            Some(sequence) if sequence == control.sequence() => self.confirm = None,
            _ if context.whole => {
                sink.anomaly(tables::NUMBER, anomaly::UNEXPECTED_CONFIRM, self.client, at);
            }
            _ => {}
        }
    }
}

/// What a challenge asks for, when this is one.
fn challenge(fragment: &Fragment<'_>) -> Option<Challenge> {
    let block = Walk::new(fragment.objects, false).find(|block| block.code == (120, 1))?;
    let mut note = AuthenticationNote::default();
    note.add(&block);
    Some(Challenge { user: note.user?, sequence: note.sequence? })
}
