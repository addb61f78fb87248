//! The pcapng file format: draft-ietf-opsawg-pcapng, with the obsolete packet block.

use super::info::{CommentOn, InterfaceInfo, anomaly, short_text};
use super::pcapng_block::{
    ENHANCED_PACKET, FRAMING, Fields, Framed, INTERFACE, OBSOLETE_PACKET, SECTION, SIMPLE_PACKET, STATISTICS, framed,
    head, is_known, options, u64_in,
};
use super::pcapng_write::WRITER;
use super::reader::MAX_FRAME;
use super::sink::{Shape, Sink, Stop, Window, add, offset_of, wide};
use crate::cursor::{Cursor, Incomplete};
use crate::packet::Span;

/// Most interfaces of a section.
const MAX_SECTION_INTERFACES: usize = 65_536;

/// How an interface counts time.
#[derive(Debug, Clone, Copy)]
enum Resolution {
    Multiply(u64),
    Divide(u64),
    Binary(u32),
}

#[derive(Debug, Clone, Copy)]
struct Interface {
    number: u16,
    link: u16,
    snaplen: u32,
    resolution: Resolution,
    /// Seconds to add to each time.
    offset: i64,
}

/// A pcapng file's parser, between two calls.
#[derive(Debug, Default)]
pub(super) struct Pcapng {
    big: bool,
    interfaces: Vec<Interface>,
    /// Interfaces of the sections before this one.
    earlier: u64,
    /// Bytes of a block that are still to be skipped.
    skip: u64,
    /// Time of the packet before, for those without one.
    clock: u64,
    /// Where the garbage began that is being skipped.
    lost: Option<u64>,
    /// The garbage may be a block that is cut by the end.
    cut: bool,
    /// A record of `fieldtap watch`: its statistics say until when nothing came.
    record: bool,
}

/// A packet block's fields, whichever kind it is.
struct PacketFields {
    interface: u32,
    /// `None` in a simple packet block.
    time: Option<u64>,
    captured: u32,
    wire: u32,
    /// Where the frame begins in the block's body.
    start: usize,
}

impl Pcapng {
    /// Takes blocks from the window until it is used up, the sink is full, or the capture ends.
    pub(super) fn scan(&mut self, window: &Window<'_>, sink: &mut Sink<'_>) -> (usize, Stop) {
        let mut at = window.at;
        while !sink.full() {
            if self.skip > 0 {
                at = self.skipped(window, at);
                if self.skip > 0 {
                    return (at, window.short(at, sink));
                }
            }
            if self.lost.is_some() {
                match self.search(window, at, sink) {
                    (found, None) => at = found,
                    (rest, Some(stop)) => return (rest, stop),
                }
            }
            match framed(self.big, window.bytes.get(at..).unwrap_or_default()) {
                Framed::Whole(kind, big, length) => {
                    let end = add(at, length);
                    let body = window.bytes.get(add(at, 8)..end.saturating_sub(4)).unwrap_or_default();
                    self.big = big;
                    self.block(kind, body, add(at, 8), window, sink);
                    at = end;
                }
                Framed::Skip(length) => self.skip = u64::try_from(length).unwrap_or(u64::MAX),
                Framed::Short if !window.eof || self.believable(window, at) => return (at, window.short(at, sink)),
                Framed::Short => at = self.lose(window, at, true),
                Framed::Bad => at = self.lose(window, at, false),
            }
        }
        (at, Stop::Full)
    }

    fn lose(&mut self, window: &Window<'_>, at: usize, cut: bool) -> usize {
        self.lost = Some(window.offset(at));
        self.cut = cut;
        add(at, 1)
    }

    fn skipped(&mut self, window: &Window<'_>, at: usize) -> usize {
        let there = window.bytes.len().saturating_sub(at);
        let step = usize::try_from(self.skip).unwrap_or(usize::MAX).min(there);
        self.skip = self.skip.saturating_sub(u64::try_from(step).unwrap_or(u64::MAX));
        add(at, step)
    }

    /// Whether what is cut by the end begins like a block of a known type (or is too short to say).
    fn believable(&self, window: &Window<'_>, at: usize) -> bool {
        let rest = window.bytes.get(at..).unwrap_or_default();
        rest.len() < FRAMING || head(self.big, rest).is_some_and(|(kind, _, _)| is_known(kind))
    }

