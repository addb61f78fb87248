//! Tallies, conversations and the result of a run, as Python sees them.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::FixedState;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::facts::{Moment, Point};
use crate::capture::CaptureInfo;
use crate::engine::Engine as Run;
use crate::gate::{Gate, TallyView, WindowView};
use crate::output::time_text;
use crate::protocols;
use crate::transaction::Outcome;

/// What a clause or an operation counted.
#[pyclass(frozen, module = "dissectors")]
pub struct Tally {
    view: TallyView,
    protocol: u8,
}

impl Tally {
    pub(super) fn new(gate: &Gate, view: TallyView) -> Tally {
        let protocol = gate.operation(view.operation).map_or(u8::MAX, |operation| operation.protocol);
        Tally { view, protocol }
    }
}

#[pymethods]
impl Tally {
    #[getter]
    fn clause(&self) -> u32 {
        self.view.clause
    }

    #[getter]
    fn operation(&self) -> u32 {
        self.view.operation
    }

    #[getter]
    fn count(&self) -> u64 {
        self.view.count
    }

    #[getter]
    fn first(&self) -> Option<Moment> {
        self.view.first.map(Moment::from)
    }

    #[getter]
    fn last(&self) -> Option<Moment> {
        self.view.last.map(Moment::from)
    }

    #[getter]
    fn outcomes(&self) -> BTreeMap<&'static str, u64> {
        Outcome::NAMES.into_iter().zip(self.view.outcomes).filter(|(_, count)| *count > 0).collect()
    }

    #[getter]
    fn rejections(&self) -> BTreeMap<u32, u64> {
        self.view.rejections.iter().copied().collect()
    }

    #[getter]
    fn points<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(
            py,
            self.view.points.points.iter().map(|point| Point::of_tally(self.protocol, point)).collect::<Vec<_>>(),
        )
    }

    /// Changes when the points do: cheaper to compare than the points themselves.
    #[getter]
    fn points_mark(&self) -> u64 {
        let mut hasher = FixedState::with_seed(0).build_hasher();
        for point in &self.view.points.points {
            (point.kind, point.access.name(), point.block, point.first, point.last, &point.name).hash(&mut hasher);
        }
        hasher.finish()
    }

    #[getter]
    fn points_coarse(&self) -> bool {
        self.view.points.coarse || self.view.points.omitted > 0
    }

    #[getter]
    fn values(&self) -> Option<(f64, f64)> {
        self.view.values
    }

    #[getter]
    fn interval(&self) -> Option<(u64, u64)> {
        self.view.interval
    }

    #[getter]
    fn packets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.view.packets.iter().map(|moment| Moment::from(*moment)).collect::<Vec<_>>())
    }

    #[getter]
    fn retired(&self) -> bool {
        self.view.retired
    }
}

/// What a window counted while its threshold was crossed.
#[pyclass(frozen, module = "dissectors")]
pub struct WindowTally(pub(super) WindowView);

#[pymethods]
impl WindowTally {
    #[getter]
    fn window(&self) -> u32 {
        self.0.window
    }

    #[getter]
    fn count(&self) -> u64 {
        self.0.count
    }

    #[getter]
    fn first(&self) -> Option<Moment> {
        self.0.first.map(Moment::from)
    }

    #[getter]
    fn last(&self) -> Option<Moment> {
        self.0.last.map(Moment::from)
    }

    #[getter]
    fn packets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.packets.iter().map(|moment| Moment::from(*moment)).collect::<Vec<_>>())
    }
}

/// The part of the result that the engine knows (DESIGN.md, section 7).
///
/// `ceilings`: further ones, with how often they were reached.
pub fn document<'py>(
    py: Python<'py>,
    run: &mut Run,
    ceilings: impl IntoIterator<Item = (&'static str, u64)>,
) -> PyResult<Bound<'py, PyDict>> {
    let document = PyDict::new(py);
    let time_backwards = run.clock().time_backwards;
    let time_jumps = run.clock().time_jumps;
    let mut ceilings: BTreeMap<&'static str, u64> = ceilings.into_iter().collect();
    ceilings.extend(run.flows().ceilings());
    ceilings.extend(run.gate().ceilings());
    ceilings.extend(run.back().witnesses.ceilings());
    ceilings.extend(run.summary().faults());
    ceilings.insert("conversations", run.back().conversations.others().flows);
    ceilings.retain(|_, count| *count > 0);
    if let Some(front) = run.feeder().front() {
        let captures = front.reader.captures().iter().map(|info| capture(py, info)).collect::<PyResult<Vec<_>>>()?;
        let read: u64 = front.reader.captures().iter().map(wanted_frames).sum();
        document.set_item("captures", captures)?;
        let skipped = front.reader.skipped().iter().map(|file| (file.path.display().to_string(), file.reason.clone()));
        document.set_item("skipped", skipped.collect::<Vec<_>>())?;
        document.set_item("packets", packets(py, front, read)?)?;
        let anomalies: BTreeMap<&str, u64> = front.decoder.anomalies().filter(|(_, count)| *count > 0).collect();
        document.set_item("packet_anomalies", anomalies)?;
    }
    document.set_item("flows", run.flows().begun())?;
    document.set_item("protocols", by_protocol(py, run)?)?;
    let ledger = PyDict::new(py);
    for (name, count) in run.flows().totals().entries() {
        ledger.set_item(name, count)?;
    }
    ledger.set_item("time_backwards", time_backwards)?;
    ledger.set_item("time_jumps", time_jumps)?;
    document.set_item("ledger", ledger)?;
    document.set_item("ceilings", ceilings)?;
    document.set_item("short_messages", run.summary().short_messages().collect::<BTreeMap<_, _>>())?;
    Ok(document)
}

