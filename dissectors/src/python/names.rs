//! Names and units as Python text, each made once: judges ask for the same few of every new operation.

use std::sync::{LazyLock, Mutex, PoisonError};

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::protocols;

/// Texts kept in each table; what comes later is made anew each time.
const MAX_KEPT: usize = 4_096;

type Table<K> = LazyLock<Mutex<HashMap<K, Py<PyString>, RandomState>>>;

/// By place and length: names are constants of the tables, or live as long as the process.
static NAMES: Table<(usize, usize)> = LazyLock::new(Mutex::default);
/// By protocol and unit.
static UNITS: Table<(u8, u32)> = LazyLock::new(Mutex::default);

/// A constant name.
pub(super) fn name<'py>(py: Python<'py>, name: &'static str) -> Bound<'py, PyString> {
    kept(py, &NAMES, (name.as_ptr().addr(), name.len()), || PyString::intern(py, name))
}

/// A protocol's name.
pub(super) fn protocol(py: Python<'_>, number: u8) -> Bound<'_, PyString> {
    name(py, protocols::name(number))
}

/// The device behind an address, as its protocol writes it.
pub(super) fn unit(py: Python<'_>, protocol: u8, unit: Option<u32>) -> Option<Bound<'_, PyString>> {
    let unit = unit?;
    Some(kept(py, &UNITS, (protocol, unit), || {
        let mut text = Vec::new();
        match protocols::protocol(protocol) {
            Some(protocol) => (protocol.write_unit)(&mut text, unit),
            None => text.extend_from_slice(unit.to_string().as_bytes()), // a witness's
        }
        PyString::new(py, &String::from_utf8_lossy(&text))
    }))
}

fn kept<'py, K: Eq + std::hash::Hash>(
    py: Python<'py>,
    table: &Table<K>,
    key: K,
    make: impl FnOnce() -> Bound<'py, PyString>,
) -> Bound<'py, PyString> {
    let locked = || table.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(text) = locked().get(&key) {
        return text.bind(py).clone();
    }
    let text = make();
    let mut table = locked();
    if table.len() < MAX_KEPT {
        table.insert(key, text.clone().unbind());
    }
    text
}
