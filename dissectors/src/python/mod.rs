//! The binding to Python: the only place where PyO3 stands. What it offers is described in `dissectors/_native.pyi`.

mod address;
mod answers;
mod engine;
mod facts;
mod habit;
mod listing;
mod live;
mod names;
mod plugin;
mod registry;
mod result;
mod said;

use pyo3::prelude::*;

/// The native half of the engine.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::address::packed;
    #[pymodule_export]
    use super::engine::{Batch, CaptureError, Engine};
    #[pymodule_export]
    use super::facts::{Anomaly, Code, Crossing, Moment, Observation, Outcome, Party, Point, Transaction};
    #[pymodule_export]
    use super::habit::Habit;
    #[pymodule_export]
    use super::listing::{Conversation, Counts, Listing};
    #[pymodule_export]
    use super::live::confine;
    #[pymodule_export]
    use super::plugin::register;
    #[pymodule_export]
    use super::registry::{point_text, protocols, read_point, services, witnesses};
    #[pymodule_export]
    use super::result::{Tally, WindowTally};
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
