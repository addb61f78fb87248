//! Every service: request and response as points and fields.

use super::craft::*;
use super::*;
use crate::protocols::opcua::message::types::Reader;

/// A service: name, request, response, points, what its record says.
pub struct Sample {
    pub name: &'static str,
    pub request: Wire,
    pub response: Wire,
    pub points: &'static [&'static str],
    pub says: &'static [&'static str],
}

fn read_value_id(wire: Wire, attribute: u32) -> Wire {
    wire.u32(attribute).null().qualified(0, "")
}

fn item(node: Wire, handle: u32, filter: &Wire) -> Wire {
    read_value_id(node, 13).u32(2).u32(handle).f64(500.0).raw(&filter.0).u32(1).u8(1)
}

fn reference() -> Wire {
    wire().node(0, 35).u8(1).named(2, "Pump").qualified(2, "Pump").localized("Pump").u32(1).node(0, 61)
}

fn path() -> Wire {
    wire().i32(1).node(0, 47).u8(0).u8(1).qualified(2, "Speed")
}

fn changes(values: &[(u32, f64)]) -> Wire {
    let list =
        values.iter().fold(wire().i32(values.len() as i32), |list, (handle, value)| list.u32(*handle).double(*value));
    list.i32(0)
}

/// A NotificationMessage.
fn notification(type_id: u16, body: &Wire) -> Wire {
    wire().u32(4).i64(TIME).i32(1).extension(type_id, body)
}

fn published(notification: &Wire) -> Wire {
    response(829, 0).u32(7).i32(1).u32(4).u8(0).raw(&notification.0).i32(1).u32(0).i32(0)
}

fn raw_history() -> Wire {
    wire().u8(0).i64(TIME).i64(TIME + 10_000_000).u32(100).u8(0)
}

fn update(type_id: u16, body: &Wire) -> Wire {
    request(700).i32(1).extension(type_id, body)
}

fn updated() -> Wire {
    response(703, 0).i32(1).u32(0).i32(1).u32(0).i32(0).i32(0)
}

/// One of each service, in an order that works.
pub fn samples() -> Vec<Sample> {
    [attributes(), views(), others(), monitoring(), administration()].into_iter().flatten().collect()
}

fn attributes() -> Vec<Sample> {
    let read = request(631).f64(0.0).u32(2).i32(3).raw(&read_value_id(wire().named(2, "Pump/Speed"), 13).0);
    let read = read.raw(&read_value_id(wire().node(2, 1000), 13).0).raw(&read_value_id(wire().node(0, 2253), 3).0);
    let answer = response(634, 0).i32(3).double(12.5).u8(2).u32(0x8034_0000);
    let answer = answer.u8(1).u8(20).qualified(0, "Server").i32(0);
    let write = request(673).i32(2).named(2, "Pump/Speed").u32(13).null().u8(1).u8(11).f64(3.0);
    let write = write.node(2, 1001).u32(13).text("0:1").u8(1).u8(0x86).i32(2).i32(-5).i32(6);
    vec![
        Sample {
            name: "read",
            request: read,
            response: answer,
            points: &["read ns=2;s=Pump/Speed = 12.50", "read ns=2;i=1000 = ?", "read i=2253#BrowseName = Server"],
            says: &["timestamps_to_return=both", "operations_refused=1", "user=operator", "security_mode=none"],
        },
        Sample {
            name: "write",
            request: write,
            response: response(676, 0).i32(2).u32(0).u32(0x803B_0000).i32(0),
            points: &["write ns=2;s=Pump/Speed = 3.00", "write ns=2;i=1001 = -5,+6"],
            says: &["operations_refused=1", "application_uri=urn:hmi"],
        },
        Sample {
            name: "history_read",
            request: request(664)
                .extension(649, &raw_history())
                .u32(0)
                .u8(0)
                .i32(1)
                .named(2, "Pump/Speed")
                .null()
                .qualified(0, "")
                .null(),
            response: response(667, 0)
                .i32(1)
                .u32(0)
                .text("more")
                .extension(658, &wire().i32(2).double(1.0).double(2.0))
                .i32(0),
            points: &["read ns=2;s=Pump/Speed = 1.00,2.00"],
            says: &["history=raw", "start_time=+1735689600000000000", "values_per_node=100"],
        },
        Sample {
            name: "history_update",
            request: update(682, &wire().named(2, "Pump/Speed").u32(2).i32(1).double(9.0)),
            response: updated(),
            points: &["write ns=2;s=Pump/Speed = 9.00"],
            says: &[],
        },
        Sample {
            name: "history_update",
            request: update(688, &wire().named(2, "Pump/Speed").u8(0).i64(TIME).i64(TIME)),
            response: updated(),
            points: &["write ns=2;s=Pump/Speed = ?"],
            says: &[],
        },
    ]
}

