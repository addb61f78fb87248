//! Dissectors that a site writes in Python (`dissectors/plugin.py`). The engine runs without the interpreter; it is taken only
//! while a class is asked. What goes wrong there costs that flow its dissector, and is counted.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyType};

use super::said::{self, Dissected, Names, access_named, one_of};
use crate::address::{Moment, Side};
use crate::cursor::Incomplete;
use crate::plugin::pairing::{Pairing, Spoken};
use crate::plugin::{ANOMALIES, anomaly};
use crate::protocols::{
    self, Dissector, Ending, Fed, FunctionRow, Hints, Plugins, Probe, Protocol, Recognition, Seen, Sink,
};
use crate::transaction::Access;

/// Characters of a protocol's or function's name.
const MAX_NAME: usize = 48;
/// Functions and rejections of one class.
const MAX_ROWS: usize = 1_024;
/// Bytes of a stream that are shown at first; all of them when it asks for more. Small messages in a large piece would else be
/// copied over and over.
const GLANCE: usize = 8 * 1_024;

/// The classes of `dissectors.plugin`, and what is kept for one dissector of what they say.
pub struct Kinds {
    message: Py<PyAny>,
    /// What `dissect` returns.
    pub dissected: Py<PyAny>,
    /// One thing said.
    pub request: Py<PyAny>,
    /// One thing said.
    pub response: Py<PyAny>,
    /// One thing said.
    pub report: Py<PyAny>,
    /// Names of fields that the class has used.
    pub names: Names,
}

/// A class that was registered; it lives as long as the process.
struct Plugin {
    name: &'static str,
    number: OnceLock<u8>,
    class: Py<PyAny>,
    kinds: Kinds,
}

static REGISTERED: Mutex<Vec<&'static Plugin>> = Mutex::new(Vec::new());

/// What went wrong in a class.
pub enum Failure {
    /// It raised.
    Raised(PyErr),
    /// It returned what it must not.
    Wrong(String),
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Failure::Raised(error)
    }
}

/// What dissectors in Python did during a call of the engine, which runs on the thread that called it.
#[derive(Default)]
pub struct Account {
    /// By name: how often it failed, and the first failure.
    pub failures: BTreeMap<&'static str, (u64, String)>,
    /// Fields dropped because of their names.
    pub dropped_names: u64,
    /// Fields cut because they were too many or too large.
    pub cut_fields: u64,
    /// What is no error of the dissector's: somebody wants the program to stop.
    pub interrupt: Option<PyErr>,
}

impl Account {
    /// Adds what a later call did.
    pub fn add(&mut self, later: Account) {
        for (name, (count, first)) in later.failures {
            self.failures.entry(name).or_insert((0, first)).0 += count;
        }
        self.dropped_names = self.dropped_names.saturating_add(later.dropped_names);
        self.cut_fields = self.cut_fields.saturating_add(later.cut_fields);
    }
}

thread_local! {
    static ACCOUNT: RefCell<Account> = RefCell::default();
}

/// Writes something down.
pub fn with_account(write: impl FnOnce(&mut Account)) {
    ACCOUNT.with_borrow_mut(write);
}

/// What was written down on this thread since the last time.
pub fn take_account() -> Account {
    ACCOUNT.take()
}

/// Registers a class as dissector.
#[pyfunction]
pub fn register(py: Python<'_>, dissector: &Bound<'_, PyType>) -> PyResult<()> {
    let name: String = dissector.getattr("name")?.extract()?;
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(plugin) = registered.iter().find(|plugin| plugin.name == name) {
        if plugin.class.is(dissector) {
            return Ok(());
        }
        return Err(PyValueError::new_err(format!("another dissector is registered as {name:?}")));
    }
    if protocols::number_of(&name).is_some() {
        return Err(PyValueError::new_err(format!("{name:?} is a protocol of the engine's own")));
    }
    for method in ["probe", "dissect"] {
        if !dissector.getattr(method)?.is_callable() {
            return Err(PyValueError::new_err(format!("dissector {name:?}: {method} can't be called")));
        }
    }
    let blueprint = Blueprint::read(&name, dissector)?;
    let kinds = kinds(py)?;
    let name = leaked(&name);
    let plugin: &'static Plugin = Box::leak(Box::new(Plugin {
        name,
        number: OnceLock::new(),
        class: dissector.clone().into_any().unbind(),
        kinds,
    }));
    let number = protocols::add(|| blueprint.build(plugin), name).map_err(PyValueError::new_err)?;
    let _ = plugin.number.set(number); // fresh: nobody has set it
    registered.push(plugin);
    Ok(())
}

