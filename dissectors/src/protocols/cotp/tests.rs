//! Tests of ISO on TCP: set-up, refusal and end, segments, losses. What rides on it here is S7comm.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::recognition::{self, Start};
use crate::address::{Moment, Net, Side};
use crate::output::json_line;
use crate::packet::{Transport, Vlan};
use crate::protocols::{Dissector, Ending, Fed, Hints, PROTOCOLS, Probe, Recognition, Seen, Sink};
use crate::stream::FlowKey;
use crate::transaction::{Observation, Transaction, Value};

pub(crate) const SECOND: u64 = 1_000_000_000;
pub(crate) const CLIENT: Side = Side::B;
pub(crate) const SERVER: Side = Side::A;

/// Collects what a dissector says, as text.
#[derive(Default)]
pub(crate) struct Collector {
    pub lines: Vec<String>,
    pub observations: Vec<String>,
    pub anomalies: Vec<&'static str>,
}

impl Sink for Collector {
    fn transaction(&mut self, t: &Transaction<'_>) {
        let protocol = PROTOCOLS[usize::from(t.protocol)];
        assert!(t.request.is_some() || t.response.is_some());
        assert_eq!(t.anomalies.0 >> protocol.anomalies.len(), 0, "a bit without a name");
        for point in t.points {
            let kind = &protocol.point_kinds[usize::from(point.kind)];
            assert!(point.first <= point.last && point.last <= kind.max, "{point:?}");
            assert!(point.access <= t.access, "the gravest access is the transaction's");
        }
        let key = FlowKey {
            a: 1,
            b: 2,
            ports: [102, 5],
            tunnel: 0,
            protocol: 0,
            group: 0,
            transport: Transport::Tcp,
            net: Net::V4,
        };
        let line = json_line(&key, [[0; 6]; 2], Vlan::default(), Some(CLIENT), t);
        assert!(!line.contains(|c: char| c.is_control()), "{line}");
        let client = if t.client == CLIENT { "client" } else { "server" };
        let line = &line[line.find("\"unit\"").unwrap()..line.find(",\"latency_ns\"").unwrap()];
        let moments = [t.request, t.response].map(|at| at.map_or("-".into(), |at| at.packet.to_string()));
        let detail = t.detail.iter().map(|field| format!("{}={}", field.name, text(&field.value))).collect::<Vec<_>>();
        self.lines.push(format!("{client} {} {line} {} {}", protocol.name, moments.join(">"), detail.join(" ")));
    }

    fn observation(&mut self, o: &Observation<'_>) {
        self.observations.push(format!("{:?} {}={} ({})", o.side, o.attribute, text(&o.value), o.field));
    }

    fn anomaly(&mut self, protocol: u8, bit: u8, _side: Side, _at: Moment) {
        self.anomalies.push(PROTOCOLS[usize::from(protocol)].anomalies[usize::from(bit)].0);
    }
}

pub(crate) fn text(value: &Value<'_>) -> String {
    let mut out = Vec::new();
    crate::output::value(&mut out, value);
    String::from_utf8(out).unwrap()
}

/// A flow under test: feeds bytes as the engine would. The client is side B, the server A.
pub(crate) struct Flow {
    pub dissector: Box<dyn Dissector>,
    pub out: Collector,
    pub seen: Seen,
    pub packet: u64,
    pub malformed: Vec<&'static str>,
    pub ended: bool,
    buffers: [Vec<u8>; 2],
}

impl Flow {
    pub fn new(initiator: Option<Side>) -> Flow {
        Flow {
            dissector: super::start(&Hints { ports: [102, 51_000], initiator, datagram: false }),
            out: Collector::default(),
            seen: Seen { clock: SECOND, both_directions: true, lost: [false; 2] },
            packet: 0,
            malformed: Vec::new(),
            ended: false,
            buffers: Default::default(),
        }
    }

    /// A flow whose connection has been set up, to rack 0 and slot 2 as an operator panel.
    pub fn open() -> Flow {
        let mut flow = Flow::new(Some(CLIENT));
        flow.ask(&hex(REQUEST)).answer(&hex(CONFIRM));
        flow
    }

