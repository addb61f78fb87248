//! Every function, both directions.

use super::super::message::form;
use super::*;

/// A conversation: name, request, response, and what has to come of it.
pub(super) struct Sample {
    pub request: &'static str,
    pub response: &'static str,
    pub expect: &'static str,
}

const fn sample(request: &'static str, response: &'static str, expect: &'static str) -> Sample {
    Sample { request, response, expect }
}

/// Function, sub-function, access, points, outcome, and the detail behind transaction identifier and framing.
pub(super) const SAMPLES: &[Sample] = &[
    sample(
        "01 0013 000a",
        "01 02 cd01",
        "read_coils - read [read coil:19-28 = [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]] accepted",
    ),
    sample(
        "02 00c4 0003",
        "02 01 05",
        "read_discrete_inputs - read [read discrete_input:196-198 = [1, 0, 1]] accepted",
    ),
    sample(
        "03 006b 0002",
        "03 04 022b 0064",
        "read_holding_registers - read [read holding_register:107-108 = [555, 100]] accepted",
    ),
    sample("04 0008 0001", "04 02 000a", "read_input_registers - read [read input_register:8-8 = [10]] accepted"),
    sample("05 00ac ff00", "05 00ac ff00", "write_single_coil - write [write coil:172-172 = [1]] accepted"),
    sample("05 0000 0000", "05 0000 0000", "write_single_coil - write [write coil:0-0 = [0]] accepted"),
    sample("06 0001 0003", "06 0001 0003", "write_single_register - write [write holding_register:1-1 = [3]] accepted"),
    sample("07", "07 6d", "read_exception_status - read [] accepted exception_status=109"),
    sample(
        "08 0000 a537",
        "08 0000 a537",
        "diagnostics 0 return_query_data session [] accepted request_data=xa537 response_data=xa537",
    ),
    sample(
        "08 0001 ff00",
        "08 0001 ff00",
        "diagnostics 1 restart_communications_option mode [] accepted request_data=xff00 response_data=xff00",
    ),
    sample(
        "08 0002 0000",
        "08 0002 00ff",
        "diagnostics 2 return_diagnostic_register read [] accepted request_data=x0000 data=255",
    ),
    sample(
        "08 0003 2300",
        "08 0003 2300",
        "diagnostics 3 change_ascii_input_delimiter configure [] accepted request_data=x2300 response_data=x2300",
    ),
    sample(
        "08 000a 0000",
        "08 000a 0000",
        "diagnostics 10 clear_counters_and_diagnostic_register configure [] accepted request_data=x0000 response_data=x0000",
    ),
    sample(
        "08 000b 0000",
        "08 000b 0010",
        "diagnostics 11 return_bus_message_count read [] accepted request_data=x0000 data=16",
    ),
    sample(
        "08 0012 0000",
        "08 0012 0001",
        "diagnostics 18 return_bus_character_overrun_count read [] accepted request_data=x0000 data=1",
    ),
    sample(
        "08 0014 0000",
        "08 0014 0000",
        "diagnostics 20 clear_overrun_counter_and_flag configure [] accepted request_data=x0000 response_data=x0000",
    ),
    sample("0b", "0b ffff 0108", "get_comm_event_counter - read [] accepted status=65535 event_count=264"),
    sample(
        "0c",
        "0c 08 0000 0108 0121 2000",
        "get_comm_event_log - read [] accepted status=0 event_count=264 message_count=289 events=x2000",
    ),
    sample(
        "0f 0013 000a 02 cd01",
        "0f 0013 000a",
        "write_multiple_coils - write [write coil:19-28 = [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]] accepted",
    ),
    sample(
        "10 0001 0002 04 000a 0102",
        "10 0001 0002",
        "write_multiple_registers - write [write holding_register:1-2 = [10, 258]] accepted",
    ),
    sample(
        "11",
        "11 09 50796d6f64627573ff",
        "report_server_id - identify [] accepted server_id_data=x50796d6f64627573ff server_id=Pymodbus run_indicator=true",
    ),
    sample(
        "11",
        "11 05 01ff414243",
        "report_server_id - identify [] accepted server_id_data=x01ff414243 server_id=x01 run_indicator=true additional_data=ABC",
    ),
    sample(
        "14 0e 06 0004 0001 0002 06 0003 0009 0002",
        "14 0c 05 06 0dfe 0020 05 06 33cd 0040",
        "read_file_record - read [read file:4/1-2 = [3582, 32], read file:3/9-10 = [13261, 64]] accepted",
    ),
    sample(
        "15 0d 06 0004 0007 0003 06af 04be 100d",
        "15 0d 06 0004 0007 0003 06af 04be 100d",
        "write_file_record - write [write file:4/7-9 = [1711, 1214, 4109]] accepted",
    ),
    sample(
        "16 0004 00f2 0025",
        "16 0004 00f2 0025",
        "mask_write_register - write [write holding_register:4-4 = ?] accepted and_mask=242 or_mask=37",
    ),
    sample(
        "17 0003 0002 000e 0003 06 00ff 0100 0101",
        "17 04 00fe 0acd",
        "read_write_multiple_registers - write [read holding_register:3-4 = [254, 2765], write holding_register:14-16 = [255, 256, 257]] accepted",
    ),
    sample(
        "18 04de",
        "18 0006 0002 01b8 1284",
        "read_fifo_queue - read [read fifo:1246-1246 = [440, 4740]] accepted fifo_count=2",
    ),
    sample(
        "2b 0d 0102",
        "2b 0d 0304",
        "encapsulated_interface_transport 13 canopen_general_reference write [] accepted request_data=x0102 response_data=x0304",
    ),
    sample(
        "2b 0e 01 00",
        "2b 0e 01 01 00 00 02 00 04 41636d65 80 02 ff01",
        "encapsulated_interface_transport 14 read_device_identification identify [] accepted read_device_id_code=1 object_id=0 \
         conformity_level=1 more_follows=false next_object_id=0 objects=[{id=0 name=vendor_name value=Acme}, {id=128 name=null value=xff01}]",
    ),
    sample("41 0102", "41 03", "- - configure [] accepted category=user_defined request_data=x0102 response_data=x03"),
    sample(
        "7e 0102",
        "7e 03",
        "program_984 - program [] accepted category=reserved request_data=x0102 response_data=x03",
    ),
    sample(
        "03 0000 0001",
        "83 02",
        "read_holding_registers - read [read holding_register:0-0 = ?] rejected 2 illegal_data_address",
    ),
    sample(
        "10 0000 0001 02 0007",
        "90 04",
        "write_multiple_registers - write [write holding_register:0-0 = [7]] rejected 4 server_device_failure",
    ),
    sample(
        "2b 0e 01 00",
        "ab 01",
        "encapsulated_interface_transport 14 read_device_identification identify [] rejected 1 illegal_function read_device_id_code=1 object_id=0",
    ),
    sample(
        "17 0003 0001 000e 0001 02 00ff",
        "97 03",
        "read_write_multiple_registers - write [read holding_register:3-3 = ?, write holding_register:14-14 = [255]] rejected 3 illegal_data_value",
    ),
];