/// The added protocols of these names.
pub fn plugins(names: &[String]) -> PyResult<Plugins> {
    let registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    let mut plugins = Plugins::default();
    for name in names {
        let plugin = registered.iter().find(|plugin| plugin.name == name);
        let number = plugin.and_then(|plugin| plugin.number.get());
        plugins
            .insert(*number.ok_or_else(|| PyValueError::new_err(format!("no dissector is registered as {name:?}")))?);
    }
    Ok(plugins)
}

fn kinds(py: Python<'_>) -> PyResult<Kinds> {
    let module = py.import("dissectors.plugin")?;
    let get = |name: &str| module.getattr(name).map(Bound::unbind);
    Ok(Kinds {
        message: get("Message")?,
        dissected: get("Dissected")?,
        request: get("Request")?,
        response: get("Response")?,
        report: get("Report")?,
        names: Names::default(),
    })
}

fn leaked(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn check_name(what: &str, name: &str, also: u8) -> PyResult<()> {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_' || c == also;
    if !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(plain) {
        return Ok(());
    }
    Err(PyValueError::new_err(format!("{what} {name:?}: {MAX_NAME} lower-case letters, digits and _ at most")))
}

/// What a class says of its protocol, checked.
struct Blueprint {
    title: String,
    ports: [Vec<u16>; 2],
    functions: Vec<(u32, String, Access)>,
    rejections: Vec<(u32, String)>,
}

impl Blueprint {
    fn read(name: &str, class: &Bound<'_, PyType>) -> PyResult<Blueprint> {
        check_name("dissector", name, b'-')?;
        let usual = class.getattr("ports")?;
        let ports = |transport: &str| -> PyResult<Vec<u16>> {
            usual.call_method1("get", (transport, ()))?.try_iter()?.map(|port| port?.extract()).collect()
        };
        let mut functions = Vec::new();
        for row in class.getattr("functions")?.call_method0("items")?.try_iter()? {
            let (code, (function, access)): (u32, (String, String)) = row?.extract()?;
            check_name("function", &function, b'_')?;
            let access = access_named(&access);
            let access = access.ok_or_else(|| PyValueError::new_err(format!("access of {function}: {}", one_of())))?;
            functions.push((code, function, access));
        }
        let mut rejections = Vec::new();
        if let Some(table) = class.getattr_opt("rejections")? {
            for row in table.call_method0("items")?.try_iter()? {
                let (code, rejection): (u32, String) = row?.extract()?;
                check_name("rejection", &rejection, b'_')?;
                rejections.push((code, rejection));
            }
        }
        if functions.len() > MAX_ROWS || rejections.len() > MAX_ROWS {
            return Err(PyValueError::new_err(format!(
                "dissector {name:?}: no more than {MAX_ROWS} functions and rejections"
            )));
        }
        let title: String = class.getattr("title")?.extract()?;
        Ok(Blueprint { title, ports: [ports("tcp")?, ports("udp")?], functions, rejections })
    }

    fn build(self, plugin: &'static Plugin) -> Protocol {
        let [tcp, udp] = self.ports;
        let functions = self.functions.into_iter();
        let functions =
            functions.map(|(code, name, access)| FunctionRow { code, name: leaked(&name), access, about: "" });
        let rejections = self.rejections.into_iter().map(|(code, name)| (code, leaked(&name)));
        Protocol {
            name: plugin.name,
            title: leaked(&self.title),
            specification: "read by a dissector in Python",
            tcp_ports: tcp.leak(),
            udp_ports: udp.leak(),
            functions: functions.collect::<Vec<_>>().leak(),
            sub_functions: &[],
            rejections: rejections.collect::<Vec<_>>().leak(),
            anomalies: ANOMALIES,
            point_kinds: &[],
            recognise: Some(Box::leak(Box::new(|probe: &Probe<'_>| plugin.recognise(probe)))),
            start: Box::leak(Box::new(|hints: &Hints| plugin.start(hints))),
            write_unit: |out, unit| crate::output::number(out, u64::from(unit)),
        }
    }
}

impl Plugin {
    fn number(&self) -> u8 {
        self.number.get().copied().unwrap_or(u8::MAX)
    }

    fn recognise(&self, probe: &Probe<'_>) -> Recognition {
        Python::attach(|py| {
            let hints = &probe.hints;
            let shown = Shown { bytes: probe.bytes, side: probe.side, hints, time: 0, gap: !probe.from_start };
            let message = shown.message(py, &self.kinds)?;
            let sure = self.class.bind(py).call_method1("probe", (message,))?;
            if sure.is_none() {
                return Ok(if hints.datagram { Recognition::NotMine } else { Recognition::More });
            }
            match sure.extract::<u8>() {
                Ok(0) => Ok(Recognition::NotMine),
                Ok(confidence @ 1..=100) => Ok(Recognition::Mine { skip: 0, confidence }),
                _ => Err(Failure::Wrong("probe: a number from 0 to 100, or None, wanted".to_owned())),
            }
        })
        .unwrap_or_else(|failure| {
            self.failed(failure);
            Recognition::Failed
        })
    }

    fn start(&'static self, hints: &Hints) -> Box<dyn Dissector> {
        let made = Python::attach(|py| self.class.call0(py)).map_err(|error| self.failed(error.into()));
        Box::new(PluginDissector {
            plugin: self,
            object: made.ok(),
            hints: *hints,
            astray: [!hints.datagram && hints.initiator.is_none(); 2],
            pairing: Pairing::default(),
        })
    }

    #[cold]
    fn failed(&self, failure: Failure) {
        let text = match failure {
            Failure::Wrong(text) => text,
            Failure::Raised(error) => Python::attach(|py| {
                let text = describe(py, &error);
                if !error.is_instance_of::<PyException>(py) {
                    with_account(|account| account.interrupt = Some(error));
                }
                text
            }),
        };
        with_account(|account| {
            let entry = account.failures.entry(self.name).or_insert((0, text));
            entry.0 = entry.0.saturating_add(1);
        });
    }
}

/// Type of the exception and where it was raised. Not what it says: that may hold what was seen in the traffic, passwords too.
fn describe(py: Python<'_>, error: &PyErr) -> String {
    let name = error.get_type(py).name().map_or_else(|_| "exception".to_owned(), |name| name.to_string());
    let Some(traceback) = error.traceback(py) else { return name };
    let lines = py.import("traceback").and_then(|module| module.call_method1("format_tb", (traceback,)));
    let lines: Vec<String> = lines.and_then(|lines| lines.extract()).unwrap_or_default();
    format!("{name}\n{}", lines.concat())
}

/// What a class is shown.
struct Shown<'a> {
    bytes: &'a [u8],
    side: Side,
    hints: &'a Hints,
    time: u64,
    gap: bool,
}

impl Shown<'_> {
    fn message<'py>(&self, py: Python<'py>, kinds: &Kinds) -> PyResult<Bound<'py, PyAny>> {
        let fields = PyDict::new(py);
        fields.set_item(pyo3::intern!(py, "payload"), PyBytes::new(py, self.bytes))?;
        let sender = match self.side {
            Side::A => pyo3::intern!(py, "a"),
            Side::B => pyo3::intern!(py, "b"),
        };
        fields.set_item::<_, &Bound<'_, PyString>>(pyo3::intern!(py, "sender"), sender)?;
        fields.set_item(pyo3::intern!(py, "ports"), (self.hints.ports[0], self.hints.ports[1]))?;
        fields.set_item(pyo3::intern!(py, "time"), self.time)?;
        fields.set_item(pyo3::intern!(py, "datagram"), self.hints.datagram)?;
        fields.set_item(pyo3::intern!(py, "gap"), self.gap)?;
        kinds.message.bind(py).call((), Some(&fields))
    }
}

