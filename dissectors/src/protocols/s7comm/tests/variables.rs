use super::*;

/// One item of syntax ANY: type, count, block, area, address in bits.
fn any(of: u8, count: u16, block: u16, area: u8, address: u32) -> String {
    format!("120a10{of:02x}{count:04x}{block:04x}{area:02x}{address:06x}")
}

fn read(item: &str, answer: &str) -> Flow {
    exchange(&job(7, &format!("0401{item}"), ""), &done(7, "0401", answer))
}

#[test]
fn each_type_has_its_values() {
    for (item, answer, point, values) in [
        (any(1, 1, 10, 0x84, 16), "ff03 0001 01", "DB10.DBX2.0", "[true]"),
        (any(2, 3, 10, 0x84, 16), "ff04 0018 010203", "DB10.DBB2-4", "[1,2,3]"),
        (any(3, 5, 10, 0x84, 0), "ff09 0005 50756d7037", "DB10.DBB0-4", "[\"Pump7\"]"),
        (any(4, 1, 10, 0x84, 16), "ff04 0010 fffe", "DB10.DBW2", "[65534]"),
        (any(5, 2, 10, 0x84, 16), "ff05 0020 fffe0007", "DB10.DBD2", "[-2,7]"),
        (any(6, 1, 10, 0x84, 16), "ff04 0020 fffffffe", "DB10.DBD2", "[4294967294]"),
        (any(7, 1, 0, 0x83, 32), "ff06 0004 fffffffe", "MD4", "[-2]"),
        (any(8, 1, 0, 0x83, 32), "ff07 0004 41480000", "MD4", "[12.5]"),
        (any(9, 1, 0, 0x83, 32), "ff04 0010 0000", "MW4", "[\"1990-01-01\"]"),
        (any(11, 1, 0, 0x83, 32), "ff04 0020 fffffc18", "MD4", "[-1000]"),
        (any(12, 1, 0, 0x83, 32), "ff04 0010 2127", "MW4", "[127000]"),
        (any(15, 1, 0, 0x83, 32), "ff04 0040 1612151806429875", "MB4-11", "[\"2016-12-15T18:06:42.987\"]"),
        (any(28, 2, 0, 0x1C, 5), "ff09 0004 00120999", "C5-6", "[12,999]"),
        (any(29, 1, 0, 0x1D, 9), "ff09 0002 2127", "T9", "[127000]"),
        (any(29, 1, 0, 0x1D, 9), "ff09 0002 dead", "T9", "[222,173]"),
        (any(2, 1, 0, 0x81, 0), "ff04 0008 05", "IB0", "[5]"),
        (any(1, 1, 0, 0x82, 9), "ff03 0001 00", "Q1.1", "[false]"),
        (any(2, 2, 3, 0x85, 8), "ff04 0010 0102", "DI3.DIW1", "[1,2]"),
        (any(2, 1, 0, 0x88, 8), "ff04 0008 01", "area:136/8-15", "[1]"),
    ] {
        let flow = read(&item, answer);
        flow.says(&[
            "client s7comm \"unit\":\"0/2\",\"function\":{\"code\":4,\"name\":\"read_var\"},\"access\":\"read\"",
            &format!("\"point\":\"{point}\","),
            &format!("\"values\":{values}"),
            "\"result\":\"accepted\"},\"anomalies\":[]",
            "5>6",
        ]);
    }
}

#[test]
fn several_items_each_with_its_code_and_bytes_that_fill_up() {
    let items = [any(2, 1, 1, 0x84, 0), any(1, 1, 1, 0x84, 8), any(4, 1, 99, 0x84, 0), any(8, 1, 0, 0x83, 0)].concat();
    let answer = "ff04 0008 07 00 ff03 0001 01 00 0a00 0000 ff07 0004 3f800000";
    let flow = exchange(&job(7, &format!("0404{items}"), ""), &done(7, "0404", answer));
    flow.says(&[
        "\"point\":\"DB1.DBB0\",\"kind\":\"data_block\",\"block\":1,\"first\":0,\"last\":7,\"access\":\"read\",\"values\":[7],\"type\":\"byte\"",
        "\"point\":\"DB1.DBX1.0\"",
        "\"point\":\"DB99.DBW0\",\"kind\":\"data_block\",\"block\":99,\"first\":0,\"last\":15,\"access\":\"read\",\"values\":null,\"type\":\"word\",\"return_code\":10,\"return_name\":\"object_does_not_exist\"",
        "\"values\":[1.0],\"type\":\"real\"",
        "\"result\":\"accepted\"},\"anomalies\":[]",
    ]);
}

#[test]
fn a_write_is_rejected_when_no_item_is_accepted() {
    let items = [any(4, 1, 1, 0x84, 0), any(1, 1, 0, 0x83, 33)].concat();
    let write = job(7, &format!("0502{items}"), "0004 0010 1234 0003 0001 01");
    exchange(&write, &done(7, "0502", "ff05")).says(&[
        "\"values\":[4660]",
        "M4.1",
        "\"result\":\"accepted\"",
        "\"access\":\"write\"",
    ]);
    exchange(&write, &done(7, "0502", "0505"))
        .says(&["\"result\":\"rejected\",\"code\":5,\"name\":\"invalid_address\""]);
    let refused = message(3, 7, Some(0x8104), &[], &[]);
    exchange(&write, &refused)
        .says(&["\"code\":33028,\"name\":\"service_not_implemented_or_frame_error\"", "\"values\":[4660]"]);
}