pub(super) fn summary(record: &Record) -> String {
    let sub = record.sub_function.map_or("-".into(), |(code, name)| format!("{code} {}", name.unwrap_or("-")));
    let points = record.points.join(", ");
    let name = record.name.unwrap_or("-");
    let detail = record.detail.split_once("framing=").unwrap().1.split_once(' ').map_or("", |(_, rest)| rest);
    format!("{name} {sub} {} [{points}] {} {detail}", record.access, record.outcome).trim().to_string()
}

#[test]
fn every_function_in_every_framing() {
    for sample in SAMPLES {
        let (request, response) = (hex(sample.request), hex(sample.response));
        for framing in 0..3 {
            let mut flow = if framing == 1 { Flow::udp() } else { Flow::tcp() };
            match framing {
                2 => flow.ask(&rtu(17, &request)).answer(&rtu(17, &response)),
                _ => flow.ask(&adu(9, 17, &request)).answer(&adu(9, 17, &response)),
            };
            assert_eq!(flow.records().len(), 1, "{} {framing}", sample.request);
            let record = flow.last();
            assert_eq!(summary(record), sample.expect, "framing {framing}");
            assert_eq!(record.anomalies, Vec::<&str>::new(), "{}", sample.request);
            assert_eq!((record.client, record.unit, record.request, record.response), (CLIENT, 17, Some(1), Some(2)));
            assert_eq!(record.function, u32::from(request[0]));
            assert!(flow.malformed.is_empty() && flow.out.anomalies.is_empty());
        }
    }
}

#[test]
fn every_request_without_response_and_every_response_alone() {
    for sample in SAMPLES {
        let mut flow = Flow::tcp();
        flow.ask(&adu(9, 17, &hex(sample.request)));
        let out = flow.finish(Ending::CaptureEnd);
        assert_eq!(out.records.len(), 1, "{}", sample.request);
        assert_eq!((out.records[0].outcome.as_str(), out.records[0].response), ("unknown", None));
        assert!(out.records[0].anomalies.is_empty());

        let mut flow = Flow::tcp();
        flow.answer(&adu(9, 17, &hex(sample.response)));
        let out = flow.finish(Ending::CaptureEnd);
        // Only where the form tells can a response be known for one; the others are taken for requests, if they say it was client.
        if form::form(&hex(sample.response)) == form::Form::Response {
            assert_eq!((out.records[0].request, out.records[0].client), (None, CLIENT), "{}", sample.response);
        }
    }
}

