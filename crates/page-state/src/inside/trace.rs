//! What the worker tells of one forward pass, and of the condition over a run; checked when it comes. Pure.

use crate::Notice;
use crate::floats::numbers;
use ditscope_protocol::Answer;

/// Vectors of adaLN-Zero: shift, scale and gate of the attention, then of the MLP.
pub const VECTORS: usize = 6;

/// More tokens than any model here has; keeps a damaged answer from absurd work.
const MOST_TOKENS: usize = 1 << 13;

/// How far a row of attention may be from summing to 1.
const TOLERANCE: f32 = 1e-3;

/// One forward pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    pub block: usize,
    pub heads: usize,
    pub depth: usize,
    /// Rows and columns of tokens.
    pub grid: [usize; 2],
    /// `[heads, T, T]` as it came, for it can be tens of megabytes.
    attention: Vec<u8>,
    /// What all tokens of a head together look at: `[heads, T]`.
    means: Vec<f32>,
    /// `[depth + 1, T]`
    norms: Vec<f32>,
    /// The least and the most of them.
    pub range_of_norms: (f32, f32),
}

/// How strongly the condition acts over a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Modulation {
    pub steps: usize,
    pub depth: usize,
    /// `[steps, depth, 6]`
    values: Vec<f32>,
}

impl Trace {
    /// # Errors
    /// What is wrong with the answer.
    pub fn new(answer: &Answer, buffers: Vec<Vec<u8>>) -> Result<Self, Notice> {
        let Answer::Traced { block, heads, depth, grid } = *answer else { return Err(wrong(&buffers)) };
        let tokens = grid[0].saturating_mul(grid[1]);
        if heads == 0 || depth == 0 || !(1..=MOST_TOKENS).contains(&tokens) {
            return Err(wrong(&buffers));
        }
        let due = [heads.saturating_mul(4 * tokens * tokens), (depth.saturating_add(1)).saturating_mul(4 * tokens)];
        if buffers.len() != 3 || buffers[0].len() != due[0] || buffers[1].len() != due[1] {
            return Err(wrong(&buffers));
        }
        let mut buffers = buffers.into_iter();
        let (attention, norms) = (buffers.next().unwrap_or_default(), buffers.next().unwrap_or_default());
        let mut means = vec![0.0; heads * tokens];
        let rows = attention.chunks_exact(4 * tokens).enumerate();
        for (row, shares) in rows {
            let into = &mut means[row / tokens * tokens..][..tokens];
            let mut sum = 0.0;
            for (mean, share) in into.iter_mut().zip(numbers(shares)) {
                sum += share;
                *mean += share / tokens as f32;
            }
            // What is not a number is not near 1 either.
            let is_near = (sum - 1.0f32).abs() <= TOLERANCE;
            if !is_near {
                return Err(Notice::TraceRows { head: row / tokens + 1, token: row % tokens + 1, sum });
            }
        }
        let norms = numbers(&norms);
        let range = norms.iter().fold((f32::MAX, 0.0), |(least, most), norm| (norm.min(least), norm.max(most)));
        Ok(Self { block, heads, depth, grid, attention, means, norms, range_of_norms: range })
    }

    pub fn tokens(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// What a token looks at, and without one what all of them do on the average; of one head, or of the mean of all.
    pub fn attention(&self, head: Option<usize>, token: Option<usize>) -> Vec<f32> {
        let Some(head) = head else {
            let mut sum = vec![0.0; self.tokens()];
            for head in 0..self.heads {
                let shares = self.attention(Some(head), token);
                sum.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share / self.heads as f32);
            }
            return sum;
        };
        let tokens = self.tokens();
        match token {
            None => self.means.get(head * tokens..(head + 1) * tokens).unwrap_or_default().to_vec(),
            Some(token) => {
                let from = 4 * tokens * (head * tokens + token);
                numbers(self.attention.get(from..from + 4 * tokens).unwrap_or_default())
            }
        }
    }

    /// Euclidean norms of the tokens: 0 as they come in, then after each block.
    pub fn norms(&self, after: usize) -> &[f32] {
        let tokens = self.tokens();
        self.norms.get(after * tokens..(after + 1) * tokens).unwrap_or_default()
    }
}

impl Modulation {
    /// # Errors
    /// What is wrong with the answer.
    pub fn new(answer: &Answer, buffers: &[Vec<u8>], due_steps: usize) -> Result<Self, Notice> {
        let Answer::Modulated { timesteps: steps, depth } = *answer else { return Err(wrong(buffers)) };
        let due = steps.saturating_mul(depth).saturating_mul(4 * VECTORS);
        match buffers {
            [values] if values.len() == due && due > 0 && steps == due_steps => {
                Ok(Self { steps, depth, values: numbers(values) })
            }
            _ => Err(wrong(buffers)),
        }
    }

    /// Mean absolute value of one block's vector at one step.
    pub fn value(&self, step: usize, block: usize, vector: usize) -> f32 {
        self.values.get((step * self.depth + block) * VECTORS + vector).copied().unwrap_or_default()
    }