    /// A segment, a millisecond after the last.
    pub fn send(&mut self, side: Side, bytes: &[u8]) -> &mut Flow {
        self.seen.clock += SECOND / 1000;
        self.packet += 1;
        let mut buffer = std::mem::take(&mut self.buffers[side.index()]);
        buffer.extend_from_slice(bytes);
        let mut rest = &buffer[..];
        let at = Moment { time: self.seen.clock, packet: self.packet, capture: 1 };
        while !rest.is_empty() && !self.ended {
            match self.dissector.feed(side, rest, at, &self.seen, &mut self.out) {
                Fed::Used(used) => rest = &rest[used..],
                Fed::Malformed { used, anomaly, .. } => {
                    assert!(used > 0);
                    let protocol = self.dissector.carries().unwrap_or(crate::protocols::s7comm::tables::NUMBER);
                    self.malformed.push(PROTOCOLS[usize::from(protocol)].anomalies[usize::from(anomaly)].0);
                    rest = &rest[used..];
                }
                Fed::Incomplete(place) => {
                    assert!(place.needed > place.available, "{place}");
                    break;
                }
                Fed::NotMine => self.ended = true,
                Fed::Failed => panic!("a native dissector does not fail"),
            }
        }
        assert!(rest.len() <= crate::dissection::MAX_HELD);
        self.buffers[side.index()] = rest.to_vec();
        self
    }

    pub fn ask(&mut self, bytes: &[u8]) -> &mut Flow {
        self.send(CLIENT, bytes)
    }

    pub fn answer(&mut self, bytes: &[u8]) -> &mut Flow {
        self.send(SERVER, bytes)
    }

    pub fn wait(&mut self, time: u64) -> Option<u64> {
        self.seen.clock += time;
        self.dissector.expire(&self.seen, &mut self.out)
    }

    pub fn gap(&mut self, side: Side) -> &mut Flow {
        self.buffers[side.index()].clear();
        self.seen.lost[side.index()] = true;
        self.dissector.gap(side, 100);
        self
    }

    pub fn finish(&mut self, ending: Ending) -> &mut Flow {
        self.dissector.finish(ending, &self.seen, &mut self.out);
        self
    }

    pub fn last(&self) -> &str {
        self.out.lines.last().expect("a transaction")
    }

