//! One run, driven from Python.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::answers::Known;
use super::facts::{Anomaly, Crossing, Observation, Transaction};
use super::habit::Habit;
use super::listing::{Listing, What};
use super::live::{self, Live};
use super::names;
use super::plugin::{self, Account};
use super::result::{self, Tally, WindowTally};
use crate::capture::filter::{Instruction, Program};
use crate::capture::{self, Options, Reader};
use crate::engine::{Engine as Run, EngineError, Pause};
use crate::front::{Feeder, Front, FrontError, Progress};
use crate::gate::{Fact, Gate, Mode, Settings};
use crate::output::Lines;
use crate::protocols::Plugins;
use crate::stream::Limits;

create_exception!(
    _native,
    CaptureError,
    PyException,
    "A capture can't be read: says which, what was found and what was expected."
);

/// An error that did not end the run: what kind ("capture", "output", "bug") and what it says.
type Trouble = (&'static str, String);

/// The native engine for one run.
#[pyclass(module = "dissectors._native")]
pub struct Engine {
    wanted: Wanted,
    run: Option<Arc<Mutex<Run>>>,
    live: Option<Live>,
    progress: Arc<Progress>,
    known: Known,
    trouble: Vec<Trouble>,
    /// What dissectors in Python did.
    account: Account,
    done: bool,
}

struct Wanted {
    follow: bool,
    contents: bool,
    threads: usize,
    options: Options,
    transactions: Option<PathBuf>,
    batch_packets: usize,
    limits: Limits,
    gate: crate::gate::Limits,
    plugins: Plugins,
}

/// A filter's instructions as libpcap compiles them: code, jump if true, jump if false, constant.
type Instructions = Vec<(u16, u8, u8, u32)>;

fn program(lines: Instructions) -> PyResult<Program> {
    let lines: Vec<_> = lines.into_iter().map(|(code, jt, jf, k)| Instruction { code, jt, jf, k }).collect();
    Program::new(&lines).map_err(|error| PyValueError::new_err(format!("filter: {error}")))
}

fn wanted(options: &Bound<'_, PyDict>) -> PyResult<Wanted> {
    let get = |name: &str| -> PyResult<Option<Bound<'_, PyAny>>> {
        Ok(options.get_item(name)?.filter(|value| !value.is_none()))
    };
    let filter: Option<Vec<(u16, Instructions)>> = get("filter")?.map(|filter| filter.extract()).transpose()?;
    let programs = filter.map(|programs| {
        programs.into_iter().map(|(link, lines)| Ok((link, program(lines)?))).collect::<PyResult<Vec<_>>>()
    });
    let threads = get("threads")?.map_or(Ok(0), |threads| threads.extract())?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut wanted = Wanted {
        follow: get("follow")?.map_or(Ok(true), |follow| follow.extract())?,
        contents: get("contents")?.map_or(Ok(false), |contents| contents.extract())?,
        threads: if threads == 0 { cores.min(2) } else { threads },
        options: Options {
            from: get("start")?.map(|time| time.extract()).transpose()?,
            to: get("end")?.map(|time| time.extract()).transpose()?,
            filter: programs.transpose()?,
            digest: get("digest")?.map_or(Ok(true), |digest| digest.extract())?,
        },
        transactions: get("transactions")?.map(|path| path.extract()).transpose()?,
        batch_packets: get("batch_packets")?.map_or(Ok(65_536), |packets| packets.extract())?,
        limits: Limits::default(),
        gate: crate::gate::Limits::default(),
        plugins: plugin::plugins(&get("plugins")?.map_or(Ok(Vec::new()), |names| names.extract())?)?,
    };
    if let Some(limits) = get("limits")? {
        for (name, value) in limits.cast::<PyDict>()?.iter() {
            limit(&mut wanted, &name.extract::<String>()?, value.extract()?)?;
        }
    }
    Ok(wanted)
}

