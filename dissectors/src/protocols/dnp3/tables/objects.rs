//! Objects: what a group and variation is, to which kind of points it belongs, and how it is laid out (IEEE 1815-2012, annex A).

use super::Kind;

/// How a value is written; numbers are little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Num {
    /// Bit 7 of the flags.
    State,
    /// Bits 6 and 7 of the flags.
    DoubleState,
    U8,
    U16,
    U32,
    I16,
    I32,
    F32,
    F64,
}

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Time {
    None,
    /// 48 bits, ms since 1970 (UTC).
    Absolute,
    /// 16 bits, ms since the common time of occurrence.
    Relative,
}

/// How an object is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// No octets.
    Nothing,
    /// One bit each, packed.
    Bits,
    /// Two bits each, packed.
    Pairs,
    /// Flags where there are, value, time.
    Fixed {
        /// An octet of flags stands before it.
        flags: bool,
        /// The value.
        num: Num,
        /// The time.
        time: Time,
    },
    /// Control code, count, on-time, off-time, status.
    Crob,
    /// Value and status.
    AnalogCommand(Num),
    /// Status and commanded state in one octet, time.
    CommandState(Time),
    /// Status, commanded value, time.
    CommandValue(Num, Time),
    /// 48-bit time, then so many octets.
    Clock(u8),
    /// A common time of occurrence; whether it is synchronised.
    CommonTime(bool),
    /// 16-bit delay in units of so many ms.
    Delay(u16),
    /// So many octets that stay raw.
    Bytes(u8),
    /// Packed decimal digits in so many octets.
    Bcd(u8),
    /// As many octets as the variation says.
    String,
    /// Length known by a size prefix alone.
    Free,
    /// Vendor, object, length, data.
    Registration,
    /// A file object.
    File,
    /// A device attribute: type, length, data.
    Attribute,
    /// An authentication object.
    Authentication,
    /// Flags, association, 32-bit count, time.
    Statistic(Time),
}

/// A group and variation.
#[derive(Debug)]
pub struct Object {
    /// Group and variation.
    pub code: (u8, u8),
    /// As in every output.
    pub name: &'static str,
    /// Kind of its points.
    pub kind: Option<Kind>,
    /// How it is laid out.
    pub layout: Layout,
    /// For people.
    pub about: &'static str,
}

const fn fixed(flags: bool, num: Num, time: Time) -> Layout {
    Layout::Fixed { flags, num, time }
}

const fn object(code: (u8, u8), name: &'static str, kind: Option<Kind>, layout: Layout, about: &'static str) -> Object {
    Object { code, name, kind, layout, about }
}

