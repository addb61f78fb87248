//! ExtensionObjects: structures by the type id of their encoding. Those of the standard that matter are read, any other keeps its
//! type id and bytes.

use bumpalo::collections::Vec as List;

use super::text::{self, field};
use super::types::{Extension, Read, Reader};
use super::variant::shown;
use crate::transaction::{Field, Value};

/// Type ids of the binary encodings.
#[allow(missing_docs)]
pub mod type_id {
    pub const ARGUMENT: u32 = 298;
    pub const ANONYMOUS_TOKEN: u32 = 321;
    pub const USER_NAME_TOKEN: u32 = 324;
    pub const CERTIFICATE_TOKEN: u32 = 327;
    pub const BUILD_INFO: u32 = 340;
    pub const ELEMENT_OPERAND: u32 = 594;
    pub const LITERAL_OPERAND: u32 = 597;
    pub const ATTRIBUTE_OPERAND: u32 = 600;
    pub const SIMPLE_ATTRIBUTE_OPERAND: u32 = 603;
    pub const READ_EVENT_DETAILS: u32 = 646;
    pub const READ_RAW_DETAILS: u32 = 649;
    pub const READ_PROCESSED_DETAILS: u32 = 652;
    pub const READ_AT_TIME_DETAILS: u32 = 655;
    pub const HISTORY_DATA: u32 = 658;
    pub const HISTORY_EVENT: u32 = 661;
    pub const UPDATE_DATA: u32 = 682;
    pub const UPDATE_EVENT: u32 = 685;
    pub const DELETE_RAW: u32 = 688;
    pub const DELETE_AT_TIME: u32 = 691;
    pub const DELETE_EVENT: u32 = 694;
    pub const DATA_CHANGE_FILTER: u32 = 724;
    pub const EVENT_FILTER: u32 = 727;
    pub const AGGREGATE_FILTER: u32 = 730;
    pub const EVENT_FILTER_RESULT: u32 = 736;
    pub const AGGREGATE_FILTER_RESULT: u32 = 739;
    pub const DATA_CHANGE_NOTIFICATION: u32 = 811;
    pub const STATUS_CHANGE_NOTIFICATION: u32 = 820;
    pub const SERVER_STATUS: u32 = 864;
    pub const RANGE: u32 = 886;
    pub const EU_INFORMATION: u32 = 889;
    pub const EVENT_NOTIFICATION_LIST: u32 = 916;
    pub const ISSUED_TOKEN: u32 = 940;
    pub const HISTORY_MODIFIED_DATA: u32 = 11_227;
    pub const UPDATE_STRUCTURE: u32 = 11_300;
    pub const READ_ANNOTATION_DETAILS: u32 = 23_500;
}

/// A structure as a value: its type, and its parts where they are known, else its bytes.
pub fn value<'a>(extension: &Extension<'a>, reader: &mut Reader<'a>) -> Value<'a> {
    if extension.type_id.standard() == Some(0) && extension.body.is_empty() {
        return Value::Null;
    }
    let mut fields = List::new_in(reader.arena);
    fields.push(field("type_id", text::node(extension.type_id, reader.arena)));
    let known = match extension.type_id.standard() {
        Some(id) if extension.encoding == 1 => {
            let mut body = reader.within(extension.body);
            let parts = known(id, &mut body);
            reader.values = body.values;
            reader.omitted |= body.omitted;
            parts
        }
        _ => None,
    };
    match (known, extension.encoding) {
        (Some(parts), _) => fields.extend_from_slice_copy(parts),
        (None, 1) => bytes(extension.body, &mut fields),
        (None, 2) => fields.push(field("xml", Value::Text(extension.body))),
        (None, _) => {}
    }
    Value::Object(fields.into_bump_slice())
}

fn bytes<'a>(body: &'a [u8], fields: &mut List<'a, Field<'a>>) {
    fields.push(text::number("size", u64::try_from(body.len()).unwrap_or(u64::MAX)));
    fields.push(field("body", shown(body)));
}