fn views() -> Vec<Sample> {
    let browse =
        request(527).raw(&[0, 0]).i64(0).u32(0).u32(1).i32(1).node(0, 85).u32(0).node(0, 33).u8(1).u32(0).u32(63);
    vec![
        Sample {
            name: "browse",
            request: browse,
            response: response(530, 0).i32(1).u32(0).text("goes on").i32(1).raw(&reference().0).i32(0),
            points: &[
                "identify i=85#References = {node=ns=2;s=Pump reference_type=i=35 forward=true browse_name=2:Pump display_name=Pump node_class=object type_definition=i=61}",
            ],
            says: &["max_references=1"],
        },
        Sample {
            name: "browse_next",
            request: request(533).u8(0).i32(1).text("goes on"),
            response: response(536, 0).i32(1).u32(0).null().i32(0).i32(0),
            points: &["identify i=85#References = "],
            says: &["continuation_points=1"],
        },
        Sample {
            name: "translate_browse_paths",
            request: request(554).i32(1).node(0, 85).raw(&path().0),
            response: response(557, 0).i32(1).u32(0).i32(1).named(2, "Pump/Speed").u32(u32::MAX).i32(0),
            points: &["identify i=85#References = ns=2;s=Pump/Speed"],
            says: &[],
        },
        Sample {
            name: "register_nodes",
            request: request(560).i32(1).named(2, "Pump/Speed"),
            response: response(563, 0).i32(1).node(2, 7),
            points: &["identify ns=2;s=Pump/Speed#Node = ns=2;i=7"],
            says: &[],
        },
        Sample {
            name: "unregister_nodes",
            request: request(566).i32(1).node(2, 7),
            response: response(569, 0),
            points: &["identify ns=2;i=7#Node = ?"],
            says: &[],
        },
        Sample {
            name: "query_first",
            request: request(615)
                .raw(&[0, 0])
                .i64(0)
                .u32(0)
                .i32(1)
                .node(0, 58)
                .u8(1)
                .i32(1)
                .raw(&path().0)
                .u32(13)
                .null()
                .i32(1)
                .u32(0)
                .i32(1)
                .extension(597, &wire().u8(6).i32(4))
                .u32(10)
                .u32(0),
            response: response(618, 0)
                .i32(1)
                .named(2, "Pump")
                .node(0, 61)
                .i32(1)
                .u8(6)
                .i32(8)
                .null()
                .i32(0)
                .i32(0)
                .i32(0)
                .i32(0),
            points: &["read ns=2;s=Pump#Node = +8"],
            says: &["filter=[{operator=equals operands=[{literal=+4}]}]", "max_data_sets=10"],
        },
        Sample {
            name: "query_next",
            request: request(621).u8(0).text("x"),
            response: response(624, 0).i32(0).null(),
            points: &[],
            says: &["more=false"],
        },
    ]
}

fn others() -> Vec<Sample> {
    let user = request(712).i32(1).node(0, 24_290).node(0, 24_304).i32(2).u8(12).text("eve").u8(12).text("hunter2");
    vec![
        Sample {
            name: "call",
            request: request(712).i32(1).named(2, "Pump").named(2, "Pump.Start").i32(2).u8(1).u8(1).u8(12).text("now"),
            response: response(715, 0).i32(1).u32(0).i32(2).u32(0).u32(0).i32(0).i32(1).u8(6).i32(1).i32(0),
            points: &["write ns=2;s=Pump.Start#Call = true,now"],
            says: &[],
        },
        Sample {
            name: "call",
            request: user,
            response: response(715, 0).i32(1).u32(0).i32(0).i32(0).i32(0).i32(0),
            points: &["configure i=24304#Call = ?"],
            says: &[],
        },
        Sample {
            name: "add_nodes",
            request: request(488)
                .i32(1)
                .node(0, 85)
                .node(0, 35)
                .named(2, "New")
                .qualified(2, "New")
                .u32(2)
                .extension(357, &wire().u32(0))
                .node(0, 63),
            response: response(491, 0).i32(1).u32(0).named(2, "New").i32(0),
            points: &["configure ns=2;s=New#Node = ns=2;s=New"],
            says: &[],
        },
        Sample {
            name: "add_references",
            request: request(494).i32(1).named(2, "A").node(0, 35).u8(1).null().named(2, "B").u32(1),
            response: response(497, 0).i32(1).u32(0).i32(0),
            points: &["configure ns=2;s=A#References = ?"],
            says: &[],
        },
        Sample {
            name: "delete_references",
            request: request(506).i32(1).named(2, "A").node(0, 35).u8(1).named(2, "B").u8(1),
            response: response(509, 0).i32(1).u32(0).i32(0),
            points: &["configure ns=2;s=A#References = ?"],
            says: &[],
        },
        Sample {
            name: "delete_nodes",
            request: request(500).i32(1).named(2, "New").u8(1),
            response: response(503, 0).i32(1).u32(0x8034_0000).i32(0),
            points: &["configure ns=2;s=New#Node = ?"],
            says: &["operations_refused=1"],
        },
    ]
}

