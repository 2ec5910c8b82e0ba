//! Published weights → our folders.
//!
//! Read first, written after: headers and pickles say which tensors there are; names and shapes
//! decide what it is (`transformer`, `autoencoder`); then the numbers are streamed from the source
//! files into shards (`write`), about a megabyte at a time. Only the fit of the preview, after
//! that, loads something whole: the decoder.
//!
//! It must not know a command line, a terminal or a backend: [`convert`] takes a plain plan, says how far it is, and
//! gives back what it wrote.

mod autoencoder;
mod card;
pub mod checkpoint;
mod diffusers;
mod labels;
mod layout;
mod names;
mod nested;
mod ours;
pub mod pickle;
mod preview;
mod python_json;
pub mod safetensors;
mod scheduler;
mod source;
mod tensor_ref;
pub mod torch;
mod transformer;
mod weight_files;
mod write;

pub use ditscope_core::weights::Dtype as StoredType;
pub use transformer::Numbers;

use anyhow::{Context, Result, ensure};
use autoencoder::ReadAutoencoder;
use burn::tensor::Device;
use card::Card;
use ditscope_config::{AutoencoderConfig, DitConfig, LatentRgb, LatentStats, ModelConfig, PredictionType, RunSettings};
use ditscope_core::autoencoder::Autoencoder;
use ditscope_core::weights::Loader;
use ditscope_core::weights::keys::AUTOENCODER;
use ditscope_model_dir::{AUTOENCODER_FILE, CONFIG_FILE};
use scheduler::Scheduler;
use source::{Pipeline, Source, SourceKind};
use std::path::{Path, PathBuf};
use transformer::Asked;
use write::{OutTensor, Staged, check_target};

/// What to convert, and into what.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Checkpoint file or folder.
    pub source: PathBuf,
    /// Folder to write; a model in it is replaced once the new one is whole.
    pub out: PathBuf,
    /// The decoder for a transformer's latents.
    pub autoencoder: Option<PathBuf>,
    /// Attention heads, where neither a preset (S, B, L, XL) nor a config.json tells.
    pub num_heads: Option<usize>,
    /// How numbers are stored.
    pub dtype: StoredType,
    /// Classes, where the weights were trained without a label for "no class"; absent: one fewer than the label table has
    /// rows.
    pub num_classes: Option<usize>,
    /// File of class names, one a line or JSON; absent: ImageNet's for 1000 classes.
    pub labels: Option<PathBuf>,
    /// Shown to people; absent: the preset or the file's name.
    pub name: Option<String>,
    /// Shown to people; absent: what a README.md of the source says.
    pub license: Option<String>,
    /// Fit the linear preview, which loads the decoder and runs it on small latents.
    pub preview: bool,
    /// What computes shapes, positions and the preview.
    pub device: Device,
    /// Whose constants the model was trained with.
    pub numbers: Numbers,
    /// What it predicts; absent: the noise, or what a scheduler's settings beside it say.
    pub prediction_type: Option<PredictionType>,
}

/// How far a conversion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub stage: Stage,
    pub done: u64,
    pub total: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Counted in numbers.
    Writing,
    /// Counted in pictures.
    FittingPreview,
}

/// Is told how far it is.
pub type Watch<'a> = &'a dyn Fn(Progress);

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub name: String,
    pub parameters: u64,
    pub bytes: u64,
    pub shards: usize,
    /// How the numbers are stored, for people.
    pub dtype: &'static str,
    pub license: String,
    /// What the user should know: what was left out, what is missing.
    pub notes: Vec<String>,
}

/// Converts what the source is: a transformer with or without its decoder, or a decoder alone.
///
/// # Errors
/// Names the file, tensor or option that is wrong, and the cure. The folder is then as it was.
pub fn convert(plan: &Plan, watch: Watch) -> Result<Written> {
    let sources: Vec<_> = [Some(&plan.source), plan.autoencoder.as_ref()].into_iter().flatten().collect();
    check_target(&plan.out, &sources.iter().map(|path| path.as_path()).collect::<Vec<_>>())?;
    if plan.source.join(CONFIG_FILE).is_file() && source::is_ours(&plan.source) {
        return ours::convert(plan, watch);
    }
    let pipeline = Pipeline::open(&plan.source)?;
    let source = &pipeline.transformer;
    ensure!(
        !matches!(source.kind, SourceKind::Ours(_)),
        "{}: this autoencoder was trained or converted by dit already",
        plan.source.display()
    );
    match source.is_autoencoder() {
        true => convert_autoencoder(plan, source, watch),
        false => convert_model(plan, pipeline, watch),
    }
}

