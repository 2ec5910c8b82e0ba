//! What is asked for on the command line.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;

/// A part of the measurements that can be asked for by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The paper's sizes and the shipped model, beside PyTorch.
    Native,
    /// How the cost grows with tokens, pictures and width.
    Growth,
    /// The page on the CPU, beside onnxruntime-web.
    Cpu,
    /// The page on WebGPU, beside onnxruntime-web.
    WebGpu,
}

impl Part {
    const ALL: [(&str, Self); 4] =
        [("native", Self::Native), ("growth", Self::Growth), ("cpu", Self::Cpu), ("webgpu", Self::WebGpu)];
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub parts: Vec<Part>,
    /// Fewer and smaller measurements.
    pub is_quick: bool,
    /// Where the numbers go.
    pub json: Option<PathBuf>,
    /// A text with two marks, between which the tables go.
    pub write: Option<PathBuf>,
}

impl Options {
    pub fn parse(arguments: &[&str]) -> Result<Self> {
        let mut options = Self { parts: vec![], is_quick: false, json: None, write: None };
        let mut arguments = arguments.iter();
        while let Some(&argument) = arguments.next() {
            let mut file = || {
                let file = arguments.next().with_context(|| format!("{argument} needs the name of a file"));
                file.map(|file| Some(PathBuf::from(file)))
            };
            match argument {
                "--quick" => options.is_quick = true,
                "--json" => options.json = file()?,
                "--write" => options.write = file()?,
                name => options.parts.push(part(name)?),
            }
        }
        if options.parts.is_empty() {
            options.parts.extend(Part::ALL.map(|(_, part)| part));
        }
        Ok(options)
    }

    pub fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}

fn part(name: &str) -> Result<Part> {
    match Part::ALL.iter().find(|(known, _)| *known == name) {
        Some((_, part)) => Ok(*part),
        None => {
            bail!("'{name}' is no part of the measurements; they are: {}", Part::ALL.map(|(name, _)| name).join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(arguments: &[&str]) -> String {
        Options::parse(arguments).expect_err("the arguments are refused").to_string()
    }

    #[test]
    fn all_parts_are_measured_when_none_is_named() {
        let options = Options::parse(&[]).expect("no arguments");
        assert_eq!(options.parts, Part::ALL.map(|(_, part)| part));
        assert_eq!((options.is_quick, options.json, options.write), (false, None, None));
    }

    #[test]
    fn parts_and_files_are_taken_in_any_order() {
        let options = Options::parse(&["--json", "a.json", "webgpu", "--quick", "--write", "b.md", "native"]);
        let options = options.expect("known arguments");
        assert_eq!(options.parts, [Part::WebGpu, Part::Native]);
        assert!(options.is_quick && options.has(Part::Native) && !options.has(Part::Cpu));
        assert_eq!((options.json, options.write), (Some("a.json".into()), Some("b.md".into())));
    }

    #[test]
    fn what_is_unknown_is_refused_with_what_is_known() {
        assert_eq!(refused(&["gpu"]), "'gpu' is no part of the measurements; they are: native, growth, cpu, webgpu");
        assert_eq!(refused(&["cpu", "--json"]), "--json needs the name of a file");
    }
}
