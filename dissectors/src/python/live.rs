//! Live interfaces, as Python opens them and sees their counters.

use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::exceptions::{PyKeyError, PyOSError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::capture::record;
use crate::capture::watch::{Counters, Settings, Watch};

/// What was opened, and its counters when it was handed on.
pub(super) struct Live {
    watch: Mutex<Option<Watch>>,
    counters: Vec<Arc<Counters>>,
    record: Option<Arc<record::Counters>>,
}

/// Keeps this process from sending, for good.
#[pyfunction]
pub fn confine(descriptors: Vec<i32>) -> PyResult<()> {
    crate::capture::confine::confine(&descriptors).map_err(|error| PyOSError::new_err(error.to_string()))
}

/// Opens what Python asks for.
pub(super) fn open(settings: &Bound<'_, PyDict>) -> PyResult<Watch> {
    let interfaces: Vec<String> = required(settings, "interfaces")?;
    let record = settings.get_item("record")?.map(|record| recording(record.cast()?));
    let settings = Settings {
        interfaces,
        ring_bytes: required(settings, "ring_bytes")?,
        snap_length: required(settings, "snap_length")?,
        promiscuous: required(settings, "promiscuous")?,
        hardware_time: required(settings, "hardware_time")?,
        record: record.transpose()?,
    };
    Watch::open(&settings).map_err(|failed| {
        let text = format!("{} {}: {}", failed.interface, failed.what, failed.error);
        PyOSError::new_err((failed.error.raw_os_error(), text, failed.interface))
    })
}

fn recording(record: &Bound<'_, PyDict>) -> PyResult<record::Settings> {
    Ok(record::Settings {
        folder: required::<PathBuf>(record, "folder")?,
        file_bytes: required(record, "file_bytes")?,
        file_age: Duration::from_secs(required(record, "file_seconds")?),
        total_bytes: required(record, "total_bytes")?,
        total_age: required::<Option<u64>>(record, "total_seconds")?.map(Duration::from_secs),
    })
}

fn required<'py, T>(settings: &Bound<'py, PyDict>, name: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
{
    settings.get_item(name)?.ok_or_else(|| PyKeyError::new_err(name.to_owned()))?.extract()
}

impl Live {
    pub(super) fn of(watch: Watch) -> Live {
        Live { counters: watch.counters(), record: watch.record(), watch: Mutex::new(Some(watch)) }
    }

    pub(super) fn take(&self) -> Option<Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Counters by interface.
    pub(super) fn interfaces<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for counters in &self.counters {
            let said = PyDict::new(py);
            said.set_item("name", &counters.name)?;
            said.set_item("packets", counters.packets.load(Relaxed))?;
            said.set_item("bytes", counters.bytes.load(Relaxed))?;
            said.set_item("dropped", counters.dropped.load(Relaxed))?;
            said.set_item("full", counters.full.load(Relaxed))?;
            said.set_item("troubles", counters.troubles.load(Relaxed))?;
            said.set_item("newest", counters.newest.load(Relaxed))?;
            list.append(said)?;
        }
        Ok(list)
    }

    /// What the recorder did.
    pub(super) fn recorded<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(record) = &self.record else { return Ok(None) };
        let said = PyDict::new(py);
        said.set_item("packets", record.packets.load(Relaxed))?;
        said.set_item("bytes", record.bytes.load(Relaxed))?;
        said.set_item("files", record.files.load(Relaxed))?;
        said.set_item("removed", record.removed.load(Relaxed))?;
        said.set_item("lost", record.lost.load(Relaxed))?;
        said.set_item("failure", record.failure())?;
        Ok(Some(said))
    }
}
