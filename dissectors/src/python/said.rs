//! What a dissector in Python returns, checked and copied: `dissectors.plugin.Dissected` and what it says.

use std::collections::HashSet;
use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use super::plugin::{Failure, Kinds, with_account};
use crate::plugin::said::{Detail, Own, OwnField, Report, Request, Response, Said};
use crate::transaction::Access;

/// Names of fields that one class may use; they live as long as the process.
const MAX_NAMES: usize = 256;
/// Characters of such a name.
const MAX_NAME: usize = 64;
/// Things that one message may say.
const MAX_SAYS: usize = 256;
/// Values in the fields of one thing said.
const MAX_VALUES: usize = 512;
/// Bytes of text and raw bytes in the fields of one thing said.
const MAX_BYTES: usize = 8 * 1_024;
/// Lists and objects within each other.
const MAX_DEPTH: usize = 8;

/// The names that a class has used.
pub type Names = Mutex<HashSet<&'static str>>;

/// The name as one that lives for ever; `None` beyond the ceiling, or where it would need escaping.
fn interned(names: &Names, name: &str) -> Option<&'static str> {
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_') {
        return None;
    }
    let mut names = names.lock().ok()?;
    if let Some(known) = names.get(name) {
        return Some(known);
    }
    if names.len() >= MAX_NAMES {
        return None;
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    Some(kept)
}

/// What was made of one message.
pub struct Dissected {
    /// Bytes used; 0 where more are needed.
    pub used: usize,
    /// What it says.
    pub says: Vec<Said>,
    /// The bytes used could not be read.
    pub unreadable: bool,
}

/// Reads what `dissect` returned; `None` for None.
///
/// # Errors
/// When it is of another type, or a part of it is.
pub fn dissected(kinds: &Kinds, answer: &Bound<'_, PyAny>) -> Result<Option<Dissected>, Failure> {
    let py = answer.py();
    if answer.is_none() {
        return Ok(None);
    }
    if !answer.is_instance(kinds.dissected.bind(py))? {
        return Err(wrong("dissect", "Dissected or None", answer));
    }
    let mut says = Vec::new();
    for entry in answer.getattr("says")?.try_iter()? {
        if says.len() >= MAX_SAYS {
            with_account(|account| account.cut_fields = account.cut_fields.saturating_add(1));
            break;
        }
        says.push(said(kinds, &entry?)?);
    }
    Ok(Some(Dissected { used: number(answer, "used")?, says, unreadable: answer.getattr("unreadable")?.is_truthy()? }))
}

fn said(kinds: &Kinds, entry: &Bound<'_, PyAny>) -> Result<Said, Failure> {
    let py = entry.py();
    if entry.is_instance(kinds.request.bind(py))? {
        return Ok(Said::Request(Request {
            reference: reference(&entry.getattr("reference")?)?,
            unit: optional(entry, "unit")?,
            function: number(entry, "function")?,
            access: access(&entry.getattr("access")?)?,
            detail: detail(kinds, entry)?,
        }));
    }
    if entry.is_instance(kinds.response.bind(py))? {
        return Ok(Said::Response(Response {
            reference: reference(&entry.getattr("reference")?)?,
            function: optional(entry, "function")?,
            rejected: optional(entry, "rejected")?,
            detail: detail(kinds, entry)?,
        }));
    }
    if entry.is_instance(kinds.report.bind(py))? {
        let confirmed = entry.getattr("reference")?;
        return Ok(Said::Report(Report {
            reference: if confirmed.is_none() { None } else { Some(reference(&confirmed)?) },
            unit: optional(entry, "unit")?,
            function: number(entry, "function")?,
            detail: detail(kinds, entry)?,
        }));
    }
    Err(wrong("says", "Request, Response or Report", entry))
}

/// Never the value: it may be a secret of the traffic.
fn wrong(what: &str, wanted: &str, got: &Bound<'_, PyAny>) -> Failure {
    let name = got.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
    Failure::Wrong(format!("{what}: {wanted} wanted, got {name}"))
}

fn number<'py, T: FromPyObjectOwned<'py>>(entry: &Bound<'py, PyAny>, name: &str) -> Result<T, Failure> {
    let value = entry.getattr(name)?;
    value.extract().map_err(|_| wrong(name, "a number that is not negative and fits 32 bits", &value))
}

fn optional(entry: &Bound<'_, PyAny>, name: &str) -> Result<Option<u32>, Failure> {
    if entry.getattr(name)?.is_none() { Ok(None) } else { number(entry, name).map(Some) }
}

/// Any number that identifies; one beyond 64 bits is folded, as Python folds it for a dictionary.
fn reference(value: &Bound<'_, PyAny>) -> Result<i64, Failure> {
    if !value.is_instance_of::<PyInt>() {
        return Err(wrong("reference", "int", value));
    }
    match value.extract() {
        Ok(reference) => Ok(reference),
        Err(_) => Ok(i64::try_from(value.hash()?).unwrap_or(i64::MAX)),
    }
}

fn access(value: &Bound<'_, PyAny>) -> Result<Option<Access>, Failure> {
    if value.is_none() {
        return Ok(None);
    }
    let name: String = value.extract().map_err(|_| wrong("access", "str or None", value))?;
    access_named(&name).map(Some).ok_or_else(|| Failure::Wrong(format!("access: {}", one_of())))
}

