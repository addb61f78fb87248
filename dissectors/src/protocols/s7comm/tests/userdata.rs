use super::*;

fn ask(which: (u8, u8), question: &str, answer: &str) -> Flow {
    exchange(&userdata(5, 4, which, question), &userdata(5, 8, which, answer))
}

#[test]
fn identity_from_status_lists() {
    let order = "36455337203331352d32454831342d304142302000c000030001";
    let firmware = "202020202020202020202020202020202020202000c056030207";
    let list = format!("ff09 005c 0011 0000 001c 0003 0001{order} 0006{order} 0007{firmware}");
    let flow = ask((4, 1), "ff09 0004 00110000", &list);
    flow.says(&[
        "\"function\":{\"code\":7,\"name\":\"userdata\"},\"sub_function\":{\"group\":4,\"code\":1,\"name\":\"read_szl\"},\"access\":\"identify\"",
        "szl_id=17 szl_index=0 szl_name=\"module_identification\"",
        "\"order_number\":\"6ES7 315-2EH14-0AB0\"",
        "\"version\":\"V3.2.7\"",
    ]);
    assert_eq!(
        flow.out.observations,
        [
            "A model=\"6ES7 315-2EH14-0AB0\" (s7comm.szl.0011.order_number)",
            "A hardware=3 (s7comm.szl.0011.hardware_version)",
            "A firmware=\"V3.2.7\" (s7comm.szl.0011.firmware_version)",
        ]
    );
    let protection = "ff09 0030 0232 0004 0028 0001 0004 0001 0000 0003 0001".to_owned() + &"00".repeat(30);
    let flow = ask((4, 1), "ff09 0004 02320004", &protection);
    flow.says(&["\"protection_level\":3,\"mode_switch\":\"run\""]);
    assert_eq!(flow.out.observations, ["A protection_level=3 (s7comm.szl.0232.protection_level)"]);
    let mode = "ff09 001c 0424 0000 0014 0001 5144ff0400000000000000001602081451375692";
    ask((4, 1), "ff09 0004 04240000", mode).says(&["\"mode\":\"stop\"", "\"time\":\"2016-02-08T14:51:37.569\""]);
    let refused = message(7, 5, None, &hex("000112081284010100 00d401"), &hex("0a000000"));
    exchange(&userdata(5, 4, (4, 1), "ff09000400110000"), &refused)
        .says(&["\"result\":\"rejected\",\"code\":54273,\"name\":\"invalid_szl_id\""]);
}

#[test]
fn a_list_in_parts_is_put_together() {
    let name = |index: u8, text: &str| format!("00{index:02x}") + &hex_of(text) + &"00".repeat(32 - text.len());
    let records = name(1, "Plant A") + &name(5, "S C-X1");
    let (first, rest) = records.split_at(80);
    let mut flow = flow();
    flow.ask(&userdata(5, 4, (4, 1), "ff09 0004 001c0000"));
    let head = |more: u8| hex(&format!("0001120812840101 d5{more:02x}0000"));
    flow.answer(&message(7, 5, None, &head(1), &hex(&format!("ff09 0030 001c0000 0022 0002 {first}"))));
    flow.says(&["szl_id=28", "part=213"]);
    flow.ask(&message(7, 6, None, &hex("0001120812440101 00000000"), &hex("0a000000")));
    flow.answer(&message(7, 6, None, &head(0), &hex(&format!("ff09 {:04x} {rest}", rest.len() / 2))));
    flow.says(&["szl_id=28", "\"what\":\"serial_number\",\"value\":\"S C-X1\""]);
    assert_eq!(
        flow.out.observations,
        [
            "A system_name=\"Plant A\" (s7comm.szl.001c.automation_system_name)",
            "A serial=\"S C-X1\" (s7comm.szl.001c.serial_number)",
        ]
    );
}