/// All objects but those whose variation is a length or an attribute, by group and variation.
#[rustfmt::skip]
pub static OBJECTS: &[Object] = &[
    object((1, 1), "g1v1", Some(Kind::BinaryInput), Layout::Bits, "Binary input, packed"),
    object((1, 2), "g1v2", Some(Kind::BinaryInput), fixed(true, Num::State, Time::None), "Binary input with flags"),
    object((2, 1), "g2v1", Some(Kind::BinaryInput), fixed(true, Num::State, Time::None), "Binary input event"),
    object((2, 2), "g2v2", Some(Kind::BinaryInput), fixed(true, Num::State, Time::Absolute), "Binary input event with time"),
    object((2, 3), "g2v3", Some(Kind::BinaryInput), fixed(true, Num::State, Time::Relative), "Binary input event with relative time"),
    object((3, 1), "g3v1", Some(Kind::DoubleBitInput), Layout::Pairs, "Double-bit input, packed"),
    object((3, 2), "g3v2", Some(Kind::DoubleBitInput), fixed(true, Num::DoubleState, Time::None), "Double-bit input with flags"),
    object((4, 1), "g4v1", Some(Kind::DoubleBitInput), fixed(true, Num::DoubleState, Time::None), "Double-bit input event"),
    object((4, 2), "g4v2", Some(Kind::DoubleBitInput), fixed(true, Num::DoubleState, Time::Absolute), "Double-bit input event with time"),
    object((4, 3), "g4v3", Some(Kind::DoubleBitInput), fixed(true, Num::DoubleState, Time::Relative), "Double-bit input event with relative time"),
    object((10, 1), "g10v1", Some(Kind::BinaryOutput), Layout::Bits, "Binary output, packed"),
    object((10, 2), "g10v2", Some(Kind::BinaryOutput), fixed(true, Num::State, Time::None), "Binary output status with flags"),
    object((11, 1), "g11v1", Some(Kind::BinaryOutput), fixed(true, Num::State, Time::None), "Binary output event"),
    object((11, 2), "g11v2", Some(Kind::BinaryOutput), fixed(true, Num::State, Time::Absolute), "Binary output event with time"),
    object((12, 1), "g12v1", Some(Kind::BinaryOutput), Layout::Crob, "Control relay output block"),
    object((12, 2), "g12v2", Some(Kind::BinaryOutput), Layout::Crob, "Pattern control block"),
    object((12, 3), "g12v3", Some(Kind::BinaryOutput), Layout::Bits, "Pattern mask"),
    object((13, 1), "g13v1", Some(Kind::BinaryOutput), Layout::CommandState(Time::None), "Binary output command event"),
    object((13, 2), "g13v2", Some(Kind::BinaryOutput), Layout::CommandState(Time::Absolute), "Binary output command event with time"),
    object((20, 1), "g20v1", Some(Kind::Counter), fixed(true, Num::U32, Time::None), "Counter, 32-bit with flag"),
    object((20, 2), "g20v2", Some(Kind::Counter), fixed(true, Num::U16, Time::None), "Counter, 16-bit with flag"),
    object((20, 3), "g20v3", Some(Kind::Counter), fixed(true, Num::U32, Time::None), "Counter, 32-bit with flag, delta"),
    object((20, 4), "g20v4", Some(Kind::Counter), fixed(true, Num::U16, Time::None), "Counter, 16-bit with flag, delta"),
    object((20, 5), "g20v5", Some(Kind::Counter), fixed(false, Num::U32, Time::None), "Counter, 32-bit"),
    object((20, 6), "g20v6", Some(Kind::Counter), fixed(false, Num::U16, Time::None), "Counter, 16-bit"),
    object((20, 7), "g20v7", Some(Kind::Counter), fixed(false, Num::U32, Time::None), "Counter, 32-bit, delta"),
    object((20, 8), "g20v8", Some(Kind::Counter), fixed(false, Num::U16, Time::None), "Counter, 16-bit, delta"),
    object((21, 1), "g21v1", Some(Kind::FrozenCounter), fixed(true, Num::U32, Time::None), "Frozen counter, 32-bit with flag"),
    object((21, 2), "g21v2", Some(Kind::FrozenCounter), fixed(true, Num::U16, Time::None), "Frozen counter, 16-bit with flag"),
    object((21, 3), "g21v3", Some(Kind::FrozenCounter), fixed(true, Num::U32, Time::None), "Frozen counter, 32-bit with flag, delta"),
    object((21, 4), "g21v4", Some(Kind::FrozenCounter), fixed(true, Num::U16, Time::None), "Frozen counter, 16-bit with flag, delta"),
    object((21, 5), "g21v5", Some(Kind::FrozenCounter), fixed(true, Num::U32, Time::Absolute), "Frozen counter, 32-bit with flag and time"),
    object((21, 6), "g21v6", Some(Kind::FrozenCounter), fixed(true, Num::U16, Time::Absolute), "Frozen counter, 16-bit with flag and time"),
    object((21, 7), "g21v7", Some(Kind::FrozenCounter), fixed(true, Num::U32, Time::Absolute), "Frozen counter, 32-bit with flag and time, delta"),
    object((21, 8), "g21v8", Some(Kind::FrozenCounter), fixed(true, Num::U16, Time::Absolute), "Frozen counter, 16-bit with flag and time, delta"),
    object((21, 9), "g21v9", Some(Kind::FrozenCounter), fixed(false, Num::U32, Time::None), "Frozen counter, 32-bit"),
    object((21, 10), "g21v10", Some(Kind::FrozenCounter), fixed(false, Num::U16, Time::None), "Frozen counter, 16-bit"),
    object((21, 11), "g21v11", Some(Kind::FrozenCounter), fixed(false, Num::U32, Time::None), "Frozen counter, 32-bit, delta"),
    object((21, 12), "g21v12", Some(Kind::FrozenCounter), fixed(false, Num::U16, Time::None), "Frozen counter, 16-bit, delta"),
    object((22, 1), "g22v1", Some(Kind::Counter), fixed(true, Num::U32, Time::None), "Counter event, 32-bit with flag"),
    object((22, 2), "g22v2", Some(Kind::Counter), fixed(true, Num::U16, Time::None), "Counter event, 16-bit with flag"),
    object((22, 3), "g22v3", Some(Kind::Counter), fixed(true, Num::U32, Time::None), "Counter event, 32-bit with flag, delta"),
    object((22, 4), "g22v4", Some(Kind::Counter), fixed(true, Num::U16, Time::None), "Counter event, 16-bit with flag, delta"),
    object((22, 5), "g22v5", Some(Kind::Counter), fixed(true, Num::U32, Time::Absolute), "Counter event, 32-bit with flag and time"),
    object((22, 6), "g22v6", Some(Kind::Counter), fixed(true, Num::U16, Time::Absolute), "Counter event, 16-bit with flag and time"),
    object((22, 7), "g22v7", Some(Kind::Counter), fixed(true, Num::U32, Time::Absolute), "Counter event, 32-bit with flag and time, delta"),
    object((22, 8), "g22v8", Some(Kind::Counter), fixed(true, Num::U16, Time::Absolute), "Counter event, 16-bit with flag and time, delta"),
    object((23, 1), "g23v1", Some(Kind::FrozenCounter), fixed(true, Num::U32, Time::None), "Frozen counter event, 32-bit with flag"),
    object((23, 2), "g23v2", Some(Kind::FrozenCounter), fixed(true, Num::U16, Time::None), "Frozen counter event, 16-bit with flag"),
    object((23, 3), "g23v3", Some(Kind::FrozenCounter), fixed(true, Num::U32, Time::None), "Frozen counter event, 32-bit with flag, delta"),
    object((23, 4), "g23v4", Some(Kind::FrozenCounter), fixed(true, Num::U16, Time::None), "Frozen counter event, 16-bit with flag, delta"),
    object((23, 5), "g23v5", Some(Kind::FrozenCounter), fixed(true, Num::U32, Time::Absolute), "Frozen counter event, 32-bit with flag and time"),
    object((23, 6), "g23v6", Some(Kind::FrozenCounter), fixed(true, Num::U16, Time::Absolute), "Frozen counter event, 16-bit with flag and time"),
    object((23, 7), "g23v7", Some(Kind::FrozenCounter), fixed(true, Num::U32, Time::Absolute), "Frozen counter event, 32-bit with flag and time, delta"),
    object((23, 8), "g23v8", Some(Kind::FrozenCounter), fixed(true, Num::U16, Time::Absolute), "Frozen counter event, 16-bit with flag and time, delta"),
    object((30, 1), "g30v1", Some(Kind::AnalogInput), fixed(true, Num::I32, Time::None), "Analog input, 32-bit with flag"),
    object((30, 2), "g30v2", Some(Kind::AnalogInput), fixed(true, Num::I16, Time::None), "Analog input, 16-bit with flag"),
    object((30, 3), "g30v3", Some(Kind::AnalogInput), fixed(false, Num::I32, Time::None), "Analog input, 32-bit"),
    object((30, 4), "g30v4", Some(Kind::AnalogInput), fixed(false, Num::I16, Time::None), "Analog input, 16-bit"),
    object((30, 5), "g30v5", Some(Kind::AnalogInput), fixed(true, Num::F32, Time::None), "Analog input, single-precision with flag"),
    object((30, 6), "g30v6", Some(Kind::AnalogInput), fixed(true, Num::F64, Time::None), "Analog input, double-precision with flag"),
    object((31, 1), "g31v1", Some(Kind::FrozenAnalogInput), fixed(true, Num::I32, Time::None), "Frozen analog input, 32-bit with flag"),
    object((31, 2), "g31v2", Some(Kind::FrozenAnalogInput), fixed(true, Num::I16, Time::None), "Frozen analog input, 16-bit with flag"),
    object((31, 3), "g31v3", Some(Kind::FrozenAnalogInput), fixed(true, Num::I32, Time::Absolute), "Frozen analog input, 32-bit with flag and time"),
    object((31, 4), "g31v4", Some(Kind::FrozenAnalogInput), fixed(true, Num::I16, Time::Absolute), "Frozen analog input, 16-bit with flag and time"),
    object((31, 5), "g31v5", Some(Kind::FrozenAnalogInput), fixed(false, Num::I32, Time::None), "Frozen analog input, 32-bit"),
    object((31, 6), "g31v6", Some(Kind::FrozenAnalogInput), fixed(false, Num::I16, Time::None), "Frozen analog input, 16-bit"),
    object((31, 7), "g31v7", Some(Kind::FrozenAnalogInput), fixed(true, Num::F32, Time::None), "Frozen analog input, single-precision with flag"),
    object((31, 8), "g31v8", Some(Kind::FrozenAnalogInput), fixed(true, Num::F64, Time::None), "Frozen analog input, double-precision with flag"),
    object((32, 1), "g32v1", Some(Kind::AnalogInput), fixed(true, Num::I32, Time::None), "Analog input event, 32-bit with flag"),
    object((32, 2), "g32v2", Some(Kind::AnalogInput), fixed(true, Num::I16, Time::None), "Analog input event, 16-bit with flag"),
    object((32, 3), "g32v3", Some(Kind::AnalogInput), fixed(true, Num::I32, Time::Absolute), "Analog input event, 32-bit with flag and time"),
    object((32, 4), "g32v4", Some(Kind::AnalogInput), fixed(true, Num::I16, Time::Absolute), "Analog input event, 16-bit with flag and time"),
    object((32, 5), "g32v5", Some(Kind::AnalogInput), fixed(true, Num::F32, Time::None), "Analog input event, single-precision with flag"),
    object((32, 6), "g32v6", Some(Kind::AnalogInput), fixed(true, Num::F64, Time::None), "Analog input event, double-precision with flag"),
    object((32, 7), "g32v7", Some(Kind::AnalogInput), fixed(true, Num::F32, Time::Absolute), "Analog input event, single-precision with flag and time"),
    object((32, 8), "g32v8", Some(Kind::AnalogInput), fixed(true, Num::F64, Time::Absolute), "Analog input event, double-precision with flag and time"),
    object((33, 1), "g33v1", Some(Kind::FrozenAnalogInput), fixed(true, Num::I32, Time::None), "Frozen analog input event, 32-bit with flag"),
    object((33, 2), "g33v2", Some(Kind::FrozenAnalogInput), fixed(true, Num::I16, Time::None), "Frozen analog input event, 16-bit with flag"),
    object((33, 3), "g33v3", Some(Kind::FrozenAnalogInput), fixed(true, Num::I32, Time::Absolute), "Frozen analog input event, 32-bit with flag and time"),
    object((33, 4), "g33v4", Some(Kind::FrozenAnalogInput), fixed(true, Num::I16, Time::Absolute), "Frozen analog input event, 16-bit with flag and time"),
    object((33, 5), "g33v5", Some(Kind::FrozenAnalogInput), fixed(true, Num::F32, Time::None), "Frozen analog input event, single-precision with flag"),
    object((33, 6), "g33v6", Some(Kind::FrozenAnalogInput), fixed(true, Num::F64, Time::None), "Frozen analog input event, double-precision with flag"),
    object((33, 7), "g33v7", Some(Kind::FrozenAnalogInput), fixed(true, Num::F32, Time::Absolute), "Frozen analog input event, single-precision with flag and time"),
    object((33, 8), "g33v8", Some(Kind::FrozenAnalogInput), fixed(true, Num::F64, Time::Absolute), "Frozen analog input event, double-precision with flag and time"),
    object((34, 1), "g34v1", Some(Kind::AnalogInputDeadband), fixed(false, Num::U16, Time::None), "Analog input deadband, 16-bit"),
    object((34, 2), "g34v2", Some(Kind::AnalogInputDeadband), fixed(false, Num::U32, Time::None), "Analog input deadband, 32-bit"),
    object((34, 3), "g34v3", Some(Kind::AnalogInputDeadband), fixed(false, Num::F32, Time::None), "Analog input deadband, single-precision"),
    object((40, 1), "g40v1", Some(Kind::AnalogOutput), fixed(true, Num::I32, Time::None), "Analog output status, 32-bit with flag"),
    object((40, 2), "g40v2", Some(Kind::AnalogOutput), fixed(true, Num::I16, Time::None), "Analog output status, 16-bit with flag"),
    object((40, 3), "g40v3", Some(Kind::AnalogOutput), fixed(true, Num::F32, Time::None), "Analog output status, single-precision with flag"),
    object((40, 4), "g40v4", Some(Kind::AnalogOutput), fixed(true, Num::F64, Time::None), "Analog output status, double-precision with flag"),
    object((41, 1), "g41v1", Some(Kind::AnalogOutput), Layout::AnalogCommand(Num::I32), "Analog output, 32-bit"),
    object((41, 2), "g41v2", Some(Kind::AnalogOutput), Layout::AnalogCommand(Num::I16), "Analog output, 16-bit"),
    object((41, 3), "g41v3", Some(Kind::AnalogOutput), Layout::AnalogCommand(Num::F32), "Analog output, single-precision"),
    object((41, 4), "g41v4", Some(Kind::AnalogOutput), Layout::AnalogCommand(Num::F64), "Analog output, double-precision"),
    object((42, 1), "g42v1", Some(Kind::AnalogOutput), fixed(true, Num::I32, Time::None), "Analog output event, 32-bit with flag"),
    object((42, 2), "g42v2", Some(Kind::AnalogOutput), fixed(true, Num::I16, Time::None), "Analog output event, 16-bit with flag"),
    object((42, 3), "g42v3", Some(Kind::AnalogOutput), fixed(true, Num::I32, Time::Absolute), "Analog output event, 32-bit with flag and time"),
    object((42, 4), "g42v4", Some(Kind::AnalogOutput), fixed(true, Num::I16, Time::Absolute), "Analog output event, 16-bit with flag and time"),
    object((42, 5), "g42v5", Some(Kind::AnalogOutput), fixed(true, Num::F32, Time::None), "Analog output event, single-precision with flag"),
    object((42, 6), "g42v6", Some(Kind::AnalogOutput), fixed(true, Num::F64, Time::None), "Analog output event, double-precision with flag"),
    object((42, 7), "g42v7", Some(Kind::AnalogOutput), fixed(true, Num::F32, Time::Absolute), "Analog output event, single-precision with flag and time"),
    object((42, 8), "g42v8", Some(Kind::AnalogOutput), fixed(true, Num::F64, Time::Absolute), "Analog output event, double-precision with flag and time"),
    object((43, 1), "g43v1", Some(Kind::AnalogOutput), Layout::CommandValue(Num::I32, Time::None), "Analog output command event, 32-bit"),
    object((43, 2), "g43v2", Some(Kind::AnalogOutput), Layout::CommandValue(Num::I16, Time::None), "Analog output command event, 16-bit"),
    object((43, 3), "g43v3", Some(Kind::AnalogOutput), Layout::CommandValue(Num::I32, Time::Absolute), "Analog output command event, 32-bit with time"),
    object((43, 4), "g43v4", Some(Kind::AnalogOutput), Layout::CommandValue(Num::I16, Time::Absolute), "Analog output command event, 16-bit with time"),
    object((43, 5), "g43v5", Some(Kind::AnalogOutput), Layout::CommandValue(Num::F32, Time::None), "Analog output command event, single-precision"),
    object((43, 6), "g43v6", Some(Kind::AnalogOutput), Layout::CommandValue(Num::F64, Time::None), "Analog output command event, double-precision"),
    object((43, 7), "g43v7", Some(Kind::AnalogOutput), Layout::CommandValue(Num::F32, Time::Absolute), "Analog output command event, single-precision with time"),
    object((43, 8), "g43v8", Some(Kind::AnalogOutput), Layout::CommandValue(Num::F64, Time::Absolute), "Analog output command event, double-precision with time"),
    object((50, 1), "g50v1", None, Layout::Clock(0), "Time and date"),
    object((50, 2), "g50v2", None, Layout::Clock(4), "Time and date with interval"),
    object((50, 3), "g50v3", None, Layout::Clock(0), "Time and date of the last recording"),
    object((50, 4), "g50v4", None, Layout::Clock(5), "Indexed time and date with interval"),
    object((51, 1), "g51v1", None, Layout::CommonTime(true), "Common time of occurrence, synchronised"),
    object((51, 2), "g51v2", None, Layout::CommonTime(false), "Common time of occurrence, unsynchronised"),
    object((52, 1), "g52v1", None, Layout::Delay(1000), "Time delay, seconds"),
    object((52, 2), "g52v2", None, Layout::Delay(1), "Time delay, milliseconds"),
    object((60, 1), "g60v1", Some(Kind::Class), Layout::Nothing, "Class 0 data"),
    object((60, 2), "g60v2", Some(Kind::Class), Layout::Nothing, "Class 1 data"),
    object((60, 3), "g60v3", Some(Kind::Class), Layout::Nothing, "Class 2 data"),
    object((60, 4), "g60v4", Some(Kind::Class), Layout::Nothing, "Class 3 data"),
    object((70, 1), "g70v1", None, Layout::File, "File identifier (obsolete)"),
    object((70, 2), "g70v2", None, Layout::File, "File authentication"),
    object((70, 3), "g70v3", None, Layout::File, "File command"),
    object((70, 4), "g70v4", None, Layout::File, "File command status"),
    object((70, 5), "g70v5", None, Layout::File, "File transport"),
    object((70, 6), "g70v6", None, Layout::File, "File transport status"),
    object((70, 7), "g70v7", None, Layout::File, "File descriptor"),
    object((70, 8), "g70v8", None, Layout::File, "File specification string"),
    object((80, 1), "g80v1", Some(Kind::InternalIndication), Layout::Bits, "Internal indications"),
    object((81, 1), "g81v1", None, Layout::Bytes(3), "Storage: fill status of a buffer"),
    object((82, 1), "g82v1", None, Layout::Free, "Device profile"),
    object((83, 1), "g83v1", None, Layout::Registration, "Private registration"),
    object((83, 2), "g83v2", None, Layout::Free, "Private registration descriptor"),
    object((85, 1), "g85v1", Some(Kind::DataSetPrototype), Layout::Free, "Data set prototype"),
    object((86, 1), "g86v1", Some(Kind::DataSet), Layout::Free, "Data set descriptor, contents"),
    object((86, 2), "g86v2", Some(Kind::DataSet), Layout::Bytes(1), "Data set descriptor, characteristics"),
    object((86, 3), "g86v3", Some(Kind::DataSet), Layout::Free, "Data set descriptor, points"),
    object((87, 1), "g87v1", Some(Kind::DataSet), Layout::Free, "Data set, present value"),
    object((88, 1), "g88v1", Some(Kind::DataSet), Layout::Free, "Data set event"),
    object((90, 1), "g90v1", None, Layout::Free, "Application identifier"),
    object((91, 1), "g91v1", None, Layout::Free, "Status of a requested operation"),
    object((100, 1), "g100v1", Some(Kind::AnalogInput), Layout::Free, "Floating point (obsolete)"),
    object((101, 1), "g101v1", Some(Kind::BcdInteger), Layout::Bcd(2), "Binary-coded decimal integer"),
    object((101, 2), "g101v2", Some(Kind::BcdInteger), Layout::Bcd(4), "Binary-coded decimal integer"),
    object((101, 3), "g101v3", Some(Kind::BcdInteger), Layout::Bcd(8), "Binary-coded decimal integer"),
    object((102, 1), "g102v1", Some(Kind::UnsignedInteger), fixed(false, Num::U8, Time::None), "Unsigned integer, 8-bit"),
    object((120, 1), "g120v1", None, Layout::Authentication, "Authentication: challenge"),
    object((120, 2), "g120v2", None, Layout::Authentication, "Authentication: reply"),
    object((120, 3), "g120v3", None, Layout::Authentication, "Authentication: aggressive mode request"),
    object((120, 4), "g120v4", None, Layout::Authentication, "Authentication: session key status request"),
    object((120, 5), "g120v5", None, Layout::Authentication, "Authentication: session key status"),
    object((120, 6), "g120v6", None, Layout::Authentication, "Authentication: session key change"),
    object((120, 7), "g120v7", None, Layout::Authentication, "Authentication: error"),
    object((120, 8), "g120v8", None, Layout::Authentication, "Authentication: user certificate"),
    object((120, 9), "g120v9", None, Layout::Authentication, "Authentication: message authentication code"),
    object((120, 10), "g120v10", None, Layout::Authentication, "Authentication: user status change"),
    object((120, 11), "g120v11", None, Layout::Authentication, "Authentication: update key change request"),
    object((120, 12), "g120v12", None, Layout::Authentication, "Authentication: update key change reply"),
    object((120, 13), "g120v13", None, Layout::Authentication, "Authentication: update key change"),
    object((120, 14), "g120v14", None, Layout::Authentication, "Authentication: update key change signature"),
    object((120, 15), "g120v15", None, Layout::Authentication, "Authentication: update key change confirmation"),
    object((121, 1), "g121v1", Some(Kind::SecurityStatistic), Layout::Statistic(Time::None), "Security statistic"),
    object((122, 1), "g122v1", Some(Kind::SecurityStatistic), Layout::Statistic(Time::None), "Security statistic event"),
    object((122, 2), "g122v2", Some(Kind::SecurityStatistic), Layout::Statistic(Time::Absolute), "Security statistic event with time"),
];

