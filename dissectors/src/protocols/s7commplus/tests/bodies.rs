//! What bodies say.

use super::*;

/// A function's request and response. `II` is the place of the integrity number, `Q` the object qualifier, which is always the same.
pub(super) struct Sample {
    pub function: u16,
    pub request: &'static str,
    pub response: &'static str,
}

const QUALIFIER: &str = "000004e8 8969 0012 00000000 896a 0013 00 896b 0004 00 00";

const fn sample(function: u16, request: &'static str, response: &'static str) -> Sample {
    Sample { function, request, response }
}

pub(super) static SAMPLES: &[Sample] = &[
    sample(
        0x04BB,
        "00000003 00 01 00 01 00 02 9315 9313 II 0000000000",
        "00 00000003 II a1 00000001 932e 30 00 a3 8169 0015 06 4153526f6f74 a1 8a0e0007 940e 20 00 a3 8169 0015 04 54616e6b a2 a2 00000000",
    ),
    sample(0x04BB, "8a0e0007 00 00 00 00 00 01 9414 II 0000000000", "00 8a0e0007 II 00000000"),
    sample(
        0x04BB,
        "00000072 00 00 01 00 01 0017 000004de 895f 0008 08 8961 0004 01 00 00 02 a444 a447 II 0000000000",
        "00 00000072 II 00000000",
    ),
    sample(
        0x04CA,
        "00000003 0004 00 00000000 II a1 8a0e0007 940e 20 00 a3 8169 0015 04 54616e6b a3 9375 0014 01 03 010203 a2 00000000",
        "00 00 II 00000000",
    ),
    sample(
        0x04CA,
        "00000384 0004 00 00000000 II a1 7fffc001 8769 00 00 a3 8169 0015 04 53756231 a3 8818 2004 03 01 8148 03 a4 8819 00000034 a2 00000000",
        "00 01 8780808001 II 00000000",
    ),
    sample(0x04D4, "70000001 00000000 II 00000000", "00 70000001 II 00000000"),
    sample(0x04D4, "00000384 00 Q II 00000000", "00 00000384 II 00000000"),
    sample(0x04F2, "00000034 01 9077 0008 01 Q 00 II 00000000", "00 II 00000000"),
    sample(0x04F2, "00000384 01 8e36 0014 00 04 0badcafe Q 00 II 00000000", "92fbfe bff7ffff fff4 II 00000000"),
    sample(0x04FC, "00000034 01 9b1e", "00"),
    sample(0x0506, "00000034 01", "00"),
    sample(0x051A, "00000034 01", "00"),
    sample(0x0524, "0000000b 950b 0000 II 00000000", "00 01 00000034 II 00000000"),
    sample(
        0x0542,
        "00000000 01 05 a1b2c3d408 88d0b88007 02 9376 0a 01 000e 41200000 00 Q II 00000000",
        "00 00 II 00000000",
    ),
    sample(0x0542, "00000384 01 01 8e26 01 0017 00000708 8e09 0004 01 00 00 Q II 00000000", "00 00 II 00000000"),
    sample(
        0x054C,
        "00000000 03 0e 00 88d0b88007 02 9376 0a 00 34 02 913d 9b1e 00 52 02 9d18 03 Q II 00000000",
        "00 01 000e 41200000 02 0008 08 00 03 92fbfe bff7ffff fff4 00 II 00000000",
    ),
    sample(0x0556, "05 0012 00000003 II 00000000", "00 0012 00000003 II 00000000"),
    sample(0x0560, "0001 II 00000000", "00 II 00000000"),
    sample(0x056B, "70000005 0000e1e3 01 0007 fffb 00 00 II 00000000", "00 0009 00 01 0012 70000006 00 00 II 00000000"),
    sample(0x057C, "8a0e0007 2004 01 9414 Q 0001 0014 00 04 deadbeef 00 II 00000000", "00 II 00000000"),
    sample(
        0x0586,
        "00000031 2004 01 9d29 Q 0001 II 00000000",
        "00 00 0014 00 3c 0020 0038 0100 002a 36455337203231342d31414734302d30584230 20 53432d4631323334353637383930 2020 0007 56 040201 0000 0000 0000 0101 010e II 00000000",
    ),
    sample(0x0590, "00000034 01", "00"),
    sample(0x059A, "0001", "00"),
    sample(0x05B3, "00000000", "00 00000000"),
];