fn limit(wanted: &mut Wanted, name: &str, value: usize) -> PyResult<()> {
    match name {
        "flows" => wanted.limits.max_flows = u32::try_from(value).unwrap_or(u32::MAX),
        "buffered_bytes" => wanted.limits.buffered_bytes = value,
        "buffered_bytes_total" => wanted.limits.buffered_bytes_total = value,
        "operations" => wanted.gate.operations = value,
        "operations_per_client" => wanted.gate.operations_per_client = value,
        "observations" => wanted.gate.observations = value,
        _ => return Err(PyValueError::new_err(format!("there is no limit named {name:?}"))),
    }
    Ok(())
}

pub(super) fn locked(run: &Mutex<Run>) -> MutexGuard<'_, Run> {
    run.lock().unwrap_or_else(PoisonError::into_inner)
}

#[pymethods]
impl Engine {
    #[new]
    fn new(options: &Bound<'_, PyDict>) -> PyResult<Engine> {
        Ok(Engine {
            wanted: wanted(options)?,
            run: None,
            live: None,
            progress: Arc::default(),
            known: Known::default(),
            trouble: Vec::new(),
            account: Account::default(),
            done: false,
        })
    }

    /// Opens captures, and the file for transactions.
    fn open(&mut self, py: Python<'_>, paths: Vec<PathBuf>) -> PyResult<()> {
        let options = &self.wanted.options;
        let reader =
            py.detach(|| capture::open(&paths, options)).map_err(|error| CaptureError::new_err(error.to_string()))?;
        self.start(reader).map(drop)
    }

    /// Opens live interfaces, and gives the descriptors of their sockets. Nothing is read of them before `begin`.
    fn listen(&mut self, settings: &Bound<'_, PyDict>) -> PyResult<Vec<i32>> {
        let watch = live::open(settings)?;
        let descriptors = watch.descriptors();
        self.live = Some(Live::of(watch));
        Ok(descriptors)
    }

    /// Reads on from the interfaces that `listen` opened.
    fn begin(&mut self) -> PyResult<()> {
        let watch = self.live.as_ref().and_then(Live::take);
        let watch = watch.ok_or_else(|| PyRuntimeError::new_err("nothing to begin: call listen() first"))?;
        let run = self.start(Reader::live(watch, &self.wanted.options))?;
        locked(&run).set_live();
        Ok(())
    }