/// An access by its name.
pub fn access_named(name: &str) -> Option<Access> {
    Access::ALL.into_iter().find(|access| access.name() == name)
}

/// The names of accesses, for a message.
pub fn one_of() -> String {
    format!("one of {} wanted", Access::ALL.map(Access::name).join(", "))
}

fn detail(kinds: &Kinds, entry: &Bound<'_, PyAny>) -> Result<Detail, Failure> {
    let detail = entry.getattr("detail")?;
    let mut budget = Budget { names: &kinds.names, values: MAX_VALUES, bytes: MAX_BYTES, cut: 0 };
    let fields = match detail.cast::<PyDict>() {
        Ok(fields) => budget.fields(fields, 0)?,
        Err(_) => {
            let copy = PyDict::from_sequence(
                &detail.call_method0("items").map_err(|_| wrong("detail", "a mapping", &detail))?,
            )?;
            budget.fields(&copy, 0)?
        }
    };
    if budget.cut > 0 {
        with_account(|account| account.cut_fields = account.cut_fields.saturating_add(budget.cut));
    }
    let used = MAX_VALUES.saturating_sub(budget.values).saturating_mul(size_of::<OwnField>());
    Ok(Detail { fields, weight: used.saturating_add(MAX_BYTES.saturating_sub(budget.bytes)) })
}

/// What the fields of one thing said may still take.
struct Budget<'a> {
    names: &'a Names,
    values: usize,
    bytes: usize,
    cut: u64,
}

impl Budget<'_> {
    fn fields(&mut self, fields: &Bound<'_, PyDict>, depth: usize) -> Result<Vec<OwnField>, Failure> {
        let mut kept = Vec::new();
        for (name, value) in fields.iter() {
            if self.values == 0 {
                self.cut = self.cut.saturating_add(1);
                break;
            }
            let text = name.cast::<PyString>().map_err(|_| wrong("detail", "names that are str", &name))?;
            match interned(self.names, &text.to_cow().unwrap_or_default()) {
                Some(name) => kept.push(OwnField { name, value: self.value(&value, depth)? }),
                None => with_account(|account| account.dropped_names = account.dropped_names.saturating_add(1)),
            }
        }
        Ok(kept)
    }

    fn value(&mut self, value: &Bound<'_, PyAny>, depth: usize) -> Result<Own, Failure> {
        self.values = self.values.saturating_sub(1);
        if value.is_none() {
            return Ok(Own::Null);
        }
        if let Ok(value) = value.cast::<PyBool>() {
            return Ok(Own::Bool(value.is_true()));
        }
        if value.is_instance_of::<PyInt>() {
            return self.integer(value);
        }
        if let Ok(value) = value.cast::<PyFloat>() {
            return Ok(Own::Float(value.value()));
        }
        if let Ok(text) = value.cast::<PyString>() {
            return Ok(self.text(&text.to_string_lossy()));
        }
        if let Ok(bytes) = value.cast::<PyBytes>() {
            let kept = self.take(bytes.as_bytes().len());
            return Ok(Own::Hex(bytes.as_bytes().get(..kept).unwrap_or_default().into()));
        }
        self.nested(value, depth)
    }

    fn nested(&mut self, value: &Bound<'_, PyAny>, depth: usize) -> Result<Own, Failure> {
        let list = value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>();
        let object = value.cast::<PyDict>();
        if !list && object.is_err() {
            return Err(wrong("detail", "None, bool, int, float, str, bytes, list, tuple or dict", value));
        }
        if depth >= MAX_DEPTH {
            self.cut = self.cut.saturating_add(1);
            return Ok(Own::Null);
        }
        if let Ok(fields) = object {
            return Ok(Own::Object(self.fields(fields, depth.saturating_add(1))?));
        }
        let mut kept = Vec::new();
        for entry in value.try_iter()? {
            if self.values == 0 {
                self.cut = self.cut.saturating_add(1);
                break;
            }
            kept.push(self.value(&entry?, depth.saturating_add(1))?);
        }
        Ok(Own::List(kept))
    }

    /// Beyond 64 bits a number is written as text, beyond 128 it is left out.
    fn integer(&mut self, value: &Bound<'_, PyAny>) -> Result<Own, Failure> {
        if let Ok(value) = value.extract::<u64>() {
            return Ok(Own::Unsigned(value));
        }
        if let Ok(value) = value.extract::<i64>() {
            return Ok(Own::Signed(value));
        }
        if let Ok(value) = value.extract::<i128>() {
            return Ok(self.text(&value.to_string()));
        }
        self.cut = self.cut.saturating_add(1);
        Ok(Own::Null)
    }

    fn text(&mut self, text: &str) -> Own {
        let mut kept = self.take(text.len());
        while !text.is_char_boundary(kept) {
            kept = kept.saturating_sub(1);
        }
        Own::Text(text.get(..kept).unwrap_or_default().into())
    }

    fn take(&mut self, wanted: usize) -> usize {
        let kept = wanted.min(self.bytes);
        self.bytes = self.bytes.saturating_sub(kept);
        self.cut = self.cut.saturating_add(u64::from(kept < wanted));
        kept
    }
}
