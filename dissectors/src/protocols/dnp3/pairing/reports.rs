//! Unsolicited responses: reports that wait for their confirmation where they ask for one.

use super::{Association, Context, TIMEOUT, Unsolicited};
use crate::address::Moment;
use crate::protocols::Sink;
use crate::protocols::dnp3::message::application::{Control, Fragment};
use crate::protocols::dnp3::message::compose::{Exchange, Response};
use crate::protocols::dnp3::tables::{self, anomaly};
use crate::transaction::{Anomalies, Outcome};

/// IIN1.7: the outstation has restarted.
const RESTARTED: u16 = 0x8000;

/// A report that waits for its confirmation.
#[derive(Debug)]
pub struct Report {
    octets: Vec<u8>,
    at: Moment,
    retries: u16,
    anomalies: Anomalies,
    /// When it is closed.
    pub deadline: u64,
    /// Bytes of the master were lost since.
    pub lost: bool,
    lost_before: bool,
}

impl Association {
    /// An unsolicited response.
    pub fn report(&mut self, fragment: &Fragment<'_>, at: Moment, context: &Context<'_>, sink: &mut dyn Sink) {
        if let Some(report) = self.report.as_mut().filter(|report| report.octets == fragment.bytes) {
            report.retries = report.retries.saturating_add(1);
            return;
        }
        self.end_report(None, context, sink);
        let mut anomalies = Anomalies::default();
        let bits = fragment.control;
        anomalies.set(anomaly::FRAGMENT_BITS, !bits.first() || !bits.last() || !bits.unsolicited());
        if fragment.objects.is_empty() && fragment.iin & RESTARTED != 0 {
            self.unsolicited = Unsolicited::Off;
        }
        let off = self.unsolicited == Unsolicited::Off && !fragment.objects.is_empty();
        anomalies.set(anomaly::UNSOLICITED_NOT_ENABLED, off && context.certain && context.seen.both_directions);
        let clock = context.seen.clock.max(at.time);
        if !bits.confirm() {
            let response = Some(Response { fragment: *fragment, iin: fragment.iin, more: (&[], &[]), at });
            let exchange = Exchange { response, ending: Outcome::Accepted, anomalies, ..self.exchange(clock) };
            exchange.emit(&mut self.transfers, sink);
            return;
        }
        let lost_before = self.master_lost(context);
        let octets = fragment.bytes.to_vec();
        let deadline = clock.saturating_add(TIMEOUT);
        self.report = Some(Report { octets, at, retries: 0, anomalies, deadline, lost: false, lost_before });
    }

    fn master_lost(&self, context: &Context<'_>) -> bool {
        context.seen.lost.get(self.client.index()).copied().unwrap_or_default()
    }

    /// The master has it.
    pub(super) fn confirm_report(&mut self, control: Control, at: Moment, context: &Context<'_>, sink: &mut dyn Sink) {
        let sequence = |report: &Report| report.octets.first().map(|&octet| Control(octet).sequence());
        if self.report.as_ref().and_then(sequence) == Some(control.sequence()) {
            let confirmed = Some((Outcome::Accepted, true, at.time.max(context.seen.clock)));
            self.end_report(confirmed, context, sink);
        } else if context.whole {
            sink.anomaly(tables::NUMBER, anomaly::UNEXPECTED_CONFIRM, self.client, at);
        }
    }

    /// The report leaves: confirmed, or with what is known.
    fn end_report(&mut self, how: Option<(Outcome, bool, u64)>, context: &Context<'_>, sink: &mut dyn Sink) {
        let Some(report) = self.report.take() else { return };
        let unconfirmed = || (self.report_verdict(&report, context), false, context.seen.clock);
        let (ending, confirmed, completed) = how.unwrap_or_else(unconfirmed);
        let Ok(fragment) = Fragment::read(&report.octets) else { return };
        let response = Response { fragment, iin: fragment.iin, more: (&[], &[]), at: report.at };
        let Report { retries, anomalies, .. } = report;
        let (response, confirmed) = (Some(response), Some(confirmed));
        let exchange = Exchange { response, ending, confirmed, retries, anomalies, ..self.exchange(completed) };
        exchange.emit(&mut self.transfers, sink);
    }

    fn report_verdict(&self, report: &Report, context: &Context<'_>) -> Outcome {
        let lost = report.lost || self.master_lost(context) != report.lost_before;
        if context.seen.both_directions && !lost { Outcome::Unanswered } else { Outcome::Unknown }
    }

    /// Closes a report whose confirmation has not come.
    pub(super) fn expire_report(&mut self, context: &Context<'_>, sink: &mut dyn Sink) {
        let Some(report) = self.report.as_ref().filter(|report| report.deadline <= context.seen.clock) else { return };
        let how = (self.report_verdict(report, context), false, report.deadline);
        self.end_report(Some(how), context, sink);
    }

    /// The flow ends.
    pub(super) fn finish_report(&mut self, closed: bool, context: &Context<'_>, sink: &mut dyn Sink) {
        let how = (Outcome::Unknown, false, context.seen.clock);
        self.end_report(Some(how).filter(|_| !closed), context, sink);
    }
}