/// Groups whose variation is a length in octets.
fn strings(group: u8) -> Option<(Kind, &'static str)> {
    match group {
        110 => Some((Kind::OctetString, "Octet string")),
        111 => Some((Kind::OctetString, "Octet string event")),
        112 => Some((Kind::VirtualTerminal, "Virtual terminal output")),
        113 => Some((Kind::VirtualTerminal, "Virtual terminal event")),
        _ => None,
    }
}

/// Place of variation 1 of each group in [`OBJECTS`], plus 1; 0 where there is none.
static FIRST: [u8; 256] = first_places();

#[allow(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)] // at compile time
const fn first_places() -> [u8; 256] {
    let mut places = [0; 256];
    let mut row = OBJECTS.len();
    while row > 0 {
        places[OBJECTS[row - 1].code.0 as usize] = row as u8;
        row -= 1;
    }
    places
}

/// The row of a group and variation.
#[inline]
pub fn row(group: u8, variation: u8) -> Option<&'static Object> {
    let first = FIRST.get(usize::from(group)).copied().unwrap_or(0);
    let place = usize::from(first).checked_add(usize::from(variation))?.checked_sub(2)?;
    OBJECTS.get(place).filter(|object| first != 0 && object.code == (group, variation))
}

/// The kind of points that a group has, `None` where it is unknown or has none.
#[inline]
pub fn kind(group: u8) -> Option<Kind> {
    match (FIRST.get(usize::from(group)).copied().unwrap_or(0), group) {
        (0, 0) => Some(Kind::DeviceAttribute),
        (0, _) => strings(group).map(|(kind, _)| kind),
        (first, _) => OBJECTS.get(usize::from(first).saturating_sub(1)).and_then(|object| object.kind),
    }
}