/// One flow, read by an object of a class in Python.
struct PluginDissector {
    plugin: &'static Plugin,
    /// `None`: making it failed.
    object: Option<Py<PyAny>>,
    hints: Hints,
    /// The next bytes of this side may begin inside a message.
    astray: [bool; 2],
    pairing: Pairing,
}

impl PluginDissector {
    fn ask(&self, object: &Py<PyAny>, side: Side, bytes: &[u8], at: Moment) -> Result<Option<Dissected>, Failure> {
        let kinds = &self.plugin.kinds;
        let gap = self.astray.get(side.index()).copied().unwrap_or_default();
        Python::attach(|py| {
            let shown = Shown { bytes, side, hints: &self.hints, time: at.time, gap };
            let message = shown.message(py, kinds)?;
            said::dissected(kinds, &object.bind(py).call_method1(pyo3::intern!(py, "dissect"), (message,))?)
        })
    }

    fn read(&self, object: &Py<PyAny>, side: Side, bytes: &[u8], at: Moment) -> Result<Option<Dissected>, Failure> {
        let glance = bytes.get(..GLANCE).filter(|_| !self.hints.datagram && bytes.len() > GLANCE);
        if let Some(glance) = glance {
            match self.ask(object, side, glance, at)? {
                Some(Dissected { used: 0, .. }) => {}
                answer => return Ok(answer),
            }
        }
        self.ask(object, side, bytes, at)
    }