fn vlq(number: u16) -> String {
    if number < 128 { format!("{number:02x}") } else { format!("{:02x}{:02x}", 0x80 | number >> 7, number & 0x7F) }
}

/// A sample as an exchange of this sequence number: the two messages.
pub(super) fn messages(sample: &Sample, sequence: u16) -> (Vec<u8>, Vec<u8>) {
    const INTEGRITY: u16 = 17;
    let body = |text: &str, number: u16| hex(&text.replace("II", &vlq(number)).replace('Q', QUALIFIER));
    let asked = body(sample.request, INTEGRITY);
    let answered = body(sample.response, INTEGRITY + sequence);
    (request(sample.function, sequence, 0x34, &asked), response(sample.function, sequence, &answered))
}

/// The record of the sample with this place among those of its function.
fn told(function: u16, place: usize) -> Record {
    let sample = SAMPLES.iter().filter(|sample| sample.function == function).nth(place).unwrap();
    let (asked, answered) = messages(sample, 9);
    let mut flow = Flow::new();
    flow.ask(&one(&asked)).answer(&one(&answered));
    let record = flow.last();
    assert_eq!((record.protocol, record.client), ("s7commplus", CLIENT));
    assert!(flow.malformed.is_empty() && record.anomalies.is_empty(), "{record:?}");
    record
}

#[test]
fn every_function_has_its_name_and_reads_to_its_end() {
    for (place, sample) in SAMPLES.iter().enumerate() {
        let before = SAMPLES[..place].iter().filter(|other| other.function == sample.function).count();
        let record = told(sample.function, before);
        assert_eq!(record.function, u32::from(sample.function));
        assert_ne!(record.name, "-", "{:#06x}", sample.function);
        assert!(record.detail.contains("version=3 sequence=9 session_id=900"), "{}", record.detail);
    }
}

#[test]
fn starting_and_stopping() {
    let stop = told(0x04F2, 0);
    assert_eq!((stop.access, stop.sub_function), ("mode", Some("operating_state_request")));
    assert_eq!(stop.points, ["mode object:52/2167 = +1"]);
    assert!(stop.detail.contains("integrity_id=17 operating_state=stop"), "{}", stop.detail);
    assert_eq!(stop.outcome, "accepted");
}

#[test]
fn programs_on_their_way_in_and_out() {
    let into = told(0x04CA, 0);
    assert_eq!(
        (into.access, into.points.as_slice()),
        ("program", &["program object:2316173319/0 = ?".to_string()][..])
    );
    assert!(into.detail.contains("parent=3 parent_name=plc_program"), "{}", into.detail);
    assert!(into.detail.contains("class_name=data_block name=Tank"), "{}", into.detail);
    assert!(into.detail.contains("{id=2549 value=x010203}"), "{}", into.detail);
    assert_eq!(told(0x057C, 0).access, "program");
    assert_eq!((told(0x04BB, 0).access, told(0x04BB, 1).access), ("identify", "program"));
    assert!(told(0x04BB, 2).detail.contains("filter={struct=1246 elements=[{id=1247"), "{:?}", told(0x04BB, 2));
}

#[test]
fn variables_with_values_and_errors() {
    let write = told(0x0542, 0);
    assert_eq!((write.access, write.points.as_slice()), ("write", &["write db:7/10 = 10.00".to_string()][..]));
    let read = told(0x054C, 0);
    assert_eq!(read.access, "read");
    assert_eq!(read.points, ["read db:7/10 = 10.00", "read object:52/3486 = +8", "read memory:3 = ?"]);
    let subscription = told(0x04CA, 1);
    assert_eq!(subscription.access, "read");
    assert!(subscription.detail.contains("created=[1879048193]"), "{}", subscription.detail);
    assert!(
        subscription.detail.contains("{id=1048 name=subscription_list value=[1, 200, 3]}"),
        "{}",
        subscription.detail
    );
}

#[test]
fn secrets_are_told_as_seen_and_never_shown() {
    let legitimation = told(0x04F2, 1);
    assert_eq!((legitimation.access, legitimation.outcome.as_str()), ("session", "rejected 65524 object_not_found"));
    assert_eq!(legitimation.points, ["session object:900/1846 = ?"]);
    assert!(legitimation.detail.contains("legitimation=true"), "{}", legitimation.detail);
    let key = told(0x0542, 1);
    assert_eq!(key.points, ["session object:900/1830 = ?"]);
    for record in [legitimation, key] {
        assert!(!format!("{record:?}").contains("0badcafe"), "{record:?}");
        assert!(!record.detail.contains("1801"), "no element of a key is shown: {}", record.detail);
    }
}