    /// One vector as rows of blocks over columns of steps.
    pub fn map(&self, vector: usize) -> Vec<f32> {
        let row = |block| (0..self.steps).map(move |step| self.value(step, block, vector));
        (0..self.depth).flat_map(row).collect()
    }
}

/// The largest of values that are numbers, at least 0.
pub fn largest(values: &[f32]) -> f32 {
    values.iter().copied().fold(0.0, f32::max)
}

fn wrong(buffers: &[Vec<u8>]) -> Notice {
    Notice::TraceSizes { sizes: buffers.iter().map(Vec::len).collect() }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::floats::bytes;

    /// Two heads over two tokens: the first looks at itself, the second at the other one.
    pub fn traced() -> (Answer, Vec<Vec<u8>>) {
        let attention = [0.75, 0.25, 0.25, 0.75, 0.0, 1.0, 1.0, 0.0];
        let norms: Vec<f32> = (0..8).map(|i| i as f32).collect();
        let answer = Answer::Traced { block: 1, heads: 2, depth: 3, grid: [1, 2] };
        (answer, vec![bytes(&attention), bytes(&norms), bytes(&[0.0; 18])])
    }

    #[test]
    fn attention_is_that_of_the_head_and_the_token() {
        let (answer, buffers) = traced();
        let trace = Trace::new(&answer, buffers).expect("a sound answer");
        assert_eq!(trace.attention(Some(0), Some(0)), [0.75, 0.25]);
        assert_eq!(trace.attention(Some(1), Some(0)), [0.0, 1.0]);
        assert_eq!(trace.attention(None, Some(0)), [0.375, 0.625]);
        assert_eq!(trace.attention(Some(1), None), [0.5, 0.5]);
        assert_eq!(trace.attention(None, None), [0.5, 0.5]);
        assert_eq!(trace.attention(Some(5), Some(9)), [0.0; 0]);
        assert_eq!(trace.range_of_norms, (0.0, 7.0));
        assert_eq!((trace.norms(0), trace.norms(3), trace.norms(4)), (&[0.0, 1.0][..], &[6.0, 7.0][..], &[][..]));
    }

    #[test]
    fn rows_must_sum_to_one() {
        for (place, value) in [(0, 0.77), (5, f32::NAN), (7, 0.5), (2, 0.2)] {
            let (answer, mut buffers) = traced();
            buffers[0][4 * place..4 * place + 4].copy_from_slice(&value.to_le_bytes());
            let error = Trace::new(&answer, buffers).expect_err("a row that does not sum to 1");
            assert!(matches!(error, Notice::TraceRows { .. }), "{error:?}");
        }
        let (answer, mut buffers) = traced();
        buffers[0][..4].copy_from_slice(&0.7505f32.to_le_bytes());
        assert!(Trace::new(&answer, buffers).is_ok(), "rounding is no error");
    }

    #[test]
    fn buffers_of_a_wrong_size_are_refused() {
        for cut in 0..2 {
            let (answer, mut buffers) = traced();
            buffers[cut].pop();
            assert!(Trace::new(&answer, buffers).is_err());
        }
        let (answer, mut buffers) = traced();
        buffers.pop();
        assert!(Trace::new(&answer, buffers).is_err());
        for grid in [[0, 2], [usize::MAX, usize::MAX], [3, 1]] {
            let answer = Answer::Traced { block: 0, heads: 2, depth: 3, grid };
            assert!(Trace::new(&answer, traced().1).is_err(), "{grid:?}");
        }
        let answer = Answer::Traced { block: 0, heads: usize::MAX, depth: usize::MAX, grid: [1, 2] };
        assert!(Trace::new(&answer, traced().1).is_err());
        assert!(Trace::new(&Answer::Encoded { latent_shape: [1, 1, 1] }, traced().1).is_err());
    }

    #[test]
    fn modulation_is_rows_of_blocks_over_steps() {
        let values: Vec<f32> = (0..2 * 3 * 6).map(|i| i as f32).collect();
        let answer = Answer::Modulated { timesteps: 2, depth: 3 };
        let modulation = Modulation::new(&answer, &[bytes(&values)], 2).expect("a sound answer");
        assert_eq!(modulation.value(1, 2, 5), 35.0);
        assert_eq!(modulation.map(1), [1.0, 19.0, 7.0, 25.0, 13.0, 31.0]);
        assert!(Modulation::new(&answer, &[bytes(&values)], 3).is_err(), "not the steps that were asked for");
        assert!(Modulation::new(&answer, &[bytes(&values[1..])], 2).is_err());
        assert!(Modulation::new(&Answer::Modulated { timesteps: 0, depth: 3 }, &[vec![]], 0).is_err());
    }

    #[test]
    fn the_largest_is_a_number() {
        assert_eq!(largest(&[0.5, f32::NAN, 2.0]), 2.0);
        assert_eq!(largest(&[]), 0.0);
    }
}