/// The parts of a structure; `None` for one that is not known, or is not what it says.
fn known<'a>(id: u32, body: &mut Reader<'a>) -> Option<&'a [Field<'a>]> {
    let parts = match id {
        type_id::ARGUMENT => argument(body),
        type_id::BUILD_INFO => build_info(body),
        type_id::SERVER_STATUS => server_status(body),
        type_id::RANGE => range(body),
        type_id::EU_INFORMATION => eu_information(body),
        type_id::ANONYMOUS_TOKEN | type_id::USER_NAME_TOKEN | type_id::CERTIFICATE_TOKEN | type_id::ISSUED_TOKEN => {
            return Some(token(id, body));
        }
        _ => return None,
    };
    parts.ok()
}

/// An identity token as a value: it may hold a secret, so nothing of it is told but the user, and that never fails.
fn token<'a>(id: u32, body: &mut Reader<'a>) -> &'a [Field<'a>] {
    let policy = body.text().unwrap_or(Value::Null);
    let user = if id == type_id::USER_NAME_TOKEN { body.text().unwrap_or(Value::Null) } else { Value::Null };
    let parts = [field("policy_id", policy), field("user", user), field("secret_hidden", Value::Bool(true))];
    body.arena.alloc_slice_copy(&parts)
}

fn argument<'a>(body: &mut Reader<'a>) -> Read<&'a [Field<'a>]> {
    let arena = body.arena;
    let name = field("name", body.text()?);
    let data_type = field("data_type", text::node(body.node_id()?, arena));
    let rank = field("value_rank", Value::Signed(i64::from(body.i32()?)));
    let dimensions = field("array_dimensions", body.list(4, |body| Ok(Value::Unsigned(u64::from(body.u32()?))))?);
    let description = field("description", body.localized_text()?);
    Ok(arena.alloc_slice_copy(&[name, data_type, rank, dimensions, description]))
}

/// BuildInfo (Part 5, 12.4).
pub fn build_info<'a>(body: &mut Reader<'a>) -> Read<&'a [Field<'a>]> {
    let parts = [
        field("product_uri", body.text()?),
        field("manufacturer", body.text()?),
        field("product", body.text()?),
        field("software_version", body.text()?),
        field("build_number", body.text()?),
        field("build_time", body.time()?),
    ];
    Ok(body.arena.alloc_slice_copy(&parts))
}

/// ServerStatusDataType (Part 5, 12.10).
fn server_status<'a>(body: &mut Reader<'a>) -> Read<&'a [Field<'a>]> {
    let parts = [
        field("start_time", body.time()?),
        field("current_time", body.time()?),
        text::word("state", server_state(body.u32()?)),
        field("build_info", Value::Object(build_info(body)?)),
        text::number("seconds_till_shutdown", body.u32()?),
        field("shutdown_reason", body.localized_text()?),
    ];
    Ok(body.arena.alloc_slice_copy(&parts))
}

fn server_state(state: u32) -> &'static str {
    let names = ["running", "failed", "no_configuration", "suspended", "shutdown", "test", "communication_fault"];
    usize::try_from(state).ok().and_then(|place| names.get(place)).copied().unwrap_or("unknown")
}

fn range<'a>(body: &mut Reader<'a>) -> Read<&'a [Field<'a>]> {
    let parts = [field("low", Value::Float(body.f64()?)), field("high", Value::Float(body.f64()?))];
    Ok(body.arena.alloc_slice_copy(&parts))
}

fn eu_information<'a>(body: &mut Reader<'a>) -> Read<&'a [Field<'a>]> {
    let parts = [
        field("namespace_uri", body.text()?),
        field("unit_id", Value::Signed(i64::from(body.i32()?))),
        field("display_name", body.localized_text()?),
        field("description", body.localized_text()?),
    ];
    Ok(body.arena.alloc_slice_copy(&parts))
}