fn monitoring() -> Vec<Sample> {
    let deadband = wire().extension(724, &wire().u32(1).u32(1).f64(0.5));
    let items = request(751).u32(7).u32(2).i32(2).raw(&item(wire().named(2, "Pump/Speed"), 1, &deadband).0);
    let items = items.raw(&item(wire().node(2, 1000), 2, &wire().nothing()).0);
    let revised = |wire: Wire, id: u32| wire.u32(0).u32(id).f64(500.0).u32(1).nothing();
    let parameters = wire().u32(1).u32(5).f64(100.0).nothing().u32(1).u8(1);
    vec![
        Sample {
            name: "create_subscription",
            request: request(787).f64(500.0).u32(1000).u32(10).u32(0).u8(1).u8(0),
            response: response(790, 0).u32(7).f64(500.0).u32(1000).u32(10),
            points: &[],
            says: &["subscription_id=7", "revised_lifetime_count=1000"],
        },
        Sample {
            name: "create_monitored_items",
            request: items,
            response: revised(revised(response(754, 0).i32(2), 1), 2).i32(0),
            points: &["read ns=2;s=Pump/Speed = ?", "read ns=2;i=1000 = ?"],
            says: &["subscription_id=7"],
        },
        Sample {
            name: "publish",
            request: request(826).i32(1).u32(7).u32(3),
            response: published(&notification(811, &changes(&[(1, 1.5), (2, 2.5), (99, 3.5)]))),
            points: &["report ns=2;s=Pump/Speed = 1.50", "report ns=2;i=1000 = 2.50"],
            says: &["subscription_id=7", "sequence_number=4", "unnamed_values=[{client_handle=99 value=3.50}]"],
        },
        Sample {
            name: "publish",
            request: request(826).i32(0),
            response: published(&notification(916, &wire().i32(1).u32(1).i32(2).u8(12).text("Alarm").u8(5).u16(700))),
            points: &["report ns=2;s=Pump/Speed#EventNotifier = Alarm,700"],
            says: &[],
        },
        Sample {
            name: "modify_monitored_items",
            request: request(763).u32(7).u32(2).i32(1).raw(&parameters.0),
            response: response(766, 0).i32(1).u32(0).f64(100.0).u32(1).nothing().i32(0),
            points: &[],
            says: &["status_codes=[0]"],
        },
        Sample {
            name: "republish",
            request: request(832).u32(7).u32(4),
            response: response(835, 0).raw(&notification(811, &changes(&[(5, 1.5)])).0),
            points: &["report ns=2;s=Pump/Speed = 1.50"],
            says: &["retransmit_sequence_number=4"],
        },
        Sample {
            name: "set_monitoring_mode",
            request: request(769).u32(7).u32(0).i32(1).u32(1),
            response: response(772, 0).i32(1).u32(0).i32(0),
            points: &[],
            says: &["monitoring_mode=disabled", "monitored_item_ids=[1]"],
        },
        Sample {
            name: "set_triggering",
            request: request(775).u32(7).u32(1).i32(1).u32(2).i32(0),
            response: response(778, 0).i32(1).u32(0).i32(0).i32(0).i32(0),
            points: &[],
            says: &["links_to_add=[2]", "add_status_codes=[0]"],
        },
        Sample {
            name: "delete_monitored_items",
            request: request(781).u32(7).i32(1).u32(2),
            response: response(784, 0).i32(1).u32(0).i32(0),
            points: &[],
            says: &["monitored_item_ids=[2]"],
        },
        Sample {
            name: "publish",
            request: request(826).i32(0),
            response: published(&notification(811, &changes(&[(2, 2.5)]))),
            points: &[],
            says: &["unnamed_values=[{client_handle=2 value=2.50}]"],
        },
        Sample {
            name: "modify_subscription",
            request: request(793).u32(7).f64(250.0).u32(1000).u32(10).u32(0).u8(0),
            response: response(796, 0).f64(250.0).u32(1000).u32(10),
            points: &[],
            says: &["revised_publishing_interval=250.00"],
        },
        Sample {
            name: "set_publishing_mode",
            request: request(799).u8(0).i32(1).u32(7),
            response: response(802, 0).i32(1).u32(0).i32(0),
            points: &[],
            says: &["publishing_enabled=false", "subscription_ids=[7]"],
        },
        Sample {
            name: "transfer_subscriptions",
            request: request(841).i32(1).u32(7).u8(1),
            response: response(844, 0).i32(1).u32(0).i32(1).u32(4).i32(0),
            points: &[],
            says: &["send_initial_values=true", "status_codes=[0]"],
        },
        Sample {
            name: "delete_subscriptions",
            request: request(847).i32(1).u32(7),
            response: response(850, 0).i32(1).u32(0).i32(0),
            points: &[],
            says: &["subscription_ids=[7]"],
        },
    ]
}

