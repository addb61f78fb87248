//! Facts as Python sees them: read-only, and made only for what is asked.

use std::sync::Arc;

use bumpalo::Bump;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use super::{address as written, names};
use crate::address::{self, Address, Net, Side};
use crate::gate::{Crossing as GateCrossing, Delivered, FlowAnomaly, OwnedObservation, OwnedTransaction};
use crate::output::{community_id, hex, json_line};
use crate::packet::Transport;
use crate::protocols::{self, PointKind, points};
use crate::transaction::{Field, Outcome as End, Point as WirePoint, SubFunction, Value, Values};

/// One side of a transaction.
#[pyclass(frozen, module = "dissectors")]
pub struct Party {
    address: Address,
    port: Option<u16>,
    mac: Option<address::Mac>,
    /// Texts are asked for by several judges, so each is made once.
    ip_text: PyOnceLock<Py<PyString>>,
    mac_text: PyOnceLock<Py<PyString>>,
}

#[pymethods]
impl Party {
    #[getter]
    fn ip(&self, py: Python<'_>) -> Option<Py<PyString>> {
        (self.address.net != Net::Mac).then(|| text(py, &self.ip_text, self.address))
    }

    #[getter]
    fn port(&self) -> Option<u16> {
        self.port
    }

    #[getter]
    fn mac(&self, py: Python<'_>) -> Option<Py<PyString>> {
        self.mac.map(|mac| text(py, &self.mac_text, Address::mac(mac)))
    }

    fn __repr__(&self) -> String {
        match self.port {
            Some(port) if self.address.net == Net::V6 => format!("[{}]:{port}", self.address),
            Some(port) => format!("{}:{port}", self.address),
            None => self.address.to_string(),
        }
    }
}

impl Party {
    fn of(transaction: &OwnedTransaction, side: Side) -> Party {
        let address = transaction.flow.address(side);
        let ported = matches!(transaction.flow.transport, Transport::Tcp | Transport::Udp);
        let mac = transaction.macs[side.index()];
        let mac = match address.net {
            Net::Mac => {
                let [.., a, b, c, d, e, f] = address.bits.to_be_bytes();
                Some([a, b, c, d, e, f])
            }
            _ => (mac != [0; 6]).then_some(mac),
        };
        let port = ported.then(|| transaction.flow.port(side));
        Party { address, port, mac, ip_text: PyOnceLock::new(), mac_text: PyOnceLock::new() }
    }
}

fn text(py: Python<'_>, made: &PyOnceLock<Py<PyString>>, address: Address) -> Py<PyString> {
    made.get_or_init(py, || written::text(py, address).unbind()).clone_ref(py)
}

/// A raw code and its name.
#[pyclass(frozen, get_all, module = "dissectors")]
pub struct Code {
    code: u32,
    name: Option<&'static str>,
    group: Option<u32>,
}

#[pymethods]
impl Code {
    fn __repr__(&self) -> String {
        self.name.map_or_else(|| self.code.to_string(), |name| format!("{name}({})", self.code))
    }
}

impl Code {
    pub(super) fn sub(sub_function: SubFunction) -> Code {
        Code { code: sub_function.code, name: sub_function.name, group: sub_function.group }
    }

    pub(super) fn plain(code: crate::transaction::Code) -> Code {
        Code { code: code.code, name: code.name, group: None }
    }
}

/// How it ended.
#[pyclass(frozen, module = "dissectors")]
pub struct Outcome {
    result: &'static str,
    #[pyo3(get)]
    code: Option<u32>,
    #[pyo3(get)]
    name: Option<&'static str>,
}

#[pymethods]
impl Outcome {
    #[getter]
    fn result<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        names::name(py, self.result)
    }

    fn __repr__(&self) -> String {
        match (self.code, self.name) {
            (None, _) => self.result.to_owned(),
            (Some(code), None) => format!("{} ({code})", self.result),
            (Some(code), Some(name)) => format!("{} ({name}, {code})", self.result),
        }
    }
}

/// Where and when.
#[pyclass(frozen, get_all, module = "dissectors")]
pub struct Moment {
    capture: u16,
    packet: u64,
    time: u64,
}

