//! What is known of protocols, as Python sees it.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::protocols as table;
use crate::protocols::services as service_table;
use crate::witness;

/// The registry, a dictionary per protocol.
#[pyfunction]
pub fn protocols(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let all = (0..service_table::FIRST_SERVICE).map_while(table::protocol);
    let entries = all.map(|protocol| entry(py, protocol)).collect::<PyResult<Vec<_>>>()?;
    PyList::new(py, entries)
}

/// What identifies devices beside the protocols, a dictionary per witness.
#[pyfunction]
pub fn witnesses(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let entry = |witness: &&'static witness::Witness| -> PyResult<Bound<'_, PyDict>> {
        let entry = PyDict::new(py);
        entry.set_item("name", witness.name)?;
        entry.set_item("title", witness.title)?;
        entry.set_item("specification", witness.specification)?;
        let says = witness.says.iter().map(|says| {
            let row = PyDict::new(py);
            row.set_item("attribute", says.attribute)?;
            row.set_item("field", says.field)?;
            row.set_item("about", says.about)?;
            row.set_item("example", says.example)?;
            Ok(row)
        });
        entry.set_item("says", says.collect::<PyResult<Vec<_>>>()?)?;
        Ok(entry)
    };
    PyList::new(py, witness::WITNESSES.iter().map(entry).collect::<PyResult<Vec<_>>>()?)
}

/// Services known by port: (transport, port, name).
#[pyfunction]
pub fn services() -> Vec<(&'static str, u16, &'static str)> {
    let mut all = Vec::new();
    for service in service_table::services() {
        for (transport, ports) in ["tcp", "udp"].into_iter().zip(service.ports()) {
            all.extend(ports.iter().map(|port| (transport, *port, service.name)));
        }
    }
    all
}

/// Reads a point as it is written for this protocol: kind, block, first and last address, name.
#[pyfunction]
#[allow(clippy::type_complexity)] // what Python sees is a tuple
pub fn read_point(protocol: &str, text: &str) -> PyResult<(&'static str, Option<u32>, u64, u64, Option<String>)> {
    let kinds = kinds_of(protocol)?;
    let read = table::points::read(kinds, text).map_err(PyValueError::new_err)?;
    let kind = kinds.get(read.kind).map_or("", |kind| kind.name);
    Ok((kind, read.block, read.first, read.last, read.name))
}

/// A point as it is written for this protocol.
#[pyfunction]
#[pyo3(signature = (protocol, kind, block, first, last, name=None))]
pub fn point_text(
    protocol: &str,
    kind: &str,
    block: Option<u32>,
    first: u64,
    last: u64,
    name: Option<&str>,
) -> PyResult<String> {
    let found = kinds_of(protocol)?.iter().find(|row| row.name == kind);
    let row = found.ok_or_else(|| PyValueError::new_err(format!("{protocol} has no points of kind {kind}")))?;
    Ok(table::points::text(row, block.unwrap_or(0), (first, last), name))
}

fn kinds_of(protocol: &str) -> PyResult<&'static [table::PointKind]> {
    let found = table::number_of(protocol).and_then(table::protocol);
    found
        .map(|protocol| protocol.point_kinds)
        .ok_or_else(|| PyValueError::new_err(format!("there is no protocol {protocol}")))
}

fn entry<'py>(py: Python<'py>, protocol: &table::Protocol) -> PyResult<Bound<'py, PyDict>> {
    let entry = PyDict::new(py);
    entry.set_item("name", protocol.name)?;
    entry.set_item("title", protocol.title)?;
    entry.set_item("specification", protocol.specification)?;
    entry.set_item("tcp_ports", protocol.tcp_ports.to_vec())?;
    entry.set_item("udp_ports", protocol.udp_ports.to_vec())?;
    entry.set_item("functions", functions(py, protocol)?)?;
    entry.set_item("sub_functions", sub_functions(py, protocol)?)?;
    entry.set_item("rejections", protocol.rejections.to_vec())?;
    entry.set_item("anomalies", protocol.anomalies.to_vec())?;
    entry.set_item("point_kinds", point_kinds(py, protocol)?)?;
    Ok(entry)
}

fn functions<'py>(py: Python<'py>, protocol: &table::Protocol) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let row = |function: &table::FunctionRow| {
        let row = PyDict::new(py);
        row.set_item("code", function.code)?;
        row.set_item("name", function.name)?;
        row.set_item("access", function.access.name())?;
        row.set_item("about", function.about)?;
        Ok(row)
    };
    protocol.functions.iter().map(row).collect()
}

fn sub_functions<'py>(py: Python<'py>, protocol: &table::Protocol) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let row = |sub_function: &table::SubFunctionRow| {
        let row = PyDict::new(py);
        row.set_item("function", sub_function.function)?;
        row.set_item("group", sub_function.group)?;
        row.set_item("code", sub_function.code)?;
        row.set_item("name", sub_function.name)?;
        row.set_item("access", sub_function.access.name())?;
        Ok(row)
    };
    protocol.sub_functions.iter().map(row).collect()
}

fn point_kinds<'py>(py: Python<'py>, protocol: &table::Protocol) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let row = |kind: &table::PointKind| {
        let row = PyDict::new(py);
        row.set_item("name", kind.name)?;
        row.set_item("example", kind.example)?;
        row.set_item("max", kind.max)?;
        row.set_item("block", kind.block)?;
        row.set_item("syntax", kind.syntax.name())?;
        Ok(row)
    };
    protocol.point_kinds.iter().map(row).collect()
}
