//! File transfer: names, sizes, digests; no contents and no passwords.

use super::*;
use sha2::Digest;

fn open(sequence: u8, mode: u8) -> Vec<u8> {
    request(
        sequence,
        25,
        &format!("4603 5b 01 1f00 1a00 0500 e80300000000 ff01 2a000000 0b000000 {mode:02x}00 0004 0700 612e747874"),
    )
}

fn opened(sequence: u8) -> Vec<u8> {
    response(sequence, "4604 5b 01 0d00 78563412 0b000000 0004 0700 00")
}

fn block(number: u32, content: &[u8]) -> String {
    let body = [&0x1234_5678_u32.to_le_bytes()[..], &number.to_le_bytes(), content].concat();
    let text: String = body.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("4605 5b 01 {:02x}00 {text}", body.len())
}

fn file(record: &Record) -> String {
    record.detail.split("file=").nth(1).unwrap().to_string()
}

fn digest(content: &[u8]) -> String {
    sha2::Sha256::digest(content).iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn a_file_that_is_read_has_its_digest() {
    let mut flow = Flow::tcp();
    flow.ask(&open(0, 1)).answer(&opened(0));
    flow.ask(&request(1, 1, &block(0, b""))).answer(&response(1, &block(0, b"hello ")));
    assert_eq!(
        file(flow.last()),
        "{name=a.txt mode=read direction=from_outstation handle=305419896 size=11 block=0 bytes=6 last=false}"
    );
    assert_eq!((flow.last().sub, flow.last().access), (Some("file_block"), "read"));
    flow.ask(&request(2, 1, &block(1, b""))).answer(&response(2, &block(0x8000_0001, b"world")));
    let whole = digest(b"hello world");
    assert!(
        file(flow.last()).ends_with(&format!("bytes=11 last=true complete=true sha256=x{whole}}}")),
        "{}",
        file(flow.last())
    );
    flow.ask(&request(3, 26, "4604 5b 01 0d00 78563412 00000000 0004 0800 00"));
    flow.answer(&response(3, "4604 5b 01 0d00 78563412 00000000 0004 0800 00"));
    assert!(file(flow.last()).ends_with(&format!("complete=true sha256=x{whole}}}")));
    assert!(flow.records().iter().all(|record| record.anomalies.is_empty()));
    assert!(!format!("{:?}", flow.records()).contains("hello"));
}

#[test]
fn a_file_that_is_written_has_its_digest() {
    let mut flow = Flow::tcp();
    flow.ask(&open(0, 2)).answer(&opened(0));
    assert_eq!((flow.last().sub, flow.last().access), (Some("write"), "configure"));
    assert!(file(flow.last()).contains("mode=write direction=to_outstation"));
    assert!(file(flow.last()).contains("password_seen=true"), "the key of the open");
    let status = "4606 5b 01 0900 78563412 00000080 00";
    flow.ask(&request(1, 2, &block(0x8000_0000, b"config"))).answer(&response(1, status));
    assert_eq!((flow.last().sub, flow.last().access), (Some("file_block"), "configure"));
    assert!(file(flow.last()).ends_with(&format!("bytes=6 last=true complete=true sha256=x{}}}", digest(b"config"))));
}

#[test]
fn blocks_out_of_order_are_told() {
    let mut flow = Flow::tcp();
    flow.ask(&open(0, 1)).answer(&opened(0));
    flow.ask(&request(1, 1, &block(0, b""))).answer(&response(1, &block(0, b"a")));
    flow.ask(&request(2, 1, &block(0, b""))).answer(&response(2, &block(0, b"a")));
    assert!(flow.last().anomalies.is_empty(), "a block again is no error");
    flow.ask(&request(3, 1, &block(2, b""))).answer(&response(3, &block(0x8000_0002, b"c")));
    assert_eq!(flow.last().anomalies, ["file_block_sequence"]);
    assert!(file(flow.last()).contains("bytes=2 last=true complete=false"));
    // After a loss nobody knows.
    let mut flow = Flow::tcp();
    flow.ask(&open(0, 1)).answer(&opened(0)).gap(OUTSTATION);
    flow.ask(&request(3, 1, &block(2, b""))).answer(&response(3, &block(2, b"c")));
    assert!(flow.last().anomalies.is_empty());
}

#[test]
fn passwords_are_seen_and_not_told() {
    let mut flow = Flow::tcp();
    let sample = super::functions::SAMPLES.iter().find(|sample| sample.function == 29).unwrap();
    flow.ask(&request(0, 29, sample.request)).answer(&response(0, sample.response));
    assert_eq!(file(flow.last()), "{user=root password_seen=true}");
    let said = format!("{:?}", flow.records());
    assert!(!said.contains("hunter") && !said.contains("68756e"), "{said}");
    assert!(!said.contains("3735928559") && !said.contains("deadbeef"), "the key: {said}");
}
