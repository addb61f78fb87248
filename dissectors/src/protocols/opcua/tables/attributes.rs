//! Attributes of nodes (Part 6, Annex A.1), and the kinds of points: one for each attribute, and what else is done with nodes.

use crate::protocols::{PointKind, Syntax};

macro_rules! kinds {
    ($($name:literal $suffix:literal)*) => {
        /// Kinds of points: the attributes in the order of their ids, Value last of all, so that its names are read last.
        pub const POINT_KINDS: &[PointKind] = &[$(PointKind {
            name: $name,
            example: concat!("ns=2;s=Pump/Speed", $suffix),
            max: 0xFFFF_FFFF,
            block: true,
            syntax: Syntax::Node($suffix),
        }),*];
    };
}

kinds! {
    "node_id" "#NodeId"
    "node_class" "#NodeClass"
    "browse_name" "#BrowseName"
    "display_name" "#DisplayName"
    "description" "#Description"
    "write_mask" "#WriteMask"
    "user_write_mask" "#UserWriteMask"
    "is_abstract" "#IsAbstract"
    "symmetric" "#Symmetric"
    "inverse_name" "#InverseName"
    "contains_no_loops" "#ContainsNoLoops"
    "event_notifier" "#EventNotifier"
    "data_type" "#DataType"
    "value_rank" "#ValueRank"
    "array_dimensions" "#ArrayDimensions"
    "access_level" "#AccessLevel"
    "user_access_level" "#UserAccessLevel"
    "minimum_sampling_interval" "#MinimumSamplingInterval"
    "historizing" "#Historizing"
    "executable" "#Executable"
    "user_executable" "#UserExecutable"
    "data_type_definition" "#DataTypeDefinition"
    "role_permissions" "#RolePermissions"
    "user_role_permissions" "#UserRolePermissions"
    "access_restrictions" "#AccessRestrictions"
    "access_level_ex" "#AccessLevelEx"
    "method" "#Call"
    "references" "#References"
    "node" "#Node"
    "other_attribute" "#Other"
    "value" ""
}

/// A method that is called.
pub const METHOD: u8 = 26;
/// The references of a node.
pub const REFERENCES: u8 = 27;
/// The node itself: added, deleted, registered.
pub const NODE: u8 = 28;
/// An attribute that does not exist.
pub const OTHER: u8 = 29;
/// The value of a variable.
pub const VALUE: u8 = 30;
/// Who sends events.
pub const EVENT_NOTIFIER: u8 = 11;

/// The attribute id of Value.
pub const VALUE_ATTRIBUTE: u32 = 13;

/// Kind of points of an attribute.
#[inline]
pub fn kind(attribute: u32) -> u8 {
    match attribute {
        VALUE_ATTRIBUTE => VALUE,
        1..=12 => u8::try_from(attribute).map_or(OTHER, |id| id.saturating_sub(1)),
        14..=27 => u8::try_from(attribute).map_or(OTHER, |id| id.saturating_sub(2)),
        _ => OTHER,
    }
}
