//! What was seen of a flow and what was not (DESIGN.md, section 3).

use crate::address::Side;

/// The counts of one side that every packet changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Packets that this side sent.
    pub packets: u64,
    /// Their bytes on the wire, link header included.
    pub bytes: u64,
    /// Bytes of transport payload on the wire (retransmissions included).
    pub payload: u64,
}

macro_rules! rare {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// The counts of one side that stay 0 in most flows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Rare { $($(#[$doc])* pub $name: u64),* }

        impl Rare {
            /// Name and count, in a fixed order.
            pub fn entries(&self) -> [(&'static str, u64); Rare::LEN] {
                [$((stringify!($name), self.$name)),*]
            }

            /// Number of counts.
            pub const LEN: usize = [$(stringify!($name)),*].len();

            /// Adds another's counts.
            pub fn add(&mut self, other: &Rare) {
                $(self.$name = self.$name.saturating_add(other.$name);)*
            }
        }
    };
}

rare! {
    /// Segments that brought nothing new.
    retransmitted_packets,
    /// Payload bytes that had been seen before (the old part of overlapping segments included).
    retransmitted_bytes,
    /// Segments that came before one that precedes them.
    out_of_order_packets,
    /// Places where bytes of the stream are missing.
    gaps,
    /// Bytes that are missing there.
    gap_bytes,
    /// Segments that cover bytes seen before and new ones.
    overlaps,
    /// Bytes seen twice and not the same; the first copy stands.
    conflicts,
    /// Segments set aside because their checksum is wrong.
    bad_checksums,
    /// Segments set aside because their place makes no sense in the stream (far outside the window, after its end).
    set_aside_packets,
    /// Their payload bytes.
    set_aside_bytes,
    /// Resets that were not believed, because their place makes no sense.
    ignored_resets,
    /// Keep-alives.
    keep_alives,
    /// Payload bytes that the capture cut off (snaplen).
    cut_bytes,
    /// Payload bytes of before the first byte known of the stream.
    early_bytes,
    /// Bytes that a dissector could not read (added by the engine).
    undecoded_bytes,
    /// Frames seen twice and kept out (added by the engine).
    duplicates,
    /// Frames that may be duplicates, kept in.
    suspected_duplicates,
}

/// What was seen of a flow and what was not.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    counts: [Counts; 2],
    rare: Option<Box<[Rare; 2]>>,
    /// The flow began before the capture: its opening was not seen.
    pub midstream: bool,
    /// What it carries is encrypted (set by the engine).
    pub encrypted: bool,
    /// This side's checksums are wrong as a rule (offload on the capturing host), so they decide nothing.
    pub offload: [bool; 2],
}

impl Ledger {
    /// The counts that every packet changes.
    #[inline]
    pub fn counts(&self, side: Side) -> &Counts {
        &self.counts[side.index()]
    }

    /// The same, to change.
    #[inline]
    pub fn counts_mut(&mut self, side: Side) -> &mut Counts {
        &mut self.counts[side.index()]
    }

    /// The rarer counts.
    pub fn rare(&self, side: Side) -> Rare {
        self.rare.as_ref().map(|rare| rare[side.index()]).unwrap_or_default()
    }

    /// The same, to change; made at the first call.
    #[cold]
    pub fn rare_mut(&mut self, side: Side) -> &mut Rare {
        &mut self.rare.get_or_insert_default()[side.index()]
    }

    /// Packets were seen of one side alone.
    pub fn one_way(&self) -> bool {
        self.counts.iter().filter(|counts| counts.packets > 0).count() == 1
    }

    /// Bytes of this side were lost: gaps, or cut off by the capture.
    #[inline]
    pub fn lost(&self, side: Side) -> bool {
        self.rare.as_ref().is_some_and(|rare| {
            let rare = &rare[side.index()];
            rare.gaps > 0 || rare.cut_bytes > 0
        })
    }
}

/// Sums of ledgers, for the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Flows.
    pub flows: u64,
    /// Counts of both sides.
    pub counts: Counts,
    /// Rarer counts of both sides.
    pub rare: Rare,
    /// Flows with packets of one side alone.
    pub one_way: u64,
    /// Flows whose opening was not seen.
    pub midstream: u64,
    /// Flows with encrypted content.
    pub encrypted: u64,
    /// Flows with a side whose checksums are wrong as a rule.
    pub offload: u64,
}

impl Totals {
    /// Adds a flow.
    pub fn add(&mut self, ledger: &Ledger) {
        self.flows = self.flows.saturating_add(1);
        for side in [Side::A, Side::B] {
            let counts = ledger.counts(side);
            self.counts.packets = self.counts.packets.saturating_add(counts.packets);
            self.counts.bytes = self.counts.bytes.saturating_add(counts.bytes);
            self.counts.payload = self.counts.payload.saturating_add(counts.payload);
            if ledger.rare.is_some() {
                self.rare.add(&ledger.rare(side));
            }
        }
        self.one_way = self.one_way.saturating_add(u64::from(ledger.one_way()));
        self.midstream = self.midstream.saturating_add(u64::from(ledger.midstream));
        self.encrypted = self.encrypted.saturating_add(u64::from(ledger.encrypted));
        self.offload = self.offload.saturating_add(u64::from(ledger.offload.contains(&true)));
    }

    /// Name and count of everything, in a fixed order.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("flows", self.flows),
            ("packets", self.counts.packets),
            ("bytes", self.counts.bytes),
            ("payload_bytes", self.counts.payload),
            ("one_way", self.one_way),
            ("midstream", self.midstream),
            ("encrypted", self.encrypted),
            ("offload", self.offload),
        ]
        .into_iter()
        .chain(self.rare.entries())
    }
}
