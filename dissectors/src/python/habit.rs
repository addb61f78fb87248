//! What an operation is used to, as Python sees it.

use pyo3::prelude::*;

use super::facts::Point;
use crate::gate::{Gate, HabitView};

/// What was learned of an operation.
#[pyclass(frozen, module = "dissectors._native")]
pub struct Habit {
    view: HabitView,
    protocol: u8,
}

impl Habit {
    pub(super) fn new(gate: &Gate, view: HabitView) -> Habit {
        let protocol = gate.operation(view.operation).map_or(u8::MAX, |operation| operation.protocol);
        Habit { view, protocol }
    }
}

#[pymethods]
impl Habit {
    #[getter]
    fn operation(&self) -> u32 {
        self.view.operation
    }

    #[getter]
    fn intervals(&self) -> Vec<u64> {
        self.view.intervals.clone()
    }

    #[getter]
    fn values(&self) -> Vec<(Point, Option<(f64, f64)>)> {
        let limits = |other: bool, limits| if other { None } else { limits };
        let values = self.view.values.iter();
        values
            .map(|known| (Point::of_tally(self.protocol, &known.point()), limits(known.other, known.limits)))
            .collect()
    }

    #[getter]
    fn omitted(&self) -> u64 {
        self.view.omitted
    }
}