#[test]
fn who_the_device_is() {
    let (asked, answered) = messages(SAMPLES.iter().find(|s| s.function == 0x0586).unwrap(), 3);
    let mut flow = Flow::new();
    flow.ask(&one(&asked)).answer(&one(&answered));
    assert_eq!(flow.last().access, "identify");
    let expect = [
        "A vendor=Siemens AG (s7commplus.identification.vendor)",
        "A product=6ES7 214-1AG40-0XB0 (s7commplus.identification.order_number)",
        "A serial=SC-F1234567890 (s7commplus.identification.serial_number)",
        "A hardware=7 (s7commplus.identification.hardware_revision)",
        "A firmware=V4.2.1 (s7commplus.identification.software_revision)",
    ];
    assert_eq!(flow.out.observations, expect);
}

#[test]
fn a_session_tells_client_and_device() {
    let asked = "0000011d 0004 00 00000000 a1 000000d3 821f 00 00 a3 8169 0015 02 5331 a3 8229 0015 03 484d49 a3 822a 0015 04 50432d31 a2 00000000";
    let answered = "00 02 8704 8705 a1 00000120 821f 00 00 a3 8232 0017 0000013a 823b 0004 01 823f 0015 1a \
        313b36455337203531312d31414b30302d304142303b56312e30 00 a2 00000000";
    let mut flow = Flow::new();
    flow.ask(&frames(1, &request(0x04CA, 1, 0x36, &hex(asked)), 4096).concat());
    flow.answer(&frames(1, &response(0x04CA, 1, &hex(answered)), 4096).concat());
    let record = flow.last();
    assert_eq!((record.access, record.outcome.as_str(), record.anomalies.len()), ("session", "accepted", 0));
    assert_eq!(record.points, ["session object:211/0 = ?"]);
    let expect = [
        "B name=PC-1 (s7commplus.server_session.host)",
        "B application=HMI (s7commplus.server_session.application)",
        "A product=6ES7 511-1AK00-0AB0 (s7commplus.server_session.device_version)",
        "A firmware=V1.0 (s7commplus.server_session.device_version)",
    ];
    assert_eq!(flow.out.observations, expect);
}

#[test]
fn notifications_of_three_generations() {
    let old = "33 1000006a 0400 0000 0000 01 01 92 ffffffff 0007 03e9 00 00000000";
    let usual = "33 70400075 0400 0000 0000 00 8126 01 92 00000002 000e 41200000 13 00000003 9b 05 0001 01 00 00000000";
    let timed = "33 70400075 0400 0000 0000 00 8126 0005f5e100000000 02 00 00000000";
    let alarm = "33 70400040 0400 0000 0000 62 61 01 00 70400041 0000 81 a1 70100448 9479 10 00 a3 8169 0015 03 444149 a2 00000000";
    let mut flow = Flow::midstream(None);
    for message in [old, usual, timed, alarm] {
        flow.answer(&frames(2, &hex(message), 4096).concat());
    }
    let records = flow.records();
    assert_eq!(records.len(), 4);
    for record in &records {
        assert_eq!((record.name, record.access, record.client), ("notification", "report", CLIENT), "{record:?}");
        assert!(record.anomalies.is_empty() && record.request.is_none() && record.response.is_some(), "{record:?}");
    }
    assert_eq!(records[0].points, ["report object:268435562/4294967295 = +1001"]);
    let expect = ["/2 = 10.00", "/3 = ?", "/5 = true"].map(|end| format!("report object:1883242613{end}"));
    assert_eq!(records[1].points, expect);
    assert!(records[2].detail.contains("notification_time_us=1677721600000000"), "{}", records[2].detail);
    assert!(records[3].detail.contains("alarm_subscription=1883242561"), "{}", records[3].detail);
    assert!(records[3].detail.contains("class_name=alarm name=DAI"), "{}", records[3].detail);
}

