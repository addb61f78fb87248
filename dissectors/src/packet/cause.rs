//! Why a frame could not be decoded: every way has a name, and every name a count.

use std::borrow::Cow;

/// Why a frame gave no packet. `…Short` means that the frame itself ends inside that header; where the capture cut it there,
/// the cause is [`Cause::Cut`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Cause {
    /// A link type that Fieldtap does not know, with its number (`LINKTYPE_…`).
    LinkType(u16),
    /// The capture cut the frame before its network header was complete.
    Cut,
    LinkShort,
    LinkTags,
    LlcLength,
    PppoeHeader,
    LoopbackFamily,
    MpacketFragment,
    MplsLabels,
    IpVersion,
    IpHeaderShort,
    IpLength,
    Ipv6Extensions,
    Ipv6Extension,
    TcpHeader,
    UdpLength,
    IcmpShort,
    GreHeader,
    ErspanHeader,
    TunnelDepth,
    /// Fragments whose datagram was not complete within [`super::fragment::MAX_AGE`].
    FragmentTimeout,
    /// Fragments given up because too many datagrams were open.
    FragmentTable,
    /// Fragments given up because too many bytes were held.
    FragmentBytes,
    /// Fragments of a datagram cut into more than [`super::fragment::MAX_FRAGMENTS`].
    FragmentCount,
    /// A fragment that reaches past 65,535 bytes, is no multiple of eight long, or contradicts the length already known.
    FragmentRange,
    /// Fragments still waiting when the captures ended.
    FragmentIncomplete,
    /// A copy of a fragment whose datagram is already complete.
    FragmentTwin,
    /// The block of frames has no room for another reassembled datagram.
    BlockFull,
}

/// Number of causes without a number of their own.
pub(super) const CAUSES: usize = 27;

impl Cause {
    /// Index for counting, `None` for link types.
    pub(super) fn index(self) -> Option<usize> {
        FIXED.iter().position(|(cause, _)| *cause == self)
    }

    /// The name in `packets.undecoded` of the result.
    pub fn name(self) -> Cow<'static, str> {
        match self {
            Cause::LinkType(number) => match LINK_TYPES.iter().find(|(known, _)| *known == number) {
                Some((_, name)) => Cow::Owned(format!("linktype_{name}")),
                None => Cow::Owned(format!("linktype_{number}")),
            },
            fixed => match FIXED.iter().find(|(cause, _)| *cause == fixed) {
                Some((_, name)) => Cow::Borrowed(name),
                None => Cow::Borrowed("unknown"),
            },
        }
    }
}

/// Causes and their names, in the order of their counters.
pub(super) const FIXED: [(Cause, &str); CAUSES] = [
    (Cause::Cut, "cut"),
    (Cause::LinkShort, "link_short"),
    (Cause::LinkTags, "link_tags"),
    (Cause::LlcLength, "llc_length"),
    (Cause::PppoeHeader, "pppoe_header"),
    (Cause::LoopbackFamily, "loopback_family"),
    (Cause::MpacketFragment, "mpacket_fragment"),
    (Cause::MplsLabels, "mpls_labels"),
    (Cause::IpVersion, "ip_version"),
    (Cause::IpHeaderShort, "ip_header_short"),
    (Cause::IpLength, "ip_length"),
    (Cause::Ipv6Extensions, "ipv6_extensions"),
    (Cause::Ipv6Extension, "ipv6_extension"),
    (Cause::TcpHeader, "tcp_header"),
    (Cause::UdpLength, "udp_length"),
    (Cause::IcmpShort, "icmp_short"),
    (Cause::GreHeader, "gre_header"),
    (Cause::ErspanHeader, "erspan_header"),
    (Cause::TunnelDepth, "tunnel_depth"),
    (Cause::FragmentTimeout, "fragment_timeout"),
    (Cause::FragmentTable, "fragment_table"),
    (Cause::FragmentBytes, "fragment_bytes"),
    (Cause::FragmentCount, "fragment_count"),
    (Cause::FragmentRange, "fragment_range"),
    (Cause::FragmentIncomplete, "fragment_incomplete"),
    (Cause::FragmentTwin, "fragment_twin"),
    (Cause::BlockFull, "block_full"),
];

/// Link types that are refused by name (the registry of the tcpdump group); the others are refused by number.
const LINK_TYPES: [(u16, &str); 30] = [
    (3, "ax25"),
    (6, "ieee802_5"),
    (7, "arcnet"),
    (8, "slip"),
    (10, "fddi"),
    (105, "ieee802_11"),
    (107, "frelay"),
    (117, "pflog"),
    (119, "ieee802_11_prism"),
    (127, "ieee802_11_radiotap"),
    (138, "apple_ip_over_ieee1394"),
    (143, "docsis"),
    (147, "user0"),
    (163, "ieee802_11_avs"),
    (177, "linux_lapd"),
    (187, "bluetooth_hci_h4"),
    (189, "usb_linux"),
    (190, "can20b"),
    (192, "ppi"),
    (195, "ieee802_15_4_withfcs"),
    (203, "lapd"),
    (215, "ieee802_15_4_nonask_phy"),
    (220, "usb_linux_mmapped"),
    (227, "can_socketcan"),
    (230, "ieee802_15_4_nofcs"),
    (239, "nflog"),
    (240, "netanalyzer"),
    (241, "netanalyzer_transparent"),
    (249, "usbpcap"),
    (253, "netlink"),
];