#[pymethods]
impl Moment {
    fn __repr__(&self) -> String {
        format!("capture {} packet {}", self.capture, self.packet)
    }
}

impl From<address::Moment> for Moment {
    fn from(moment: address::Moment) -> Self {
        Moment { capture: moment.capture, packet: moment.packet, time: moment.time }
    }
}

/// A point or a range of points.
#[pyclass(frozen, module = "dissectors")]
pub struct Point {
    kind: Option<&'static PointKind>,
    #[pyo3(get)]
    access: &'static str,
    #[pyo3(get)]
    first: u64,
    #[pyo3(get)]
    last: u64,
    #[pyo3(get)]
    name: Option<String>,
    block: u32,
    #[pyo3(get)]
    values: Option<Py<PyList>>,
    #[pyo3(get)]
    width: u64,
}

#[pymethods]
impl Point {
    #[getter]
    fn kind(&self) -> &'static str {
        self.kind.map_or("", |kind| kind.name)
    }

    #[getter]
    fn block(&self) -> Option<u32> {
        self.kind.is_some_and(|kind| kind.block).then_some(self.block)
    }

    #[getter]
    fn text(&self) -> String {
        let range = (self.first, self.last);
        self.kind.map_or_else(String::new, |kind| points::text(kind, self.block, range, self.name.as_deref()))
    }

    fn __repr__(&self) -> String {
        self.text()
    }
}

impl Point {
    fn of(py: Python<'_>, protocol: u8, point: &WirePoint<'_>) -> PyResult<Point> {
        Ok(Point {
            kind: kind(protocol, point.kind),
            access: point.access.name(),
            first: point.first,
            last: point.last,
            name: point.name.map(|name| String::from_utf8_lossy(name).into_owned()),
            block: point.block,
            values: values(py, point.values)?,
            width: point.width(),
        })
    }

    pub(super) fn of_tally(protocol: u8, point: &crate::gate::TallyPoint) -> Point {
        Point {
            kind: kind(protocol, point.kind),
            access: point.access.name(),
            first: point.first,
            last: point.last,
            name: point.name.as_ref().map(|name| String::from_utf8_lossy(name).into_owned()),
            block: point.block,
            values: None,
            width: 1,
        }
    }
}

fn kind(protocol: u8, kind: u8) -> Option<&'static PointKind> {
    protocols::protocol(protocol)?.point_kinds.get(usize::from(kind))
}

fn values(py: Python<'_>, values: Values<'_>) -> PyResult<Option<Py<PyList>>> {
    let list = match values {
        Values::Unseen => return Ok(None),
        Values::Bits { bytes, count } => {
            let bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
            PyList::new(py, bits.take(count as usize).collect::<Vec<_>>())?
        }
        Values::Words(bytes) => {
            let words = bytes.chunks_exact(2).map(|word| u16::from_be_bytes([word[0], word[1]]));
            PyList::new(py, words.collect::<Vec<_>>())?
        }
        Values::Numbers { bytes, of } => {
            let numbers = of.all(bytes).map(|value| object(py, &value)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, numbers)?
        }
        Values::Typed(values) => PyList::new(py, objects(py, values)?)?,
    };
    Ok(Some(list.unbind()))
}

fn objects<'py>(py: Python<'py>, values: &[Value<'_>]) -> PyResult<Vec<Bound<'py, PyAny>>> {
    values.iter().map(|value| object(py, value)).collect()
}

fn object<'py>(py: Python<'py>, value: &Value<'_>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(value) => value.into_pyobject(py)?.to_owned().into_any(),
        Value::Unsigned(value) => value.into_pyobject(py)?.into_any(),
        Value::Signed(value) => value.into_pyobject(py)?.into_any(),
        Value::Float(value) => value.into_pyobject(py)?.into_any(),
        Value::Text(text) => PyString::new(py, &String::from_utf8_lossy(text)).into_any(),
        Value::Hex(bytes) => {
            let mut text = Vec::new();
            hex(&mut text, bytes);
            PyString::new(py, &String::from_utf8_lossy(&text)).into_any()
        }
        Value::List(list) => PyList::new(py, objects(py, list)?)?.into_any(),
        Value::Object(fields) => dictionary(py, fields)?.into_any(),
    })
}

