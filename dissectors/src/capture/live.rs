//! One network interface that is listened to: a ring of blocks that the kernel fills and this process reads (AF_PACKET with TPACKET_V3:
//! packet(7), Documentation/networking/packet_mmap.rst of Linux).
//!
//! The only unsafe code of the engine. It is confined to calls of the system that the standard library does not offer, and to copying
//! one block of the ring; what stands in a block is read from the copy, by code that trusts no length.

#![allow(unsafe_code)]

use std::ffi::{CString, c_int, c_uint, c_void};
use std::io;
use std::mem::{size_of, size_of_val, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::{NonNull, null_mut};
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::ring::{BLOCK, RETIRE_MS};

/// How an interface is to be listened to.
#[derive(Debug, Clone, Copy)]
pub struct Means {
    /// Bytes of the ring.
    pub ring_bytes: usize,
    /// Most bytes kept of a frame; `None` keeps all.
    pub snap_length: Option<u32>,
    /// Frames for others as well: what a mirror port is for.
    pub promiscuous: bool,
    /// Time stamps of the network card, where it makes them.
    pub hardware_time: bool,
}

/// Why an interface can't be listened to.
#[derive(Debug)]
pub struct LiveError {
    /// Its name.
    pub interface: String,
    /// What failed, in words.
    pub what: &'static str,
    /// What the system says.
    pub error: io::Error,
}

/// The memory that kernel and process share.
struct Ring {
    memory: NonNull<u8>,
    blocks: usize,
    /// The block that the kernel fills next, seen from here: blocks come in turn.
    next: usize,
}

// SAFETY: the memory belongs to this ring alone, and goes where the ring goes; nothing in it is tied to a thread.
unsafe impl Send for Ring {}

/// What the kernel counted since it was asked last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Frames that the ring had no room for.
    pub dropped: u64,
    /// How often the ring was full.
    pub full: u64,
}

/// An open interface.
pub struct Wire {
    socket: OwnedFd,
    ring: Ring,
    /// Link type as pcap numbers it.
    pub link: u16,
}

impl Wire {
    /// Opens an interface. The descriptor is closed on exec, and receives nothing before all is set.
    ///
    /// # Errors
    /// Where there is no such interface, no right to listen, or no memory for the ring.
    pub fn open(name: &str, means: Means) -> Result<Self, LiveError> {
        let failed = |what| move |error| LiveError { interface: name.to_owned(), what, error };
        // SAFETY: a call without pointers; what it gives is a descriptor or -1.
        let fd = checked(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) });
        let fd = fd.map_err(failed("may not be listened to"))?;
        // SAFETY: the descriptor was just made and belongs to nobody else.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let index = index_of(name).map_err(failed("is no interface here"))?;
        let link = link_of(&socket, name).map_err(failed("is no interface that can be listened to"))?;
        let ring =
            prepare(&socket, name, means).map_err(failed("has no room for a ring (try less with --ring-memory)"))?;
        if means.hardware_time {
            hardware_time(&socket, name).map_err(failed("makes no time stamps of its own"))?;
        }
        if means.promiscuous {
            promiscuous(&socket, index).map_err(failed("can't be made to take frames for others"))?;
        }
        bind(&socket, index).map_err(failed("can't be listened to"))?;
        Ok(Wire { socket, ring, link })
    }

    /// Copies the next full block of the ring into `bytes` and gives it back to the kernel; false where there is none yet.
    pub fn take(&mut self, bytes: &mut Vec<u8>) -> bool {
        let Ring { memory, blocks, next } = &mut self.ring;
        // SAFETY: `next` is less than `blocks`, and so many blocks of this size are mapped (see `prepare`).
        let block = unsafe { memory.add(next.wrapping_mul(BLOCK)) };
        // SAFETY: a block begins with `tpacket_block_desc`, whose status lies at this offset, is aligned (blocks are aligned to pages),
        // and is written by both sides atomically only.
        let status = unsafe { AtomicU32::from_ptr(block.add(STATUS).cast::<u32>().as_ptr()) };
        if status.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return false;
        }
        // SAFETY: until the status is set back the kernel leaves the block to us, and it is mapped whole.
        let there = unsafe { slice::from_raw_parts(block.as_ptr(), BLOCK) };
        let length =
            there.get(LENGTH..).and_then(|rest| rest.first_chunk()).map_or(0, |length| u32::from_ne_bytes(*length));
        let length = usize::try_from(length).unwrap_or(BLOCK).min(BLOCK);
        bytes.clear();
        bytes.extend_from_slice(there.get(..length).unwrap_or_default());
        status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        *next = next.wrapping_add(1).checked_rem(*blocks).unwrap_or_default();
        true
    }

    /// What the kernel counted since the last call.
    pub fn counted(&self) -> Counted {
        // SAFETY: a structure of numbers, for which zeros are a value.
        let mut said: libc::tpacket_stats_v3 = unsafe { zeroed() };
        match get(&self.socket, libc::SOL_PACKET, libc::PACKET_STATISTICS, &mut said) {
            Ok(()) => Counted { dropped: u64::from(said.tp_drops), full: u64::from(said.tp_freeze_q_cnt) },
            Err(_) => Counted::default(),
        }
    }

    /// An error that the socket holds (the interface went down, or away), taken from it.
    pub fn trouble(&self) -> Option<io::Error> {
        let mut code: c_int = 0;
        get(&self.socket, libc::SOL_SOCKET, libc::SO_ERROR, &mut code)
            .err()
            .or_else(|| (code != 0).then(|| io::Error::from_raw_os_error(code)))
    }

    /// The descriptor, for those who forbid to use it otherwise.
    pub fn descriptor(&self) -> i32 {
        self.socket.as_raw_fd()
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: mapped by `prepare` with this length, and unmapped nowhere else.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), self.blocks.wrapping_mul(BLOCK)) };
    }
}