#[test]
fn ways_to_address_that_are_not_any() {
    // A symbol of an S7-1200: data block 7, identifier 9 in it.
    let symbol = "120e b2 ff 8a0e 0007 12345678 20000009";
    read(symbol, "ff04 0010 0102").says(&[
        "\"point\":\"symbol:DB7.9\"",
        "\"name\":\"DB7.9\"",
        "\"symbol_crc\":305419896",
        "[258]",
    ]);
    // A numerical control: channel 1, module 0x7F, column 1, line 2.
    read("1208 82 41 0001 0002 7f 01", "ff09 0002 0102").says(&["\"point\":\"nck:C1/127:1/2\"", "[1,2]"]);
    // Two ranges of data blocks in one item: a code and the bytes of each.
    read("120c b0 02 02 0001 000a 01 0002 0000", "ff09 0005 ff1234 0a 00").says(&[
        "\"point\":\"DB1.DBW10\",\"kind\":\"data_block\",\"block\":1,\"first\":80,\"last\":95,\"access\":\"read\",\"values\":[18,52]",
        "\"point\":\"DB2.DBB0\"",
        "\"return_code\":10",
    ]);
    read("1204 77 010203", "ff04 0008 01").says(&["\"point\":\"symbol:77/010203\"", "invalid_item"]);
}

#[test]
fn what_is_wrong_is_said() {
    let item = any(2, 2, 1, 0x84, 0);
    let anomaly =
        |request: &[u8], response: &[u8], name: &str| exchange(request, response).says(&[&format!("\"{name}\"")]);
    let read = |parameters: &str| job(7, parameters, "");
    let one = format!("0401{item}");
    let answer = "ff04 0010 0102";
    anomaly(&read(&one), &done(7, "0402", answer), "response_mismatch");
    anomaly(&read(&format!("0402{item}")), &done(7, "0402", answer), "invalid_item");
    anomaly(&read(&format!("0401{item}{item}")), &done(7, "0401", answer), "invalid_item");
    anomaly(&read(&one), &done(7, "0401", "ff04 0080 01"), "invalid_length");
    anomaly(
        &read(&format!("0401{}", any(8, 65_535, 1, 0x84, 0xFF_FF00))),
        &done(7, "0401", answer),
        "address_overflow",
    );
    anomaly(&read("77 01020304"), &done(7, "77", ""), "unknown_function");
}

#[test]
fn an_answer_alone_tells_its_codes() {
    let mut flow = Flow::new(None);
    flow.answer(&done(7, "0502", "ff05")).finish(crate::protocols::Ending::CaptureEnd);
    flow.says(&["client s7comm \"unit\":null", "write_var", "return_codes=[255,5]", "\"anomalies\":[]", "->1"]);
}

#[test]
fn the_short_way_makes_the_same_points_as_the_general_one() {
    use super::super::message::variables::{NOTHING, Reader, Spec};
    use crate::transaction::Access;
    use bumpalo::Bump;
    let mut dice = Dice(0x57A2);
    let mut short = 0;
    for _ in 0..20_000 {
        let (mut items, mut content) = (Vec::new(), Vec::new());
        let count = dice.roll(4) + 1;
        for number in 1..=count {
            let (of, size) = [(1, 1), (2, 1), (4, 2), (5, 2), (6, 4), (7, 4), (8, 4), (28, 2), (3, 1)][dice.roll(9)];
            let values = if of == 1 { 1 } else { dice.roll(5) as u16 + u16::from(dice.roll(20) > 0) };
            let area = [0x84, 0x83, 0x81, 0x1C, 0x84][dice.roll(5)];
            items.extend(hex(&any(of, values, 7, area, [8, 16, 0xFF_FFF0][dice.roll(3)])));
            let length = usize::from(values) * size;
            let code = if dice.roll(12) == 0 { 5 } else { 0xFF };
            content.extend([code, 9]);
            content.extend(u16::try_from(length).unwrap().to_be_bytes());
            content.extend((0..length).map(|_| dice.roll(256) as u8));
            if length % 2 == 1 && number < count {
                content.push(0);
            }
        }
        if dice.roll(10) == 0 {
            content.pop();
        }
        let spec = Spec { items: &items, count, access: Access::Read, data: Some(&content), codes: None };
        let arena = Bump::new();
        let (mut one, mut other) = ([NOTHING; 8], [NOTHING; 8]);
        if let Some(filled) = super::super::message::usual::fill(&spec, &mut one) {
            short += 1;
            let mut reader = Reader::new(Access::Read, &arena);
            assert_eq!(reader.fill_any(&spec, &mut other), filled);
            assert_eq!(one[..filled], other[..filled]);
            assert!(reader.anomalies.is_empty());
        }
    }
    assert!(short > 2_000, "{short}");
}