    fn take(&mut self, dissected: Dissected, spoken: &Spoken<'_>, sink: &mut dyn Sink) -> Fed {
        let Dissected { used, says, unreadable } = dissected;
        let available = spoken.bytes.len();
        let place = Incomplete { layer: self.plugin.name, offset: 0, needed: available.saturating_add(1), available };
        if used == 0 && says.is_empty() && !unreadable {
            return Fed::Incomplete(place);
        }
        let Some(bytes) = spoken.bytes.get(..used).filter(|bytes| !bytes.is_empty()) else {
            let text = format!("used: a number from 1 to the {available} bytes there were wanted, got {used}");
            self.plugin.failed(Failure::Wrong(text));
            return Fed::Failed;
        };
        if let Some(astray) = self.astray.get_mut(spoken.side.index()) {
            *astray &= says.is_empty();
        }
        self.pairing.take(says, &Spoken { bytes, ..*spoken }, sink);
        if unreadable { Fed::Malformed { used, anomaly: anomaly::UNREADABLE, place } } else { Fed::Used(used) }
    }
}

impl Dissector for PluginDissector {
    fn feed(&mut self, side: Side, bytes: &[u8], at: Moment, seen: &Seen, sink: &mut dyn Sink) -> Fed {
        let Some(object) = &self.object else { return Fed::Failed };
        match self.read(object, side, bytes, at) {
            Ok(None) => Fed::NotMine,
            Ok(Some(dissected)) => {
                let datagram = self.hints.datagram;
                let whole = self.hints.initiator.is_some() && !datagram;
                let spoken = Spoken { protocol: self.plugin.number(), side, bytes, datagram, whole, at, seen };
                self.take(dissected, &spoken, sink)
            }
            Err(failure) => {
                self.plugin.failed(failure);
                Fed::Failed
            }
        }
    }

    fn gap(&mut self, side: Side, _missing: u64) {
        if let Some(astray) = self.astray.get_mut(side.index()) {
            *astray = !self.hints.datagram;
        }
    }

    fn expire(&mut self, seen: &Seen, sink: &mut dyn Sink) -> Option<u64> {
        self.pairing.expire(self.plugin.number(), seen, sink)
    }

    fn finish(&mut self, ending: Ending, seen: &Seen, sink: &mut dyn Sink) {
        self.pairing.finish(self.plugin.number(), ending, seen, sink);
    }
}
