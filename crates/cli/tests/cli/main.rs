//! The command line as a person uses it: the real binary, real files, small data.

use ditscope_test_support as support;
use ditscope_test_support::diffusers;
use ditscope_test_support::files;

mod asked;
mod avatars;
mod bad_data;
mod bad_model;
mod checkpoints;
mod convert;
mod converted;
mod emoji;
mod flow;
mod foreign;
mod forward;
mod growth;
mod image_to_image;
mod info;
mod latents;
#[cfg(all(unix, feature = "nodes"))]
mod nodes;
#[cfg(unix)]
mod output;
mod pipeline;
mod places;
mod resumed;
mod sample;
mod samples;
mod tones;
mod train;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A `dit` command: `dit("sample --steps 4").with("--model", &folder).succeeds()`.
struct Dit(Command);

/// The words are separated by spaces; paths and names with spaces go through [`Dit::with`].
fn dit(words: &str) -> Dit {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dit"));
    command.args(words.split_whitespace());
    Dit(command)
}

/// The same with a limit on the size of files: what a full disk looks like to a program.
fn dit_on_a_full_disk(blocks: usize, words: &str) -> Dit {
    let mut command = Command::new("sh");
    // Ignoring the signal turns it into an error of the write.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_dit")]).args(words.split_whitespace());
    Dit(command)
}

impl Dit {
    fn with(mut self, option: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.arg(option).arg(value);
        self
    }

    fn run(&mut self) -> (Output, String, String) {
        let output = self.0.output().expect("the binary starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(!stderr.contains("panicked"), "{:?}\n{stderr}", self.0);
        (output, stdout, stderr)
    }

    /// Runs it; what it said on standard error.
    fn says(mut self) -> String {
        let (output, _, stderr) = self.run();
        assert!(output.status.success(), "{:?}\n{stderr}", self.0);
        stderr
    }

    /// Runs it; what it printed.
    fn succeeds(mut self) -> String {
        let (output, stdout, stderr) = self.run();
        assert!(output.status.success(), "{:?}\n{stderr}", self.0);
        stdout
    }

    /// Runs it; it must end with an error that says all these words.
    fn refuses(mut self, words: &[&str]) {
        let (output, _, stderr) = self.run();
        assert!(matches!(output.status.code(), Some(1..)), "{:?} ended with {}\n{stderr}", self.0, output.status);
        for word in words {
            assert!(stderr.contains(word), "{:?}\n'{word}' is not in:\n{stderr}", self.0);
        }
    }
}

/// A temporary folder with the tiny model in `model`.
fn with_tiny_model() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = folder.path().join("model");
    ditscope_model_dir::save(&model, &support::tiny_model(), ditscope_core::weights::Dtype::F32)
        .expect("a model's folder");
    (folder, model)
}

/// A tensor of a file: its shape and its numbers as bytes.
fn read_tensor(path: &Path, name: &str) -> (Vec<usize>, Vec<u8>) {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let view = file.tensor(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(view.dtype(), Dtype::F32);
    (view.shape().to_vec(), view.data().to_vec())
}

/// Writes tensors: name, type, shape, bytes.
fn write_tensors(path: &Path, tensors: &[(&str, Dtype, Vec<usize>, Vec<u8>)]) {
    let view = |dtype, shape: &Vec<usize>, bytes| TensorView::new(dtype, shape.clone(), bytes).expect("bytes that fit");
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| (*name, view(*dtype, shape, bytes)));
    let file = safetensors::serialize(views, None::<HashMap<String, String>>).expect("in memory");
    std::fs::write(path, file).expect("a file");
}

/// f32 as bytes.
fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// A picture's width, height and pixels (gray).
fn picture(path: &Path) -> (u32, u32, Vec<u8>) {
    let image = image::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into_luma8();
    (image.width(), image.height(), image.into_raw())
}
