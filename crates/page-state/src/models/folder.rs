//! What a folder is that the visitor chose, by the paths of its files. Pure.

use crate::Notice;

/// What a model's folder has, as `dit convert` writes it.
const MODEL: [&str; 2] = ["config.json", "model.safetensors.index.json"];
/// A pipeline of diffusers, and a part of one.
const OF_DIFFUSERS: [&str; 2] = ["model_index.json", "diffusion_pytorch_model"];
/// A message names no more of them.
const MOST_NAMED: usize = 5;

/// The name of a model's folder, from paths like `name/file` and `name/inner/file`.
///
/// # Errors
/// Why it is no model's folder, and what to do.
pub fn name(paths: &[String]) -> Result<String, Notice> {
    let Some((name, _)) = paths.iter().find_map(|path| path.split_once('/')) else { return Err(Notice::FolderEmpty) };
    let has = |folder: &str, file: &str| paths.iter().any(|path| *path == format!("{folder}/{file}"));
    let is_model = |folder: &str| MODEL.iter().all(|file| has(folder, file));
    if is_model(name) {
        return Ok(name.to_owned());
    }
    let inside = paths.iter().filter_map(|path| path.rsplit_once('/')).map(|(folder, _)| folder);
    let mut folders: Vec<String> = vec![];
    for folder in inside.filter(|folder| is_model(folder)) {
        if folders.len() < MOST_NAMED && folders.iter().all(|named| named != folder) {
            folders.push(folder.to_owned());
        }
    }
    if !folders.is_empty() {
        return Err(Notice::FolderOfModels { name: name.to_owned(), folders });
    }
    let is_of_diffusers = |path: &String| {
        path.rsplit('/').next().is_some_and(|file| OF_DIFFUSERS.iter().any(|start| file.starts_with(start)))
    };
    match paths.iter().find(|path| is_of_diffusers(path)) {
        Some(_) => Err(Notice::FolderOfDiffusers(name.to_owned())),
        None => Err(Notice::FolderOfSomethingElse(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(paths: &[&str]) -> Result<String, Notice> {
        name(&paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn every_folder_has_an_answer() {
        let model = ["boots/config.json", "boots/model.safetensors.index.json", "boots/model-1.safetensors"];
        assert_eq!(of(&model), Ok("boots".into()));
        assert_eq!(of(&[]), Err(Notice::FolderEmpty));
        let parent = ["all/a/config.json", "all/a/model.safetensors.index.json", "all/b/config.json", "all/index.json"];
        assert_eq!(of(&parent), Err(Notice::FolderOfModels { name: "all".into(), folders: vec!["all/a".into()] }));
        let pipeline = ["dit/model_index.json", "dit/transformer/config.json"];
        assert_eq!(of(&pipeline), Err(Notice::FolderOfDiffusers("dit".into())));
        let part = ["transformer/config.json", "transformer/diffusion_pytorch_model.fp16.safetensors"];
        assert_eq!(of(&part), Err(Notice::FolderOfDiffusers("transformer".into())));
        assert_eq!(of(&["photos/boot.jpg"]), Err(Notice::FolderOfSomethingElse("photos".into())));
    }
}
