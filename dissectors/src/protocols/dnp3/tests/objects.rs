//! Every object: laid out as its table row says, read back as points.

use super::*;
use crate::protocols::dnp3::message::objects::{MAX_OBJECTS, Walk, size};
use crate::protocols::dnp3::tables::objects::{Layout, Num, OBJECTS, Time};

/// Octets of a value, and how it is told.
fn value(num: Num) -> (&'static str, &'static str) {
    match num {
        Num::State | Num::DoubleState => ("", "1"),
        Num::U8 => ("c8", "200"),
        Num::U16 => ("c800", "200"),
        Num::U32 => ("c8000000", "200"),
        Num::I16 => ("feff", "-2"),
        Num::I32 => ("feffffff", "-2"),
        Num::F32 => ("0000c03f", "1.5"),
        Num::F64 => ("000000000000f8bf", "-1.5"),
    }
}

fn flags(num: Num) -> &'static str {
    match num {
        Num::State => "81",
        Num::DoubleState => "41",
        _ => "01",
    }
}

fn time(time: Time) -> (&'static str, &'static str) {
    match time {
        Time::None => ("", ""),
        Time::Absolute => ("e80300000000", " time_ms=1000"),
        Time::Relative => ("0500", " time_ms=1005"),
    }
}

#[test]
fn every_value_is_read_with_quality_and_time() {
    let mut seen = 0;
    for object in OBJECTS {
        let Layout::Fixed { flags: flagged, num, time: at } = object.layout else { continue };
        let (octets, told) = value(num);
        let (when, told_time) = time(at);
        let quality = if flagged { " quality=[online]" } else { "" };
        let flag = if flagged { flags(num) } else { "" };
        let (group, variation) = object.code;
        let kind = POINT_KINDS[usize::from(object.kind.unwrap().index())].name;
        for (range, place) in [("17 01 09", ""), ("28 0100 0900", ""), ("39 01000000 09000000", ""), ("00 0909", "")] {
            let common = "3301 07 01 e80300000000";
            let mut flow = Flow::tcp();
            flow.ask(&request(0, 1, "3c0206"));
            flow.answer(&response(
                0,
                &format!("{common} {group:02x}{variation:02x} {range} {place} {flag} {octets} {when}"),
            ));
            let expect = format!("read {kind}:9 = [{told}] object={}{quality}{told_time}", object.name);
            assert_eq!(flow.last().points[1..], [expect], "{} {range}", object.name);
            assert!(flow.last().anomalies.is_empty());
        }
        seen += 1;
    }
    assert_eq!(seen, 93, "a new object needs a look at this test");
}

#[test]
fn every_object_takes_as_many_octets_as_it_says() {
    for object in OBJECTS {
        let (group, variation) = object.code;
        let Some(octets) = size(object.layout, variation) else { continue };
        let bytes = [&[group, variation, 0x28, 2, 0][..], &vec![0; 2 * (octets + 2)], &hex("0101 00 0000 01")].concat();
        let blocks: Vec<_> = Walk::new(&bytes, false).map(|block| block.code).collect();
        assert_eq!(blocks, [object.code, (1, 1)], "{}", object.name);
    }
}

#[test]
fn flags_have_names() {
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, "3c0106"));
    flow.answer(&response(
        0,
        "0102 00 0000 7e 1405 00 0000 01000000 1401 00 0000 60 00000000 1e02 00 0000 60 0000 2802 00 0000 3d 0000",
    ));
    assert_eq!(
        flow.last().points[1..],
        [
            "read binary_input:0 = [0] object=g1v2 quality=[restart, communication_lost, remote_forced, local_forced, chatter_filter, reserved_6]",
            "read counter:0 = [1] object=g20v5",
            "read counter:0 = [0] object=g20v1 quality=[rollover, discontinuity]",
            "read analog_input:0 = [+0] object=g30v2 quality=[over_range, reference_error]",
            "read analog_output:0 = [+0] object=g40v2 quality=[online, communication_lost, remote_forced, local_forced, over_range]",
        ]
    );
}

#[test]
fn points_side_by_side_are_one_range_where_nothing_tells_them_apart() {
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, "3c0106"));
    flow.answer(&response(
        0,
        "1e04 01 0500 0700 0100 0200 0300 0102 00 0003 01 81 05 01 2002 28 0300 0400 01 0a00 0500 01 0b00 0900 01 0c00",
    ));
    assert_eq!(
        flow.last().points[1..],
        [
            "read analog_input:5-7 = [+1, +2, +3] object=g30v4",
            "read binary_input:0-1 = [0, 1] object=g1v2 quality=[online]",
            "read binary_input:2 = [0] object=g1v2 quality=[online, communication_lost]",
            "read binary_input:3 = [0] object=g1v2 quality=[online]",
            "read analog_input:4-5 = [+10, +11] object=g32v2 quality=[online]",
            "read analog_input:9 = [+12] object=g32v2 quality=[online]",
        ]
    );
}