fn wanted_frames(info: &CaptureInfo) -> u64 {
    info.packets.saturating_sub(info.skipped_by_time).saturating_sub(info.skipped_by_filter)
}

fn capture<'py>(py: Python<'py>, info: &CaptureInfo) -> PyResult<Bound<'py, PyDict>> {
    let capture = PyDict::new(py);
    capture.set_item("path", info.path.display().to_string())?;
    capture.set_item("sha256", info.sha256_hex())?;
    capture.set_item("packets", info.packets)?;
    capture.set_item("bytes", info.bytes)?;
    capture.set_item("first", info.first.map(time_text))?;
    capture.set_item("last", info.last.map(time_text))?;
    let anomalies = PyDict::new(py);
    let places = PyDict::new(py);
    for anomaly in &info.anomalies {
        anomalies.set_item(anomaly.name, anomaly.count)?;
        places.set_item(anomaly.name, anomaly.first_offset)?;
    }
    capture.set_item("anomalies", anomalies)?;
    capture.set_item("anomaly_offsets", places)?;
    capture.set_item("format", info.format)?;
    capture.set_item("skipped_by_time", info.skipped_by_time)?;
    capture.set_item("skipped_by_filter", info.skipped_by_filter)?;
    capture.set_item("skipped_bytes", info.skipped_bytes)?;
    capture.set_item("dropped", info.lost_by_host())?;
    capture.set_item("comments", info.comments.iter().map(|comment| comment.text.clone()).collect::<Vec<_>>())?;
    Ok(capture)
}

fn packets<'py>(py: Python<'py>, front: &crate::front::Front, read: u64) -> PyResult<Bound<'py, PyDict>> {
    let undecoded: BTreeMap<String, u64> = front
        .decoder
        .undecoded()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| (name.into_owned(), count))
        .collect();
    let duplicates: BTreeMap<&str, u64> = front.duplicates.counts().filter(|(_, count)| *count > 0).collect();
    let lost: u64 = undecoded.values().sum();
    let packets = PyDict::new(py);
    packets.set_item("read", read)?;
    packets.set_item("decoded", read.saturating_sub(lost))?;
    packets.set_item("duplicates", duplicates)?;
    packets.set_item("suspected_duplicates", front.duplicates.suspected())?;
    packets.set_item("undecoded", undecoded)?;
    Ok(packets)
}

fn by_protocol<'py>(py: Python<'py>, run: &mut Run) -> PyResult<Bound<'py, PyDict>> {
    let mut operations: BTreeMap<u8, u64> = BTreeMap::new();
    for number in 1..=u32::try_from(run.gate().operation_count()).unwrap_or(u32::MAX) {
        if let Some(operation) = run.gate().operation(number) {
            *operations.entry(operation.protocol).or_default() += 1;
        }
    }
    let by_protocol = PyDict::new(py);
    for (number, counts) in run.summary().protocols() {
        let entry = PyDict::new(py);
        entry.set_item("transactions", counts.transactions)?;
        entry.set_item("operations", operations.get(&number).copied().unwrap_or(0))?;
        let functions: Vec<(String, u64)> = counts.functions().map(|(code, count)| (code.to_string(), count)).collect();
        entry.set_item("functions", functions.into_iter().collect::<BTreeMap<_, _>>())?;
        let names = protocols::protocol(number).map_or::<&[_], _>(&[], |protocol| protocol.anomalies);
        let anomalies = names.iter().zip(counts.anomalies).filter(|(_, count)| *count > 0);
        entry.set_item("anomalies", anomalies.map(|((name, _), count)| (*name, count)).collect::<BTreeMap<_, _>>())?;
        by_protocol.set_item(protocols::name(number), entry)?;
    }
    Ok(by_protocol)
}

/// Anomalies that belong to no transaction, with their counts.
pub fn anomalies<'py>(py: Python<'py>, gate: &Gate) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for anomaly in gate.anomalies() {
        let entry = PyDict::new(py);
        entry.set_item("name", anomaly.first.name)?;
        entry.set_item("protocol", protocols::name(anomaly.first.protocol))?;
        entry.set_item("source", anomaly.first.source.to_string())?;
        entry.set_item("destination", anomaly.first.destination.to_string())?;
        entry.set_item("count", anomaly.count)?;
        entry.set_item("first", Moment::from(anomaly.first.at))?;
        entry.set_item("last", Moment::from(anomaly.last))?;
        list.append(entry)?;
    }
    Ok(list)
}
