//! Each function once, with what is told of it.

use super::*;

/// A request, its response, and the record.
pub(in super::super) struct Sample {
    pub function: u8,
    pub request: &'static str,
    pub response: &'static str,
    pub told: &'static str,
}

const fn sample(function: u8, request: &'static str, response: &'static str, told: &'static str) -> Sample {
    Sample { function, request, response, told }
}

/// Every function that an outstation answers.
pub(in super::super) const SAMPLES: &[Sample] = &[
    sample(
        1,
        "3c0206 3c0306 3c0406 3c0106",
        "0101 00 0007 a5",
        "read integrity_poll read accepted: read class:0-3 = ?; read binary_input:0-7 = [1, 0, 1, 0, 0, 1, 0, 1] object=g1v1",
    ),
    sample(
        1,
        "3c0106",
        "1402 00 0101 01 3412",
        "read class_0_poll read accepted: read class:0 = ?; read counter:1 = [4660] object=g20v2 quality=[online]",
    ),
    sample(1, "3c0206", "", "read event_poll read accepted: read class:1 = ?"),
    sample(
        1,
        "1e02 00 0203",
        "1e02 00 0203 01 ffff 03 0100",
        "read - read accepted: read analog_input:2 = [-1] object=g30v2 quality=[online]; read analog_input:3 = [+1] object=g30v2 quality=[online, restart]",
    ),
    sample(
        1,
        "00f2 00 0000",
        "00f2 00 0000 01 04 76312e32",
        "read device_attributes identify accepted: identify device_attribute:0/242 = [v1.2] object=g0v242 attribute=software_version",
    ),
    sample(
        2,
        "5001 00 0707 00",
        "",
        "write clear_restart configure accepted: configure internal_indication:7 = [0] object=g80v1",
    ),
    sample(2, "3201 07 01 e80300000000", "", "write time configure accepted: "),
    sample(
        2,
        "2201 17 01 04 6400",
        "",
        "write deadbands configure accepted: configure analog_input_deadband:4 = [100] object=g34v1",
    ),
    sample(2, "0a01 00 0003 05", "", "write - write accepted: write binary_output:0-3 = [1, 0, 1, 0] object=g10v1"),
    sample(
        3,
        "0c01 28 0100 0300 41 01 64000000 00000000 00",
        "0c01 28 0100 0300 41 01 64000000 00000000 00",
        "select - write accepted: write binary_output:3 = [1] object=g12v1 control_code=65 operation=pulse_on trip_close=close queue=false clear=false count=1 on_time_ms=100 off_time_ms=0 status={code=0 name=success}",
    ),
    sample(
        5,
        "2902 17 01 02 0a00 00",
        "2902 17 01 02 0a00 0c",
        "direct_operate - write rejected 12 out_of_range: write analog_output:2 = [+10] object=g41v2 status={code=12 name=out_of_range}",
    ),
    sample(7, "1400 06", "", "immediate_freeze - write accepted: write counter:0-4294967295 = ? object=g20v0"),
    sample(9, "1400 00 0003", "", "freeze_clear - write accepted: write counter:0-3 = ? object=g20v0"),
    sample(
        11,
        "3202 07 01 e80300000000 60ea0000 1400 06",
        "",
        "freeze_at_time - write accepted: write counter:0-4294967295 = ? object=g20v0",
    ),
    sample(13, "", "3402 07 01 8813", "cold_restart - mode accepted: "),
    sample(14, "", "3401 07 01 0500", "warm_restart - mode accepted: "),
    sample(15, "", "", "initialize_data - mode accepted: "),
    sample(16, "5a01 5b 01 0300 617070", "", "initialize_application - mode accepted: "),
    sample(17, "5a01 5b 01 0300 617070", "", "start_application - mode accepted: "),
    sample(18, "5a01 5b 01 0300 617070", "", "stop_application - mode accepted: "),
    sample(19, "", "", "save_configuration - configure accepted: "),
    sample(20, "3c0206 3c0306 3c0406", "", "enable_unsolicited - configure accepted: configure class:1-3 = ?"),
    sample(
        21,
        "3c0206 3c0406",
        "",
        "disable_unsolicited - configure accepted: configure class:1 = ?; configure class:3 = ?",
    ),
    sample(
        22,
        "3c0206 0100 00 0004 3c0106 1e00 06",
        "",
        "assign_class - configure accepted: configure binary_input:0-4 = ? object=g1v0 class=1; configure analog_input:0-4294967295 = ? object=g30v0 class=0",
    ),
    sample(23, "", "3402 07 01 0a00", "delay_measure - session accepted: "),
    sample(24, "", "", "record_current_time - session accepted: "),
    sample(
        25,
        "4603 5b 01 1f00 1a00 0500 e80300000000 ff01 00000000 00000000 0100 0004 0700 612e747874",
        "4604 5b 01 0d00 78563412 13000000 0004 0700 00",
        "open_file read read accepted: ",
    ),
    sample(
        26,
        "4604 5b 01 0d00 78563412 00000000 0004 0800 00",
        "4604 5b 01 0d00 78563412 00000000 0004 0800 06",
        "close_file - session rejected 518 file_invalid_handle: ",
    ),
    sample(
        27,
        "4603 5b 01 1f00 1a00 0500 000000000000 0000 00000000 00000000 0000 0000 0900 612e747874",
        "4604 5b 01 0d00 00000000 00000000 0000 0900 03",
        "delete_file - configure rejected 515 file_not_found: ",
    ),
    sample(
        28,
        "4607 5b 01 1900 1400 0500 0000 00000000 000000000000 0000 0a00 612e747874",
        "4607 5b 01 1900 1400 0500 0100 13000000 e80300000000 ff01 0a00 612e747874",
        "get_file_info - identify accepted: ",
    ),
    sample(
        29,
        "4602 5b 01 1a00 0c00 0400 1000 0a00 00000000 726f6f74 68756e74657232212121",
        "4602 5b 01 0c00 0000 0000 0000 0000 efbeadde",
        "authenticate_file - session accepted: ",
    ),
    sample(
        30,
        "4604 5b 01 0d00 78563412 00000000 0004 0b00 00",
        "4604 5b 01 0d00 78563412 00000000 0004 0b00 00",
        "abort_file - configure accepted: ",
    ),
    sample(31, "4608 5b 01 0500 612e747874", "", "activate_configuration - program accepted: "),
];

