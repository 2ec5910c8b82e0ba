//! A device's own kernels, each compared with the plain way on another device, at the shapes of a model.

use burn::tensor::{Device, Tensor, TensorData};
use ditscope_config::{AutoencoderConfig, DitConfig, ModelConfig, TinyConfig};
use ditscope_noise::gaussian;
use ditscope_ops::{Filter, Guide, Operation, Ops, Replay, Then, plain};

/// Of the largest number that is right; wrong kernels are off by far more.
const TOLERANCE: f32 = 1e-3;

/// More tokens make no kernel another one.
const MOST_TOKENS: usize = 256;

/// The operations that a device has kernels for, without those that are wrong, and what each of these said.
///
/// `reference` computes what is right.
pub async fn trusted(device: &Device, reference: &Device, config: &ModelConfig) -> (Ops, Vec<(Operation, String)>) {
    let (mut ops, mut wrong) = (Ops::of(device), Vec::new());
    let inputs = Inputs { ops, device, reference };
    for operation in Operation::ALL {
        if let Err(reason) = compare(inputs.cases(operation, config)).await {
            ops = ops.without(operation);
            wrong.push((operation, reason));
        }
    }
    (ops, wrong)
}

/// What a kernel gave, and what is right.
type Case = (Tensor<1>, Tensor<1>);

async fn compare(cases: Vec<Case>) -> Result<(), String> {
    for (found, right) in cases {
        let [found, right] = [numbers(found).await?, numbers(right).await?];
        let most = right.iter().fold(0.0f32, |most, number| most.max(number.abs()));
        for (found, right) in found.into_iter().zip(right) {
            // Written so that NaN is wrong.
            let is_right = (found - right).abs() <= TOLERANCE * most; // NaN is not
            if !is_right {
                return Err(format!("{found} where {right} is right"));
            }
        }
    }
    Ok(())
}

async fn numbers(x: Tensor<1>) -> Result<Vec<f32>, String> {
    let data = x.into_data_async().await.map_err(|error| format!("{error:?}"))?;
    data.try_into_vec().map_err(|error| format!("{error:?}"))
}

#[derive(Clone, Copy)]
struct Inputs<'a> {
    ops: Ops,
    device: &'a Device,
    reference: &'a Device,
}

/// The same numbers on both devices.
#[derive(Clone)]
struct Both<const D: usize> {
    there: Tensor<D>,
    here: Tensor<D>,
}

impl<const D: usize> Both<D> {
    fn map<const E: usize>(&self, f: impl Fn(Tensor<D>) -> Tensor<E>) -> Both<E> {
        Both { there: f(self.there.clone()), here: f(self.here.clone()) }
    }
}