/// How an object is laid out; `None` where the specification has no such object. Variation 0 has no octets.
#[inline]
pub fn layout(group: u8, variation: u8) -> Option<Layout> {
    match row(group, variation) {
        Some(object) => Some(object.layout),
        None if group == 0 => Some(Layout::Attribute),
        None if strings(group).is_some() => Some(Layout::String),
        None if variation == 0 && FIRST.get(usize::from(group)).is_some_and(|&first| first != 0) => {
            Some(Layout::Nothing)
        }
        None => None,
    }
}

/// Names of the set flags of a kind of points.
#[inline]
pub fn flag(kind: Option<Kind>, bit: u8) -> &'static str {
    let [five, six] = match kind {
        Some(Kind::BinaryInput | Kind::DoubleBitInput) => ["chatter_filter", "reserved_6"],
        Some(Kind::Counter | Kind::FrozenCounter) => ["rollover", "discontinuity"],
        Some(Kind::AnalogInput | Kind::FrozenAnalogInput | Kind::AnalogOutput) => ["over_range", "reference_error"],
        Some(Kind::SecurityStatistic) => ["reserved_5", "discontinuity"],
        _ => ["reserved_5", "reserved_6"],
    };
    match bit {
        0 => "online",
        1 => "restart",
        2 => "communication_lost",
        3 => "remote_forced",
        4 => "local_forced",
        5 => five,
        6 => six,
        _ => "reserved_7",
    }
}

