//! Connections, chunks, secure channels, sessions, time.

use super::craft::*;
use super::services::samples;
use super::*;

/// A certificate of `O=Plant, CN=hmi` with the application URI `urn:hmi`, made with openssl.
const CERTIFICATE: &str = "\
    308201a930820150a00302010202146a65df26fd126dc790774611afa557044f2f7ea8300a06082a8648ce3d040302301e310e300c060355040a0c05\
    506c616e74310c300a06035504030c03686d69301e170d3236313132343130353735335a170d3336313132313130353735335a301e310e300c060355\
    040a0c05506c616e74310c300a06035504030c03686d693059301306072a8648ce3d020106082a8648ce3d03010703420004da2f4fec07b48839a9bb\
    2905a524bce15b456837e83bf7079194e5d34e783a4660f77c8a4b57e6a4c4ad71f43238d3f6f287dd0c0ec7392e5d2bebede52cbc48a36c306a301d\
    0603551d0e04160414f82df594241363211d53ab98550a3cba03d01d7d301f0603551d23041830168014f82df594241363211d53ab98550a3cba03d0\
    1d7d300f0603551d130101ff040530030101ff30170603551d110410300e860775726e3a686d698203686d69300a06082a8648ce3d04030203470030\
    440220288a4d9fa7e505045cd852113f2d3fa3d379b1d3e976e56514d86de3f6b47b1002204e9227e1932061dfebb3602f6552a292d0299d9905724d\
    3efce6fea1677c58d0\
";

fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter_map(|c| (c as char).to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn read() -> (Vec<u8>, Vec<u8>) {
    let sample = &samples()[0];
    (sample.request.0.clone(), sample.response.0.clone())
}

#[test]
fn the_begin_of_a_connection_is_told() {
    let flow = Flow::session();
    let names: Vec<_> = flow.out.records.iter().map(|record| (record.name, record.outcome.as_str())).collect();
    let expected =
        ["hello", "open_secure_channel", "create_session", "activate_session"].map(|name| (name, "accepted"));
    assert_eq!(names, expected);
    let [hello, open, create, activate] = &flow.out.records[..] else { panic!() };
    assert!(hello.says("endpoint_url=opc.tcp://plc:4840") && hello.detail.contains("receive_buffer=65536"));
    assert!(open.says("request_type=issue") && open.says("token_id=1") && open.says("security_policy=None"));
    assert!(create.says("session_name=session of the HMI") && create.detail.contains("application_uri=urn:hmi"));
    assert!(
        activate.says("user=operator") && activate.says("user_type=user_name") && activate.says("secret_hidden=true")
    );
    assert!(activate.says("password_in_clear=true") && activate.anomalies.is_empty());
    assert!(open.tag != 0 && open.tag == create.tag && create.tag != activate.tag);
}

#[test]
fn another_user_is_another_operation_and_the_same_is_the_same() {
    let tag = |name: &str| {
        let mut flow = Flow::open();
        session_with(&[endpoint(1, NONE)], &user(name)).iter().for_each(|(side, bytes)| _ = flow.send(*side, bytes));
        let (asked, answered) = read();
        flow.call(4, &asked, &answered).tag
    };
    assert_eq!(tag("operator"), tag("operator"));
    assert_ne!(tag("operator"), tag("engineer"));
}

#[test]
fn a_refused_activation_tells_who_tried_and_changes_nothing() {
    let mut flow = Flow::session();
    let activate = request(467).null().null().i32(0).i32(0).raw(&user("eve").0).null().null();
    let record = flow.call(4, &activate.0, &response(397, 0x8021_0000).0);
    assert!(record.says("user=eve") && record.outcome.ends_with("bad_identity_token_rejected"), "{record:?}");
    let (asked, answered) = read();
    assert!(flow.call(5, &asked, &answered).says("user=operator"));
}

#[test]
fn who_receives_a_reverse_hello_is_client() {
    let mut flow = Flow::blank(Some(SERVER));
    flow.answer(&framed(b"RHE", b'F', &wire().text("urn:plc").text("opc.tcp://plc:4840").0));
    assert_eq!((flow.last().name, flow.last().client), ("reverse_hello", CLIENT));
    setup().iter().chain(&session()).for_each(|(side, bytes)| _ = flow.send(*side, bytes));
    assert!(flow.out.records.iter().all(|record| record.client == CLIENT));
    assert!(flow.last().says("user=operator"));
}

#[test]
fn what_was_asked_before_a_session_is_closed_is_still_its() {
    let mut flow = Flow::session();
    let of = |name: &str| samples().into_iter().find(|sample| sample.name == name).unwrap();
    let (publish, close) = (of("publish"), of("close_session"));
    flow.ask(&message(4, &publish.request.0));
    flow.call(5, &close.request.0, &close.response.0);
    flow.ask(&message(6, &publish.request.0));
    let all = flow.finish(Ending::Closed);
    let [.., before, after] = &all.records[..] else { panic!() };
    assert!(before.says("user=operator") && before.anomalies.is_empty(), "{before:?}");
    assert!(after.says("user_type=unknown") && after.anomalies == ["unknown_session"], "{after:?}");
}

#[test]
fn midstream_says_what_is_unknown() {
    let mut flow = Flow::blank(None);
    let (asked, answered) = read();
    let record = flow.call(4, &asked, &answered);
    assert!(record.says("security_mode=unknown") && record.says("user_type=unknown"), "{record:?}");
    assert_eq!((record.anomalies.len(), record.tag, record.points.len()), (0, 0, 3));
    flow.answer(&chunk(b'F', 5, 40, &answered));
    assert_eq!((flow.last().outcome.as_str(), flow.last().anomalies.len()), ("accepted", 0));
}

#[test]
fn an_error_answers_hello_or_nothing() {
    let error = framed(b"ERR", b'F', &wire().u32(0x8083_0000).text("no such endpoint").0);
    let mut flow = Flow::blank(Some(CLIENT));
    flow.ask(&hello()[0].1).answer(&error);
    assert_eq!(
        (flow.last().name, flow.last().outcome.as_str()),
        ("hello", "rejected 0x80830000 bad_tcp_endpoint_url_invalid")
    );
    flow.answer(&error);
    assert_eq!(flow.last().name, "error");
    assert!(flow.last().says("reason=no such endpoint"));
}

#[test]
fn limits_are_kept_an_eye_on() {
    let limits = |n: u32, message: u32| wire().u32(0).u32(n).u32(n).u32(message).u32(2);
    let mut flow = Flow::blank(Some(CLIENT));
    flow.ask(&framed(b"HEL", b'F', &limits(8192, 0).text("u").0)).answer(&framed(b"ACK", b'F', &limits(9000, 9000).0));
    assert_eq!(flow.last().anomalies, ["limit_raised"]);
    setup()[2..].iter().chain(&session()).for_each(|(side, bytes)| _ = flow.send(*side, bytes));
    let large = request(673).i32(1).named(2, "x").u32(13).null().u8(1).u8(15).i32(9_500).raw(&[7; 9_500]);
    let record = flow.call(4, &large.0, &response(676, 0).i32(1).u32(0).i32(0).0);
    assert_eq!(record.anomalies, ["chunk_too_large", "message_too_large"]);
    for (number, part) in [(5, b'C'), (6, b'C'), (7, b'F')] {
        flow.ask(&chunk(part, number, 9, &[0; 30]));
    }
    let all = flow.finish(Ending::Closed);
    assert_eq!(all.records.last().unwrap().anomalies, ["message_too_large", "unknown_service"]);
}

#[test]
fn chunks_become_one_message() {
    let (asked, answered) = read();
    let mut flow = Flow::session();
    let (first, rest) = asked.split_at(30);
    let (second, third) = rest.split_at(10);
    flow.ask(&chunk(b'C', 4, 4, first)).ask(&chunk(b'C', 5, 4, second)).ask(&chunk(b'F', 6, 4, third));
    let (first, second) = answered.split_at(20);
    flow.answer(&chunk(b'C', 4, 4, first)).answer(&chunk(b'F', 5, 4, second));
    let record = flow.last();
    assert_eq!((record.name, record.points.len(), record.anomalies.len()), ("read", 3, 0), "{record:?}");
    assert!(record.says("request_chunks=3") && record.says("response_chunks=2"));
}

#[test]
fn what_is_wrong_with_chunks_is_told() {
    let (asked, answered) = read();
    let mut flow = Flow::session();
    flow.ask(&chunk(b'C', 4, 4, &asked[..40])).ask(&chunk(b'F', 5, 8, &asked));
    flow.answer(&message(8, &answered));
    assert_eq!(flow.last().anomalies, ["chunk_order", "sequence_gap"]);
    flow.ask(&chunk(b'F', 9, 9, &asked)).answer(&message(9, &answered));
    assert_eq!(flow.last().anomalies, ["sequence_gap"]);
    flow.ask(&chunk(b'F', 9, 10, &asked)).answer(&message(10, &answered));
    assert_eq!(flow.last().anomalies, ["sequence_reused"]);
    let abort = wire().u32(0x80B8_0000).text("too large");
    flow.ask(&message(10, &asked)).answer(&chunk(b'C', 11, 10, &answered[..50])).answer(&chunk(b'A', 12, 10, &abort.0));
    let record = flow.last();
    assert_eq!(record.anomalies, ["aborted"], "{record:?}");
    assert_eq!(record.points.len(), 3);
}

#[test]
fn channels_and_tokens_are_kept_an_eye_on() {
    let (asked, answered) = read();
    let with = |channel: u32, token: u32, number: u32| {
        framed(b"MSG", b'F', &wire().u32(channel).u32(token).u32(number).u32(number).raw(&asked).0)
    };
    let mut flow = Flow::session();
    for (channel, token, number, expected) in
        [(8, 1, 4, "unknown_channel"), (9, 2, 5, "unknown_token"), (9, 1, 6, "token_reused")]
    {
        flow.ask(&with(channel, token, number)).answer(&message(number, &answered));
        assert_eq!(flow.last().anomalies, [expected]);
    }
}

/// OPN with a policy: what follows the certificates is encrypted.
fn sealed_open(channel: u32, policy: &str) -> Vec<u8> {
    let head = wire().u32(channel).text(policy).i32(bytes(CERTIFICATE).len() as i32).raw(&bytes(CERTIFICATE)).i32(20);
    framed(b"OPN", b'F', &head.raw(&[0xAA; 20]).raw(&[0x5A; 256]).0)
}

#[test]
fn what_is_encrypted_is_counted_and_not_read() {
    let mut flow = Flow::blank(Some(CLIENT));
    hello().iter().for_each(|(side, bytes)| _ = flow.send(*side, bytes));
    flow.ask(&sealed_open(0, BASIC256SHA256)).answer(&sealed_open(9, BASIC256SHA256));
    let open = flow.last();
    assert_eq!(
        (open.name, open.outcome.as_str(), open.anomalies.len()),
        ("open_secure_channel", "accepted", 0),
        "{open:?}"
    );
    assert!(open.says("content=encrypted") && open.says("security_policy=Basic256Sha256"));
    for said in ["subject=O=Plant, CN=hmi", "self_signed=true", "key_type=ec key_bits=256", "application_uri=urn:hmi"] {
        assert!(open.detail.contains(said), "{said}: {}", open.detail);
    }
    assert!(flow.out.observations.iter().any(|said| said.starts_with("B certificate_subject=O=Plant, CN=hmi")));
    flow.ask(&message(5, &[0x77; 64])).answer(&message(6, &[0x78; 64]));
    assert!(flow.dissector.is_encrypted() && !Flow::session().dissector.is_encrypted());
    let [.., asked, answered] = &flow.out.records[..] else { panic!() };
    for (record, direction) in [(asked, "request"), (answered, "response")] {
        assert_eq!((record.name, record.outcome.as_str(), record.client), ("encrypted_message", "unknown", CLIENT));
        assert!(record.says("security_mode=sign_and_encrypt") && record.says("size=88"));
        assert!(record.says(&format!("direction={direction}")));
    }
    flow.ask(&sealed_open(9, BASIC256SHA256)).answer(&sealed_open(9, BASIC256SHA256));
    assert!(flow.last().says("renewals=1"));
    flow.ask(&framed(b"CLO", b'F', &wire().u32(9).u32(1).raw(&[0x66; 48]).0));
    assert_eq!(flow.last().name, "close_secure_channel");
}

#[test]
fn what_is_only_signed_is_read() {
    let mut flow = Flow::blank(Some(CLIENT));
    hello().iter().for_each(|(side, bytes)| _ = flow.send(*side, bytes));
    flow.ask(&sealed_open(0, BASIC256SHA256)).answer(&sealed_open(9, BASIC256SHA256));
    let signed = |number: u32, body: &[u8]| message(number, &[body, &[0xEE; 32][..]].concat());
    for (side, whole) in session() {
        let body = &whole[24..];
        let number = u32::from_le_bytes(whole[20..24].try_into().unwrap());
        flow.send(side, &signed(number, body));
    }
    let (asked, answered) = read();
    flow.ask(&signed(4, &asked)).answer(&signed(4, &answered));
    let record = flow.last();
    assert!(record.says("security_mode=sign") && record.says("user=operator"), "{record:?}");
    assert_eq!((record.points.len(), record.anomalies.len()), (3, 0));
}

#[test]
fn deprecated_policies_and_downgrades_are_told() {
    let mut flow = Flow::blank(Some(CLIENT));
    let old = "http://opcfoundation.org/UA/SecurityPolicy#Basic128Rsa15";
    hello().iter().for_each(|(side, bytes)| _ = flow.send(*side, bytes));
    flow.ask(&sealed_open(0, old)).answer(&sealed_open(9, old));
    assert!(flow.last().says("deprecated_policy=true") && flow.last().anomalies.is_empty());
    let mut flow = Flow::open();
    let offers = [endpoint(1, NONE), endpoint(3, BASIC256SHA256)];
    let anonymous = wire().extension(321, &wire().text("0"));
    session_with(&offers, &anonymous).iter().for_each(|(side, bytes)| _ = flow.send(*side, bytes));
    let [.., create, activate] = &flow.out.records[..] else { panic!() };
    assert!([create, activate].iter().all(|record| record.says("downgraded=true") && record.anomalies.is_empty()));
    assert!(activate.says("user_type=anonymous"));
}

#[test]
fn requests_wait_as_long_as_they_say() {
    let (asked, answered) = read();
    let mut flow = Flow::session();
    flow.ask(&message(4, &asked));
    flow.wait(9 * SECOND);
    assert_eq!(flow.last().name, "activate_session");
    flow.wait(2 * SECOND);
    assert_eq!((flow.last().name, flow.last().outcome.as_str()), ("read", "unanswered"));
    flow.answer(&message(4, &answered));
    assert_eq!(flow.out.anomalies, ["late_response"]);
    flow.answer(&message(5, &answered));
    assert_eq!(flow.last().anomalies, ["unsolicited_response"]);
}

#[test]
fn a_publish_waits_as_long_as_its_subscription_lives() {
    let mut flow = Flow::session();
    let of = |name: &str| samples().into_iter().find(|sample| sample.name == name).unwrap();
    let subscribe = of("create_subscription");
    flow.call(4, &subscribe.request.0, &subscribe.response.0);
    flow.ask(&message(5, &of("publish").request.0));
    flow.wait(490 * SECOND);
    assert_eq!(flow.last().name, "create_subscription");
    flow.wait(20 * SECOND);
    assert_eq!((flow.last().name, flow.last().outcome.as_str()), ("publish", "unanswered"));
}

#[test]
fn after_a_gap_nothing_is_blamed_on_anybody() {
    let (asked, answered) = read();
    let mut flow = Flow::session();
    flow.ask(&message(4, &asked)).gap(SERVER);
    flow.answer(&answered[10..40]).answer(&message(9, &answered));
    assert_eq!(flow.last().anomalies.len(), 0, "{:?}", flow.last());
    flow.wait(11 * SECOND);
    assert_eq!((flow.last().name, flow.last().outcome.as_str()), ("read", "unknown"));
    flow.ask(&chunk(b'F', 5, 10, &asked)).answer(&message(10, &answered));
    let record = flow.last();
    assert_eq!((record.points.len(), record.anomalies.len()), (3, 0), "{record:?}");
}

#[test]
fn too_many_of_anything_is_told() {
    let (asked, _) = read();
    let mut flow = Flow::session();
    for number in 4..=4 + super::super::pairing::MAX_OPEN_REQUESTS as u32 {
        flow.ask(&message(number, &asked));
    }
    assert_eq!(flow.last().anomalies, ["too_many_open_requests"]);
    let mut flow = Flow::session();
    flow.ask(&message(4, &asked)).ask(&chunk(b'F', 5, 4, &asked));
    let all = flow.finish(Ending::Closed);
    assert_eq!(all.records.last().unwrap().anomalies, ["request_reused"]);
    assert_eq!(all.records.last().unwrap().outcome, "unanswered");
}