/// What a record says, in one line.
pub(in super::super) fn line(record: &Record) -> String {
    format!(
        "{} {} {} {}: {}",
        record.name.unwrap_or("-"),
        record.sub.unwrap_or("-"),
        record.access,
        record.outcome,
        record.points.join("; ")
    )
}

#[test]
fn each_function_is_told() {
    for (number, sample) in SAMPLES.iter().enumerate() {
        let sequence = number as u8 & 15;
        let mut flow = Flow::tcp();
        flow.ask(&request(sequence, sample.function, sample.request)).answer(&response(sequence, sample.response));
        assert_eq!(flow.records().len(), 1, "{}", sample.told);
        assert_eq!(line(flow.last()), sample.told);
        assert!(flow.last().anomalies.is_empty(), "{:?}", flow.last());
        assert_eq!((flow.last().request, flow.last().response, flow.last().client), (Some(1), Some(2), MASTER));
        assert_eq!(flow.last().unit, "3>1024");
        assert!(flow.out.anomalies.is_empty() && flow.malformed.is_empty(), "{}", sample.told);
    }
}

#[test]
fn details_are_told() {
    let detail = |function: u8, asked: &str, answered: &str| {
        let mut flow = Flow::tcp();
        flow.ask(&request(2, function, asked)).answer(&indicated(0xC2, 0x1200, answered));
        let detail = flow.last().detail.clone();
        let own =
            detail.find("classes=").or(detail.find("time_ms=")).or(detail.find("delay_ms=")).or(detail.find("file="));
        (detail[..48].to_string(), own.map(|at| detail[at..].to_string()).unwrap_or_default())
    };
    let (begin, own) = detail(1, "3c0206 3c0306 3c0406", "");
    assert_eq!(begin, "sequence=2 iin=[class_1_events, need_time] iin_c");
    assert_eq!(own, "classes=[1, 2, 3]");
    assert_eq!(detail(2, "3201 07 01 e80300000000", "").1, "time_ms=1000");
    assert_eq!(detail(14, "", "3401 07 01 0500").1, "delay_ms=5000");
    let open = SAMPLES.iter().find(|sample| sample.function == 25).unwrap();
    assert_eq!(
        detail(25, open.request, open.response).1,
        "file={name=a.txt mode=read direction=from_outstation handle=305419896 size=19 status=0}"
    );
    let info = SAMPLES.iter().find(|sample| sample.function == 28).unwrap();
    assert_eq!(
        detail(28, info.request, info.response).1,
        "file={name=a.txt size=19 created_ms=1000 permissions=511 type=file}"
    );
}