fn convert_autoencoder(plan: &Plan, source: &Source, watch: Watch) -> Result<Written> {
    ensure!(
        plan.autoencoder.is_none()
            && plan.num_heads.is_none()
            && plan.num_classes.is_none()
            && plan.labels.is_none()
            && plan.prediction_type.is_none(),
        "{}: this is an autoencoder alone: --autoencoder, --num-heads, --num-classes, --labels and --prediction-type are for a \
         transformer",
        plan.source.display()
    );
    let ReadAutoencoder { config, tensors, notes } =
        autoencoder::read(source, &plan.device).with_context(|| plan.source.display().to_string())?;
    let license = license(plan, source);
    let staged = stage(plan, &tensors, watch)?;
    let name = plan.name.clone().unwrap_or_else(|| file_name(&plan.source));
    let what = format!(
        "The decoder of an {}: latents of {} channels to pictures {} times as wide.",
        class_name(&config),
        config.latent_channels(),
        config.factor()
    );
    finish(
        staged,
        (AUTOENCODER_FILE, &config),
        &Card {
            name: &name,
            what,
            license: &license,
            dtype: plan.dtype.name(),
            numbers: "diffusers",
            sources: vec![("autoencoder", &source.checkpoint)],
            notes: &notes,
        },
    )
}

fn convert_model(plan: &Plan, pipeline: Pipeline, watch: Watch) -> Result<Written> {
    let source = &pipeline.transformer;
    let asked = Asked { num_heads: plan.num_heads, num_classes: plan.num_classes, numbers: plan.numbers };
    let transformer =
        transformer::read(source, &asked, &plan.device).with_context(|| plan.source.display().to_string())?;
    let given = plan.autoencoder.as_deref().map(Source::open).transpose()?;
    let decoder = given.as_ref().or(pipeline.autoencoder.as_ref());
    let (mut tensors, mut notes, mut config) = (transformer.tensors, source.checkpoint.notes.clone(), None);
    notes.extend(null_label_note(plan, &pipeline, &transformer.config));
    if let Some(decoder) = decoder {
        ensure!(decoder.is_autoencoder(), "{}: this is a transformer, not an autoencoder", decoder.path.display());
        let read = autoencoder::read(decoder, &plan.device).with_context(|| decoder.path.display().to_string())?;
        tensors.extend(read.tensors);
        notes.extend(read.notes);
        config = Some(read.config);
    } else if transformer.config.in_channels > 3 {
        notes.push("without a decoder, pictures are the latents themselves: give --autoencoder".to_owned());
    }
    let scheduler = scheduler::read(&pipeline.scheduler, &transformer.config, plan.numbers, plan.prediction_type)
        .with_context(|| plan.source.display().to_string())?;
    notes.extend(remarks(&scheduler, &transformer.config, plan.numbers));
    let decoder_license = decoder.and_then(|decoder| decoder.license.as_deref());
    let mut config = model_config(plan, &pipeline, transformer.config, scheduler, config, decoder_license)?;
    let staged = stage(plan, &tensors, watch)?;
    if plan.preview && config.autoencoder.is_some() {
        config.latents.rgb = Some(fit_preview(&staged, &config, &plan.device, watch)?);
    }
    let mut sources = vec![("transformer", &source.checkpoint)];
    sources.extend(decoder.map(|decoder| ("autoencoder", &decoder.checkpoint)));
    let dit = &config.transformer;
    let what = format!(
        "A Diffusion Transformer (adaLN-Zero) of {} blocks, width {}, {} heads, patch {}: {} classes, pictures of {size}x{size} \
         pixels.",
        dit.depth,
        dit.hidden_size,
        dit.num_heads,
        dit.patch_size,
        dit.num_classes,
        size = config.image_size()
    );
    let numbers = match plan.numbers {
        Numbers::Official => "the official code (facebookresearch/DiT)",
        Numbers::Diffusers => "diffusers",
    };
    finish(
        staged,
        (CONFIG_FILE, &config),
        &Card {
            name: &config.name,
            what,
            license: &config.license,
            dtype: plan.dtype.name(),
            numbers,
            sources,
            notes: &notes,
        },
    )
}

/// What was found out about how the model is to be run.
fn remarks(scheduler: &Scheduler, transformer: &DitConfig, numbers: Numbers) -> impl Iterator<Item = String> {
    let own = "every block has embedders of its own, so it was trained with diffusers: give --numbers diffusers for its numbers";
    let is_theirs = transformer.block_embedders && numbers == Numbers::Official;
    scheduler.note.clone().into_iter().chain(is_theirs.then(|| own.to_owned()))
}