/// What a device attribute is called here, by its number (annex A.1). Of user-specific sets only the number is known.
pub fn attribute(number: u8) -> Option<&'static str> {
    ATTRIBUTES.iter().find(|row| row.0 == number).map(|row| row.1)
}

/// Device attributes of set 0.
#[rustfmt::skip]
pub static ATTRIBUTES: &[(u8, &str)] = &[
    (196, "configuration_id"), (197, "configuration_version"), (198, "configuration_build_date"), (199, "configuration_last_change"),
    (200, "configuration_signature"), (201, "configuration_signature_algorithm"), (202, "master_resource_id"), (203, "altitude"), (204, "longitude"),
    (205, "latitude"), (206, "secondary_operator"), (207, "primary_operator"), (208, "system_name"), (209, "secure_authentication_version"),
    (210, "security_statistics_per_association"), (211, "user_specific_attributes_support"), (212, "master_data_set_prototypes"),
    (213, "outstation_data_set_prototypes"), (214, "master_data_sets"), (215, "outstation_data_sets"), (216, "max_binary_outputs_per_request"),
    (217, "local_timing_accuracy"), (218, "duration_of_time_accuracy"), (219, "analog_output_events_support"), (220, "max_analog_output_index"),
    (221, "number_of_analog_outputs"), (222, "binary_output_events_support"), (223, "max_binary_output_index"), (224, "number_of_binary_outputs"),
    (225, "frozen_counter_events_support"), (226, "frozen_counters_support"), (227, "counter_events_support"), (228, "max_counter_index"),
    (229, "number_of_counters"), (230, "frozen_analog_inputs_support"), (231, "analog_input_events_support"), (232, "max_analog_input_index"),
    (233, "number_of_analog_inputs"), (234, "double_bit_input_events_support"), (235, "max_double_bit_input_index"), (236, "number_of_double_bit_inputs"),
    (237, "binary_input_events_support"), (238, "max_binary_input_index"), (239, "number_of_binary_inputs"), (240, "max_transmit_fragment_size"),
    (241, "max_receive_fragment_size"), (242, "software_version"), (243, "hardware_version"), (244, "owner_name"), (245, "location"),
    (246, "id_code"), (247, "device_name"), (248, "serial_number"), (249, "dnp3_subset_and_conformance"), (250, "product_name_and_model"),
    (252, "manufacturer_name"), (254, "all_attributes"), (255, "list_of_attributes"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_code() {
        for object in OBJECTS {
            let (group, variation) = object.code;
            assert_eq!(object.name, format!("g{group}v{variation}"));
            assert!(std::ptr::eq(row(group, variation).expect("a row"), object));
            assert_eq!(kind(group).is_some(), OBJECTS.iter().any(|o| o.code.0 == group && o.kind.is_some()));
        }
        let mut sorted: Vec<_> = OBJECTS.iter().map(|object| object.code).collect();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(OBJECTS.iter().map(|object| object.code)), "by group and variation");
        assert!(OBJECTS.len() < 255);
        assert!(row(1, 3).is_none() && row(0, 1).is_none() && row(255, 255).is_none() && row(1, 0).is_none());
        assert_eq!((layout(1, 0), layout(9, 0), layout(110, 7)), (Some(Layout::Nothing), None, Some(Layout::String)));
    }
}
