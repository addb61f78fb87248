//! What Python answers the gate: clauses, read from `dissectors.Clause` objects.

use std::collections::HashMap;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyInt;

use super::address::mac;
use crate::address::Mac;
use crate::gate::{Clause, L2Line, NewClause, PointLine, Regular};
use crate::packet::Vlan;
use crate::protocols;
use crate::transaction::{Access, Anomalies, Outcome};

/// Clauses that were read already, by object and protocol: policy and rules answer with the same ones again and again.
/// The object is kept, so that its place in memory is not used by another.
#[derive(Default)]
pub struct Known {
    clauses: HashMap<(usize, u8), (Py<PyAny>, Box<Clause>)>,
}

/// Clauses remembered at most; beyond it all are forgotten and read again.
const MAX_KNOWN: usize = 65_536;

impl Known {
    /// The lanes of an answer.
    pub fn lanes(&mut self, protocol: u8, lanes: &Bound<'_, PyAny>) -> PyResult<Vec<(u32, Vec<NewClause>)>> {
        let mut answer = Vec::new();
        for lane in lanes.try_iter()? {
            let (number, entries): (u32, Bound<'_, PyAny>) = lane?.extract()?;
            let mut clauses = Vec::new();
            for entry in entries.try_iter()? {
                clauses.push(self.entry(protocol, &entry?)?);
            }
            answer.push((number, clauses));
        }
        Ok(answer)
    }

    fn entry(&mut self, protocol: u8, entry: &Bound<'_, PyAny>) -> PyResult<NewClause> {
        if entry.is_exact_instance_of::<PyInt>() {
            return Ok(NewClause::Existing(entry.extract()?));
        }
        let place = (entry.as_ptr().addr(), protocol);
        if let Some((_, clause)) = self.clauses.get(&place) {
            return Ok(NewClause::New(clause.clone()));
        }
        let clause = Box::new(clause(protocol, entry)?);
        if self.clauses.len() >= MAX_KNOWN {
            self.clauses.clear();
        }
        self.clauses.insert(place, (entry.clone().unbind(), clause.clone()));
        Ok(NewClause::New(clause))
    }
}

fn clause(protocol: u8, clause: &Bound<'_, PyAny>) -> PyResult<Clause> {
    let get = |name: &str| clause.getattr(name);
    let points = each(&get("points")?, |line| point_line(protocol, line))?;
    let touches = each(&get("touches")?, |line| point_line(protocol, line))?;
    let opened_by = each(&get("opened_by")?, |name| opener_bit(&name.extract::<String>()?))?;
    let outcomes = each(&get("outcomes")?, |name| outcome_bit(&name.extract::<String>()?))?;
    let anomalies = each(&get("anomalies")?, |names| anomaly_set(protocol, names))?;
    let l2 = each(&get("l2")?, l2_line)?;
    Ok(Clause {
        points,
        touches,
        opened_by: opened_by.map(|bits| bits.into_iter().fold(0, |mask, bit| mask | bit)),
        outcomes: outcomes.map(|bits| bits.into_iter().fold(0, |mask, bit| mask | bit)),
        rejections: get("rejections")?.extract()?,
        anomalies,
        l2,
        interval: get("interval")?.extract()?,
        regular: get("regular")?.extract::<Option<_>>()?.map(regular),
        fresh: get("fresh")?.extract()?,
        after: get("after")?.extract()?,
        until: get("until")?.extract()?,
        deliver: get("deliver")?.extract()?,
        tally: get("tally")?.extract()?,
        limits: get("limits")?.extract()?,
        learn: get("learn")?.extract()?,
        windows: get("windows")?.extract::<Vec<(u32, Option<String>)>>()?,
    })
}

fn regular((least, greatest, row): (u64, u64, u32)) -> Regular {
    Regular { least, greatest, row }
}

fn each<T>(list: &Bound<'_, PyAny>, read: impl Fn(&Bound<'_, PyAny>) -> PyResult<T>) -> PyResult<Option<Vec<T>>> {
    if list.is_none() {
        return Ok(None);
    }
    list.try_iter()?.map(|entry| read(&entry?)).collect::<PyResult<Vec<_>>>().map(Some)
}

fn point_line(protocol: u8, line: &Bound<'_, PyAny>) -> PyResult<PointLine> {
    let access: Option<String> = line.getattr("access")?.extract()?;
    let kind: Option<String> = line.getattr("kind")?.extract()?;
    Ok(PointLine {
        access: access.map(|name| access_of(&name)).transpose()?,
        kind: kind.map(|name| kind_of(protocol, &name)).transpose()?,
        block: line.getattr("block")?.extract()?,
        first: line.getattr("first")?.extract()?,
        last: line.getattr("last")?.extract()?,
        name: line.getattr("name")?.extract::<Option<String>>()?.map(String::into_boxed_str),
        minimum: line.getattr("minimum")?.extract()?,
        maximum: line.getattr("maximum")?.extract()?,
        lenient: line.getattr("lenient")?.extract()?,
    })
}

fn opener_bit(name: &str) -> PyResult<u8> {
    let place = ["client", "server", "unknown"].iter().position(|known| *known == name);
    place.map(|place| 1 << place).ok_or_else(|| unknown("opener", name))
}

fn unknown(what: &str, name: &str) -> PyErr {
    PyValueError::new_err(format!("{what} {name:?} is not known"))
}

fn access_of(name: &str) -> PyResult<Access> {
    Access::ALL.into_iter().find(|access| access.name() == name).ok_or_else(|| unknown("access", name))
}

fn kind_of(protocol: u8, name: &str) -> PyResult<u8> {
    let kinds = protocols::protocol(protocol).map_or::<&[_], _>(&[], |protocol| protocol.point_kinds);
    let place = kinds.iter().position(|kind| kind.name == name);
    // A kind that this protocol doesn't have fits none of its points.
    Ok(place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX))
}

fn outcome_bit(name: &str) -> PyResult<u8> {
    let place = Outcome::NAMES.iter().position(|known| *known == name);
    place.map(|place| 1 << place).ok_or_else(|| unknown("outcome", name))
}

fn anomaly_set(protocol: u8, names: &Bound<'_, PyAny>) -> PyResult<Anomalies> {
    let table = protocols::protocol(protocol).map_or::<&[_], _>(&[], |protocol| protocol.anomalies);
    let mut set = Anomalies::default();
    for name in names.try_iter()? {
        let name: String = name?.extract()?;
        let bit = table.iter().position(|(known, _)| *known == name).and_then(|bit| u8::try_from(bit).ok());
        set.set(bit.ok_or_else(|| unknown("anomaly", &name))?, true);
    }
    Ok(set)
}

fn l2_line(line: &Bound<'_, PyAny>) -> PyResult<L2Line> {
    let (client, server, vlan): (Option<String>, Option<String>, Option<Vec<u16>>) = line.extract()?;
    let vlan = vlan.map(|ids| {
        let place = |index: usize| ids.get(index).copied().unwrap_or(0);
        Vlan { count: u8::try_from(ids.len().min(2)).unwrap_or(2), ids: [place(0), place(1)] }
    });
    Ok(L2Line {
        client: client.map(|text| mac_of(&text)).transpose()?,
        server: server.map(|text| mac_of(&text)).transpose()?,
        vlan,
    })
}

fn mac_of(text: &str) -> PyResult<Mac> {
    mac(text).ok_or_else(|| unknown("MAC", text))
}
