//! How points are written in transactions, policies and rules, and how that is read: the one place that knows.
//!
//! A point is a range of addresses of a kind, in a block where the kind has blocks, or it has a name. [`Syntax`] says how a kind
//! writes that.

use super::PointKind;
use crate::output::number;

/// How points of a kind are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// `coil:7`, `coil:0-15`, `file:4/10-12`.
    Colon,
    /// S7's memory, whose addresses are numbers of bits (byte × 8 + bit): `M4.1`, `MB4`, `MW4`, `MD4`, and ranges of bytes `MB4-9` and
    /// bits `M4.1-5.0`; with a block `DB10.DBX2.0`, `DB10.DBW2`. The letters alone (`M`, `DB10`) are all of it.
    Memory(&'static str),
    /// Letters and numbers: `T5`, `C0-7`, `OB1`.
    Letters(&'static str),
    /// Nodes of OPC UA with this behind them: the block is the namespace, a number its numeric identifier, a name any other:
    /// `i=85`, `ns=2;i=1000-1009`, `ns=2;s=Pump/Speed`, `ns=2;s=Pump/Speed#BrowseName`.
    Node(&'static str),
    /// Names, behind these letters: `symbol:DB7.Level`; without letters the name alone (`ns=2;s=Pump/Speed`).
    Name(&'static str),
}

impl Syntax {
    /// The word by which the registry names it.
    pub fn name(self) -> &'static str {
        match self {
            Syntax::Colon => "colon",
            Syntax::Memory(_) => "memory",
            Syntax::Letters(_) => "letters",
            Syntax::Node(_) => "node",
            Syntax::Name(_) => "name",
        }
    }
}

/// A point that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Place in the protocol's list of kinds.
    pub kind: usize,
    /// Block, where the kind has blocks.
    pub block: Option<u32>,
    /// First address.
    pub first: u64,
    /// Last address.
    pub last: u64,
    /// The name, where it has one instead.
    pub name: Option<String>,
}

/// Appends a range of addresses as it is written everywhere.
#[inline]
pub fn write(out: &mut Vec<u8>, kind: &PointKind, block: u32, (first, last): (u64, u64)) {
    match kind.syntax {
        Syntax::Memory(letters) => write_memory(out, kind, letters, block, (first, last)),
        Syntax::Letters(letters) => {
            out.extend_from_slice(letters.as_bytes());
            write_range(out, first, last);
        }
        Syntax::Node(behind) => {
            write_namespace(out, block);
            out.extend_from_slice(b"i=");
            write_range(out, first, last);
            out.extend_from_slice(behind.as_bytes());
        }
        Syntax::Colon | Syntax::Name(_) => {
            out.extend_from_slice(kind.name.as_bytes());
            out.push(b':');
            if kind.block {
                number(out, u64::from(block));
                out.push(b'/');
            }
            write_range(out, first, last);
        }
    }
}

/// Appends a name as it is written everywhere.
pub fn write_name(out: &mut Vec<u8>, kind: &PointKind, block: u32, name: &[u8]) {
    match kind.syntax {
        Syntax::Node(behind) => {
            write_namespace(out, block);
            out.extend_from_slice(name);
            return out.extend_from_slice(behind.as_bytes());
        }
        Syntax::Name(letters) => out.extend_from_slice(letters.as_bytes()),
        _ => {
            out.extend_from_slice(kind.name.as_bytes());
            out.push(b':');
        }
    }
    if kind.block {
        number(out, u64::from(block));
        out.push(b'/');
    }
    out.extend_from_slice(name);
}

/// A point's text.
pub fn text(kind: &PointKind, block: u32, range: (u64, u64), name: Option<&str>) -> String {
    let mut out = Vec::new();
    match name {
        Some(name) => write_name(&mut out, kind, block, name.as_bytes()),
        None => write(&mut out, kind, block, range),
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn write_namespace(out: &mut Vec<u8>, namespace: u32) {
    if namespace != 0 {
        out.extend_from_slice(b"ns=");
        number(out, u64::from(namespace));
        out.push(b';');
    }
}

fn write_range(out: &mut Vec<u8>, first: u64, last: u64) {
    number(out, first);
    if last != first {
        out.push(b'-');
        number(out, last);
    }
}

#[inline]
fn write_memory(out: &mut Vec<u8>, kind: &PointKind, letters: &str, block: u32, (first, last): (u64, u64)) {
    out.extend_from_slice(letters.as_bytes());
    if kind.block {
        number(out, u64::from(block));
    }
    if first == 0 && last == kind.max {
        return;
    }
    if kind.block {
        out.push(b'.');
        out.extend_from_slice(letters.as_bytes());
    }
    let (byte, bit) = (first / 8, first % 8);
    let bits = last.saturating_sub(first).saturating_add(1);
    let size = match (bit, bits) {
        (0, 8) => b'B',
        (0, 16) => b'W',
        (0, 32) => b'D',
        (0, bits) if bits % 8 == 0 => {
            out.push(b'B');
            write_range(out, byte, last / 8);
            return;
        }
        _ => return write_bits(out, kind, first, last),
    };
    out.push(size);
    number(out, byte);
}

fn write_bits(out: &mut Vec<u8>, kind: &PointKind, first: u64, last: u64) {
    if kind.block {
        out.push(b'X');
    }
    let write = |out: &mut Vec<u8>, address: u64| {
        number(out, address / 8);
        out.push(b'.');
        number(out, address % 8);
    };
    write(out, first);
    if last != first {
        out.push(b'-');
        write(out, last);
    }
}

/// Reads a point of a protocol with these kinds.
///
/// # Errors
/// What is wrong with it, for people.
pub fn read(kinds: &[PointKind], text: &str) -> Result<Written, String> {
    let mut trouble = None;
    for (place, kind) in kinds.iter().enumerate() {
        match read_as(place, kind, text) {
            Some(Ok(written)) => return Ok(written),
            Some(Err(wrong)) if trouble.is_none() => trouble = Some(wrong),
            _ => {}
        }
    }
    let examples = || kinds.iter().map(|kind| kind.example).take(3).collect::<Vec<_>>().join(", ");
    Err(trouble.unwrap_or_else(|| format!("is not written as points of this protocol are ({})", examples())))
}

/// `None` where the text does not speak of this kind at all.
fn read_as(place: usize, kind: &PointKind, text: &str) -> Option<Result<Written, String>> {
    let (block, (first, last), name) = match kind.syntax {
        Syntax::Colon => {
            let rest = text.strip_prefix(kind.name)?.strip_prefix(':')?;
            let (block, range) = read_block(kind, rest)?;
            (block, read_range(range)?, None)
        }
        Syntax::Letters(letters) => (None, read_range(text.strip_prefix(letters)?)?, None),
        Syntax::Memory(letters) => {
            let (block, range) = read_memory(kind, letters, text)?;
            (block, range, None)
        }
        Syntax::Node(behind) => read_node(text.strip_suffix(behind)?)?,
        Syntax::Name(letters) => {
            let (block, name) = read_block(kind, text.strip_prefix(letters)?)?;
            (block, (0, 0), Some(name.to_owned()).filter(|name| !name.is_empty())?.into())
        }
    };
    if last < first {
        return Some(Err("the last is less than the first".into()));
    }
    if last > kind.max {
        return Some(Err(match kind.syntax {
            Syntax::Memory(_) => format!("the greatest byte of {} is {}", kind.name, kind.max / 8),
            _ => format!("the greatest address of {} is {}", kind.name, kind.max),
        }));
    }
    Some(match (kind.block, block) {
        (true, None) => Err(format!("{} needs a block ({})", kind.name, kind.example)),
        (false, Some(_)) => Err(format!("{} has no blocks ({})", kind.name, kind.example)),
        _ => Ok(Written { kind: place, block, first, last, name }),
    })
}

/// Block, addresses, name.
type Place = (Option<u32>, (u64, u64), Option<String>);

/// `i=85`, `ns=2;i=1000-1009`; other identifiers (`s=`, `g=`, `b=`) are names.
fn read_node(text: &str) -> Option<Place> {
    let (namespace, identifier) = match text.strip_prefix("ns=") {
        Some(rest) => rest.split_once(';')?,
        None => ("0", text),
    };
    let namespace = Some(u32::from(u16::try_from(digits(namespace)?).ok()?));
    if let Some(range) = identifier.strip_prefix("i=") {
        return Some((namespace, read_range(range)?, None));
    }
    let is_name = ["s=", "g=", "b="].iter().any(|letters| identifier.starts_with(letters));
    is_name.then(|| (namespace, (0, 0), Some(identifier.to_owned())))
}

/// A block and the rest, where there is one: `4/10-12`.
fn read_block<'t>(kind: &PointKind, text: &'t str) -> Option<(Option<u32>, &'t str)> {
    match text.split_once('/') {
        Some((block, rest)) if kind.block || !matches!(kind.syntax, Syntax::Name(_)) => {
            Some((Some(digits(block)?.try_into().ok()?), rest))
        }
        _ => Some((None, text)),
    }
}

fn read_range(text: &str) -> Option<(u64, u64)> {
    match text.split_once('-') {
        Some((first, last)) => Some((digits(first)?, digits(last)?)),
        None => digits(text).map(|only| (only, only)),
    }
}

/// Decimal digits and nothing else: no sign, no blank, no underscore.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn read_memory(kind: &PointKind, letters: &str, text: &str) -> Option<(Option<u32>, (u64, u64))> {
    let rest = text.strip_prefix(letters)?;
    let (block, rest) = if kind.block {
        let (number, rest) = rest.split_once('.').unwrap_or((rest, ""));
        let block = Some(u32::try_from(digits(number)?).ok()?);
        if rest.is_empty() && !text.ends_with('.') {
            return Some((block, (0, kind.max)));
        }
        (block, rest.strip_prefix(letters)?)
    } else if rest.is_empty() {
        return Some((None, (0, kind.max)));
    } else {
        (None, rest)
    };
    Some((block, read_bits(kind, rest)?))
}

/// `X2.0`, `X2.0-3.7` (without a block no `X`), `B2`, `B2-9`, `W2`, `D2`.
fn read_bits(kind: &PointKind, text: &str) -> Option<(u64, u64)> {
    let sized = |size: u64, range: &str| {
        let (first, last) = read_range(range)?;
        let behind = last.checked_add(size)?.checked_mul(8)?;
        Some((first.checked_mul(8)?, behind.checked_sub(1)?))
    };
    match text.as_bytes().first()? {
        b'B' => sized(1, text.get(1..)?),
        b'W' => sized(2, text.get(1..)?),
        b'D' => sized(4, text.get(1..)?),
        _ => {
            let text = if kind.block { text.strip_prefix('X')? } else { text };
            match text.split_once('-') {
                Some((first, last)) => Some((read_bit(first)?, read_bit(last)?)),
                None => read_bit(text).map(|only| (only, only)),
            }
        }
    }
}

fn read_bit(text: &str) -> Option<u64> {
    let (byte, bit) = text.split_once('.')?;
    let bit = digits(bit).filter(|bit| *bit < 8)?;
    digits(byte)?.checked_mul(8)?.checked_add(bit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::PROTOCOLS;

    const DB: PointKind = PointKind {
        name: "data_block",
        example: "DB10.DBW2",
        max: 0xFF_FFFF,
        block: true,
        syntax: Syntax::Memory("DB"),
    };
    const M: PointKind =
        PointKind { name: "memory", example: "M4.1", max: 0xFF_FFFF, block: false, syntax: Syntax::Memory("M") };
    const T: PointKind =
        PointKind { name: "timer", example: "T5", max: 65535, block: false, syntax: Syntax::Letters("T") };
    const FILE: PointKind =
        PointKind { name: "file", example: "file:4/10-12", max: 65535, block: true, syntax: Syntax::Colon };
    const NODE: PointKind =
        PointKind { name: "node", example: "ns=2;s=Pump/Speed", max: 0, block: false, syntax: Syntax::Name("") };
    const ALL: &[PointKind] = &[DB, M, T, FILE, NODE];

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for (kind, block, first, last, written) in [
            (0, Some(10), 16, 31, "DB10.DBW2"),
            (0, Some(10), 16, 16, "DB10.DBX2.0"),
            (0, Some(10), 16, 23, "DB10.DBB2"),
            (0, Some(10), 0, 31, "DB10.DBD0"),
            (0, Some(10), 0, 799, "DB10.DBB0-99"),
            (0, Some(1), 3, 17, "DB1.DBX0.3-2.1"),
            (0, Some(7), 0, 0xFF_FFFF, "DB7"),
            (1, None, 33, 33, "M4.1"),
            (1, None, 32, 47, "MW4"),
            (1, None, 0, 0xFF_FFFF, "M"),
            (1, None, 33, 40, "M4.1-5.0"),
            (2, None, 5, 5, "T5"),
            (2, None, 0, 7, "T0-7"),
            (3, Some(4), 10, 12, "file:4/10-12"),
        ] {
            assert_eq!(text(&ALL[kind], block.unwrap_or(0), (first, last), None), written);
            assert_eq!(read(ALL, written), Ok(Written { kind, block, first, last, name: None }), "{written}");
        }
        let node = read(ALL, "ns=2;s=Pump/Speed").unwrap();
        assert_eq!((node.kind, node.name.as_deref()), (4, Some("ns=2;s=Pump/Speed")));
        assert_eq!(text(&NODE, 0, (0, 0), node.name.as_deref()), "ns=2;s=Pump/Speed");
    }

    #[test]
    fn nodes_have_namespaces_and_attributes() {
        let of =
            |name, suffix| PointKind { name, example: "", max: 0xFFFF_FFFF, block: true, syntax: Syntax::Node(suffix) };
        let kinds = [of("browse_name", "#BrowseName"), of("value", "")];
        for (written, kind, block, range, name) in [
            ("i=85", 1, 0, (85, 85), None),
            ("ns=2;i=1000-1009", 1, 2, (1000, 1009), None),
            ("ns=2;s=Pump/Speed", 1, 2, (0, 0), Some("s=Pump/Speed")),
            ("s=a#b;c=d", 1, 0, (0, 0), Some("s=a#b;c=d")),
            ("ns=2;s=Pump/Speed#BrowseName", 0, 2, (0, 0), Some("s=Pump/Speed")),
            (
                "ns=3;g=00112233-4455-6677-8899-aabbccddeeff#BrowseName",
                0,
                3,
                (0, 0),
                Some("g=00112233-4455-6677-8899-aabbccddeeff"),
            ),
        ] {
            let point = read(&kinds, written).unwrap();
            assert_eq!((point.kind, point.block, (point.first, point.last)), (kind, Some(block), range), "{written}");
            assert_eq!(point.name.as_deref(), name);
            assert_eq!(text(&kinds[kind], block, range, name), written);
        }
        assert_eq!(read(&kinds, "ns=0;i=85").map(|point| point.block), Ok(Some(0)));
        for wrong in ["", "ns=2", "ns=2;x=1", "ns=70000;i=1", "i=-1", "i=", "ns=;i=1", "Pump", "i=4294967296", "i=7-5"]
        {
            assert!(read(&kinds, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn words_and_double_words_have_ranges_too() {
        let range = |text: &str| read(&ALL[..4], text).map(|read| (read.first, read.last));
        assert_eq!(range("DB10.DBW2-8"), Ok((16, 79)), "the word at byte 8 ends with byte 9");
        assert_eq!(range("MD0-4"), Ok((0, 63)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |text: &str| read(&ALL[..4], text).unwrap_err();
        assert_eq!(wrong("T7-5"), "the last is less than the first");
        assert_eq!(wrong("MB9999999"), "the greatest byte of memory is 2097151");
        assert_eq!(wrong("file:7"), "file needs a block (file:4/10-12)");
        for text in [
            "",
            "DB",
            "DB.DBW2",
            "DB1.",
            "DB1.DBX2.8",
            "DB1.DBX2",
            "DB1.DBW+2",
            "DB1.MW2",
            "M1.",
            "MX1.0",
            "file:-1",
            "T",
            "T 5",
        ] {
            assert!(wrong(text).starts_with("is not written"), "{text}: {}", wrong(text));
        }
        assert!(read(ALL, "DB99999999999.DBW1").is_ok_and(|read| read.kind == 4), "only a name can be anything");
    }

    #[test]
    fn every_kind_of_the_registry_is_read_from_its_example_and_written_back() {
        for protocol in PROTOCOLS {
            for (place, kind) in protocol.point_kinds.iter().enumerate() {
                let read = read(protocol.point_kinds, kind.example)
                    .unwrap_or_else(|wrong| panic!("{}: {wrong}", kind.example));
                assert_eq!(read.kind, place, "{} is {}", kind.example, kind.name);
                let (block, range) = (read.block.unwrap_or(0), (read.first, read.last));
                assert_eq!(text(kind, block, range, read.name.as_deref()), kind.example);
            }
        }
    }
}