    /// What each interface brought so far.
    fn interfaces<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.live.as_ref().map_or_else(|| Ok(PyList::empty(py)), |live| live.interfaces(py))
    }

    /// What was recorded so far.
    fn recorded<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        self.live.as_ref().map_or(Ok(None), |live| live.recorded(py))
    }

    /// Runs natively until a batch is due.
    fn advance(&mut self, py: Python<'_>) -> PyResult<Option<Batch>> {
        let run = Arc::clone(self.run()?);
        if self.done {
            locked(&run).gate().settle();
            return Ok(None);
        }
        let (outcome, clock, packets, began) = py.detach(|| {
            let mut run = locked(&run);
            run.gate().settle();
            (run.advance(), run.now(), run.packets(), run.began())
        });
        let mut account = plugin::take_account();
        let interrupt = account.interrupt.take();
        self.account.add(account);
        let pause = match outcome {
            Ok(pause) => pause,
            Err(error) => self.note(error),
        };
        self.done = pause == Pause::End;
        if let Some(interrupt) = interrupt {
            return Err(interrupt);
        }
        Ok(Some(Batch { run, clock, packets, began, minute: pause != Pause::Batch, end: self.done }))
    }

    fn expect(&mut self, operation: u32, lanes: &Bound<'_, PyAny>) -> PyResult<Vec<Vec<u32>>> {
        let run = Arc::clone(self.run()?);
        let mut run = locked(&run);
        let view = run.gate().operation(operation);
        let protocol =
            view.ok_or_else(|| PyValueError::new_err(format!("there is no operation {operation}")))?.protocol;
        let lanes = self.known.lanes(protocol, lanes)?;
        run.gate().expect(operation, lanes).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    fn window(&mut self, mode: &str, span_ns: u64, threshold: usize) -> PyResult<u32> {
        let mode = match mode {
            "event_count" => Mode::EventCount,
            "value_count" => Mode::ValueCount,
            _ => return Err(PyValueError::new_err(format!("{mode:?} is no kind of window: event_count, value_count"))),
        };
        Ok(locked(self.run()?).gate().window(mode, span_ns, threshold))
    }

    fn tallies(&mut self) -> PyResult<Vec<Tally>> {
        let mut run = locked(self.run()?);
        let views = run.gate().changed_tallies();
        Ok(views.into_iter().map(|view| Tally::new(run.gate(), view)).collect())
    }

    fn operations(&self) -> PyResult<Listing> {
        Ok(Listing::new(Arc::clone(self.run()?), What::Operations))
    }

    fn habits(&mut self) -> PyResult<Vec<Habit>> {
        let mut run = locked(self.run()?);
        let views = run.gate().habits();
        Ok(views.into_iter().map(|view| Habit::new(run.gate(), view)).collect())
    }

    fn ask_again(&mut self) -> PyResult<()> {
        locked(self.run()?).gate().ask_again();
        Ok(())
    }

    fn window_tallies(&mut self) -> PyResult<Vec<WindowTally>> {
        Ok(locked(self.run()?).gate().window_tallies().into_iter().map(WindowTally).collect())
    }

    fn operation<'py>(&mut self, py: Python<'py>, number: u32) -> PyResult<Bound<'py, PyDict>> {
        let view = locked(self.run()?).gate().operation(number);
        let view = view.ok_or_else(|| PyValueError::new_err(format!("there is no operation {number}")))?;
        let operation = PyDict::new(py);
        operation.set_item("operation", view.number)?;
        operation.set_item("client", view.client.map(|address| address.to_string()))?;
        operation.set_item("server", view.server.map(|address| address.to_string()))?;
        operation.set_item("port", view.port)?;
        operation.set_item("protocol", names::protocol(py, view.protocol))?;
        operation.set_item("unit", names::unit(py, view.protocol, view.unit))?;
        operation.set_item("function", view.function.map(super::facts::Code::plain))?;
        operation.set_item("sub_function", view.sub_function.map(super::facts::Code::sub))?;
        operation.set_item("access", view.access.name())?;
        operation.set_item("merged", view.merged != crate::gate::Merged::No)?;
        Ok(operation)
    }

    fn anomalies<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        result::anomalies(py, locked(self.run()?).gate())
    }

    fn conversations(&self) -> PyResult<Listing> {
        Ok(Listing::new(Arc::clone(self.run()?), What::Conversations))
    }

    /// The result so far; complete after the last batch.
    fn result<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let run = Arc::clone(self.run()?);
        let stopped = self.progress.stop.load(Relaxed);
        if self.done && self.wanted.options.digest && !stopped {
            py.detach(|| {
                if let Some(front) = locked(&run).feeder().front_mut() {
                    front.reader.finish_digests();
                }
            });
        }
        let dropped = [("plugin_field_names", self.account.dropped_names), ("plugin_fields", self.account.cut_fields)];
        let document = result::document(py, &mut locked(&run), dropped)?;
        let failures = self.account.failures.iter();
        let failures = failures
            .map(|(name, (count, first))| ("dissector", format!("{name}: failed {count} times, at first: {first}")));
        let errors = PyList::empty(py);
        for (kind, message) in self.trouble.iter().cloned().chain(failures) {
            let error = PyDict::new(py);
            error.set_item("kind", kind)?;
            error.set_item("message", message)?;
            errors.append(error)?;
        }
        document.set_item("errors", errors)?;
        Ok(document)
    }

    /// Reads no further: what was read is analysed as if the captures ended here.
    fn stop(&self) {
        self.progress.stop.store(true, Relaxed);
    }

    fn progress(&self) -> (u64, u64, u64) {
        let Progress { done, total, frames, .. } = &*self.progress;
        (done.load(Relaxed), total.load(Relaxed), frames.load(Relaxed))
    }
}

