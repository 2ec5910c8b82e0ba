//! What a training began with: the options that make the model. They lie beside its checkpoint, and come from there when
//! it goes on.

use super::checkpoint;
use crate::output::note;
use anyhow::{Context, Result, bail};
use ditscope_model_dir::read_file;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::Path;

/// The file's name in a checkpoint.
pub const BEGUN_FILE: &str = "begun.json";

/// What a training began with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Begun {
    /// Which `dit train`: autoencoder, dit or classifier.
    kind: String,
    /// Options that make the model, by their names, all with a value.
    options: Map<String, Value>,
    /// Options that it may go on without.
    #[serde(default)]
    changeable: Map<String, Value>,
    /// The configuration of what is trained.
    pub model: Value,
}

impl Begun {
    /// # Panics
    /// When options are not serialised to an object.
    pub fn new(kind: &str, options: &impl Serialize, changeable: &impl Serialize, model: &impl Serialize) -> Self {
        let model = serde_json::to_value(model).expect("a configuration is JSON");
        Self { kind: kind.to_owned(), options: object(options), changeable: object(changeable), model }
    }

    /// Of the training in an output folder; nothing where none has begun, or one that did not note it.
    ///
    /// # Errors
    /// Names the file that is damaged.
    pub fn read(out: &Path) -> Result<Option<Self>> {
        let Some(folder) = checkpoint::folder(out) else { return Ok(None) };
        let path = folder.join(BEGUN_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let begun = serde_json::from_slice(&read_file(&path)?).with_context(|| checkpoint::hint(&folder))?;
        Ok(Some(begun))
    }

    /// What it was trained to be.
    ///
    /// # Errors
    /// Names the checkpoint when that is something else.
    pub fn model<C: DeserializeOwned>(&self, out: &Path) -> Result<C> {
        serde_json::from_value(self.model.clone()).with_context(|| format!("{}: {BEGUN_FILE}", out.display()))
    }

    /// The options to go on with: those it began with. `given` has those of the command line, null where one was left
    /// out.
    ///
    /// # Errors
    /// Another kind of training, or an option that says something else: both values are named.
    pub fn settle<O: Serialize + DeserializeOwned>(&self, out: &Path, kind: &str, given: &O) -> Result<O> {
        let hint = || checkpoint::hint(&checkpoint::folder(out).unwrap_or_else(|| out.to_owned()));
        if self.kind != kind {
            bail!("'dit train {}' made it, and this is 'dit train {kind}': {}", self.kind, hint());
        }
        let mut options = self.options.clone();
        let mut contradictions = Vec::new();
        for (name, value) in object(given).into_iter().filter(|(_, value)| !value.is_null()) {
            match self.options.get(&name) {
                Some(old) if *old != value => contradictions.push(format!(
                    "it began with {}, and the options say {}",
                    shown(&name, old),
                    shown(&name, &value)
                )),
                Some(_) => {}
                None => drop(options.insert(name, value)),
            }
        }
        if !contradictions.is_empty() {
            bail!("{}. Leave the option out to go on. {}", contradictions.join("; "), hint());
        }
        serde_json::from_value(Value::Object(options)).with_context(hint)
    }

    /// Says which of the options that may change are others now.
    pub fn note_changes(&self, now: &Self) {
        for (name, value) in &now.changeable {
            let old = self.changeable.get(name).unwrap_or(&Value::Null);
            if old != value {
                note!("note: it goes on with {}; it began with {}", shown(name, value), shown(name, old));
            }
        }
    }
}

fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        other => panic!("options are an object, not {other:?}"),
    }
}

/// As it would be typed.
fn shown(name: &str, value: &Value) -> String {
    match value {
        Value::Null => format!("no --{name}"),
        Value::Bool(true) => format!("--{name}"),
        Value::Bool(false) => format!("no --{name}"),
        Value::String(text) => format!("--{name} {text}"),
        Value::Array(items) => {
            format!("--{name} {}", items.iter().map(Value::to_string).collect::<Vec<_>>().join(","))
        }
        other => format!("--{name} {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_left_out_comes_from_the_beginning_and_a_contradiction_names_both() {
        let begun =
            Begun::new("dit", &json!({"depth": 6, "prediction-type": "v"}), &json!({"lr": 0.1}), &json!({"a": 1}));
        let settle = |given: Value| begun.settle(Path::new("out"), "dit", &given);
        let settled = settle(json!({"depth": null, "prediction-type": "v", "new": 2})).expect("no contradiction");
        assert_eq!(settled, json!({"depth": 6, "prediction-type": "v", "new": 2}));
        let said = settle(json!({"depth": 7, "prediction-type": "epsilon"})).expect_err("two").to_string();
        for words in
            ["--depth 6", "--depth 7", "--prediction-type v", "--prediction-type epsilon", "Leave the option out"]
        {
            assert!(said.contains(words), "{words} is not in {said}");
        }
        assert!(begun.settle(Path::new("out"), "classifier", &json!({})).is_err());
    }
}