fn hex_of(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_password_is_seen_and_never_told() {
    let flow = ask((5, 1), "ff09 0008 6465616462656566", "0a000000");
    flow.says(&["\"name\":\"password\"", "\"access\":\"configure\"", "password=\"(hidden)\""]);
    assert!(!flow.last().contains("6465616462656566") && !flow.last().contains("deadbeef"));
}

#[test]
fn test_functions_write_what_they_modify() {
    let table =
        "ff09 0040 0014 0028 0000000100010006000100010001000100010200 0003 030100000000 020100000004 717100050008
        0009 0004 4133851f 0009 0002 dead 0009 0001 01 00";
    // 0x71: bytes of a data block.
    let flow = ask((1, 8), table, "0a000000");
    flow.says(&[
        "modify_variable",
        "\"access\":\"write\"",
        "\"point\":\"MD0\"",
        "[57005]",
        "\"point\":\"DB5.DBB8-120\"",
    ]);
    for (code, name, access) in [
        (9, "force", "write"),
        (12, "memory_reset", "mode"),
        (13, "disable_job", "configure"),
        (22, "flash_led", "configure"),
    ] {
        ask((1, code), "ff09 0000", "0a000000").says(&[&format!("\"name\":\"{name}\"}},\"access\":\"{access}\"")]);
    }
}

#[test]
fn cyclic_jobs_are_read_and_their_reports() {
    let mut flow = ask((2, 1), "ff09 0010 0001 01 05 120a10 02 0002 0001 84 000010", "ff09 0008 0001 ff04 0010 0102");
    flow.says(&[
        "cyclic_transfer",
        "\"access\":\"read\"",
        "\"point\":\"DB1.DBW2\"",
        "[1,2]",
        "interval_ms=5000",
        "job=1",
    ]);
    flow.answer(&userdata(0, 0, (2, 1), "ff09 0008 0001 ff04 0010 0304"));
    flow.says(&["client s7comm", "\"access\":\"report\"", "\"point\":\"DB1.DBW2\"", "[3,4]", "->7"]);
    flow.ask(&userdata(6, 4, (2, 4), "ff09 0002 0101")).answer(&userdata(6, 8, (2, 4), "0a000000"));
    flow.says(&["unsubscribe", "job_kind=1"]);
    flow.answer(&userdata(0, 0, (2, 1), "ff09 0008 0001 ff04 0010 0506"));
    flow.says(&["\"access\":\"report\"", "\"points\":[]", "response_data"]);
}

#[test]
fn what_the_controller_says_by_itself_is_a_report_to_the_client() {
    let mut flow = flow();
    flow.answer(&userdata(0, 0, (0, 0), ""));
    flow.says(&["client s7comm", "\"name\":\"stop\"},\"access\":\"report\"", "group=\"mode_transition\""]);
    flow.answer(&userdata(0, 0, (4, 5), "ff09 0016 9401060027203975 4001 120a1608000000af 0000fefe"));
    flow.says(&["alarm_8_indication", "time=\"1994-01-06T00:27:20.397\" alarm_count=1 event_ids=[175]"]);
    flow.answer(&userdata(0, 0, (4, 3), "ff09 0014 4302ff68c70000000b1077101408201153592024"));
    flow.says(&["diagnostic_message", "event_id=17154 priority=255"]);
}

#[test]
fn wiresharks_names_of_group_four() {
    // An operator's acknowledgement is what others take for an indication.
    for (code, name, access) in [
        (0x0B, "alarm_ack", "configure"),
        (0x07, "alarm_8_lock", "configure"),
        (0x13, "alarm_query", "read"),
        (0x02, "message_service", "configure"),
    ] {
        ask((4, code), "ff09 000a 0001 1208 1900 000000af 00", "ff09 0000")
            .says(&[&format!("\"code\":{code},\"name\":\"{name}\"}},\"access\":\"{access}\"")]);
    }
}

#[test]
fn blocks_and_clocks() {
    ask((3, 1), "0a000000", "ff09 0008 3038 0001 3041 0002").says(&["list_blocks", "block_counts={\"OB\":1,\"DB\":2}"]);
    ask((3, 2), "ff09 0002 3041", "ff09 0008 00012205 00022205").says(&["block_type=\"DB\" block_numbers=[1,2]"]);
    let info = "ff09 004e 0100 004a 2200 7070 0302 07 0b 0001 0000009e 80000000 0236 6418 2c1e 04ef6d80 122c 0000 0032 0000 0024
        53544550203720202020202020202020202020202020202000005bb13152481400000000";
    ask((3, 3), "ff09 0008 3042303030303141", info).says(&[
        "\"point\":\"SDB1\"",
        "\"author\":\"STEP 7\"",
        "\"checksum\":23473",
        "2014-12-03T10:18:39.000",
    ]);
    ask((7, 1), "0a000000", "ff09 000a 00191602081451379162")
        .says(&["read_clock", "clock=\"2016-02-08T14:51:37.916\""]);
    ask((7, 2), "ff09 000a 00191602082308100002", "0a000000").says(&[
        "set_clock",
        "\"access\":\"configure\"",
        "23:08:10.000",
    ]);
    ask((2, 9), "ff09 0001 07", "0a000000").says(&["\"code\":9,\"name\":null},\"access\":\"read\""]);
}