fn administration() -> Vec<Sample> {
    let registered =
        wire().text("urn:plc").text("urn:product").i32(1).localized("PLC").u32(0).null().i32(0).null().u8(1);
    vec![
        Sample {
            name: "find_servers",
            request: plain(422).text("opc.tcp://plc:4840").i32(0).i32(0),
            response: response(425, 0).i32(1).raw(&application("urn:plc", 0).0),
            points: &[],
            says: &[
                "servers=[{application_uri=urn:plc product_uri=urn:product application_name=Name application_type=server}]",
            ],
        },
        Sample {
            name: "find_servers_on_network",
            request: plain(12_208).u32(0).u32(0).i32(0),
            response: response(12_209, 0).i64(TIME).i32(1).u32(0).text("plc").text("opc.tcp://plc:4840").i32(0),
            points: &[],
            says: &["servers=[{record=0 server_name=plc discovery_url=opc.tcp://plc:4840 capabilities=[]}]"],
        },
        Sample {
            name: "get_endpoints",
            request: plain(428).text("opc.tcp://plc:4840").i32(0).i32(0),
            response: response(431, 0).i32(1).raw(&endpoint(3, BASIC256SHA256).0),
            points: &[],
            says: &["requested_url=opc.tcp://plc:4840"],
        },
        Sample {
            name: "register_server",
            request: plain(437).raw(&registered.0),
            response: response(440, 0),
            points: &[],
            says: &["server_uri=urn:plc", "online=true"],
        },
        Sample {
            name: "register_server2",
            request: plain(12_211).raw(&registered.0).i32(0),
            response: response(12_212, 0).i32(0).i32(0),
            points: &[],
            says: &["server_names=[PLC]"],
        },
        Sample {
            name: "cancel",
            request: request(479).u32(76),
            response: response(482, 0).u32(1),
            points: &[],
            says: &["cancelled_handle=76", "cancel_count=1"],
        },
        Sample {
            name: "close_session",
            request: request(473).u8(1),
            response: response(476, 0),
            points: &[],
            says: &["delete_subscriptions=true", "user=operator"],
        },
    ]
}

#[test]
fn every_service_is_told_with_points_and_values() {
    let mut flow = Flow::session();
    for (sample, number) in samples().iter().zip(4..) {
        let record = flow.call(number, &sample.request.0, &sample.response.0);
        assert_eq!(record.name, sample.name);
        // Not one of its operations went well.
        let refused = sample.name == "delete_nodes";
        let outcome = if refused { "rejected 0x80340000 bad_node_id_unknown" } else { "accepted" };
        assert_eq!((record.outcome.as_str(), &record.anomalies[..]), (outcome, &[][..]), "{record:#?}");
        assert_eq!(record.points, sample.points, "{record:#?}");
        for said in sample.says {
            assert!(record.says(said), "{said} is not among\n{}", record.detail);
        }
    }
    assert!(flow.malformed.is_empty());
    let all = flow.finish(Ending::Closed);
    let written = format!("{all:?}");
    assert!(!written.contains("hunter2") && !written.contains("SECRETID") && !written.contains("5345435245544944"));
}