fn model_config(
    plan: &Plan,
    pipeline: &Pipeline,
    transformer: DitConfig,
    scheduler: Scheduler,
    autoencoder: Option<AutoencoderConfig>,
    decoder_license: Option<&str>,
) -> Result<ModelConfig> {
    let (channels, classes) = (transformer.in_channels, transformer.num_classes);
    let scale = autoencoder.as_ref().map_or(1.0, AutoencoderConfig::scaling_factor);
    let side = transformer.sample_size.longer() * autoencoder.as_ref().map_or(1, AutoencoderConfig::factor);
    let preset = transformer::preset(&transformer);
    let name = preset.map(|(preset, _)| format!("DiT-{preset}/{} {side}x{side}", transformer.patch_size));
    let mut license = license(plan, &pipeline.transformer);
    if let Some(decoder) = decoder_license.filter(|decoder| plan.license.is_none() && *decoder != license) {
        license.push_str(&format!("; decoder: {decoder}"));
    }
    let config = ModelConfig {
        name: plan.name.clone().or(name).unwrap_or_else(|| file_name(&plan.source)),
        scheduler: scheduler.diffusion,
        latents: LatentStats { mean: vec![0.0; channels], std: vec![(1.0 / scale) as f32; channels], rgb: None },
        audio: None,
        text: None,
        labels: labels::labels(plan.labels.as_deref(), pipeline.labels.clone(), &transformer)?,
        defaults: RunSettings {
            // ImageNet's golden retriever.
            class: if classes == labels::NUM_IMAGENET { 207 } else { 0 },
            guidance_scale: if transformer.has_null_label { 4.0 } else { 1.0 },
            num_inference_steps: scheduler.num_inference_steps,
            sampler: scheduler.sampler,
            seed: 9,
            ..RunSettings::default()
        },
        license,
        autoencoder,
        transformer,
    };
    config.validate()?;
    Ok(config)
}

/// A folder's name, or a file's without its ending.
fn file_name(path: &Path) -> String {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = if whole.is_dir() { whole.file_name() } else { whole.file_stem() };
    name.map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// What was given, else what the source says. Shapes do not tell whose weights they are.
fn license(plan: &Plan, source: &Source) -> String {
    let unknown = || "unknown: ask whoever made the weights".to_owned();
    plan.license.clone().or_else(|| source.license.clone()).unwrap_or_else(unknown)
}

/// What is to be known of the label table's last row, unless other files say the same of it.
fn null_label_note(plan: &Plan, pipeline: &Pipeline, config: &DitConfig) -> Option<String> {
    let classes = config.num_classes;
    if !config.has_null_label {
        let note = format!("no label means 'no class' among the {classes} of the label table, so there is no guidance");
        return Some(note);
    }
    let is_known = plan.num_classes.is_some()
        || plan.labels.is_some()
        || classes == labels::NUM_IMAGENET
        || pipeline.labels.as_ref().is_some_and(|labels| labels.len() == classes)
        || pipeline.transformer.config["num_embeds_ada_norm"].as_u64() == Some(classes as u64);
    let rows = classes + 1;
    (!is_known).then(|| {
        format!(
            "the label table has {rows} rows: the last is taken for 'no class', which leaves {classes} classes. If the model \
             was trained without label dropout, it has {rows}: give --num-classes {rows}"
        )
    })
}

fn stage(plan: &Plan, tensors: &[OutTensor], watch: Watch) -> Result<Staged> {
    let total = tensors.iter().map(OutTensor::numel).sum();
    Staged::write(&plan.out, tensors, plan.dtype, &|done| watch(Progress { stage: Stage::Writing, done, total }))
}

/// Loads the decoder from the new shards and fits the linear preview to it.
fn fit_preview(staged: &Staged, config: &ModelConfig, device: &Device, watch: Watch) -> Result<LatentRgb> {
    let autoencoder = config.autoencoder.as_ref().context("a preview needs a decoder")?;
    let mut loader = Loader::default();
    let decoder = staged.fold(AUTOENCODER, Autoencoder::new(autoencoder, device), |decoder, file, bytes| {
        Ok(loader.apply(decoder, AUTOENCODER, file, bytes, device)?)
    })?;
    loader.finish(&decoder, AUTOENCODER)?;
    preview::fit(&decoder, &config.latents, device, watch).context("fitting the preview (--no-preview leaves it out)")
}

fn finish(staged: Staged, config: (&str, &impl serde::Serialize), card: &Card) -> Result<Written> {
    let (text, index) = (card.text()?, &staged.index.metadata);
    let written = Written {
        name: card.name.to_owned(),
        parameters: index.total_parameters.unwrap_or_default(),
        bytes: index.total_size,
        shards: index.shards.len(),
        dtype: card.dtype,
        license: card.license.to_owned(),
        notes: card.notes.to_vec(),
    };
    staged.commit(config, &text)?;
    Ok(written)
}

fn class_name(config: &AutoencoderConfig) -> &'static str {
    match config {
        AutoencoderConfig::Tiny(_) => "AutoencoderTiny",
        AutoencoderConfig::Kl(_) => "AutoencoderKL",
    }
}