/// Waits until one of the interfaces has a block or something to say, at most so long.
pub fn wait(wires: &[Wire], longest: Duration) {
    let mut polled: Vec<_> = wires
        .iter()
        .map(|wire| libc::pollfd { fd: wire.descriptor(), events: libc::POLLIN | libc::POLLERR, revents: 0 })
        .collect();
    let milliseconds = c_int::try_from(longest.as_millis()).unwrap_or(c_int::MAX).max(1);
    let count = libc::nfds_t::try_from(polled.len()).unwrap_or_default();
    // SAFETY: the pointer is to `count` structures that live until the call is over. Why it ended does not matter: who waited looks again.
    unsafe { libc::poll(polled.as_mut_ptr(), count, milliseconds) };
}

/// Offsets in a block's header.
const STATUS: usize = std::mem::offset_of!(libc::tpacket_block_desc, hdr);
const LENGTH: usize = STATUS + std::mem::offset_of!(libc::tpacket_hdr_v1, blk_len);

fn checked(answer: c_int) -> io::Result<c_int> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

fn set<T>(socket: &OwnedFd, level: c_int, option: c_int, value: &T) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).unwrap_or_default();
    // SAFETY: pointer and length are of one value that outlives the call; the kernel only reads it.
    let answer = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, option, std::ptr::from_ref(value).cast::<c_void>(), length)
    };
    checked(answer).map(drop)
}

fn get<T>(socket: &OwnedFd, level: c_int, option: c_int, value: &mut T) -> io::Result<()> {
    let mut length = libc::socklen_t::try_from(size_of_val(value)).unwrap_or_default();
    // SAFETY: pointer and length are of one value that outlives the call, of numbers only: whatever is written is a value.
    let answer = unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, option, std::ptr::from_mut(value).cast::<c_void>(), &raw mut length)
    };
    checked(answer).map(drop)
}

fn index_of(name: &str) -> io::Result<c_int> {
    let name = CString::new(name)?;
    // SAFETY: a text that ends in a zero and outlives the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => c_int::try_from(index).map_err(io::Error::other),
    }
}

/// A request about an interface.
fn request(name: &str) -> io::Result<libc::ifreq> {
    // SAFETY: a structure of numbers and a pointer that is not followed, for which zeros are a value.
    let mut request: libc::ifreq = unsafe { zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (place, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *place = libc::c_char::from_ne_bytes([byte]);
    }
    Ok(request)
}

/// The link type that pcap gives to what this kind of interface delivers.
fn link_of(socket: &OwnedFd, name: &str) -> io::Result<u16> {
    let mut request = request(name)?;
    // SAFETY: the kernel reads the name and writes an address of fixed size into the structure, which outlives the call.
    checked(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFHWADDR, &raw mut request) })?;
    // SAFETY: SIOCGIFHWADDR wrote this field of the union.
    let kind = unsafe { request.ifr_ifru.ifru_hwaddr.sa_family };
    match kind {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Ok(1),
        libc::ARPHRD_NONE | libc::ARPHRD_PPP => Ok(101),
        other => Err(io::Error::other(format!("its hardware type {other} is neither Ethernet nor IP alone"))),
    }
}