#[test]
fn all_services_of_the_standard_are_among_them() {
    let told: Vec<&str> = samples().iter().map(|sample| sample.name).collect();
    let elsewhere =
        ["open_secure_channel", "close_secure_channel", "create_session", "activate_session", "sessionless_invoke"];
    let own = ["service_fault", "error", "hello", "encrypted_message", "reverse_hello"];
    for row in super::super::tables::FUNCTIONS {
        assert!(told.contains(&row.name) || elsewhere.contains(&row.name) || own.contains(&row.name), "{}", row.name);
    }
}

#[test]
fn what_is_refused_as_a_whole_is_rejected_and_a_value_that_is_bad_is_not() {
    let mut flow = Flow::session();
    let write = request(673).i32(1).named(2, "x").u32(13).null().u8(1).u8(1).u8(1);
    let refused = response(676, 0).i32(1).u32(0x803B_0000).i32(0);
    assert_eq!(flow.call(4, &write.0, &refused.0).outcome, "rejected 0x803b0000 bad_not_writable");
    let read = request(631).f64(0.0).u32(0).i32(1).named(2, "x").u32(13).null().nothing();
    let bad = response(634, 0).i32(1).u8(2).u32(0x8031_0000).i32(0);
    let record = flow.call(5, &read.0, &bad.0);
    assert!(record.outcome == "accepted" && record.says("operations_refused=1"), "{record:?}");
}

#[test]
fn a_fault_and_a_bad_result_are_rejections() {
    let mut flow = Flow::session();
    let sample = &samples()[0];
    let fault = flow.call(4, &sample.request.0, &response(397, 0x8025_0000).0);
    assert_eq!((fault.name, fault.outcome.as_str()), ("read", "rejected 0x80250000 bad_session_id_invalid"));
    assert_eq!(fault.points.len(), 3, "what was asked for is told");
    let bad = flow.call(5, &sample.request.0, &response(634, 0x800F_0000).i32(-1).i32(-1).0);
    assert_eq!(bad.outcome, "rejected 0x800f0000 bad_nothing_to_do");
    assert!(bad.anomalies.is_empty(), "{bad:?}");
}

#[test]
fn status_codes_stand_at_their_operations() {
    let mut flow = Flow::session();
    let sample = &samples()[1];
    let record = flow.call(4, &sample.request.0, &sample.response.0);
    assert!(record.fields[0].ends_with("status_code=0 status=good"), "{record:#?}");
    assert!(record.fields[1].contains("index_range=0:1 data_type=int32 array=true"), "{record:#?}");
    assert!(record.fields[1].contains("status=bad_not_writable status_class=bad"), "{record:#?}");
}

