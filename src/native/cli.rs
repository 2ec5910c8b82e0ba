//! The commands and their options.

use super::{eval, sample, train};
use anyhow::Result;
use clap::{Parser, Subcommand};

/// Train, sample and evaluate Diffusion Transformers.
#[derive(Debug, Parser)]
#[command(name = "dit", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a model
    #[command(subcommand)]
    Train(Train),
    /// Generate pictures
    Sample(sample::SampleOptions),
    /// Measure a model: class accuracy and Fréchet distance of its samples
    Eval(eval::EvalOptions),
    /// Show what a model folder holds and verify its hashes
    Info(sample::InfoOptions),
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
    /// Does what the command line says.
    ///
    /// # Errors
    /// Names the thing that went wrong and the cure.
    pub fn run(&self) -> Result<()> {
        match &self.command {
            Command::Train(Train::Autoencoder(options)) => train::autoencoder::run(options),
            Command::Train(Train::Dit(options)) => train::dit::run(options),
            Command::Train(Train::Classifier(options)) => train::classifier::run(options),
            Command::Sample(options) => sample::run(options),
            Command::Eval(options) => eval::run(options),
            Command::Info(options) => sample::info(options),
        }
    }
}
