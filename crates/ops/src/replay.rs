//! A function of tensors that is computed over and over: a device that can record what it was told does it again from
//! the recording, which costs the host little.

use crate::Ops;
use crate::kernels::Recorded;
use burn::tensor::Tensor;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is known of one such function. It must depend on nothing but its inputs, be it by their values or their sizes, and
/// bring nothing to the device (no `from_data`).
#[derive(Debug, Default)]
pub struct Replay(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    New,
    /// Computed as ever, for inputs of these sizes.
    Seen(Vec<usize>),
    Recorded(Box<Tape>),
    /// The device would not record them, or not do it again: inputs of these sizes are computed as ever.
    Refused(Vec<usize>),
}

/// A recording, with what goes in and what comes out of it: tensors that stay where they are.
#[derive(Debug)]
struct Tape {
    inputs: Vec<Tensor<1>>,
    /// Which ones they hold, if they were loaded.
    loaded: Option<Loaded>,
    output: Tensor<1>,
    shape: Vec<usize>,
    recorded: Recorded,
}

impl Replay {
    /// Whether there is a recording.
    pub fn is_recorded(&self) -> bool {
        matches!(&*self.state(), State::Recorded(_))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `work` makes of the inputs, each with its numbers in a row: from the second time on with the same sizes by a
    /// recording, where the device has that.
    ///
    /// # Panics
    /// When `work` gives another number of dimensions than it is said to.
    pub fn call<const D: usize>(
        &self,
        ops: Ops,
        inputs: &[Tensor<1>],
        work: impl Fn(&[Tensor<1>]) -> Tensor<D>,
    ) -> Tensor<D> {
        let sizes = sizes(inputs);
        let mut state = self.state();
        match &mut *state {
            State::Recorded(tape) if !tape.recorded.is_here() => {}
            State::Recorded(tape) if tape.sizes() == sizes => {
                if let Some(output) = tape.load(ops, inputs).and_then(|_| tape.play(ops)) {
                    return output;
                }
                *state = State::Refused(sizes);
            }
            State::Seen(seen) if *seen == sizes => {
                *state = State::Refused(sizes);
                if let Some(tape) = Tape::record(ops, inputs, &work)
                    && let Some(output) = tape.play(ops)
                {
                    *state = State::Recorded(Box::new(tape));
                    return output;
                }
            }
            State::Refused(refused) if *refused == sizes => {}
            _ => *state = State::Seen(sizes),
        }
        drop(state);
        work(inputs)
    }

    /// Brings the inputs of the next call to where the recording reads them, so that the device has them before it is told
    /// to begin; none where there is no recording for them.
    pub fn load(&self, ops: Ops, inputs: &[Tensor<1>]) -> Option<Loaded> {
        match &mut *self.state() {
            State::Recorded(tape) if tape.recorded.is_here() && tape.sizes() == sizes(inputs) => tape.load(ops, inputs),
            _ => None,
        }
    }

    /// [`Self::call`] with what was loaded; none if something else came there meanwhile.
    ///
    /// # Panics
    /// As [`Self::call`].
    pub fn call_loaded<const D: usize>(&self, ops: Ops, loaded: Loaded) -> Option<Tensor<D>> {
        match &*self.state() {
            State::Recorded(tape) if tape.recorded.is_here() && tape.loaded == Some(loaded) => tape.play(ops),
            _ => None,
        }
    }
}

/// Inputs that lie where a recording reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded(u64);

impl Loaded {
    /// Like no other.
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

fn sizes(inputs: &[Tensor<1>]) -> Vec<usize> {
    inputs.iter().map(|input| input.dims()[0]).collect()
}

impl Tape {
    fn record<const D: usize>(
        ops: Ops,
        inputs: &[Tensor<1>],
        work: impl Fn(&[Tensor<1>]) -> Tensor<D>,
    ) -> Option<Self> {
        let inputs: Vec<_> = inputs.iter().map(|input| ops.copy(input, None)).collect::<Option<_>>()?;
        let mut output = None;
        let recorded = ops.record(inputs.first()?, &mut || {
            // The first one's room is for the second.
            output = None;
            let made = work(&inputs);
            let shape = made.dims().to_vec();
            // Here, as it may have to bring the numbers into a row.
            output = Some((made.flatten(0, D - 1), shape));
        })?;
        let (output, shape) = output?;
        Some(Self { inputs, loaded: None, output, shape, recorded })
    }

    fn sizes(&self) -> Vec<usize> {
        sizes(&self.inputs)
    }

    fn load(&mut self, ops: Ops, inputs: &[Tensor<1>]) -> Option<Loaded> {
        self.loaded = None;
        for (from, to) in inputs.iter().zip(&self.inputs) {
            ops.copy(from, Some(to))?;
        }
        self.loaded = Some(Loaded::new());
        self.loaded
    }

    /// The result in a tensor of its own, as the next time writes over this one.
    fn play<const D: usize>(&self, ops: Ops) -> Option<Tensor<D>> {
        self.recorded.again().then(|| ops.copy(&self.output, None))?.map(|output| {
            let shape: [usize; D] = self.shape.clone().try_into().expect("the dimensions that it was recorded with");
            output.reshape(shape)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kernels;
    use burn::tensor::Device;
    use std::sync::atomic::AtomicUsize;

    /// A device that is asked to record, and will not.
    #[derive(Debug)]
    struct Unwilling;

    static ASKED: AtomicUsize = AtomicUsize::new(0);

    impl Kernels for Unwilling {
        fn records(&self) -> bool {
            true
        }

        fn record(&self, _: &Tensor<1>, _: &mut dyn FnMut()) -> Option<Recorded> {
            ASKED.fetch_add(1, Ordering::Relaxed);
            None
        }

        fn copy(&self, from: &Tensor<1>, _: Option<&Tensor<1>>) -> Option<Tensor<1>> {
            Some(from.clone())
        }
    }

    #[test]
    fn a_device_that_will_not_record_is_asked_once_for_each_size_and_computes_as_ever() {
        let (ops, replay) = (Ops::with(&Unwilling), Replay::default());
        for (size, asked) in [(3, 0), (3, 1), (3, 1), (3, 1), (5, 1), (5, 2), (5, 2)] {
            let x = Tensor::<1>::ones([size], &Device::flex());
            let twice: Tensor<1> = replay.call(ops, &[x], |inputs| inputs[0].clone() * 2.0);
            assert_eq!(twice.into_data().try_into_vec::<f32>().expect("numbers"), vec![2.0; size]);
            assert_eq!((ASKED.load(Ordering::Relaxed), replay.is_recorded()), (asked, false), "{size} numbers");
        }
    }
}