#[test]
fn other_objects_are_read() {
    for (objects, told) in [
        ("0301 00 0004 e4 01", "double_bit_input:0-4 = [0, 1, 2, 3, 1] object=g3v1"),
        (
            "0d02 17 01 03 81 e80300000000",
            "binary_output:3 = [1] object=g13v2 status={code=1 name=timeout} time_ms=1000",
        ),
        (
            "2b04 17 01 03 00 feff e80300000000",
            "analog_output:3 = [-2] object=g43v4 status={code=0 name=success} time_ms=1000",
        ),
        ("6501 00 0000 3412", "bcd_integer:0 = [1234] object=g101v1"),
        ("6e05 00 0202 68656c6c6f", "octet_string:2 = [hello] object=g110v5"),
        ("6f02 17 01 07 00ff", "octet_string:7 = [x00ff] object=g111v2"),
        ("7103 17 01 01 707764", "virtual_terminal:1 = ? object=g113v3 octets=3"),
        (
            "7a02 28 0100 0500 01 0300 09000000 e80300000000",
            "security_statistic:5 = [9] object=g122v2 quality=[online] association=3 time_ms=1000",
        ),
        ("5701 5b 01 0300 aabbcc", "data_set:0 = [xaabbcc] object=g87v1"),
        ("00fc 00 0000 01 04 41434d45", "device_attribute:0/252 = [ACME] object=g0v252 attribute=manufacturer_name"),
        (
            "00f0 00 0000 02 02 0008",
            "device_attribute:0/240 = [2048] object=g0v240 attribute=max_transmit_fragment_size",
        ),
        (
            "00ff 00 0000 fe 04 f200 fc00",
            "device_attribute:0/255 = [[242, 252]] object=g0v255 attribute=list_of_attributes",
        ),
    ] {
        let mut flow = Flow::tcp();
        flow.ask(&request(0, 1, "3c0106")).answer(&response(0, objects));
        assert_eq!(flow.last().points[1].split_once(' ').unwrap().1, told);
        assert!(flow.last().anomalies.is_empty(), "{:?}", flow.last());
    }
}

#[test]
fn device_attributes_say_what_the_outstation_is() {
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, "00fe 00 0000"));
    flow.answer(&response(0, "00fc 00 0000 01 04 41434d45 00fa 00 0000 01 03 525455 00f2 00 0000 01 02 7635"));
    assert_eq!(
        flow.out.observations[4..],
        [
            "A Some(197632) vendor=ACME (dnp3.device_attribute.manufacturer_name)",
            "A Some(197632) model=RTU (dnp3.device_attribute.product_name_and_model)",
            "A Some(197632) firmware=v5 (dnp3.device_attribute.software_version)",
        ]
    );
    assert_eq!(flow.last().access, "identify");
}

#[test]
fn relative_times_need_a_common_time() {
    let event = "0203 17 01 03 81 0500";
    for (objects, told, anomalies) in [
        (format!("3301 07 01 e80300000000 {event}"), "time_ms=1005", &[][..]),
        (format!("3302 07 01 e80300000000 {event}"), "time_ms=1005 synchronized=false", &[]),
        (event.to_string(), "relative_time_ms=5", &["time_without_cto"]),
    ] {
        let mut flow = Flow::tcp();
        flow.ask(&request(0, 1, "3c0206")).answer(&response(0, &objects));
        assert_eq!(flow.last().points[1], format!("read binary_input:3 = [1] object=g2v3 quality=[online] {told}"));
        assert_eq!(flow.last().anomalies, anomalies);
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    for (objects, anomaly, unread) in [
        ("0109 00 0003 00", "unknown_object", 1),
        ("0102 7f 00", "invalid_qualifier", 1),
        ("0102 0c 00", "invalid_qualifier", 1),
        ("0102 00 0500 01", "invalid_range", 1),
        ("0102 07 00", "invalid_range", 0),
        ("0102 00 0005 0101", "truncated_object", 7),
        ("0102", "truncated_object", 2),
        ("4605 07 01 00", "invalid_qualifier", 1),
    ] {
        let mut flow = Flow::tcp();
        flow.ask(&request(0, 1, "3c0106")).answer(&response(0, objects));
        assert_eq!(flow.last().anomalies, [anomaly], "{objects}");
        let told = flow.last().detail.split("unread=").nth(1).map_or(0, |n| n.parse().unwrap());
        assert_eq!(told, unread, "{objects}: {}", flow.last().detail);
    }
}

#[test]
fn numbers_of_objects_and_points_have_ceilings() {
    let mut flow = Flow::tcp();
    flow.ask(&frames(true, 1024, &[&[0xC0, 1][..], &hex("3c0206").repeat(MAX_OBJECTS + 3)].concat()));
    flow.answer(&response(0, ""));
    assert_eq!(flow.last().anomalies, ["too_many_objects"]);
    // 7,872 octets of packed bits, twice.
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 1, "3c0106"));
    let block = [&hex("0101 01 0000 fff5")[..], &[0xFF; 7872]].concat();
    flow.answer(&frames(false, 1024, &[&hex("c0810000")[..], &block, &block].concat()));
    assert_eq!(flow.last().anomalies, ["too_many_points"]);
    assert_eq!(flow.last().points.len(), 1);
    // A range of everything costs nothing.
    let mut flow = Flow::tcp();
    flow.ask(&request(0, 7, "1400 02 00000000 ffffffff")).answer(&response(0, ""));
    assert_eq!(flow.last().points, ["write counter:0-4294967295 = ? object=g20v0"]);
}
