//! The tour's formulas of the transformer and the latents, computed from the shipped model and beside it, in f64.

use super::support::{max_difference, random, values};
use super::{assert_close, shipped_config, shipped_model};
use burn::module::Param;
use burn::tensor::{Device, Int, Tensor, TensorData};
use ditscope_config::{DitConfig, SamplerKind};
use ditscope_core::autoencoder::Autoencoder;
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::dit::{AdaLn, Condition, DitBlock, FinalLayer, Linear, pos_embed_2d, unpatchify};
use ditscope_core::generate::{Model, Noise, Request, Run};

formulas! {
    tokens patch_embed position attention
    condition layer_norm modulation modulate gate
    autoencoder factor standardise
}

/// Width, tokens, and heads of the shipped transformer.
const D: usize = 192;
const N: usize = 16;
const HEADS: usize = 6;

fn numbers<const R: usize>(x: Tensor<R>) -> Vec<f64> {
    values(x).into_iter().map(f64::from).collect()
}

fn tensor3(values: &[f64], shape: [usize; 3]) -> Tensor<3> {
    let values: Vec<f32> = values.iter().map(|v| *v as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn assert_same(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(off < 2e-4, "off by {off}");
}

/// Tokens to try with.
fn some_tokens() -> Tensor<3> {
    random(5, [1, 1, N, D]).squeeze_dim(0)
}

/// The condition of class 9 at t = 482.
fn some_condition(model: &Model) -> Tensor<2> {
    let t = Tensor::full([1], 482.0, &model.device);
    model.dit.t_embedder.forward(t) + model.dit.y_embedder.forward(label(model, 9))
}

fn label(model: &Model, class: i64) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(vec![class], [1]), &model.device)
}

/// `x·W + b` for one row.
fn linear(layer: &Linear, x: &[f64]) -> Vec<f64> {
    let weight = numbers(layer.weight.val()); // [d_input, d_output]
    let mut out = numbers(layer.bias.val());
    let columns = out.len();
    for (i, x) in x.iter().enumerate() {
        out.iter_mut().zip(&weight[i * columns..]).for_each(|(out, w)| *out += x * w);
    }
    out
}

fn tokens() {
    let config = shipped_config().transformer;
    assert_eq!((config.sample_size, config.patch_size, config.num_tokens()), (8.into(), 2, (8usize / 2).pow(2)));
    assert_eq!((config.num_tokens(), config.hidden_size, config.num_heads, config.depth), (N, D, HEADS, 6));
}

fn patch_embed() {
    let model = shipped_model();
    let x = random(1, [1, 4, 8, 8]);
    let pixels = numbers(x.clone());
    let places = pos_embed_2d(D, [4, 4], &model.device);
    let found = numbers(model.dit.x_embedder.forward(x) + places.clone());
    for token in 0..N {
        let (row, column) = (token / 4 * 2, token % 4 * 2);
        let cell = |k: usize| pixels[k / 4 * 64 + (row + k / 2 % 2) * 8 + column + k % 2];
        let patch: Vec<f64> = (0..16).map(cell).collect();
        let place = numbers(places.clone());
        let embedded = linear(&model.dit.x_embedder.proj, &patch);
        let expected: Vec<f64> = embedded.iter().zip(&place[token * D..]).map(|(a, b)| a + b).collect();
        assert_same(&found[token * D..][..D], &expected);
    }
}

fn position() {
    let found = numbers(pos_embed_2d(D, [4, 4], &Device::flex()));
    let omega = |k: usize| 10_000f64.powf(-(k as f64) / 48.0);
    for token in 0..N {
        let (u, v) = ((token % 4) as f64, (token / 4) as f64);
        let part = |of: fn(f64) -> f64, at: f64| (0..48).map(move |k| of(at * omega(k)));
        let expected = part(f64::sin, u).chain(part(f64::cos, u)).chain(part(f64::sin, v)).chain(part(f64::cos, v));
        assert_same(&found[token * D..][..D], &expected.collect::<Vec<f64>>());
    }
}

