//! The ceilings and time-outs of the flow table.

const SECOND: u64 = 1_000_000_000;

/// Ceilings and time-outs; times in ns on the capture clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most flows at once; at the ceiling the one quiet longest is pushed out.
    pub max_flows: u32,
    /// A TCP flow ends after so long a silence.
    pub tcp_idle: u64,
    /// Any other flow.
    pub udp_idle: u64,
    /// A TCP flow whose opening nobody answered.
    pub half_open: u64,
    /// A TCP flow that one side has ended.
    pub half_closed: u64,
    /// A closed TCP flow, kept so long that trailing packets don't open another.
    pub lingering: u64,
    /// A SYN with a new sequence number begins another flow when this one was silent so long, though it seems to live.
    pub reuse: u64,
    /// Most bytes held back in one direction of a flow.
    pub buffered_bytes: usize,
    /// Most bytes held back over all flows.
    pub buffered_bytes_total: usize,
    /// Most flows that wait for missing bytes at once.
    pub waiting_flows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_flows: 524_288,
            tcp_idle: 3_600 * SECOND,
            udp_idle: 180 * SECOND,
            half_open: 60 * SECOND,
            half_closed: 120 * SECOND,
            lingering: 5 * SECOND,
            reuse: 60 * SECOND,
            buffered_bytes: 256 << 10,
            buffered_bytes_total: 64 << 20,
            waiting_flows: 65_536,
        }
    }
}

impl Limits {
    /// The shortest time after which any flow may end.
    pub(super) fn shortest(&self) -> u64 {
        let Limits { tcp_idle, udp_idle, half_open, half_closed, lingering, .. } = *self;
        tcp_idle.min(udp_idle).min(half_open).min(half_closed).min(lingering)
    }
}
