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
pub struct Replay(Mutex<Vec<Known>>);

/// Sizes of which something is known, the last ones: some runs go to and fro between two, with guidance and without. Each
/// recording holds all the memory that its work takes.
const MOST: usize = 2;

/// What became of inputs of these sizes.
#[derive(Debug)]
struct Known {
    sizes: Vec<usize>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Computed as ever, once.
    Seen,
    Recorded(Box<Tape>),
    /// The device would not record them, or not do it again: they are computed as ever.
    Refused,
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
        self.known().iter().any(|known| matches!(known.state, State::Recorded(_)))
    }

    /// The one that was used last is the last.
    fn known(&self) -> MutexGuard<'_, Vec<Known>> {
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
        let mut all = self.known();
        let known = all.iter().position(|known| known.sizes == sizes).map(|at| all.remove(at));
        // So it stays if the work panics.
        all.push(Known { sizes, state: State::Refused });
        let (state, output) = match known.map(|known| known.state) {
            None => (State::Seen, None),
            Some(State::Seen) => State::played(Tape::record(ops, inputs, &work).map(Box::new), |tape| tape.play(ops)),
            Some(State::Recorded(tape)) if tape.recorded.is_here() => State::played(Some(tape), |tape| {
                tape.load(ops, inputs)?;
                tape.play(ops)
            }),
            Some(state) => (state, None),
        };
        all.last_mut().expect("it was pushed").state = state;
        if all.len() > MOST {
            all.remove(0);
        }
        drop(all);
        output.unwrap_or_else(|| work(inputs))
    }

    /// Brings the inputs of the next call to where the recording reads them, so that the device has them before it is told
    /// to begin; none where there is no recording for them.
    pub fn load(&self, ops: Ops, inputs: &[Tensor<1>]) -> Option<Loaded> {
        let sizes = sizes(inputs);
        let mut known = self.known();
        let tape = known.iter_mut().find(|known| known.sizes == sizes)?.state.tape()?;
        tape.load(ops, inputs)
    }

    /// [`Self::call`] with what was loaded; none if something else came there meanwhile.
    ///
    /// # Panics
    /// As [`Self::call`].
    pub fn call_loaded<const D: usize>(&self, ops: Ops, loaded: Loaded) -> Option<Tensor<D>> {
        let mut all = self.known();
        let at = all.iter_mut().position(|known| known.state.tape().is_some_and(|tape| tape.loaded == Some(loaded)))?;
        all[at..].rotate_left(1);
        all.last_mut()?.state.tape()?.play(ops)
    }
}

impl State {
    /// With what a recording gave; refused where there is none, or it gave nothing.
    fn played<T>(tape: Option<Box<Tape>>, play: impl Fn(&mut Tape) -> Option<T>) -> (Self, Option<T>) {
        let played = tape.and_then(|mut tape| play(&mut tape).map(|output| (tape, output)));
        played.map_or((Self::Refused, None), |(tape, output)| (Self::Recorded(tape), Some(output)))
    }

    /// The recording, if there is one that can be used from here.
    fn tape(&mut self) -> Option<&mut Tape> {
        match self {
            Self::Recorded(tape) if tape.recorded.is_here() => Some(tape),
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
    use crate::{Kernels, Recording};
    use burn::tensor::Device;
    use std::sync::Arc;
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
        for (size, asked) in [(3, 0), (3, 1), (3, 1), (5, 1), (5, 2), (5, 2), (3, 2), (5, 2), (7, 2), (3, 2)] {
            let x = Tensor::<1>::ones([size], &Device::flex());
            let twice: Tensor<1> = replay.call(ops, &[x], |inputs| inputs[0].clone() * 2.0);
            assert_eq!(twice.into_data().try_into_vec::<f32>().expect("numbers"), vec![2.0; size]);
            assert_eq!((ASKED.load(Ordering::Relaxed), replay.is_recorded()), (asked, false), "{size} numbers");
        }
    }

    /// A device that records, and gives the same again.
    #[derive(Debug)]
    struct Willing;

    static RECORDED: AtomicUsize = AtomicUsize::new(0);

    #[derive(Debug)]
    struct Same;

    impl Recording for Same {
        fn is_here(&self) -> bool {
            true
        }

        fn again(&self) -> bool {
            true
        }
    }

    impl Kernels for Willing {
        fn records(&self) -> bool {
            true
        }

        fn record(&self, _: &Tensor<1>, work: &mut dyn FnMut()) -> Option<Recorded> {
            RECORDED.fetch_add(1, Ordering::Relaxed);
            work();
            Some(Arc::new(Same))
        }

        fn copy(&self, from: &Tensor<1>, _: Option<&Tensor<1>>) -> Option<Tensor<1>> {
            Some(from.clone())
        }
    }

    #[test]
    fn two_sizes_to_and_fro_are_recorded_once_each_and_a_third_takes_the_place_of_one() {
        let (ops, replay) = (Ops::with(&Willing), Replay::default());
        let call = |size| {
            let x = Tensor::<1>::ones([size], &Device::flex());
            let loaded = replay.load(ops, std::slice::from_ref(&x));
            let twice: Tensor<1> = match loaded {
                Some(loaded) => replay.call_loaded(ops, loaded).expect("it is loaded"),
                None => replay.call(ops, &[x], |inputs| inputs[0].clone() * 2.0),
            };
            assert_eq!(twice.into_data().try_into_vec::<f32>().expect("numbers"), vec![2.0; size]);
            (RECORDED.load(Ordering::Relaxed), loaded.is_some())
        };
        for (size, found) in [(3, (0, false)), (3, (1, false)), (5, (1, false)), (5, (2, false))] {
            assert_eq!(call(size), found, "{size} numbers");
        }
        for size in [3, 5, 3, 5, 5, 3] {
            assert_eq!(call(size), (2, true), "{size} numbers");
        }
        assert_eq!(call(7), (2, false));
        assert_eq!(call(3), (2, true), "it was used last");
        assert_eq!(call(5), (2, false), "it made room");
    }
}