/// Sets the socket up and maps its ring.
fn prepare(socket: &OwnedFd, name: &str, means: Means) -> io::Result<Ring> {
    const THIRD: c_int = 2; // TPACKET_V3, counted from 0
    set(socket, libc::SOL_PACKET, libc::PACKET_VERSION, &THIRD)?;
    if let Some(most) = means.snap_length {
        snap(socket, most)?;
    }
    if name == "lo" {
        set(socket, libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, &1)?; // there each frame goes out and comes in
    }
    let blocks = means.ring_bytes.checked_div(BLOCK).unwrap_or_default().max(4);
    let number = |size: usize| c_uint::try_from(size).map_err(io::Error::other);
    let frame = 2_048; // only says how many frames there may be: the third version packs them
    let wanted = libc::tpacket_req3 {
        tp_block_size: number(BLOCK)?,
        tp_block_nr: number(blocks)?,
        tp_frame_size: number(frame)?,
        tp_frame_nr: number(BLOCK.checked_div(frame).unwrap_or_default().saturating_mul(blocks))?,
        tp_retire_blk_tov: RETIRE_MS,
        tp_sizeof_priv: 0,
        tp_feature_req_word: 0,
    };
    set(socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &wanted)?;
    let length = blocks.saturating_mul(BLOCK);
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at a place that the kernel chooses, of the ring that was just made with this length.
    let memory = unsafe { libc::mmap(null_mut(), length, access, libc::MAP_SHARED, socket.as_raw_fd(), 0) };
    match NonNull::new(memory.cast::<u8>()) {
        Some(memory) if memory.as_ptr().cast() != libc::MAP_FAILED => Ok(Ring { memory, blocks, next: 0 }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A program of one instruction that takes every frame, and so many bytes of it.
fn snap(socket: &OwnedFd, most: u32) -> io::Result<()> {
    let mut take = libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: most }; // BPF_RET | BPF_K
    let program = libc::sock_fprog { len: 1, filter: &raw mut take };
    set(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

/// Asks the card for time stamps of all frames, and the kernel to hand them on.
fn hardware_time(socket: &OwnedFd, name: &str) -> io::Result<()> {
    const ALL: c_int = 1; // HWTSTAMP_FILTER_ALL
    let mut config = libc::hwtstamp_config { flags: 0, tx_type: 0, rx_filter: ALL };
    let mut request = request(name)?;
    request.ifr_ifru.ifru_data = (&raw mut config).cast();
    // SAFETY: the kernel reads the name, and reads and writes the configuration behind the pointer; both outlive the call.
    checked(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSHWTSTAMP, &raw mut request) })?;
    set(socket, libc::SOL_PACKET, libc::PACKET_TIMESTAMP, &libc::SOF_TIMESTAMPING_RAW_HARDWARE)
}

fn promiscuous(socket: &OwnedFd, index: c_int) -> io::Result<()> {
    let kind = u16::try_from(libc::PACKET_MR_PROMISC).map_err(io::Error::other)?;
    let wanted = libc::packet_mreq { mr_ifindex: index, mr_type: kind, mr_alen: 0, mr_address: [0; 8] };
    set(socket, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &wanted)
}

fn bind(socket: &OwnedFd, index: c_int) -> io::Result<()> {
    // SAFETY: a structure of numbers, for which zeros are a value.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    let everything = u16::try_from(libc::ETH_P_ALL).map_err(io::Error::other)?;
    address.sll_family = u16::try_from(libc::AF_PACKET).map_err(io::Error::other)?;
    address.sll_protocol = everything.to_be();
    address.sll_ifindex = index;
    let length = libc::socklen_t::try_from(size_of_val(&address)).unwrap_or_default();
    // SAFETY: pointer and length are of one address that outlives the call.
    checked(unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) }).map(drop)
}