    /// Searches the next block behind garbage: a known type, and the same length at both ends.
    fn search(&mut self, window: &Window<'_>, mut at: usize, sink: &mut Sink<'_>) -> (usize, Option<Stop>) {
        while let Some(rest) = window.bytes.get(at..).filter(|rest| rest.len() >= FRAMING) {
            if head(self.big, rest).is_some_and(|(kind, _, _)| is_known(kind)) {
                match framed(self.big, rest) {
                    Framed::Whole(..) => {
                        sink.found(self.lost.take(), window.offset(at));
                        return (at, None);
                    }
                    Framed::Short if !window.eof => return (at, Some(Stop::More)),
                    _ => {}
                }
            }
            at = add(at, 1);
        }
        if !window.eof {
            return (at, Some(Stop::More));
        }
        let lost = self.lost.take();
        if self.cut {
            sink.truncated(lost, window.end())
        } else {
            sink.garbage(lost, window.end())
        }
        (window.bytes.len(), Some(Stop::End))
    }

    /// One complete block. What its fields lack makes it a bad block, never a bad capture.
    fn block(&mut self, kind: u32, body: &[u8], start: usize, window: &Window<'_>, sink: &mut Sink<'_>) {
        let fields = Fields { cursor: Cursor::new("pcapng.block", body), big: self.big };
        let done = match kind {
            SECTION => self.section(fields, sink),
            INTERFACE => self.interface(fields, sink),
            ENHANCED_PACKET => enhanced(fields).map(|packet| self.packet(&packet, body, start, window, sink)),
            OBSOLETE_PACKET => obsolete(fields).map(|packet| self.packet(&packet, body, start, window, sink)),
            SIMPLE_PACKET => self.simple(fields).map(|packet| self.packet(&packet, body, start, window, sink)),
            STATISTICS => self.statistics(fields, sink),
            _ => Ok(()),
        };
        if done.is_err() {
            let packet = matches!(kind, ENHANCED_PACKET | OBSOLETE_PACKET | SIMPLE_PACKET);
            sink.refuse(anomaly::BAD_BLOCK, window.offset(start), packet);
        }
    }

    fn section(&mut self, mut fields: Fields<'_>, sink: &mut Sink<'_>) -> Result<(), Incomplete> {
        self.earlier = sink.info.interface_count;
        self.interfaces.clear();
        fields.cursor.skip(16)?;
        self.record = false;
        options(fields, |code, value, _| match code {
            1 => sink.info.comment(CommentOn::Section, value),
            4 => self.record = value.starts_with(WRITER.as_bytes()),
            _ => {}
        });
        Ok(())
    }

    fn interface(&mut self, mut fields: Fields<'_>, sink: &mut Sink<'_>) -> Result<(), Incomplete> {
        let link = fields.u16()?;
        fields.cursor.skip(2)?;
        let snaplen = fields.u32()?;
        let number = u16::try_from(sink.info.interface_count);
        if number.is_err() || self.interfaces.len() >= MAX_SECTION_INTERFACES {
            sink.info.note(anomaly::INTERFACES, sink.offset);
        }
        let mut interface = Interface {
            number: number.unwrap_or(u16::MAX),
            link,
            snaplen,
            resolution: Resolution::Multiply(1_000),
            offset: 0,
        };
        let mut info = InterfaceInfo { link, ..InterfaceInfo::default() };
        options(fields, |code, value, big| match (code, value) {
            (1, _) => sink.info.comment(CommentOn::Interface(interface.number), value),
            (2, _) => info.name = short_text(value),
            (3, _) => info.description = short_text(value),
            (9, [resolution, ..]) => interface.resolution = Resolution::of(*resolution),
            (14, _) => interface.offset = u64_in(value, big).unwrap_or_default().cast_signed(),
            _ => {}
        });
        sink.info.interface(info);
        if self.interfaces.len() < MAX_SECTION_INTERFACES {
            self.interfaces.push(interface);
        }
        Ok(())
    }

    fn statistics(&mut self, mut fields: Fields<'_>, sink: &mut Sink<'_>) -> Result<(), Incomplete> {
        let index = fields.u32()?;
        let number = self.earlier.saturating_add(u64::from(index));
        let until = fields.time()?;
        if let Some(interface) = self.interfaces.get(wide(index)).filter(|_| self.record) {
            sink.silence(interface.nanoseconds(until));
        }
        let mut dropped = None;
        options(fields, |code, value, big| {
            if let (5 | 7, Some(count)) = (code, u64_in(value, big)) {
                dropped = Some(count.saturating_add(dropped.unwrap_or_default()));
            }
        });
        let info = usize::try_from(number).ok().and_then(|number| sink.info.interfaces.get_mut(number));
        if let (Some(info), Some(_)) = (info, dropped) {
            info.dropped = dropped;
        }
        Ok(())
    }