    /// The last transaction holds all of this.
    #[track_caller]
    pub fn says(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.last().contains(part), "{part} is not in {}", self.last());
        }
    }
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.bytes().filter(u8::is_ascii_hexdigit).map(|c| (c as char).to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A TPKT with a data TPDU.
pub(crate) fn data(payload: &[u8], end: bool) -> Vec<u8> {
    let mut bytes = vec![3, 0];
    bytes.extend(u16::try_from(payload.len() + 7).unwrap().to_be_bytes());
    bytes.extend([2, 0xF0, if end { 0x80 } else { 0 }]);
    bytes.extend(payload);
    bytes
}

/// A small, repeatable source of numbers for tests (xorshift).
pub(crate) struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

pub(crate) const REQUEST: &str = "03000016 11e00000000100c0010ac1020100c2020202";
pub(crate) const CONFIRM: &str = "03000016 11d00001000300c00109c1020100c2020202";
/// Set-up of communication: one job each, 480 bytes.
const SETUP: &str = "320100000000 00080000 f0000001000101e0";
const SETUP_ANSWER: &str = "320300000000 000800000000 f0000001000100f0";

#[test]
fn a_set_up_is_told_with_its_protocol_when_the_first_message_names_it() {
    let mut flow = Flow::open();
    assert!(flow.out.lines.is_empty(), "nobody knows yet what it is for");
    flow.ask(&data(&hex(SETUP), true));
    flow.says(&[
        "client s7comm \"unit\":\"0/2\"",
        "\"name\":\"cotp_connect\"",
        "\"access\":\"session\"",
        "\"result\":\"accepted\"",
        "1>2",
        "class=0 calling_tsap=\"0100\" called_tsap=\"0202\" connection_type=\"op\" tpdu_size=512",
    ]);
    assert_eq!(flow.out.observations, ["B connection_type=\"op\" (cotp.called_tsap)"]);
    flow.answer(&data(&hex(SETUP_ANSWER), true));
    flow.says(&["setup_communication", "pdu_size=240 pdu_size_asked=480", "3>4", "\"anomalies\":[]"]);
    assert_eq!(flow.dissector.carries(), Some(crate::protocols::s7comm::tables::NUMBER));
}

#[test]
fn a_refused_connection_is_rejected_with_the_reason() {
    let mut flow = Flow::new(Some(CLIENT));
    flow.ask(&hex(REQUEST)).answer(&hex("0300000b 06 80 0001 0003 03"));
    flow.says(&["cotp_connect", "\"result\":\"rejected\",\"code\":24579,\"name\":\"address_unknown\"", "1>2"]);
}

#[test]
fn a_connection_without_answer_is_unanswered_unless_bytes_were_lost() {
    let mut flow = Flow::new(Some(CLIENT));
    flow.ask(&hex(REQUEST));
    assert_eq!(flow.wait(SECOND), Some(SECOND + SECOND / 1000 + 10 * SECOND));
    flow.wait(10 * SECOND);
    flow.says(&["cotp_connect", "\"result\":\"unanswered\""]);
    let mut flow = Flow::new(Some(CLIENT));
    flow.ask(&hex(REQUEST)).gap(SERVER).finish(Ending::Closed);
    flow.says(&["cotp_connect", "\"result\":\"unknown\""]);
}

#[test]
fn the_end_of_a_connection_is_told_with_who_ended_it() {
    let mut flow = Flow::open();
    flow.ask(&data(&hex(SETUP), true)).answer(&hex("0300000b 06 80 0001 0003 80"));
    flow.says(&[
        "client s7comm",
        "cotp_disconnect",
        "by=\"server\" reason_code=128 reason=\"normal_disconnect\"",
        "->4",
    ]);
    flow.answer(&hex("0300000a 05 70 0001 02 c1"));
    flow.says(&["cotp_error", "rejected", "invalid_tpdu_type"]);
}

#[test]
fn segments_are_put_together_and_messages_taken_apart() {
    let mut whole = Flow::open();
    let setup = hex(SETUP);
    whole.ask(&data(&setup, true));
    let mut flow = Flow::open();
    // An empty one first, as some clients send it.
    let pieces =
        [data(&[], false), data(&setup[..5], false), data(&setup[5..9], false), data(&setup[9..], true)].concat();
    flow.ask(&pieces);
    assert_eq!(flow.out.lines, whole.out.lines);
    flow.answer(&data(&hex(SETUP_ANSWER), true));
    assert_eq!(flow.out.lines.len(), 2, "{:?}", flow.out.lines);
    assert!(flow.malformed.is_empty());
}

#[test]
fn streams_cut_at_each_byte_say_the_same() {
    let asked = [hex(REQUEST), data(&hex(SETUP), true)].concat();
    let answered = [hex(CONFIRM), data(&hex(SETUP_ANSWER), true)].concat();
    for cut in 0..asked.len() {
        let mut flow = Flow::new(Some(CLIENT));
        flow.ask(&asked[..cut]).ask(&asked[cut..]).answer(&answered[..cut.min(answered.len())]);
        flow.answer(&answered[cut.min(answered.len())..]);
        assert!(flow.malformed.is_empty());
        assert_eq!(flow.out.lines.len(), 2, "cut at {cut}: {:?}", flow.out.lines);
    }
}

#[test]
fn after_a_loss_the_next_packet_is_found_and_none_is_invented() {
    let read =
        |reference: u8| data(&hex(&format!("32010000 00{reference:02x} 000e0000 0401120a10020001000084000010")), true);
    for cut in 0..read(1).len() {
        let mut flow = Flow::open();
        flow.ask(&read(1)).gap(CLIENT);
        // The rest of a message whose beginning was lost, then whole ones.
        flow.ask(&[&read(2)[cut..], &read(3), &read(4)].concat()).finish(Ending::CaptureEnd);
        let references: Vec<bool> = [1, 3, 4]
            .iter()
            .map(|n| flow.out.lines.iter().any(|l| l.ends_with(&format!("pdu_reference={n}"))))
            .collect();
        assert_eq!(references, [true; 3], "cut at {cut}: {:?}", flow.out.lines);
        assert!(flow.out.lines.len() <= 5);
    }
}

#[test]
fn a_message_whose_beginning_was_lost_is_not_read_from_its_middle() {
    let read = hex("320100000005 000e0000 0401120a10020001000084000010");
    let mut flow = Flow::open();
    flow.ask(&data(&hex(SETUP), true)).gap(CLIENT);
    flow.ask(&data(&read[6..12], false)).ask(&data(&read[12..], true)).ask(&data(&read, true));
    flow.finish(Ending::CaptureEnd);
    let lines = flow.out.lines.iter().filter(|line| line.contains("read_var")).count();
    assert_eq!((lines, flow.malformed.len()), (1, 0), "{:?}", flow.out.lines);
}

#[test]
fn midstream_a_message_may_come_in_pieces_of_any_length() {
    let answer = data(&hex(SETUP_ANSWER), true);
    for cut in 1..answer.len() {
        let mut flow = Flow::new(None);
        flow.ask(&data(&hex(SETUP), true)).answer(&answer[..cut]).answer(&answer[cut..]);
        assert_eq!(flow.out.lines.len(), 1, "cut at {cut}");
        flow.says(&["setup_communication", "\"result\":\"accepted\""]);
    }
}

#[test]
fn what_nobody_knows_is_let_go_at_first_and_told_later() {
    let mms = hex("0d 0506 13010016010214 02 000133");
    let mut flow = Flow::open();
    flow.ask(&data(&mms, true));
    assert!(flow.ended && flow.out.lines.is_empty());
    let mut flow = Flow::open();
    flow.ask(&data(&hex(SETUP), true)).ask(&data(&mms, true));
    assert_eq!((flow.ended, &flow.malformed[..]), (false, &["foreign_payload"][..]));
}

#[test]
fn segments_without_end_are_given_up() {
    let mut flow = Flow::open();
    flow.ask(&data(&hex(SETUP), true));
    for _ in 0..70 {
        flow.ask(&data(&[0x32; 1_000], false));
    }
    assert_eq!(flow.malformed, ["message_too_long"]);
    flow.ask(&data(&[], true)).ask(&data(&hex(SETUP), true)).finish(Ending::CaptureEnd);
    assert_eq!(flow.out.lines.iter().filter(|line| line.contains("setup_communication")).count(), 2);
}

fn recognise(bytes: &[u8], port: u16, from_start: bool) -> Recognition {
    let hints = Hints { ports: [port, 51_000], initiator: None, datagram: false };
    super::recognise(&Probe { side: CLIENT, bytes, from_start, hints })
}

#[test]
fn it_is_recognised_by_content_on_any_port() {
    let mine = |bytes: &[u8], port, from_start| matches!(recognise(bytes, port, from_start), Recognition::Mine { .. });
    for port in [102, 4_711] {
        assert!(mine(&hex(REQUEST), port, true) && mine(&hex(CONFIRM), port, true));
        assert!(mine(&data(&hex(SETUP), true), port, false));
        let middle = [&[0x20, 0x03, 0x00, 0x07][..], &data(&hex(SETUP), true)].concat();
        assert_eq!(
            recognise(&middle, port, false),
            Recognition::Mine { skip: 4, confidence: if port == 102 { 70 } else { 50 } }
        );
        for cut in 1..22 {
            assert_eq!(recognise(&hex(REQUEST)[..cut], port, true), Recognition::More, "{cut}");
        }
    }
    // Remote desktop (MS-RDPBCGR 4.1.1), telephony (Q.931 in TPKT), an MMS selector, and Modbus are others'.
    assert_eq!(recognise(&hex("03000013 0ee000000000000100080003000000"), 3389, true), Recognition::More);
    assert_eq!(recognise(&hex("030000100802 00018205 0400889018c0"), 1720, true), Recognition::NotMine);
    assert_eq!(recognise(&hex("03000016 11e00000000100c0010ac1020000c2020001"), 102, true), Recognition::More);
    assert_eq!(recognise(&hex("000100000006 0103006b0003"), 502, true), Recognition::NotMine);
}

#[test]
fn finding_prefers_a_whole_packet_to_one_that_may_never_come() {
    let false_start = hex("0300f000 02f080 3201");
    let bytes = [&false_start[..], &data(&hex(SETUP), true)].concat();
    assert_eq!(recognition::find(&bytes), Start::At(false_start.len()));
    assert_eq!(recognition::find(&false_start), Start::Perhaps(0));
    assert_eq!(recognition::find(&[3, 1, 3, 0, 0, 2]), Start::Nowhere);
}

#[test]
fn any_bytes_in_any_pieces_do_no_harm() {
    let samples =
        [hex(REQUEST), hex(CONFIRM), data(&hex(SETUP), true), data(&hex(SETUP_ANSWER), true), data(&[0x32], false)];
    let mut dice = Dice(0x5EED);
    for round in 0..2_000 {
        let mut flow = Flow::new((round % 2 == 0).then_some(CLIENT));
        for _ in 0..dice.roll(20) {
            let mut bytes = samples[dice.roll(samples.len())].clone();
            for _ in 0..dice.roll(4) {
                let place = dice.roll(bytes.len());
                bytes[place] = dice.roll(256) as u8;
            }
            bytes.truncate(dice.roll(bytes.len()) + 1);
            let side = if dice.roll(2) == 0 { CLIENT } else { SERVER };
            flow.send(side, &bytes);
            match dice.roll(12) {
                0 => drop(flow.gap(side)),
                1 => drop(flow.wait(SECOND * 3)),
                _ => {}
            }
        }
        flow.finish(Ending::Closed);
    }
}