fn dictionary<'py>(py: Python<'py>, fields: &[Field<'_>]) -> PyResult<Bound<'py, PyDict>> {
    let dictionary = PyDict::new(py);
    for field in fields {
        dictionary.set_item(field.name, object(py, &field.value)?)?;
    }
    Ok(dictionary)
}

/// A delivered transaction.
#[pyclass(frozen, module = "dissectors")]
pub struct Transaction {
    delivered: Delivered,
    client: PyOnceLock<Py<Party>>,
    server: PyOnceLock<Py<Party>>,
    function: PyOnceLock<Py<Code>>,
}

impl Transaction {
    pub(super) fn new(delivered: Delivered) -> Transaction {
        Transaction { delivered, client: PyOnceLock::new(), server: PyOnceLock::new(), function: PyOnceLock::new() }
    }
}

#[pymethods]
impl Transaction {
    #[classattr]
    fn kind() -> &'static str {
        "transaction"
    }

    #[getter]
    fn operation(&self) -> u32 {
        self.delivered.operation
    }

    #[getter]
    fn lanes(&self) -> u128 {
        self.delivered.lanes
    }

    #[getter]
    fn first(&self) -> bool {
        self.delivered.first
    }

    #[getter]
    fn time(&self) -> u64 {
        let t = &self.delivered.transaction;
        t.request.or(t.response).map_or(t.completed, |moment| moment.time)
    }

    #[getter]
    fn completed(&self) -> u64 {
        self.delivered.transaction.completed
    }

    #[getter]
    fn protocol<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        names::protocol(py, self.delivered.transaction.protocol)
    }

    #[getter]
    fn flow(&self) -> Option<String> {
        community_id(&self.delivered.transaction.flow)
    }

    #[getter]
    fn vlan<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let vlan = self.delivered.transaction.vlan;
        PyTuple::new(py, vlan.ids.iter().take(usize::from(vlan.count)))
    }

    #[getter]
    fn initiator(&self) -> Option<&'static str> {
        let t = &self.delivered.transaction;
        t.initiator.map(|side| if side == t.client { "client" } else { "server" })
    }

    #[getter]
    fn client(&self, py: Python<'_>) -> PyResult<Py<Party>> {
        let t = &self.delivered.transaction;
        self.client.get_or_try_init(py, || Py::new(py, Party::of(t, t.client))).map(|party| party.clone_ref(py))
    }

    #[getter]
    fn server(&self, py: Python<'_>) -> PyResult<Py<Party>> {
        let t = &self.delivered.transaction;
        self.server.get_or_try_init(py, || Py::new(py, Party::of(t, t.client.other()))).map(|party| party.clone_ref(py))
    }

    #[getter]
    fn unit<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        let t = &self.delivered.transaction;
        names::unit(py, t.protocol, t.unit)
    }

    #[getter]
    fn function(&self, py: Python<'_>) -> PyResult<Py<Code>> {
        let code = || Py::new(py, Code::plain(self.delivered.transaction.function));
        self.function.get_or_try_init(py, code).map(|code| code.clone_ref(py))
    }

    #[getter]
    fn sub_function(&self) -> Option<Code> {
        self.delivered.transaction.sub_function.map(Code::sub)
    }

    #[getter]
    fn access<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        names::name(py, self.delivered.transaction.access.name())
    }

    #[getter]
    fn points<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let arena = Bump::new();
        let t = &self.delivered.transaction;
        let points = t.view(&arena).points.iter().map(|point| Point::of(py, t.protocol, point));
        PyTuple::new(py, points.collect::<PyResult<Vec<_>>>()?)
    }

    #[getter]
    fn outcome(&self) -> Outcome {
        match self.delivered.transaction.outcome {
            End::Rejected(code) => Outcome { result: "rejected", code: Some(code.code), name: code.name },
            other => Outcome { result: End::NAMES[other.index()], code: None, name: None },
        }
    }

    #[getter]
    fn anomalies<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let t = &self.delivered.transaction;
        let table = protocols::protocol(t.protocol).map_or::<&[_], _>(&[], |protocol| protocol.anomalies);
        let names = table.iter().enumerate().filter(|(bit, _)| t.anomalies.0 >> bit & 1 == 1);
        PyTuple::new(py, names.map(|(_, (name, _))| *name).collect::<Vec<_>>())
    }

    #[getter]
    fn latency_ns(&self) -> Option<u64> {
        let t = &self.delivered.transaction;
        Some(t.response?.time.saturating_sub(t.request?.time))
    }

    #[getter]
    fn request(&self) -> Option<Moment> {
        self.delivered.transaction.request.map(Moment::from)
    }

    #[getter]
    fn response(&self) -> Option<Moment> {
        self.delivered.transaction.response.map(Moment::from)
    }

    #[getter]
    fn content<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.delivered.transaction.content.as_ref().map(|bytes| PyBytes::new(py, bytes))
    }

    #[getter]
    fn detail<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let arena = Bump::new();
        dictionary(py, self.delivered.transaction.view(&arena).detail)
    }

    fn to_json(&self) -> String {
        let arena = Bump::new();
        let t = &self.delivered.transaction;
        json_line(&t.flow, t.macs, t.vlan, t.initiator, &t.view(&arena))
    }

    fn __repr__(&self) -> String {
        self.to_json()
    }
}