fn attention() {
    const LENGTH: usize = D / HEADS;
    let model = shipped_model();
    let layer = &model.dit.blocks[2].attn;
    let x = some_tokens();
    let rows: Vec<Vec<f64>> = numbers(x.clone()).chunks_exact(D).map(|token| linear(&layer.qkv, token)).collect();
    let part = |token: usize, which: usize, head: usize| &rows[token][which * D + head * LENGTH..][..LENGTH];
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut mixed = vec![vec![0.0; D]; N];
    for (token, mixed) in mixed.iter_mut().enumerate() {
        for head in 0..HEADS {
            let fits = |other| (dot(part(token, 0, head), part(other, 1, head)) / (LENGTH as f64).sqrt()).exp();
            let fits: Vec<f64> = (0..N).map(fits).collect();
            let shares: Vec<f64> = fits.iter().map(|fit| fit / fits.iter().sum::<f64>()).collect();
            assert_close("the shares' sum", shares.iter().sum(), 1.0, 1e-12);
            for (other, share) in shares.iter().enumerate() {
                let out = &mut mixed[head * LENGTH..][..LENGTH];
                out.iter_mut().zip(part(other, 2, head)).for_each(|(out, value)| *out += share * value);
            }
        }
    }
    let expected: Vec<f64> = mixed.iter().flat_map(|token| linear(&layer.proj, token)).collect();
    assert_same(&numbers(layer.forward(x)), &expected);
}

/// The whole network, its condition made by hand: with a class, and without.
fn condition() {
    let model = shipped_model();
    let (x, t) = (random(1, [1, 4, 8, 8]), Tensor::<1>::full([1], 482.0, &model.device));
    for class in [9, model.config.transformer.null_label() as i64] {
        let table = model.dit.y_embedder.embedding_table.weight.val(); // [classes + 1, D]
        let c = Condition { t: model.dit.t_embedder.forward(t.clone()), y: table.narrow(0, class as usize, 1) };
        let tokens = model.dit.x_embedder.forward(x.clone()) + pos_embed_2d(D, [4, 4], &model.device);
        let tokens = model.dit.blocks.iter().fold(tokens, |tokens, block| block.forward(tokens, &c));
        let expected = unpatchify(model.dit.final_layer.forward(tokens, &c), 2, [4, 4]);
        let found = model.dit.forward(x.clone(), t.clone(), label(&model, class));
        assert!(max_difference(found, expected) < 1e-5);
    }
}

/// Layer norm of every token.
fn normalised(tokens: &[f64]) -> Vec<f64> {
    let one = |token: &[f64]| {
        let mean = token.iter().sum::<f64>() / D as f64;
        let variance = token.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / D as f64;
        token.iter().map(|v| (v - mean) / (variance + 1e-6).sqrt()).collect::<Vec<_>>()
    };
    tokens.chunks_exact(D).flat_map(one).collect()
}

/// A last layer whose projection does nothing: what it gives is what modulation alone makes.
fn bare_layer(ada_ln: AdaLn) -> FinalLayer {
    let device = Device::flex();
    // Patches of 2x2 pixels with so many channels that they are as wide as a token.
    let config = DitConfig { in_channels: D / 4, ..shipped_config().transformer };
    let mut layer = FinalLayer::new(&config, &device);
    layer.linear.weight = Param::from_tensor(Tensor::eye(D, &device));
    layer.ada_ln = Some(ada_ln);
    layer
}

fn layer_norm() {
    let h = some_tokens() * 3.0 + 1.0;
    let layer = bare_layer(AdaLn::new(D, 2, &Device::flex()));
    let found = layer.forward(h.clone(), &all_in_t(Tensor::ones([1, D], &Device::flex())));
    assert_same(&numbers(found), &normalised(&numbers(h)));
}

/// A condition whose sum is `c`.
fn all_in_t(c: Tensor<2>) -> Condition {
    Condition { y: c.zeros_like(), t: c }
}

fn ada_ln(block: &DitBlock) -> &AdaLn {
    block.ada_ln.as_ref().expect("the shipped model has adaLN-Zero")
}

/// The vectors of an adaLN, by hand: shift, scale (and gate, and again for the MLP).
fn vectors(ada_ln: &AdaLn, c: Tensor<2>) -> Vec<Vec<f64>> {
    let silu: Vec<f64> = numbers(c).iter().map(|c| c / (1.0 + (-c).exp())).collect();
    linear(&ada_ln.linear, &silu).chunks_exact(D).map(<[f64]>::to_vec).collect()
}

fn modulation() {
    let model = shipped_model();
    let c = some_condition(&model);
    for block in &model.dit.blocks {
        let found = ada_ln(block).vectors(c.clone());
        assert_eq!(found.len(), 6);
        for (found, expected) in found.into_iter().zip(vectors(ada_ln(block), c.clone())) {
            assert_same(&numbers(found), &expected);
        }
    }
    let fresh = AdaLn::new(D, 6, &model.device).vectors(c);
    assert!(fresh.into_iter().all(|vector| numbers(vector).iter().all(|v| *v == 0.0)), "they start as 0");
}