#[test]
fn versions_digests_and_parts() {
    let (asked, answered) = messages(&SAMPLES[0], 3);
    for (version, size) in [(1, 4096), (2, 4096), (3, 4096), (3, 40), (2, 7), (3, 1)] {
        let mut flow = Flow::new();
        for frame in frames(version, &asked, size) {
            flow.ask(&frame);
        }
        for frame in frames(version, &answered, size) {
            flow.answer(&frame);
        }
        let record = flow.last();
        assert_eq!(record.anomalies.len(), 0, "{record:?}");
        assert!(record.detail.ends_with(if version == 3 { "protected=true" } else { "protected=false" }), "{record:?}");
        let parts = asked.len().div_ceil(size);
        assert_eq!(record.detail.contains(&format!("request_frames={parts}")), parts > 1, "{}", record.detail);
    }
    // A digest behind a message of version 2.
    let mut body = hex("00000384 00 000004e8 8969 0012 00000000 896a 0013 00 896b 0004 00 00 03 20");
    body.extend([7; 32]);
    let mut flow = Flow::new();
    flow.ask(&frames(2, &request(0x04D4, 9, 0x34, &body), 4096).concat());
    flow.answer(&frames(2, &response(0x04D4, 9, &[&hex("00 00000384 20")[..], &[7; 32]].concat()), 4096).concat());
    assert_eq!((flow.last().anomalies.len(), flow.last().access), (0, "session"));
    assert!(flow.last().detail.contains("integrity_id=3"), "{}", flow.last().detail);
}

#[test]
fn tls_is_told_once_and_nothing_is_invented() {
    let mut flow = Flow::new();
    let (asked, answered) = messages(SAMPLES.iter().find(|s| s.function == 0x05B3).unwrap(), 1);
    flow.ask(&frames(1, &asked, 4096).concat()).answer(&frames(1, &answered, 4096).concat());
    for record in ["16030100050100000103", "1603030004020000aa", "1703030008 0011223344556677"] {
        flow.ask(&tpkt(&hex(record))).answer(&tpkt(&hex(record)));
    }
    let names: Vec<&str> = flow.out.records.iter().map(|record| record.name).collect();
    assert_eq!(names, ["cotp_connect", "init_ssl", "tls"]);
    assert!(flow.malformed.is_empty() && flow.last().detail == "encrypted=true");
}

#[test]
fn events_of_the_transport() {
    let mut flow = Flow::new();
    flow.answer(&tpkt(&hex("72fe0010 00000000 000416a6 00000000 00000000")));
    flow.answer(&tpkt(&hex("72ff0700")));
    assert!(flow.records().is_empty(), "acknowledgements are no transactions");
    flow.answer(&tpkt(&hex("72fe0016 00000000 00000c95 00000000 00000000 4c4f474f5554")));
    assert_eq!((flow.last().name, flow.last().detail.as_str()), ("system_event", "by=server message=LOGOUT"));
}

#[test]
fn what_is_wrong_is_told() {
    let wrong = |message: &[u8]| {
        let mut flow = Flow::new();
        flow.ask(&one(message));
        flow.finish(Ending::CaptureEnd).records.pop().unwrap()
    };
    assert_eq!(wrong(&request(0x0999, 4, 0x34, &[1, 2])).anomalies, ["unknown_function"]);
    assert_eq!(wrong(&request(0x04F2, 4, 0x34, &hex("00000034 01 9077 0030 01"))).anomalies, ["invalid_body"]);
    assert_eq!(wrong(&request(0x054C, 4, 0x34, &hex("00000000 ffffffff7f 01"))).anomalies, ["invalid_body"]);
    let mut flow = Flow::new();
    let (asked, _) = messages(&SAMPLES[7], 3);
    flow.ask(&one(&asked)).answer(&one(&response(0x04F2, 3, &hex("00 7f 00000000"))));
    assert_eq!(flow.last().anomalies, ["integrity_mismatch"]);
    for (bytes, bit) in
        [("72030040 00", "invalid_frame"), ("7203000221ff72030000", "invalid_frame"), ("720200024400", "")]
    {
        let mut flow = Flow::new();
        flow.ask(&one(&asked)).ask(&tpkt(&hex(bytes)));
        let malformed: Vec<&str> = flow.malformed.iter().map(|bit| ANOMALIES[usize::from(*bit)].0).collect();
        assert_eq!(malformed.first().copied().unwrap_or_default(), bit, "{bytes}");
    }
}