impl Inputs<'_> {
    /// Numbers about as large as a network has them.
    fn numbers<const D: usize>(&self, seed: u64, shape: [usize; D], size: f32) -> Both<D> {
        // Those of large weights would take longer to draw than to use.
        let some = gaussian(seed, 0, 4093);
        let all = some.iter().cycle().take(shape.iter().product()).map(|number| number * size);
        let data = TensorData::new(all.collect::<Vec<f32>>(), shape);
        Both { there: Tensor::from_data(data.clone(), self.device), here: Tensor::from_data(data, self.reference) }
    }

    /// None, where the device has no kernel of its own for it.
    fn cases(&self, operation: Operation, config: &ModelConfig) -> Vec<Case> {
        let dit = &config.transformer;
        match operation {
            Operation::Modulate => vec![self.modulate(dit)],
            Operation::Linear => self.linears(dit),
            Operation::Attention => vec![self.attention(dit)],
            Operation::Conv => match &config.autoencoder {
                Some(AutoencoderConfig::Tiny(tiny)) => self.convs(tiny, dit.sample_size.longer()),
                _ => Vec::new(),
            },
            Operation::Guide => self.guide(dit),
            Operation::Replay => self.replay(dit),
        }
    }

    fn modulate(&self, dit: &DitConfig) -> Case {
        let d = dit.hidden_size;
        let x = self.numbers(1, [2, tokens(dit), d], 2.0);
        let all = self.numbers(2, [2, 1, 6 * d], 0.5);
        let [shift, scale] = [1, 4].map(|k| all.map(|all| all.narrow(2, k * d, d)));
        let eps = DitConfig::NORM_EPS;
        let found = self.ops.modulate(x.there, shift.there, scale.there, eps);
        (flat(found), flat(plain::modulate(x.here, shift.here, scale.here, eps)))
    }

    fn attention(&self, dit: &DitConfig) -> Case {
        let (t, heads) = (tokens(dit), dit.num_heads);
        let packed = self.numbers(3, [2, t, 3 * heads, dit.hidden_size / heads], 1.5);
        let packed = packed.map(|packed| packed.swap_dims(1, 2));
        let [q, k, v] = [0, 1, 2].map(|i| packed.map(|packed| packed.narrow(1, i * heads, heads)));
        let found = self.ops.attention(q.there, k.there, v.there);
        (flat(found), flat(plain::attention(q.here, k.here, v.here)))
    }

    fn linears(&self, dit: &DitConfig) -> Vec<Case> {
        let (t, d, patch) = (tokens(dit), dit.hidden_size, dit.patch_size.pow(2));
        let add = |pictures| Some((self.numbers(4, [pictures, t, d], 1.0), pictures == 2));
        let wide = dit.mlp_ratio * d;
        let cases = [
            (patch * dit.in_channels, d, false, add(1)),
            (d, 3 * d, false, None),
            (d, d, false, add(2)),
            (d, wide, true, None),
            (wide, d, false, add(2)),
            (d, patch * dit.out_channels(), false, None),
        ];
        let gate = self.numbers(5, [2, 1, d], 1.0);
        cases.into_iter().filter_map(|(from, to, gelu, add)| self.linear(t, [from, to], gelu, add, &gate)).collect()
    }

    fn linear(
        &self,
        t: usize,
        [from, to]: [usize; 2],
        gelu: bool,
        add: Option<(Both<3>, bool)>,
        gate: &Both<3>,
    ) -> Option<Case> {
        let x = self.numbers(6, [2, t, from], 1.0);
        let (weight, bias) = (self.numbers(7, [from, to], (from as f32).powf(-0.5)), self.numbers(8, [to], 0.5));
        let [there, here] = match add {
            Some((to, gated)) => [(to.there, &gate.there), (to.here, &gate.here)]
                .map(|(to, gate)| Then::Add { to, gate: gated.then(|| gate.clone()) }),
            None if gelu => [Then::Gelu, Then::Gelu],
            None => [Then::Nothing, Then::Nothing],
        };
        let found = self.ops.matrix(&weight.there, Some(&bias.there))?.apply(&x.there, &there)?;
        Some((flat(found), flat(plain::linear(x.here, weight.here, Some(bias.here), here))))
    }

    /// Those of the decoder: into each stage, in its blocks, and out of the last.
    fn convs(&self, tiny: &TinyConfig, side: usize) -> Vec<Case> {
        let widths = &tiny.decoder_block_out_channels;
        let (last, mut before) = (widths.len() - 1, tiny.latent_channels);
        let mut cases = Vec::new();
        for (stage, &width) in widths.iter().enumerate() {
            let (side, first) = (side << stage, stage == 0);
            let entering = Filter { doubled: !first, relu: first };
            cases.push((before, width, if first { side } else { side / 2 }, entering, false));
            cases.push((width, width, side, Filter { doubled: false, relu: true }, true));
            if stage == last {
                cases.push((width, tiny.patch_channels(), side, Filter::default(), false));
            }
            before = width;
        }
        cases
            .into_iter()
            .filter_map(|(from, to, side, filter, adds)| self.conv([from, to, side], filter, adds))
            .collect()
    }

    fn conv(&self, [from, to, side]: [usize; 3], filter: Filter, adds: bool) -> Option<Case> {
        let x = self.numbers(9, [1, from, side, side], 1.0);
        let weight = self.numbers(10, [to, from, 3, 3], (9.0 * from as f32).powf(-0.5));
        let bias = self.numbers(11, [to], 0.5);
        let add = adds.then(|| self.numbers(12, [1, to, side, side], 1.0));
        let filters = self.ops.filter(&weight.there, Some(&bias.there), filter)?;
        let found = filters.apply(&x.there, add.as_ref().map(|add| &add.there))?;
        let right = plain::conv(x.here, weight.here, Some(bias.here), filter, add.map(|add| add.here));
        Some((flat(found), flat(right)))
    }

    /// A recording that is done again with other numbers.
    fn replay(&self, dit: &DitConfig) -> Vec<Case> {
        let (replay, d) = (Replay::default(), dit.hidden_size);
        let case = |seed| {
            let x = self.numbers(seed, [2 * tokens(dit) * d], 2.0);
            let twice = |x: Tensor<1>| x * 2.0 + 1.0;
            let found = replay.call(self.ops, &[x.there], |inputs| twice(inputs[0].clone()));
            (found, twice(x.here))
        };
        if self.ops.records() { (15..19).map(case).collect() } else { Vec::new() }
    }

    fn guide(&self, dit: &DitConfig) -> Vec<Case> {
        let [c, h, w] = dit.latent_shape();
        let x = self.numbers(13, [2, c, h, w], 1.0);
        let outputs = self.numbers(14, [4, dit.out_channels(), h, w], 1.0);
        let [cond, uncond] = [0, 2].map(|at| outputs.map(|outputs| outputs.narrow(0, at, 2)));
        let by = Guide {
            scales: vec![4.0, 1.5],
            channels: c.min(3),
            x0: [0.8, -0.6],
            eps: [0.6, 0.8],
            range: Some(1.0),
            process: [0.8, 0.6],
        };
        let Some(found) = self.ops.guide(&x.there, &cond.there, Some(&uncond.there), &by) else { return Vec::new() };
        let right = plain::guide(x.here, cond.here, Some(uncond.here), &by);
        let all = [found, right].map(|said| {
            let uncond = said.eps_uncond.unwrap_or_else(|| said.eps.zeros_like());
            [said.x0_hat, said.eps, said.unclamped, said.eps_cond, uncond]
        });
        let [found, right] = all;
        found.into_iter().zip(right).map(|(found, right)| (flat(found), flat(right))).collect()
    }
}

fn tokens(dit: &DitConfig) -> usize {
    dit.num_tokens().min(MOST_TOKENS)
}

fn flat<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    x.flatten(0, D - 1)
}
