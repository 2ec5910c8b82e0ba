//! What the files of a model must hold: names and shapes, read off the modules themselves.

use super::tensor_ref::TensorRef;
use super::write::OutTensor;
use anyhow::{Result, ensure};
use burn::module::Module;
use ditscope_core::weights::{Parameter, parameters};
use std::collections::BTreeMap;

/// Tensors by their official names; one that is stored in pieces has several, row upon row.
pub type Parts = BTreeMap<String, Vec<TensorRef>>;

/// Brings the tensors of a checkpoint into the order and the shapes of a module's file.
///
/// The module's parameters are never initialised, so that this costs no memory.
///
/// # Errors
/// Lists the names that are missing or not known, or the first shape that differs.
pub fn arrange<M: Module>(module: &M, prefix: &str, mut parts: Parts) -> Result<Vec<OutTensor>> {
    let expected = parameters(module, "");
    let missing: Vec<&str> =
        expected.iter().map(|parameter| parameter.name.as_str()).filter(|name| !parts.contains_key(*name)).collect();
    ensure!(
        missing.is_empty(),
        "tensors are missing: {}. Is the file whole, and of this architecture?",
        list(&missing)
    );
    let arrange = |parameter: Parameter| -> Result<OutTensor> {
        let name = &parameter.name;
        let found = parts.remove(name).unwrap_or_default();
        let shape = fit(name, parameter.stored_shape(), &found)?;
        Ok(OutTensor { name: format!("{prefix}{name}"), shape, parts: found })
    };
    let arranged = expected.into_iter().map(arrange).collect::<Result<_>>()?;
    refuse_unknown(parts.keys())?;
    Ok(arranged)
}

/// # Errors
/// When there is any name: it lists them.
pub fn refuse_unknown<'a>(names: impl Iterator<Item = &'a String>) -> Result<()> {
    let unknown: Vec<&str> = names.map(String::as_str).collect();
    ensure!(
        unknown.is_empty(),
        "tensors that this architecture does not have: {}. Nothing is dropped silently: remove them from the file if \
         they do not matter",
        list(&unknown)
    );
    Ok(())
}

fn list(names: &[&str]) -> String {
    let shown = names.iter().take(5).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    match names.len() {
        0..=5 => shown,
        more => format!("{shown} and {} more", more - 5),
    }
}

/// The shape in our file, when the parts make it up.
fn fit(name: &str, expected: Vec<usize>, parts: &[TensorRef]) -> Result<Vec<usize>> {
    let rows: usize = parts.iter().map(|part| part.shape.first().copied().unwrap_or(1)).sum();
    let row = |shape: &[usize]| -> usize { shape.iter().skip(1).product() };
    let fits = match parts {
        // A matrix may be stored as a convolution kernel: [out, c, p, p] or [out, in, 1, 1].
        [_, ..] if expected.len() == 2 => {
            rows == expected[0] && parts.iter().all(|part| row(&part.shape) == row(&expected))
        }
        [one] => one.shape == expected,
        many => rows == expected[0] && many.iter().all(|part| part.shape.len() == 1),
    };
    let found: Vec<&[usize]> = parts.iter().map(|part| part.shape.as_slice()).collect();
    ensure!(fits, "tensor '{name}' has the shape {found:?}, where the other tensors ask for {expected:?}");
    Ok(match parts {
        // Kept as the kernel that it is in the official files.
        [one] if name == "x_embedder.proj.weight" => one.shape.clone(),
        _ => expected,
    })
}
