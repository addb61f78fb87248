//! Long lists that Python walks through once: each entry is made when it is asked for, so that a run with a million
//! conversations needs no memory for all of them at a time.

use std::sync::{Arc, Mutex};

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyIndexError, PyKeyError};
use pyo3::prelude::*;
use pyo3::types::PyIterator;

use super::address;
use super::engine::locked;
use super::facts::Moment;
use super::names;
use super::result::Tally;
use crate::engine::Engine as Run;
use crate::gate::{Account, ConversationKey, Direction};

/// What a listing is of.
#[derive(Clone, Copy)]
pub(super) enum What {
    Conversations,
    Operations,
}

/// A list whose entries are made when they are asked for.
#[pyclass(frozen, module = "dissectors._native")]
pub struct Listing {
    run: Arc<Mutex<Run>>,
    what: What,
}

impl Listing {
    pub(super) fn new(run: Arc<Mutex<Run>>, what: What) -> Listing {
        Listing { run, what }
    }

    fn entry(&self, py: Python<'_>, index: usize) -> PyResult<Option<Py<PyAny>>> {
        let mut run = locked(&self.run);
        Ok(match self.what {
            What::Conversations => match run.back().conversations.accounts().get(index) {
                Some((key, account)) => {
                    Some(Py::new(py, Conversation { key: *key, account: Box::new(*account) })?.into_any())
                }
                None => None,
            },
            What::Operations => {
                let number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
                let view = run.gate().operation_tally(number);
                match view.map(|view| Tally::new(run.gate(), view)) {
                    Some(tally) => Some(Py::new(py, tally)?.into_any()),
                    None => None,
                }
            }
        })
    }
}

#[pymethods]
impl Listing {
    fn __len__(&self) -> usize {
        let mut run = locked(&self.run);
        match self.what {
            What::Conversations => run.back().conversations.accounts().len(),
            What::Operations => run.gate().operation_count(),
        }
    }

    fn __getitem__(&self, py: Python<'_>, index: usize) -> PyResult<Py<PyAny>> {
        self.entry(py, index)?.ok_or_else(|| PyIndexError::new_err(index))
    }

    fn __iter__(&self) -> Walk {
        Walk { listing: Listing::new(Arc::clone(&self.run), self.what), next: 0 }
    }
}

/// A walk through a listing.
#[pyclass(module = "dissectors._native")]
pub struct Walk {
    listing: Listing,
    next: usize,
}

#[pymethods]
impl Walk {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&mut self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let entry = self.listing.entry(py, self.next)?;
        self.next = self.next.saturating_add(1);
        Ok(entry)
    }
}

/// What was seen between a client and a server: a mapping.
#[pyclass(frozen, mapping, module = "dissectors._native")]
pub struct Conversation {
    key: ConversationKey,
    account: Box<Account>,
}

const CONVERSATION: [&str; 15] = [
    "client",
    "server",
    "port",
    "protocol",
    "flows",
    "first",
    "last",
    "midstream",
    "one_way",
    "half_seen",
    "encrypted",
    "from_client",
    "from_server",
    "last_from_client",
    "last_from_server",
];

#[pymethods]
impl Conversation {
    fn __getitem__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let Conversation { key, account } = self;
        let number = |count: u64| Ok(count.into_pyobject(py)?.into_any());
        match name {
            "client" => Ok(address::text(py, key.client).into_any()),
            "server" => Ok(address::text(py, key.server).into_any()),
            "port" => number(u64::from(key.port)),
            "protocol" => Ok(names::protocol(py, key.protocol).into_any()),
            "flows" => number(account.flows),
            "first" => account.first.map(Moment::from).into_bound_py_any(py),
            "last" => account.last.map(Moment::from).into_bound_py_any(py),
            "midstream" => number(account.midstream),
            "one_way" => number(account.one_way),
            "half_seen" => number(account.half_seen),
            "encrypted" => number(account.encrypted),
            "from_client" => Counts(account.from_client).into_bound_py_any(py),
            "from_server" => Counts(account.from_server).into_bound_py_any(py),
            "last_from_client" => last(account.from_client).into_bound_py_any(py),
            "last_from_server" => last(account.from_server).into_bound_py_any(py),
            _ => Err(PyKeyError::new_err(name.to_owned())),
        }
    }

    #[pyo3(signature = (key, default=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if CONVERSATION.contains(&key) { self.__getitem__(py, key).map(Some) } else { Ok(default) }
    }

    fn __len__(&self) -> usize {
        CONVERSATION.len()
    }

    fn keys(&self) -> Vec<&'static str> {
        CONVERSATION.to_vec()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        CONVERSATION.to_vec().into_pyobject(py)?.try_iter()
    }

    fn __contains__(&self, name: &str) -> bool {
        CONVERSATION.contains(&name)
    }
}

/// When something was last seen of a direction, ns; `None` where nothing was.
fn last(direction: Direction) -> Option<u64> {
    (direction.packets > 0).then_some(direction.last)
}

/// What one direction carried: a mapping of counts.
#[pyclass(frozen, mapping, module = "dissectors._native")]
pub struct Counts(Direction);

impl Counts {
    fn count(&self, name: &str) -> Option<u64> {
        self.entries().into_iter().find(|(known, _)| *known == name).map(|(_, count)| count)
    }

    fn entries(&self) -> [(&'static str, u64); 10] {
        let direction = &self.0;
        [
            ("packets", direction.packets),
            ("bytes", direction.bytes),
            ("payload_bytes", direction.payload_bytes),
            ("retransmitted", direction.retransmitted),
            ("out_of_order", direction.out_of_order),
            ("gaps", direction.gaps),
            ("gap_bytes", direction.gap_bytes),
            ("undecoded_bytes", direction.undecoded_bytes),
            ("duplicates", direction.duplicates),
            ("conflicts", direction.conflicts),
        ]
    }
}

#[pymethods]
impl Counts {
    fn __getitem__(&self, name: &str) -> PyResult<u64> {
        self.count(name).ok_or_else(|| PyKeyError::new_err(name.to_owned()))
    }

    #[pyo3(signature = (key, default=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self.count(key) {
            Some(count) => Ok(Some(count.into_pyobject(py)?.into_any())),
            None => Ok(default),
        }
    }

    fn __len__(&self) -> usize {
        self.entries().len()
    }

    fn keys(&self) -> Vec<&'static str> {
        self.entries().into_iter().map(|(name, _)| name).collect()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.keys().into_pyobject(py)?.try_iter()
    }

    fn __contains__(&self, name: &str) -> bool {
        self.count(name).is_some()
    }
}
