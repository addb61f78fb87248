//! Addresses between text and bytes.

use std::net::{Ipv4Addr, Ipv6Addr};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::address::{Address, Mac, Net};
use crate::output::number;

/// An address as the bytes of the wire: 4, 16 (its scope left out) or 6; `None` for what is no address.
#[pyfunction]
pub fn packed<'py>(address: &Bound<'py, PyString>) -> Option<Bound<'py, PyBytes>> {
    let py = address.py();
    let address = address.to_str().ok()?;
    if let Ok(address) = address.parse::<Ipv4Addr>() {
        return Some(PyBytes::new(py, &address.octets()));
    }
    if let Some(mac) = mac(address) {
        return Some(PyBytes::new(py, &mac));
    }
    let unscoped = address.split('%').next()?;
    unscoped.parse::<Ipv6Addr>().ok().map(|address| PyBytes::new(py, &address.octets()))
}

/// `00:80:f4:0b:33:44`.
pub(super) fn mac(text: &str) -> Option<Mac> {
    let mut mac = Mac::default();
    let mut parts = text.split(':');
    for byte in &mut mac {
        let part =
            parts.next().filter(|part| part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}

/// An address as text. That of an IPv4 address is written by hand: it is asked for each side of each operation.
pub(super) fn text<'py>(py: Python<'py>, address: Address) -> Bound<'py, PyString> {
    if address.net != Net::V4 {
        return PyString::new(py, &address.to_string());
    }
    let [.., a, b, c, d] = address.bits.to_be_bytes();
    let mut written = Vec::with_capacity(15);
    for (place, octet) in [a, b, c, d].into_iter().enumerate() {
        if place > 0 {
            written.push(b'.');
        }
        number(&mut written, u64::from(octet));
    }
    PyString::new(py, &String::from_utf8_lossy(&written))
}
