//! Pickles of `torch.save`, parsed and not run.
//!
//! A pickle is a program for a small stack machine, and Python's lets it call any function. The
//! `machine` here knows plain values and the few names of `globals`; it calls nothing. Of
//! the opcodes (protocols 2 to 5) it has those that `torch.save` emits:
//!
//! | opcodes | make |
//! |---|---|
//! | `NONE NEWTRUE NEWFALSE BININT* LONG1 BINFLOAT *BINUNICODE* *BIN{STRING,BYTES}*` | plain values |
//! | `EMPTY_{TUPLE,LIST,DICT} TUPLE* APPEND* SETITEM* LIST DICT MARK POP*` | containers |
//! | `EMPTY_SET ADDITEMS FROZENSET` | something inert |
//! | `BINPUT LONG_BINPUT BINGET LONG_BINGET MEMOIZE DUP` | the same value again |
//! | `GLOBAL STACK_GLOBAL REDUCE NEWOBJ BUILD` | a tensor, an `OrderedDict`, or something inert |
//! | `BINPERSID` | a storage |
//!
//! Values lie in an arena and refer to one another by number, so that neither depth nor cycles
//! matter, and everything that is kept is charged to a budget: the size of the file.

mod globals;
mod machine;

use super::nested::NESTED;
use anyhow::{Context, Result, bail, ensure};
use machine::{Machine, Node, Value};
use safetensors::Dtype;

/// What a small file may use beyond its own size.
const SLACK: u64 = 256 << 10;
/// How deep the weights of a training may lie.
const MOST_DEPTH: usize = 4;

/// A state_dict, and where in the checkpoint it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDict {
    pub tensors: Vec<StoredTensor>,
    /// Keys that lead to it, outermost first; none where it is the checkpoint itself.
    pub path: Vec<&'static str>,
    /// Keys of others that were passed over.
    pub others: Vec<&'static str>,
}

/// A tensor of a state_dict: which storage, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTensor {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// Name of the storage.
    pub storage: String,
    /// Numbers in the storage before the tensor's.
    pub offset: u64,
}

/// Finds the state_dict in a pickle: the outermost dictionary, or the best of those that `nested` lists in it.
///
/// `file_size`: bytes of the whole file, which bound the memory used.
///
/// # Errors
/// The pickle is broken, names something that no state_dict needs, or has no state_dict; a tensor is
/// not contiguous. Something that is not a tensor is only an error inside the state_dict.
pub fn state_dict(pickle: &[u8], file_size: u64) -> Result<StateDict> {
    let mut machine = Machine::new(pickle, file_size.saturating_add(SLACK));
    let mut found = machine.run()?;
    let (mut path, mut others) = (Vec::new(), Vec::new());
    while path.len() < MOST_DEPTH {
        let mut keys = inner_keys(&machine, found).into_iter();
        let Some((key, inner)) = keys.next() else { break };
        (path, found) = ([path, vec![key]].concat(), inner);
        others.extend(keys.map(|(key, _)| key));
    }
    let Some(Node::Dict(entries)) = machine.node(found) else {
        bail!("it holds no state_dict: save model.state_dict(), not the model");
    };
    ensure!(!entries.is_empty(), "its state_dict is empty");
    let tensors = entries.iter().map(|(key, value)| stored_tensor(&machine, *key, *value)).collect::<Result<_>>()?;
    Ok(StateDict { tensors, path, others })
}

/// The known keys under which a dictionary has weights, the best first.
fn inner_keys(machine: &Machine, value: Value) -> Vec<(&'static str, Value)> {
    let holds_tensor = |value: Value| match machine.node(value) {
        Some(Node::Dict(entries)) => {
            entries.iter().any(|(_, value)| matches!(machine.node(*value), Some(Node::Tensor(_))))
        }
        _ => false,
    };
    let inner = |value: Value| NESTED.into_iter().filter_map(move |key| Some((key, machine.entry(value, key)?)));
    let is_weights = |value: Value| holds_tensor(value) || inner(value).any(|(_, value)| holds_tensor(value));
    inner(value).filter(|(_, value)| is_weights(*value)).collect()
}

fn stored_tensor(machine: &Machine, key: Value, value: Value) -> Result<StoredTensor> {
    let name = machine.text(key).context("its dictionary has a key that is not a name: save model.state_dict()")?;
    let Some(Node::Tensor(tensor)) = machine.node(value) else {
        bail!("'{name}' is not a tensor: save model.state_dict(), or it as {}", NESTED.map(quoted).join(", "));
    };
    let mut expected = 1;
    for (side, stride) in tensor.shape.iter().zip(&tensor.stride).rev() {
        ensure!(
            *side == 1 || *stride == expected,
            "tensor '{name}' does not lie in one piece: save {{k: v.contiguous() for k, v in state_dict.items()}}"
        );
        expected = expected.checked_mul(*side).with_context(|| format!("tensor '{name}' has an impossible shape"))?;
    }
    let shape = tensor.shape.iter().map(|side| usize::try_from(*side)).collect::<Result<_, _>>()?;
    let Some(Node::Storage { dtype, key, numel }) = machine.node(tensor.storage) else {
        bail!("tensor '{name}' has no storage");
    };
    let fits = expected.checked_add(tensor.offset).is_some_and(|end| end <= *numel);
    ensure!(fits, "tensor '{name}' goes beyond its storage");
    let storage = machine.text(*key).context("a storage without a name")?.to_owned();
    Ok(StoredTensor { name: name.to_owned(), dtype: *dtype, shape, storage, offset: tensor.offset })
}

fn quoted(key: &str) -> String {
    format!("'{key}'")
}