#[test]
fn observations_name_field_and_side() {
    let mut flow = Flow::tcp();
    flow.ask(&adu(1, 3, &hex("2b 0e 01 00"))).answer(&adu(
        1,
        3,
        &hex("2b 0e 01 01 00 00 02 00 04 41636d65 02 03 56312e"),
    ));
    assert_eq!(
        flow.out.observations,
        [
            "A 3 vendor=Acme (modbus.device_identification.vendor_name)",
            "A 3 firmware=V1. (modbus.device_identification.major_minor_revision)"
        ]
    );
}

/// What is wrong, and what has to be said of it.
#[test]
fn wrong_content_is_a_transaction_with_anomalies() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("01 0000 0000", "81 03", &["invalid_quantity"]),
        ("01 0000 07d1", "81 03", &["invalid_quantity"]),
        ("03 0000 007e", "83 03", &["invalid_quantity"]),
        ("03 ffff 0002", "83 02", &["address_overflow"]),
        ("03 0000 0002", "03 02 0001", &["response_mismatch"]),
        ("05 0000 0001", "85 03", &["invalid_value"]),
        ("05 0000 ff00", "05 0000 0000", &["response_mismatch"]),
        ("06 0000 0001", "06 0001 0001", &["response_mismatch"]),
        ("0f 0000 0009 01 ff", "8f 03", &["invalid_byte_count"]),
        ("0f 0000 07b1 02 ffff", "8f 03", &["invalid_quantity", "invalid_byte_count"]),
        ("10 0000 0001 02 0001", "10 0000 0002", &["response_mismatch"]),
        ("16 0004 00f2 0025", "16 0004 00f2 0024", &["response_mismatch"]),
        ("17 0003 007e 000e 0001 02 00ff", "97 03", &["invalid_quantity"]),
        ("17 0003 0001 000e 007a 02 00ff", "97 03", &["invalid_quantity", "invalid_byte_count"]),
        ("14 07 05 0004 0001 0002", "94 02", &["invalid_value"]),
        ("14 07 06 0004 0001 0002", "14 04 03 06 0dfe", &["response_mismatch"]),
        ("18 04de", "18 0006 0020 01b8 1284", &["invalid_quantity", "invalid_byte_count"]),
        ("08 0001 0001", "88 03", &["invalid_value"]),
        ("08 0000 0001", "08 0000 0002", &["response_mismatch"]),
        ("2b 0e 07 00", "ab 03", &["invalid_value"]),
        ("03 0000 0001", "83 09", &["invalid_exception_code"]),
        ("03 0000 0001", "83 00", &["invalid_exception_code"]),
        ("00 0000 0001", "80 01", &["invalid_function"]),
        ("03 0000 0001 00", "83 03", &["trailing_bytes"]),
        ("03 0000 00", "83 03", &["invalid_length"]),
        ("10 0000 0002 04 0001", "90 03", &["invalid_length"]),
    ];
    for (request, response, expect) in cases {
        let mut flow = Flow::tcp();
        flow.ask(&adu(1, 1, &hex("01 0000 0001"))).answer(&adu(1, 1, &hex("01 01 00")));
        flow.ask(&adu(2, 1, &hex(request))).answer(&adu(2, 1, &hex(response)));
        assert_eq!(flow.records().len(), 2, "{request}");
        assert_eq!(flow.last().anomalies, *expect, "{request}");
    }
}

#[test]
fn a_wrong_protocol_identifier_is_an_anomaly_of_the_transaction() {
    let mut flow = Flow::tcp();
    let mut request = adu(7, 1, &hex("03 0000 0001"));
    request[3] = 5;
    flow.ask(&request).answer(&adu(7, 1, &hex("03 02 0001")));
    assert_eq!(flow.last().anomalies, ["invalid_protocol_id"]);
    assert!(flow.last().detail.contains("protocol_id=5"));
}

#[test]
fn a_wrong_length_costs_that_message_only() {
    let mut flow = Flow::tcp();
    let mut request = adu(7, 1, &hex("03 0000 0001"));
    request[4] = 0x30;
    flow.ask(&request).ask(&adu(8, 1, &hex("03 0000 0001"))).answer(&adu(8, 1, &hex("03 02 0001")));
    assert_eq!(flow.malformed, ["invalid_length"]);
    assert_eq!(flow.records().len(), 1);
    assert_eq!(flow.last().outcome, "accepted");
}