#[test]
fn all_built_in_types_are_read() {
    let guid = [0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF];
    let extension = wire().extension(886, &wire().f64(0.0).f64(10.0));
    let inner = wire().u8(0x41).i32(3).u8(4).i32(1);
    let values: Vec<(u8, Wire, &str)> = vec![
        (1, wire().u8(1), "true"),
        (2, wire().u8(0xFF), "-1"),
        (3, wire().u8(255), "255"),
        (4, wire().u16(0xFFFE), "-2"),
        (5, wire().u16(65_534), "65534"),
        (6, wire().i32(-3), "-3"),
        (7, wire().u32(3), "3"),
        (8, wire().i64(-4), "-4"),
        (9, wire().i64(4), "4"),
        (10, wire().raw(&1.5_f32.to_le_bytes()), "1.50"),
        (11, wire().f64(2.5), "2.50"),
        (12, wire().text("word"), "word"),
        (13, wire().i64(TIME), "+1735689600000000000"),
        (14, wire().raw(&guid), "00112233-4455-6677-8899-aabbccddeeff"),
        (15, wire().text("\u{1}\u{2}"), "x0102"),
        (16, wire().text("<a/>"), "<a/>"),
        (17, wire().u8(4).u16(2).raw(&guid), "ns=2;g=00112233-4455-6677-8899-aabbccddeeff"),
        (18, wire().u8(0xC3).u16(0).text("n").text("urn:x").u32(2), "svr=2;nsu=urn:x;s=n"),
        (19, wire().u32(0x8034_0000), "2150891520"),
        (20, wire().qualified(3, "Name"), "3:Name"),
        (21, wire().u8(3).text("en").text("text"), "text"),
        (22, extension, "{type_id=i=886 low=0.00 high=10.00}"),
        (23, wire().u8(3).u8(1).u8(1).u32(0), "{value=true data_type=boolean}"),
        (25, inner, "{symbolic_id=+3 inner={localized_text=+1}}"),
        (17, wire().u8(5).u16(1).text("\u{1}\u{2}\u{3}"), "ns=1;b=AQID"),
        (17, wire().u8(2).u16(7).u32(70_000), "ns=7;i=70000"),
    ];
    let mut flow = Flow::session();
    for (number, (kind, bytes, expected)) in (4..).zip(values) {
        let asked = request(631).f64(0.0).u32(3).i32(1).raw(&read_value_id(wire().node(2, 1), 13).0);
        let scalar = response(634, 0).i32(1).u8(1).u8(kind).raw(&bytes.0).i32(0);
        let record = flow.call(number * 2, &asked.0, &scalar.0);
        assert_eq!(record.points, [format!("read ns=2;i=1 = {expected}")], "{kind}");
        let matrix = response(634, 0).i32(1).u8(1).u8(kind | 0xC0).i32(2).raw(&bytes.0).raw(&bytes.0);
        let record = flow.call(number * 2 + 1, &asked.0, &matrix.i32(2).i32(1).i32(2).i32(0).0);
        assert_eq!(record.points, [format!("read ns=2;i=1 = {expected},{expected}")], "{kind}");
        assert!(record.fields[0].contains("array=true dimensions=[+1, +2]"), "{record:?}");
    }
}

#[test]
fn an_unknown_structure_keeps_its_type_and_bytes() {
    let mut flow = Flow::session();
    let asked = request(631).f64(0.0).u32(3).i32(1).raw(&read_value_id(wire().node(2, 1), 13).0);
    let told = wire().named(4, "Own").u8(1).i32(2).raw(&[7, 8]);
    let record = flow.call(4, &asked.0, &response(634, 0).i32(1).u8(1).u8(22).raw(&told.0).i32(0).0);
    assert_eq!(record.points, ["read ns=2;i=1 = {type_id=ns=4;s=Own size=2 body=x0708}"]);
}

#[test]
fn what_is_wrong_is_told_and_the_rest_is_kept() {
    let node = |kind: u32| request(631).f64(0.0).u32(3).i32(1).raw(&read_value_id(wire().node(2, 1), kind).0);
    let deep = (0..40).fold(wire(), |wire, _| wire.u8(24 | 0x80).i32(1)).u8(1).u8(1);
    let diagnostics = (0..40).fold(wire(), |wire, _| wire.u8(0x40)).u8(0);
    let cases: Vec<(Wire, Wire, &str)> = vec![
        (node(13), response(634, 0).i32(1).u8(1).u8(63).i32(0), "type_error"),
        (node(13), response(634, 0).i32(1).u8(1).raw(&deep.0).i32(0), "too_deep"),
        (node(13), response(634, 0).i32(1).double(1.0).i32(1).raw(&diagnostics.0), "too_deep"),
        (node(13), response(634, 0).i32(1).double(1.0), "malformed_body"),
        (node(13), response(634, 0).i32(1_000_000), "malformed_body"),
        (node(13), response(634, 0).i32(1).double(1.0).i32(0).u8(0), "trailing_bytes"),
        (node(13), response(634, 0).i32(2).double(1.0).double(2.0).i32(0), "count_mismatch"),
        (node(99), response(634, 0).i32(1).double(1.0).i32(0), "invalid_attribute"),
        (node(13), response(676, 0).i32(1).u32(0).i32(0), "response_mismatch"),
    ];
    let mut flow = Flow::session();
    for (number, (asked, answered, expected)) in (4..).zip(cases) {
        let record = flow.call(number, &asked.0, &answered.0);
        assert_eq!(record.anomalies, [expected], "{record:?}");
        assert_eq!(record.points.len(), 1, "{record:?}");
    }
}

#[test]
fn values_of_secret_nodes_stay_out() {
    let mut flow = Flow::session();
    let write = request(673).i32(1).named(2, "User.Password").u32(13).null().u8(1).u8(12).text("hunter2");
    let record = flow.call(4, &write.0, &response(676, 0).i32(1).u32(0).i32(0).0);
    assert_eq!(record.points, ["write ns=2;s=User.Password = ?"]);
}