impl Engine {
    /// The way from a reader to the gate, and the file for transactions.
    fn start(&mut self, reader: Reader) -> PyResult<Arc<Mutex<Run>>> {
        let wanted = &self.wanted;
        let lines = wanted.transactions.as_ref().map(|path| -> PyResult<Lines> {
            if path.as_os_str() == "-" {
                return Ok(Lines::new(Box::new(std::io::stdout())));
            }
            Ok(Lines::new(Box::new(File::create(path)?)))
        });
        let front = Front::new(reader, Arc::clone(&self.progress));
        let settings = Settings { follow: wanted.follow, contents: wanted.contents, limits: wanted.gate };
        let feeder = Feeder::new(front, wanted.threads);
        let mut run = Run::new(feeder, Gate::new(settings), lines.transpose()?, wanted.batch_packets, wanted.limits);
        run.set_plugins(wanted.plugins);
        let run = Arc::new(Mutex::new(run));
        self.run = Some(Arc::clone(&run));
        Ok(run)
    }

    fn run(&self) -> PyResult<&Arc<Mutex<Run>>> {
        self.run.as_ref().ok_or_else(|| PyRuntimeError::new_err("no capture was opened: call open() first"))
    }

    /// An error ends what it concerns, not the analysis: it is kept for the result.
    fn note(&mut self, error: EngineError) -> Pause {
        match error {
            EngineError::Front(FrontError::Capture(error)) => {
                self.trouble.push(("capture", error.to_string()));
                Pause::End
            }
            EngineError::Front(FrontError::Thread) => {
                self.trouble.push(("bug", "the thread that reads captures ended without a word".to_owned()));
                Pause::End
            }
            EngineError::Lines(error) => {
                let path =
                    self.wanted.transactions.as_ref().map_or_else(String::new, |path| path.display().to_string());
                self.trouble.push(("output", format!("{path}: {error}")));
                Pause::Batch
            }
        }
    }
}

/// Facts in the order of completion.
#[pyclass(module = "dissectors._native")]
pub struct Batch {
    run: Arc<Mutex<Run>>,
    #[pyo3(get)]
    clock: u64,
    #[pyo3(get)]
    packets: u64,
    #[pyo3(get)]
    began: u64,
    #[pyo3(get)]
    minute: bool,
    #[pyo3(get)]
    end: bool,
}

#[pymethods]
impl Batch {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&mut self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let fact = locked(&self.run).gate().take();
        fact.map(|fact| object(py, fact)).transpose()
    }

    #[getter]
    fn transactions(slf: PyRef<'_, Self>) -> Transactions {
        Transactions { run: Arc::clone(&slf.run) }
    }
}

/// Only the transactions of a batch.
#[pyclass(module = "dissectors._native")]
pub struct Transactions {
    run: Arc<Mutex<Run>>,
}

#[pymethods]
impl Transactions {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&mut self) -> Option<Transaction> {
        loop {
            if let Fact::Transaction(delivered) = locked(&self.run).gate().take()? {
                return Some(Transaction::new(delivered));
            }
        }
    }
}

fn object(py: Python<'_>, fact: Fact) -> PyResult<Py<PyAny>> {
    Ok(match fact {
        Fact::Transaction(delivered) => Py::new(py, Transaction::new(delivered))?.into_any(),
        Fact::Observation(observation) => Py::new(py, Observation(observation))?.into_any(),
        Fact::Anomaly(anomaly) => Py::new(py, Anomaly(anomaly))?.into_any(),
        Fact::Crossing(crossing) => Py::new(py, Crossing(crossing))?.into_any(),
    })
}
