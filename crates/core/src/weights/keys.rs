//! Names: burn's module paths ↔ the names in our files.
//!
//! Our files keep the official names with a prefix for the part:
//!
//! | part | prefix | names of |
//! |---|---|---|
//! | [`crate::dit::Dit`] | `transformer.` | facebookresearch/DiT `models.py` |
//! | [`crate::autoencoder::Autoencoder`] | `autoencoder.` | diffusers `AutoencoderTiny`, `AutoencoderKL` |
//!
//! | module path | name in the file |
//! |---|---|
//! | `…ada_ln.linear.…` | `…adaLN_modulation.1.…` |
//! | `t_embedder.mlp_in.…`, `t_embedder.mlp_out.…` (of the model or of a block) | `t_embedder.mlp.0.…`, `t_embedder.mlp.2.…` |
//! | `Tiny.…`, `Kl.…` | `…` |
//! | `….gamma`, `….beta` (group norm) | `….weight`, `….bias` |
//! | `layers.{i}.Conv.…` | `layers.{i}.…` |
//! | `layers.{i}.Block.conv_{k}.…` | `layers.{i}.conv.{k}.…` |
//!
//! Linear weights are stored `[out, in]` (PyTorch), and `[in, out]` in burn.

/// Prefix of the transformer's tensors.
pub const TRANSFORMER: &str = "transformer.";
/// Prefix of the autoencoder's tensors.
pub const AUTOENCODER: &str = "autoencoder.";

const TABLE: [(&str, &str); 11] = [
    ("Tiny.", ""),
    ("Kl.", ""),
    (".gamma", ".weight"),
    (".beta", ".bias"),
    ("ada_ln.linear.", "adaLN_modulation.1."),
    ("t_embedder.mlp_in.", "t_embedder.mlp.0."),
    ("t_embedder.mlp_out.", "t_embedder.mlp.2."),
    (".Conv.", "."),
    (".Block.conv_0.", ".conv.0."),
    (".Block.conv_2.", ".conv.2."),
    (".Block.conv_4.", ".conv.4."),
];

/// The name in the file for a parameter's module path (without prefix).
pub fn file_key(module_path: &str) -> String {
    TABLE.iter().fold(module_path.to_owned(), |key, (path, name)| key.replace(path, name))
}