/// An identity observation.
#[pyclass(frozen, module = "dissectors")]
pub struct Observation(pub(super) Arc<OwnedObservation>);

#[pymethods]
impl Observation {
    #[classattr]
    fn kind() -> &'static str {
        "observation"
    }

    #[getter]
    fn address<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        written::text(py, self.0.address)
    }

    #[getter]
    fn unit<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        names::unit(py, self.0.protocol, self.0.unit)
    }

    #[getter]
    fn protocol<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        names::protocol(py, self.0.protocol)
    }

    #[getter]
    fn attribute<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        names::name(py, self.0.attribute)
    }

    #[getter]
    fn value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let arena = Bump::new();
        object(py, &self.0.value(&arena))
    }

    #[getter]
    fn field<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        names::name(py, self.0.field)
    }

    #[getter]
    fn moment(&self) -> Moment {
        self.0.at.into()
    }
}

/// The first occurrence of an anomaly that belongs to no transaction.
#[pyclass(frozen, module = "dissectors")]
pub struct Anomaly(pub(super) FlowAnomaly);

#[pymethods]
impl Anomaly {
    #[classattr]
    fn kind() -> &'static str {
        "anomaly"
    }

    #[getter]
    fn name(&self) -> &'static str {
        self.0.name
    }

    #[getter]
    fn protocol(&self) -> &'static str {
        protocols::name(self.0.protocol)
    }

    #[getter]
    fn source(&self) -> String {
        self.0.source.to_string()
    }

    #[getter]
    fn destination(&self) -> String {
        self.0.destination.to_string()
    }

    #[getter]
    fn layer(&self) -> Option<&'static str> {
        self.0.layer
    }

    #[getter]
    fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    #[getter]
    fn needed(&self) -> Option<u64> {
        self.0.needed
    }

    #[getter]
    fn available(&self) -> Option<u64> {
        self.0.available
    }

    #[getter]
    fn moment(&self) -> Moment {
        self.0.at.into()
    }
}

/// A window crossed its threshold.
#[pyclass(frozen, module = "dissectors")]
pub struct Crossing(pub(super) GateCrossing);

#[pymethods]
impl Crossing {
    #[classattr]
    fn kind() -> &'static str {
        "crossing"
    }

    #[getter]
    fn window(&self) -> u32 {
        self.0.window
    }

    #[getter]
    fn count(&self) -> u64 {
        self.0.count
    }

    #[getter]
    fn first(&self) -> Moment {
        self.0.first.into()
    }

    #[getter]
    fn last(&self) -> Moment {
        self.0.last.into()
    }
}
