//! Kinds of points: memory areas, whose addresses are numbers of bits (byte × 8 + bit); counters, timers and program blocks by
//! number; names for what has no address.

use crate::protocols::{PointKind, Syntax};

/// The greatest address that three bytes can say.
pub const MAX_ADDRESS: u64 = 0xFF_FFFF;

/// A kind, in the order of [`POINT_KINDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Kind {
    DataBlock,
    InstanceDataBlock,
    Memory,
    Input,
    Output,
    Peripheral,
    Local,
    PreviousLocal,
    Counter,
    Timer,
    SystemInfo200,
    SpecialMemory200,
    AnalogInput200,
    AnalogOutput200,
    Counter200,
    Timer200,
    DataRecord,
    Area,
    Symbol,
    Nck,
    Drive,
    OrganizationBlock,
    Function,
    FunctionBlock,
    SystemDataBlock,
    SystemFunction,
    SystemFunctionBlock,
}

impl Kind {
    /// Index into [`POINT_KINDS`].
    #[inline]
    #[allow(clippy::as_conversions)] // the enum's own numbers
    pub fn index(self) -> u8 {
        self as u8
    }
}

const fn kind(name: &'static str, example: &'static str, max: u64, block: bool, syntax: Syntax) -> PointKind {
    PointKind { name, example, max, block, syntax }
}

/// The kinds in the order of [`Kind`].
pub static POINT_KINDS: &[PointKind] = &[
    kind("data_block", "DB10.DBW2", MAX_ADDRESS, true, Syntax::Memory("DB")),
    kind("instance_data_block", "DI3.DIX0.1", MAX_ADDRESS, true, Syntax::Memory("DI")),
    kind("memory", "M4.1", MAX_ADDRESS, false, Syntax::Memory("M")),
    kind("input", "I0.0", MAX_ADDRESS, false, Syntax::Memory("I")),
    kind("output", "QB4", MAX_ADDRESS, false, Syntax::Memory("Q")),
    kind("peripheral", "PW256", MAX_ADDRESS, false, Syntax::Memory("P")),
    kind("local", "LD0", MAX_ADDRESS, false, Syntax::Memory("L")),
    kind("previous_local", "VB0", MAX_ADDRESS, false, Syntax::Memory("V")),
    kind("counter", "C5", MAX_ADDRESS, false, Syntax::Letters("C")),
    kind("timer", "T0-7", MAX_ADDRESS, false, Syntax::Letters("T")),
    kind("system_info_200", "SYSB0-7", MAX_ADDRESS, false, Syntax::Memory("SYS")),
    kind("special_memory_200", "SM0.0", MAX_ADDRESS, false, Syntax::Memory("SM")),
    kind("analog_input_200", "AIW2", MAX_ADDRESS, false, Syntax::Memory("AI")),
    kind("analog_output_200", "AQW0", MAX_ADDRESS, false, Syntax::Memory("AQ")),
    kind("counter_200", "counter_200:5", MAX_ADDRESS, false, Syntax::Colon),
    kind("timer_200", "timer_200:37", MAX_ADDRESS, false, Syntax::Colon),
    kind("data_record", "data_record:1/0-9", MAX_ADDRESS, true, Syntax::Colon),
    kind("area", "area:136/0-7", MAX_ADDRESS, true, Syntax::Colon),
    kind("symbol", "symbol:DB7.9", 0, false, Syntax::Name("symbol:")),
    kind("nck", "nck:C1/S:1/0", 0, false, Syntax::Name("nck:")),
    kind("drive", "drive:1/2.105", 0, false, Syntax::Name("drive:")),
    kind("organization_block", "OB1", 0xFFFF, false, Syntax::Letters("OB")),
    kind("function", "FC3-5", 0xFFFF, false, Syntax::Letters("FC")),
    kind("function_block", "FB41", 0xFFFF, false, Syntax::Letters("FB")),
    kind("system_data_block", "SDB0", 0xFFFF, false, Syntax::Letters("SDB")),
    kind("system_function", "SFC20", 0xFFFF, false, Syntax::Letters("SFC")),
    kind("system_function_block", "SFB4", 0xFFFF, false, Syntax::Letters("SFB")),
];

/// Where an address of syntax ANY lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// The kind of its points.
    pub kind: Kind,
    /// The block: the number of a data block, or of an area that has no name.
    pub block: u32,
    /// Addresses are numbers of whole things rather than of bits.
    pub counted: bool,
}

/// The area of a code, with the number that stands beside it.
#[inline]
pub fn area(code: u8, number: u16) -> Area {
    let memory = |kind| Area { kind, block: 0, counted: false };
    let counted = |kind| Area { kind, block: 0, counted: true };
    match code {
        0x84 => Area { block: u32::from(number), ..memory(Kind::DataBlock) },
        0x83 => memory(Kind::Memory),
        0x81 => memory(Kind::Input),
        0x82 => memory(Kind::Output),
        0x80 => memory(Kind::Peripheral),
        0x85 => Area { block: u32::from(number), ..memory(Kind::InstanceDataBlock) },
        0x86 => memory(Kind::Local),
        0x87 => memory(Kind::PreviousLocal),
        0x1C => counted(Kind::Counter),
        0x1D => counted(Kind::Timer),
        0x1E => counted(Kind::Counter200),
        0x1F => counted(Kind::Timer200),
        0x03 => memory(Kind::SystemInfo200),
        0x05 => memory(Kind::SpecialMemory200),
        0x06 => memory(Kind::AnalogInput200),
        0x07 => memory(Kind::AnalogOutput200),
        0x01 => Area { block: u32::from(number), ..memory(Kind::DataRecord) },
        code => Area { block: u32::from(code), ..memory(Kind::Area) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_stand_in_order() {
        assert_eq!(POINT_KINDS.len(), usize::from(Kind::SystemFunctionBlock.index()) + 1);
        assert_eq!(POINT_KINDS[usize::from(Kind::Timer.index())].name, "timer");
        assert_eq!(POINT_KINDS[usize::from(Kind::Symbol.index())].name, "symbol");
    }
}
