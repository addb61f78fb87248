use super::*;

/// A data block of 80 bytes: header, eight bytes, end.
fn block() -> Vec<u8> {
    let mut bytes = hex("7070 0101 05 0a 0001 00000050 00000003 03af7437 2d70 03af7437 2d70 0038 0000 0000 0008");
    bytes.extend([0xBA, 0xBE, 1, 0, 0xFE, 0xAD, 0xBE, 0xEF]);
    bytes.extend(b"JOHN\0\0\0\0PUMPS   LEVEL   ");
    bytes.extend(hex("21 00 76e6 00000000 00000000"));
    bytes
}

fn part(bytes: &[u8]) -> Vec<u8> {
    let mut part = u16::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    part.extend([0, 0xFB]);
    part.extend(bytes);
    part
}

const CONTENT: [&str; 8] = [
    "\"length\":80,\"complete\":true,\"sha256\":\"",
    "\"language\":\"db\",\"load_memory_length\":80,\"know_how_protected\":true",
    "\"code_time\":\"2015-11-06T17:10:30.199\"",
    "\"code_length\":8",
    "\"author\":\"JOHN\"",
    "\"family\":\"PUMPS\"",
    "\"name\":\"LEVEL\"",
    "\"version\":\"2.1\",\"checksum\":30438",
];

#[test]
fn a_download_is_what_the_programming_device_does_though_the_controller_fetches_the_parts() {
    let mut flow = flow();
    let name = "09 5f30413030303031 50";
    flow.ask(&job(1, &format!("1a00 0100 00000000 {name} 0d 31 303030303830 303030303038"), ""))
        .answer(&done(1, "1a", ""));
    flow.says(&[
        "client s7comm",
        "request_download",
        "\"point\":\"DB1\"",
        "file=\"_0A00001P\" file_system=\"P\"",
        "load_memory_length=80 code_length=8",
    ]);
    let fetch = format!("1b00 0000 00000000 {name}");
    let (first, rest) = (part(&block()[..50]), part(&block()[50..]));
    flow.answer(&job(0x100, &fetch, "")).ask(&message(3, 0x100, Some(0), &[0x1B, 1], &first));
    flow.says(&["client s7comm", "download_block", "\"access\":\"program\"", "bytes=50"]);
    flow.answer(&job(0x101, &fetch, "")).ask(&message(3, 0x101, Some(0), &[0x1B, 0], &rest));
    flow.says(&CONTENT);
    flow.answer(&job(0x102, &format!("1c00 0000 00000000 {name}"), "")).ask(&done(0x102, "1c", ""));
    flow.says(&["client s7comm", "download_ended", "block_type=\"DB\" block_number=1"]);
    flow.ask(&job(2, "28 000000000000fd 000a 0100 3041303030303150 05 5f494e5345", "")).answer(&done(2, "28", ""));
    flow.says(&[
        "pi_service",
        "\"sub_function\":{\"code\":2,\"name\":\"_INSE\"},\"access\":\"program\"",
        "\"point\":\"DB1\"",
    ]);
    assert!(flow.malformed.is_empty());
}

#[test]
fn an_upload_tells_the_block_with_its_last_part() {
    let mut flow = flow();
    flow.ask(&job(1, "1d00 0000 00000000 09 5f30413030303031 41", "")).answer(&done(
        1,
        "1d00 0100 00000007 07 30303030303830",
        "",
    ));
    flow.says(&["start_upload", "\"point\":\"DB1\"", "upload_id=7 block_length=80"]);
    for (place, bytes) in [(1, &block()[..40]), (0, &block()[40..])] {
        flow.ask(&job(2, "1e00 0000 00000007", "")).answer(&message(3, 2, Some(0), &[0x1E, place], &part(bytes)));
    }
    flow.says(&CONTENT);
    flow.says(&["client s7comm", "\"point\":\"DB1\""]);
    flow.ask(&job(3, "1f00 0000 00000007", "")).answer(&done(3, "1f", ""));
    flow.says(&["end_upload", "\"point\":\"DB1\""]);
}

#[test]
fn a_block_of_which_a_part_is_missing_is_not_hashed() {
    let mut flow = flow();
    flow.ask(&job(1, "1d00 0000 00000000 09 5f30413030303031 41", "")).answer(&done(
        1,
        "1d00 0100 00000007 07 30303030303830",
        "",
    ));
    flow.gap(SERVER);
    flow.ask(&job(2, "1e00 0000 00000007", "")).answer(&message(3, 2, Some(0), &[0x1E, 0], &part(&block()[40..])));
    flow.says(&["content={\"length\":40,\"complete\":false}"]);
}

#[test]
fn services_have_access_name_and_argument() {
    for (parameters, parts) in [
        ("28 000000000000fd 0000 09 505f50524f4752414d", &["P_PROGRAM", "\"access\":\"mode\"", "start=\"warm\""][..]),
        ("28 000000000000fd 0002 4320 09 505f50524f4752414d", &["argument=\"C \" start=\"cold\""]),
        ("28 000000000000fd 000a 0100 3038303030333542 05 5f44454c45", &["_DELE", "\"access\":\"program\"", "OB35"]),
        ("28 000000000000fd 0002 4550 05 5f4d4f4455", &["_MODU", "argument=\"EP\""]),
        ("28 000000000000fd 0000 05 5f47415242", &["_GARB"]),
        ("28 000000000000fd 0006 736563726574 09 5f4e5f4c4f47494e5f", &["_N_LOGIN_", "argument=null"]),
        ("28 000000000000fd 0000 04 5f584f58", &["\"sub_function\":{\"code\":0,\"name\":null}", "service=\"_XOX\""]),
        ("29 0000000000 09 505f50524f4752414d", &["plc_stop", "\"access\":\"mode\"", "service=\"P_PROGRAM\""]),
    ] {
        let function = &parameters[..2];
        exchange(&job(9, parameters, ""), &done(9, function, "")).says(parts);
    }
}