#[test]
fn the_short_way_says_what_the_general_one_says() {
    let arena = bumpalo::Bump::new();
    let values = [
        (1, wire().u8(1)),
        (4, wire().u16(0xFFFE)),
        (5, wire().u16(7)),
        (6, wire().i32(-3)),
        (7, wire().u32(3)),
        (10, wire().raw(&1.5_f32.to_le_bytes())),
        (11, wire().f64(-2.5)),
    ];
    for (kind, bytes) in values {
        for (mask, times) in [(1, 0), (5, 1), (9, 1), (13, 2)] {
            let whole = wire().u8(mask).u8(kind).raw(&bytes.0).raw(&TIME.to_le_bytes().repeat(times)).u8(77).0;
            let (mut short, mut long) = (Reader::new(&whole, &arena), Reader::new(&whole, &arena));
            let (usual, general) = (short.usual_value().expect("usual"), long.data_value().unwrap());
            let mut fields = Vec::new();
            general.describe(|field| fields.push(field));
            assert_eq!((usual.values(), usual.fields()), (general.values(), &fields[..]));
            assert_eq!((short.remaining(), long.remaining(), short.values), (1, 1, long.values));
            for cut in 0..whole.len() - 1 {
                let mut short = Reader::new(&whole[..cut], &arena);
                assert!(short.usual_value().is_none() && short.remaining() == cut);
            }
        }
    }
}

#[test]
fn browsing_goes_on_at_its_node_however_often() {
    let mut flow = Flow::session();
    let browse = &views()[0];
    flow.call(4, &browse.request.0, &browse.response.0);
    for (number, from, to) in [(5, "goes on", "further"), (6, "further", "furthest")] {
        let answer = response(536, 0).i32(1).u32(0).text(to).i32(1).raw(&reference().0).i32(0);
        let record = flow.call(number, &request(533).u8(0).i32(1).text(from).0, &answer.0);
        assert!(record.points[0].starts_with("identify i=85#References = {node"), "{record:?}");
        assert!(record.fields[0].ends_with("more=true") && record.anomalies.is_empty(), "{record:?}");
    }
}

#[test]
fn tokens_as_values_hide_their_secrets() {
    let mut flow = Flow::session();
    let asked = request(631).f64(0.0).u32(3).i32(1).raw(&read_value_id(wire().node(2, 1), 13).0);
    let token = wire().extension(324, &wire().text("0").text("eve").text("hunter2").null());
    let record = flow.call(4, &asked.0, &response(634, 0).i32(1).u8(1).u8(22).raw(&token.0).i32(0).0);
    assert_eq!(record.points, ["read ns=2;i=1 = {type_id=i=324 policy_id=0 user=eve secret_hidden=true}"]);
}

#[test]
fn a_server_tells_what_it_is() {
    let info = wire().text("urn:p").text("Maker").text("Product").text("1.2.3").text("77").i64(TIME);
    let status = wire().i64(TIME).i64(TIME).u32(0).raw(&info.0).u32(0).localized("");
    let mut flow = Flow::session();
    let asked = request(631).f64(0.0).u32(3).i32(2).raw(&read_value_id(wire().node(0, 2256), 13).0);
    let asked = asked.raw(&read_value_id(wire().node(0, 2263), 13).0);
    let told = response(634, 0).i32(2).u8(1).u8(22).extension(864, &status).u8(1).u8(12).text("Maker").i32(0);
    let before = flow.out.observations.len();
    flow.call(4, &asked.0, &told.0);
    let said = &flow.out.observations[before..];
    let expected = [
        "A product_uri=urn:p (opcua.build_info.product_uri)",
        "A vendor=Maker (opcua.build_info.manufacturer_name)",
        "A product=Product (opcua.build_info.product_name)",
        "A firmware=1.2.3 (opcua.build_info.software_version)",
        "A build=77 (opcua.build_info.build_number)",
        "A vendor=Maker (opcua.build_info.manufacturer_name)",
    ];
    assert_eq!(said, expected);
    let first = flow.out.observations.join("\n");
    assert!(
        first.contains("B application_uri=urn:hmi") && first.contains("A endpoint=opc.tcp://plc:4840 none None"),
        "{first}"
    );
}
