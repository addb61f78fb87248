//! UMAS on Modbus function 90.

use super::*;

/// Function, access, points, outcome, detail behind the framing.
const SAMPLES: &[(&str, &str, &str)] = &[
    (
        "5a 00 01 00",
        "5a 00 fe fd00 0104 00003200 00000000 00",
        "init_comm session [] accepted session_key=0 status=254 request_data=x00 response_data=xfd000104000032000000000000 max_frame_size=253",
    ),
    (
        "5a 00 0a 00 545454",
        "5a 00 fe 00 545454",
        "repeat session [] accepted session_key=0 status=254 request_length=4 response_length=4",
    ),
    (
        "5a 00 10 434c0000 04 48454e52",
        "5a 00 fe 01",
        "take_plc_reservation configure [] accepted session_key=0 status=254 request_data=x434c00000448454e52 response_data=x01 reserved_by=HENR granted_key=1",
    ),
    ("5a 01 11", "5a 01 fe", "release_plc_reservation configure [] accepted session_key=1 status=254"),
    ("5a 01 12", "5a 01 fe", "keep_alive session [] accepted session_key=1 status=254"),
    (
        "5a 00 20 00 1300 6400 0000 0400",
        "5a 00 fe 00 0400 01020304",
        "read_memory_block read [read memory_block:19/100-103 = ?] accepted session_key=0 status=254 range=0 block=19 offset=100 length=4 response_data=x01020304",
    ),
    (
        "5a 01 30 00 01",
        "5a 01 fe 0100",
        "initialize_upload program [] accepted session_key=1 status=254 direction=into_plc request_data=x0001 response_data=x0100 file=1",
    ),
    (
        "5a 01 31 00 01 0200 0300 aabbcc",
        "5a 01 fe",
        "upload_block program [] accepted session_key=1 status=254 direction=into_plc request_length=9 file=1 block=2",
    ),
    (
        "5a 01 32 00 01 0500",
        "5a 01 fe",
        "end_strategy_upload program [] accepted session_key=1 status=254 direction=into_plc request_data=x00010500 file=1 blocks=5",
    ),
    (
        "5a 01 33 00 01 fb00",
        "5a 01 fe",
        "initialize_download program [] accepted session_key=1 status=254 direction=out_of_plc request_data=x0001fb00 file=1",
    ),
    (
        "5a 01 34 00 01 0700",
        "5a 01 fe 00 01",
        "download_block program [] accepted session_key=1 status=254 direction=out_of_plc request_length=4 response_length=2 file=1 block=7",
    ),
    (
        "5a 01 35 00 01 0700",
        "5a 01 fe",
        "end_strategy_download program [] accepted session_key=1 status=254 direction=out_of_plc request_data=x00010700 file=1 blocks=7",
    ),
    ("5a 01 40 ff00", "5a 01 fe", "start_plc mode [] accepted session_key=1 status=254 request_data=xff00"),
    (
        "5a 01 41 ff00",
        "5a 01 fd 8007",
        "stop_plc mode [] rejected 253 umas_error session_key=1 status=253 error=x8007 request_data=xff00",
    ),
    ("5a 01 71 00", "da 01", "write_io_object write [] rejected 1 illegal_function session_key=1 request_data=x00"),
    ("5a 00 7f 01", "5a 00 fe", "- configure [] accepted session_key=0 status=254 request_data=x01"),
];

fn summary(record: &Record) -> String {
    let detail = record.detail.split_once("framing=tcp ").map_or("", |(_, rest)| rest);
    let points = record.points.join(", ");
    format!("{} {} [{points}] {} {detail}", record.name.unwrap_or("-"), record.access, record.outcome)
}

#[test]
fn functions_both_directions() {
    for (request, response, expect) in SAMPLES {
        let mut flow = Flow::tcp();
        flow.ask(&adu(3, 0, &hex(request))).answer(&adu(3, 0, &hex(response)));
        assert_eq!(flow.records().len(), 1, "{request}");
        let record = flow.last();
        assert_eq!(&summary(record), expect);
        assert_eq!((record.protocol, record.unit, record.function), (1, 0, u32::from(hex(request)[2])));
        assert!(record.anomalies.is_empty(), "{record:?}");
    }
}

#[test]
fn identity_is_observed() {
    let name = "3134302043505520333131203130";
    let mut flow = Flow::tcp();
    flow.ask(&adu(0, 0, &hex("5a 00 02")));
    flow.answer(&adu(
        0,
        0,
        &hex(&format!("5a00fe 10ff 5a010100 0000 7002 0000 2700 0900 08000000 0000 0e{name} 01 0101000000001100")),
    ));
    assert_eq!(
        flow.out.observations,
        ["A 0 model=140 CPU 311 10 (umas.read_id.name)", "A 0 firmware=2.70 (umas.read_id.version)"]
    );
}

#[test]
fn a_response_alone_does_not_tell_its_function() {
    let mut flow = Flow::tcp();
    flow.answer(&adu(0, 0, &hex("5a 00 fe 01")));
    let record = flow.last();
    assert_eq!((record.function, record.name, record.outcome.as_str()), (0, None, "accepted"));
}

#[test]
fn frames_may_be_longer_than_those_of_modbus() {
    let mut pdu = hex("5a 01 31 00 01 0100 e803");
    pdu.extend([7; 1000]);
    let mut flow = Flow::tcp();
    flow.ask(&adu(0, 0, &pdu)).answer(&adu(0, 0, &hex("5a 01 fe")));
    assert_eq!((flow.records().len(), flow.last().outcome.as_str()), (1, "accepted"));
    assert!(flow.malformed.is_empty() && flow.last().anomalies.is_empty());
}