#[test]
fn object_headers_of_both_halves_are_told() {
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, "3c0206 1e02 01 0200 0300 0100 17 02 0509"))
        .answer(&response(0, "2001 28 0100 0700 01 05000000"));
    let detail = &flow.last().detail;
    let objects = "request_objects=[{object=g60v2 group=60 variation=2 qualifier=6}, \
                   {object=g30v2 group=30 variation=2 qualifier=1 first=2 last=3}, \
                   {object=g1v0 group=1 variation=0 qualifier=23 count=2}] \
                   response_objects=[{object=g32v1 group=32 variation=1 qualifier=40 count=1}]";
    assert!(detail.contains(objects), "{detail}");
}

#[test]
fn functions_without_answer_are_complete_at_once() {
    for function in [6, 8, 10, 12, 33] {
        let mut flow = Flow::tcp();
        flow.ask(&request(
            0,
            function,
            if function == 33 { "7807 5b 01 0f00 01000000 0100 0100 01 000000000000" } else { "" },
        ));
        assert_eq!((flow.records().len(), flow.last().outcome.as_str()), (1, "unknown"), "{function}");
        assert_eq!((flow.last().request, flow.last().response), (Some(1), None));
    }
}

#[test]
fn unknown_functions_keep_their_number() {
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 112, "")).answer(&indicated(0xC0, 0x0001, ""));
    let record = flow.last();
    assert_eq!((record.function, record.name, record.access), (112, None, "configure"));
    assert_eq!(record.outcome, "rejected 256 function_not_supported");
    assert_eq!(record.anomalies, ["invalid_function"]);
}

#[test]
fn indications_refuse() {
    for (iin, outcome, anomalies) in [
        (0x0001, "rejected 256 function_not_supported", &[][..]),
        (0x0002, "rejected 257 object_unknown", &[]),
        (0x0004, "rejected 258 parameter_error", &[]),
        (0x0008, "accepted", &[]),
        (0x0010, "rejected 260 already_executing", &[]),
        (0x0020, "accepted", &["device_trouble"]),
        (0x0080, "accepted", &["reserved_iin"]),
        (0x4000, "accepted", &["device_trouble"]),
        (0x8F00, "accepted", &[]),
    ] {
        let mut flow = Flow::tcp();
        flow.ask(&request(0, 1, "3c0206")).answer(&indicated(0xC0, iin, ""));
        assert_eq!((flow.last().outcome.as_str(), &flow.last().anomalies[..]), (outcome, anomalies), "{iin:#06x}");
    }
}

#[test]
fn authentication_is_told_without_its_secrets() {
    let mut flow = Flow::tcp();
    let challenge =
        frames(false, 1024, &[&hex("c0830000")[..], &hex("7801 5b 01 0c00 07000000 0200 04 01 a1a2a3a4")].concat());
    let operate = "0c01 28 0100 0300 41 01 64000000 00000000 00";
    flow.ask(&request(0, 5, operate)).answer(&challenge);
    assert!(flow.records().is_empty(), "the request waits for its authentication");
    flow.ask(&request(0, 32, "7802 5b 01 0e00 07000000 0200 b1b2b3b4b5b6b7b8")).answer(&response(0, operate));
    let told: Vec<String> = flow.records().iter().map(line).collect();
    assert_eq!(told[0].split(':').next(), Some("direct_operate - write accepted"));
    assert_eq!(told[1], "authentication_request reply session accepted: ");
    assert!(
        flow.records()[0]
            .detail
            .contains("authentication={user=2 challenge_sequence=7 challenged=true outcome=accepted}")
    );
    assert!(
        flow.records()[1]
            .detail
            .contains("authentication={message=reply user=2 challenge_sequence=7 outcome=accepted}")
    );
    let said = format!("{:?}", flow.records());
    assert!(!said.contains("b1b2") && !said.contains("a1a2"), "{said}");
    let failed = frames(
        false,
        1024,
        &[&hex("c1830000")[..], &hex("7807 5b 01 0f00 08000000 0200 0000 01 000000000000")].concat(),
    );
    flow.ask(&request(1, 5, &format!("7803 07 01 08000000 0200 {operate} 7809 5b 01 0400 c1c2c3c4"))).answer(&failed);
    assert_eq!(flow.last().outcome, "rejected 769 authentication_failed");
    assert!(flow.last().detail.contains("error=1 aggressive=true outcome=failed"), "{}", flow.last().detail);
}
