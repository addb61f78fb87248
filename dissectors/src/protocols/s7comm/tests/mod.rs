//! Tests of S7comm.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod hostile;
mod pairing;
mod programs;
mod speed;
mod userdata;
mod variables;

use crate::protocols::cotp::tests::{CLIENT, Collector, Dice, Flow, SECOND, SERVER, data, hex};

/// A job: reference, parameters, data.
fn job(reference: u16, parameters: &str, content: &str) -> Vec<u8> {
    message(1, reference, None, &hex(parameters), &hex(content))
}

/// Its answer without error.
fn done(reference: u16, parameters: &str, content: &str) -> Vec<u8> {
    message(3, reference, Some(0), &hex(parameters), &hex(content))
}

/// Userdata: what it is (4 request, 8 response, 0 report), group and code, data.
fn userdata(reference: u16, way: u8, (group, code): (u8, u8), content: &str) -> Vec<u8> {
    let kind = way << 4 | group;
    let parameters = match way {
        4 => vec![0, 1, 0x12, 4, 0x11, kind, code, 0],
        _ => vec![0, 1, 0x12, 8, 0x12, kind, code, 1, 0, 0, 0, 0],
    };
    message(7, reference, None, &parameters, &hex(content))
}

fn message(rosctr: u8, reference: u16, error: Option<u16>, parameters: &[u8], content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x32, rosctr, 0, 0];
    bytes.extend(reference.to_be_bytes());
    bytes.extend(u16::try_from(parameters.len()).unwrap().to_be_bytes());
    bytes.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
    bytes.extend(error.into_iter().flat_map(u16::to_be_bytes));
    bytes.extend(parameters);
    bytes.extend(content);
    data(&bytes, true)
}

/// A flow that is at work: the set-up is told.
fn flow() -> Flow {
    let mut flow = Flow::open();
    flow.ask(&job(0, "f000 0001 0001 01e0", "")).answer(&done(0, "f000 0001 0001 00f0", ""));
    flow.out = Collector::default();
    flow
}

/// One exchange's record.
fn exchange(request: &[u8], response: &[u8]) -> Flow {
    let mut flow = flow();
    flow.ask(request).answer(response);
    assert_eq!((flow.out.lines.len(), flow.malformed.len()), (1, 0), "{:?} {:?}", flow.out.lines, flow.malformed);
    flow
}
