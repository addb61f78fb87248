//! Witnesses: protocols of which only those messages are read that say who somebody is. What they see becomes observations; it changes
//! neither operations nor ledgers, and a flow that a dissector claims is none of their business.
//!
//! To add one: its file, `mod` and one entry in [`WITNESSES`]. A witness never fails on any bytes: it tells what it could read.

#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::as_conversions))]

mod bacnet;
mod cdp;
mod cip;
mod dcerpc;
mod dhcp;
mod dns;
mod enip;
mod hearing;
mod http;
mod lldp;
mod ndp;
mod netbios;
mod ntlmssp;
mod ntp;
mod profinet_dcp;
mod rdp;
mod smb;
mod snmp;
mod ssh;
mod tcp;
mod testimony;
#[cfg(test)]
mod tests;
mod tls;

#[cfg(test)]
use hearing::MAX_LISTENING as MAX_LISTENING_FOR_TESTS;
pub use hearing::{Failed, Watch, Witnesses};
pub use testimony::{Note, Notebook, Testimony};

use crate::address::{Address, Mac, Side};

/// Numbers of witnesses begin here; below stand protocols and services.
pub const FIRST_WITNESS: u8 = 224;

/// Every witness, in the order of their numbers. This table is what Python and the documents know of them.
pub static WITNESSES: &[&Witness] = &[
    &tcp::WITNESS,
    &ndp::WITNESS,
    &lldp::WITNESS,
    &cdp::WITNESS,
    &profinet_dcp::WITNESS,
    &dhcp::WITNESS,
    &dns::WITNESS,
    &dns::MDNS,
    &dns::LLMNR,
    &netbios::WITNESS,
    &snmp::WITNESS,
    &ntp::WITNESS,
    &http::WITNESS,
    &http::SSDP,
    &tls::WITNESS,
    &ssh::WITNESS,
    &rdp::WITNESS,
    &smb::WITNESS,
    &dcerpc::WITNESS,
    &enip::WITNESS,
    &cip::WITNESS,
    &bacnet::WITNESS,
];

/// The name of a witness's number.
pub fn name(number: u8) -> Option<&'static str> {
    let index = number.checked_sub(FIRST_WITNESS)?;
    WITNESSES.get(usize::from(index)).map(|witness| witness.name)
}

/// The number of a witness by its name.
pub fn number_of(name: &str) -> Option<u8> {
    (FIRST_WITNESS..).zip(WITNESSES).find_map(|(number, witness)| (witness.name == name).then_some(number))
}

/// What there is to know of a witness.
pub struct Witness {
    /// Name in every output: the `protocol` of its observations.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// The specification it follows.
    pub specification: &'static str,
    /// What it may say.
    pub says: &'static [Says],
    /// Frames without IP, and of ICMPv6, that it looks at.
    pub frames: Option<FrameEar>,
    /// Datagrams that it looks at.
    pub datagrams: Option<DatagramEar>,
    /// Streams that it looks at.
    pub streams: Option<StreamEar>,
}

impl Witness {
    /// One that hears nothing yet.
    const fn new(
        name: &'static str,
        title: &'static str,
        specification: &'static str,
        says: &'static [Says],
    ) -> Witness {
        Witness { name, title, specification, says, frames: None, datagrams: None, streams: None }
    }
}

/// One statement that a witness may make.
pub struct Says {
    /// The attribute.
    pub attribute: &'static str,
    /// The field that says so.
    pub field: &'static str,
    /// Whose address it is about.
    pub about: &'static str,
    /// An example of a value.
    pub example: &'static str,
}

/// A row of a witness's table.
const fn says(attribute: &'static str, field: &'static str, about: &'static str, example: &'static str) -> Says {
    Says { attribute, field, about, example }
}

/// Frames of one kind.
pub struct FrameEar {
    /// The ethertype, or the pair of 802.2 addresses below 0x600.
    pub kind: u16,
    /// Reads one.
    pub read: fn(&Frame<'_>, &mut Testimony<'_>),
}

/// Datagrams from or to these ports. Their few bytes tell less than a stream's, so here the port is a condition, beside the content.
pub struct DatagramEar {
    /// The ports.
    pub ports: &'static [u16],
    /// Reads one.
    pub read: fn(&Datagram<'_>, &mut Testimony<'_>),
}

/// Streams, recognised by their first bytes.
pub struct StreamEar {
    /// Whether these first bytes of a direction are its own.
    pub recognise: fn(&[u8]) -> Recognised,
    /// Somebody who listens to one flow.
    pub start: fn() -> Box<dyn Listener>,
    /// Bytes of each direction that are looked at.
    pub budget: usize,
}

/// What first bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognised {
    /// Its own.
    Mine,
    /// Perhaps: more bytes are needed.
    More,
    /// Another's.
    NotMine,
}

/// What a listener made of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// So many bytes are read (at least one): go on behind them.
    Used(usize),
    /// Again, with these bytes and more.
    More,
    /// Nothing more is to be expected of this direction.
    Done,
}

/// Listens to one flow.
pub trait Listener: Send {
    /// Looks at the bytes of a direction from where the last use of it ended.
    fn hear(&mut self, piece: &Piece<'_>, testimony: &mut Testimony<'_>) -> Look;
}

/// A frame without IP.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Who sent it.
    pub source: Mac,
    /// To whom.
    pub destination: Mac,
    /// What follows the ethertype or 802.2 header.
    pub bytes: &'a [u8],
}

impl Frame<'_> {
    /// The sender as an address.
    pub fn sender(&self) -> Address {
        Address::mac(self.source)
    }
}

/// A datagram.
#[derive(Debug, Clone, Copy)]
pub struct Datagram<'a> {
    /// Who sent it.
    pub source: Address,
    /// To whom.
    pub destination: Address,
    /// From and to which port.
    pub ports: [u16; 2],
    /// What it carries.
    pub bytes: &'a [u8],
}

/// Bytes of one direction of a stream.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// Which side sent them.
    pub side: Side,
    /// Who sent them.
    pub source: Address,
    /// To whom.
    pub destination: Address,
    /// The bytes.
    pub bytes: &'a [u8],
}