    fn simple(&self, mut fields: Fields<'_>) -> Result<PacketFields, Incomplete> {
        let wire = fields.u32()?;
        let snaplen = self.interfaces.first().map_or(0, |interface| interface.snaplen);
        let most = if snaplen == 0 { wire } else { wire.min(snaplen) };
        let captured = most.min(u32::try_from(fields.cursor.remaining()).unwrap_or(u32::MAX));
        Ok(PacketFields { interface: 0, time: None, captured, wire, start: fields.cursor.offset() })
    }

    fn packet(&mut self, packet: &PacketFields, body: &[u8], start: usize, window: &Window<'_>, sink: &mut Sink<'_>) {
        let offset = window.offset(start);
        let index = usize::try_from(packet.interface).unwrap_or(usize::MAX);
        let Some(interface) = self.interfaces.get(index) else {
            return sink.refuse(anomaly::UNKNOWN_INTERFACE, offset, true);
        };
        let length = wide(packet.captured);
        let end = add(packet.start, length);
        if end > body.len() || length > MAX_FRAME {
            return sink.refuse(anomaly::BAD_BLOCK, offset, true);
        }
        let time = match packet.time {
            Some(units) => interface.nanoseconds(units),
            None => {
                sink.info.note(anomaly::NO_TIME, offset);
                self.clock
            }
        };
        self.clock = time;
        let span = Span { start: offset_of(add(start, packet.start)), len: packet.captured };
        let wire_len = packet.wire.max(packet.captured);
        sink.frame(window.bytes, time, span, Shape { wire_len, link: interface.link, interface: interface.number });
        let padded = add(end, end.wrapping_neg() & 3);
        if let Some(rest) = body.get(padded..).filter(|rest| !rest.is_empty() && packet.time.is_some()) {
            self.packet_options(rest, sink);
        }
    }

    #[cold]
    fn packet_options(&self, rest: &[u8], sink: &mut Sink<'_>) {
        let number = sink.packets;
        options(Fields { cursor: Cursor::new("pcapng.options", rest), big: self.big }, |code, value, big| match code {
            1 => sink.info.comment(CommentOn::Packet(number), value),
            4 => sink.info.dropped = sink.info.dropped.saturating_add(u64_in(value, big).unwrap_or_default()),
            _ => {}
        });
    }
}

fn enhanced(mut fields: Fields<'_>) -> Result<PacketFields, Incomplete> {
    let interface = fields.u32()?;
    let time = Some(fields.time()?);
    let (captured, wire) = (fields.u32()?, fields.u32()?);
    Ok(PacketFields { interface, time, captured, wire, start: fields.cursor.offset() })
}

fn obsolete(mut fields: Fields<'_>) -> Result<PacketFields, Incomplete> {
    let interface = u32::from(fields.u16()?);
    fields.cursor.skip(2)?;
    let time = Some(fields.time()?);
    let (captured, wire) = (fields.u32()?, fields.u32()?);
    Ok(PacketFields { interface, time, captured, wire, start: fields.cursor.offset() })
}

impl Resolution {
    /// `if_tsresol`: a negative power of 10, or of 2 where the highest bit is set.
    fn of(option: u8) -> Self {
        let power = u32::from(option & 0x7f);
        if option & 0x80 != 0 {
            return Resolution::Binary(power);
        }
        match power.checked_sub(9) {
            Some(0) | None => Resolution::Multiply(10_u64.saturating_pow(9_u32.saturating_sub(power))),
            // Finer than 64 bits can count: always 0, as a division by zero below.
            Some(finer) => Resolution::Divide(10_u64.checked_pow(finer).unwrap_or(0)),
        }
    }
}

impl Interface {
    /// A time in this interface's units, as ns since 1970.
    #[inline]
    fn nanoseconds(&self, units: u64) -> u64 {
        let time = match self.resolution {
            Resolution::Multiply(factor) => units.saturating_mul(factor),
            Resolution::Divide(divisor) => units.checked_div(divisor).unwrap_or_default(),
            // At most 64 + 30 bits before the shift.
            Resolution::Binary(power) => {
                let scaled = u128::from(units).saturating_mul(1_000_000_000).checked_shr(power).unwrap_or_default();
                u64::try_from(scaled).unwrap_or(u64::MAX)
            }
        };
        if self.offset == 0 {
            return time;
        }
        time.saturating_add_signed(self.offset.saturating_mul(1_000_000_000))
    }
}
