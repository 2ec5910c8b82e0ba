//! UniPC of second order with B₂(h) (Zhao et al. 2023, arXiv:2302.04867): DPM-Solver++'s kind of step, and a
//! corrector that uses each network output a second time, so it costs nothing.

use burn::tensor::Tensor;
use ditscope_schedule::NoiseSchedule;

/// What a step has to remember.
#[derive(Debug, Clone)]
struct Past {
    /// x_t from which the last step was taken.
    x_t: Tensor<4>,
    /// x̂0 there.
    x0_hat: Tensor<4>,
    /// x̂0 of the step before.
    previous: Option<Tensor<4>>,
}

/// UniPC at work on one run.
#[derive(Debug, Clone, Default)]
pub struct UniPc {
    past: Option<Past>,
}

/// A step from position `from` of the schedule to `to`, in terms of λ = log(α/σ).
struct Interval {
    h: f64,
    alpha: f64,
    /// σ at the end over σ at the start.
    sigma_ratio: f64,
}

impl Interval {
    fn new(schedule: &NoiseSchedule, from: usize, to: usize) -> Self {
        let (alpha, sigma) = schedule.q_sample_factors(to);
        Self {
            h: lambda(schedule, to) - lambda(schedule, from),
            alpha,
            sigma_ratio: sigma / schedule.q_sample_factors(from).1,
        }
    }

    /// Where λ of the step before the start lies, in units of h: negative.
    fn ratio(&self, schedule: &NoiseSchedule, before: usize, from: usize) -> f64 {
        (lambda(schedule, before) - lambda(schedule, from)) / self.h
    }

    /// `σ_t/σ_s·x − α_t·(e^{−h} − 1)·(x̂0 + difference)`
    fn step(&self, x: Tensor<4>, x0_hat: Tensor<4>, difference: Option<Tensor<4>>) -> Tensor<4> {
        let data = difference.map_or(x0_hat.clone(), |difference| x0_hat + difference);
        x * self.sigma_ratio - data * (self.alpha * (-self.h).exp_m1()) // [N, C, H, W]
    }
}

fn lambda(schedule: &NoiseSchedule, i: usize) -> f64 {
    0.5 * schedule.snr(i).ln()
}

impl UniPc {
    /// All that it remembers, `[N, C, H, W]` each.
    pub fn memory(&self) -> Vec<Tensor<4>> {
        let all = |past: &Past| [past.x_t.clone(), past.x0_hat.clone()].into_iter().chain(past.previous.clone());
        self.past.iter().flat_map(all).collect()
    }

    /// Goes on from such a memory. Whether it can be one.
    pub fn remember(&mut self, memory: Vec<Tensor<4>>) -> bool {
        let count = memory.len();
        let mut memory = memory.into_iter();
        let both = memory.next().zip(memory.next());
        self.past = both.map(|(x_t, x0_hat)| Past { x_t, x0_hat, previous: memory.next() });
        matches!(count, 0 | 2 | 3)
    }

    /// Corrects x_t with the network's output there, and takes the step to i − 1.
    ///
    /// # Shapes
    /// - `x_t`, `x0_hat`, result: `[N, C, H, W]`
    pub fn step(&mut self, schedule: &NoiseSchedule, i: usize, x_t: Tensor<4>, x0_hat: Tensor<4>) -> Tensor<4> {
        let past = self.past.take();
        let x_t = past.as_ref().map_or(x_t, |past| correct(schedule, i, past, x0_hat.clone()));
        let previous = past.map(|past| past.x0_hat);
        let next = match i {
            // σ = 0 after the last step: the update is x̂0 itself.
            0 => x0_hat.clone(),
            _ => predict(schedule, i, x_t.clone(), x0_hat.clone(), previous.clone()),
        };
        self.past = Some(Past { x_t, x0_hat, previous });
        next
    }
}

/// UniP, eq. 3 and 5 with ρ = ½: second order from the second step on.
fn predict(
    schedule: &NoiseSchedule,
    i: usize,
    x_t: Tensor<4>,
    x0_hat: Tensor<4>,
    previous: Option<Tensor<4>>,
) -> Tensor<4> {
    let interval = Interval::new(schedule, i, i - 1);
    let difference = previous.map(|previous| {
        let r = interval.ratio(schedule, i + 1, i);
        (previous - x0_hat.clone()) * (0.5 / r) // [N, C, H, W]
    });
    interval.step(x_t, x0_hat, difference)
}

/// UniC, eq. 2 and 4: the step that led to position `i`, taken again with x̂0 at its end.
fn correct(schedule: &NoiseSchedule, i: usize, past: &Past, x0_hat: Tensor<4>) -> Tensor<4> {
    let interval = Interval::new(schedule, i + 1, i);
    let at_end = x0_hat - past.x0_hat.clone(); // [N, C, H, W]
    let difference = match &past.previous {
        None => at_end * 0.5,
        Some(previous) => {
            // The conditions of eq. 4 for two points, r and 1, with B(h) = e^{−h} − 1.
            let (r, hh) = (interval.ratio(schedule, i + 2, i + 1), -interval.h);
            let b = hh.exp_m1();
            let phi_2 = b / hh - 1.0;
            let phi_3 = phi_2 / hh - 0.5;
            let (b_1, b_2) = (phi_2 / b, 2.0 * phi_3 / b);
            let rho_1 = (b_1 - b_2) / (1.0 - r);
            (previous.clone() - past.x0_hat.clone()) * (rho_1 / r) + at_end * (b_1 - rho_1)
        }
    };
    interval.step(past.x_t.clone(), past.x0_hat.clone(), Some(difference))
}