fn modulated(tokens: &[f64], shift: &[f64], scale: &[f64]) -> Vec<f64> {
    normalised(tokens).iter().enumerate().map(|(i, v)| (1.0 + scale[i % D]) * v + shift[i % D]).collect()
}

fn modulate() {
    let model = shipped_model();
    let (h, c, ada_ln) = (some_tokens(), some_condition(&model), model.dit.final_layer.ada_ln.clone().expect("adaLN"));
    let vectors = vectors(&ada_ln, c.clone());
    let expected = modulated(&numbers(h.clone()), &vectors[0], &vectors[1]);
    assert_same(&numbers(bare_layer(ada_ln).forward(h, &all_in_t(c))), &expected);
}

/// Both halves of a block, and a fresh one, which hands its tokens on untouched.
fn gate() {
    let model = shipped_model();
    let (h, c, block) = (some_tokens(), some_condition(&model), &model.dit.blocks[2]);
    let [shift_a, scale_a, gate_a, shift_m, scale_m, gate_m] =
        <[Vec<f64>; 6]>::try_from(vectors(ada_ln(block), c.clone())).expect("six vectors");
    let add = |h: &[f64], gate: &[f64], found: Tensor<3>| -> Vec<f64> {
        h.iter().zip(numbers(found)).enumerate().map(|(i, (h, found))| h + gate[i % D] * found).collect()
    };
    let tokens = numbers(h.clone());
    let found = block.attn.forward(tensor3(&modulated(&tokens, &shift_a, &scale_a), [1, N, D]));
    let tokens = add(&tokens, &gate_a, found);
    let found = block.mlp.forward(tensor3(&modulated(&tokens, &shift_m, &scale_m), [1, N, D]));
    let tokens = add(&tokens, &gate_m, found);
    assert_same(&numbers(block.forward(h.clone(), &all_in_t(c.clone()))), &tokens);
    let config: DitConfig = model.config.transformer.clone();
    let fresh = DitBlock::new(&config, &model.device);
    assert_same(&numbers(fresh.forward(h.clone(), &all_in_t(c))), &numbers(h));
}

/// A picture through encoder and decoder comes back much as it was.
fn autoencoder() {
    let model = shipped_model();
    let request = Request {
        classes: vec![9, 0, 8, 1],
        noise: Noise::Seeded(vec![9; 4]),
        guidance_scales: vec![2.0],
        guidance_channels: None,
        sampler: SamplerConfig::new(SamplerKind::Ddim, 10),
        start: None,
    };
    let mut run = Run::new(&model, request).expect("a valid request");
    while !run.is_done() {
        run.step().expect("a step");
    }
    let Some(Autoencoder::Tiny(autoencoder)) = &model.autoencoder else { panic!("an autoencoder with both halves") };
    let u = model.decode(run.x_t().clone());
    let back = autoencoder.decode(autoencoder.encode(u.clone())).clamp(-1.0, 1.0);
    assert_eq!(back.dims(), [4, 1, 32, 32]);
    let error = numbers(back - u.clone()).iter().map(|d| d * d).sum::<f64>() / u.shape().num_elements() as f64;
    let psnr = 10.0 * (4.0 / error).log10();
    assert!(psnr > 20.0, "{psnr} dB");
}

fn factor() {
    let config = shipped_config();
    let (picture, latent) = (config.image_size(), config.transformer.sample_size.longer());
    assert_eq!((picture, latent, picture / latent), (32, 8, config.autoencoder.as_ref().map_or(1, |a| a.factor())));
    let (pixels, cells) = (config.image_channels() * picture.pow(2), config.transformer.in_channels * latent.pow(2));
    assert_eq!((pixels, cells, pixels / cells), (1024, 256, 4));
}

fn standardise() {
    let model = shipped_model();
    let (z, stats) = (random(1, [1, 4, 8, 8]), &model.config.latents);
    let one = |(i, z): (usize, &f64)| (z - f64::from(stats.mean[i / 64])) / f64::from(stats.std[i / 64]);
    let expected: Vec<f64> = numbers(z.clone()).iter().enumerate().map(one).collect();
    let x = model.standardize(z.clone());
    assert_same(&numbers(x.clone()), &expected);
    assert_same(&numbers(model.destandardize(x)), &numbers(z));
}
