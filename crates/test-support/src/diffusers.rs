//! An official DiT under diffusers' names: the table of facts, written down a second time.

use super::files::safetensors;
use ditscope_config::DitConfig;
use ditscope_core::weights::NamedTensor;
use std::path::Path;

/// The tensors as diffusers has them: q, k and v apart, the embedders once in every block.
pub fn renamed(tensors: &[NamedTensor], depth: usize) -> Vec<NamedTensor> {
    tensors.iter().flat_map(|tensor| rename(tensor, depth)).collect()
}

/// A transformer folder of two shards with an index.
pub fn write_transformer(dir: &Path, tensors: &[NamedTensor], config: &DitConfig) {
    std::fs::create_dir_all(dir).expect("a folder");
    let (first, second) = tensors.split_at(tensors.len() / 2);
    let mut map = serde_json::Map::new();
    for (number, part) in [first, second].into_iter().enumerate() {
        let file = format!("diffusion_pytorch_model-{:05}-of-00002.safetensors", number + 1);
        std::fs::write(dir.join(&file), safetensors(part)).expect("a shard");
        map.extend(part.iter().map(|tensor| (tensor.name.clone(), file.clone().into())));
    }
    let index = serde_json::json!({ "metadata": { "total_size": 0 }, "weight_map": map });
    write_json(&dir.join("diffusion_pytorch_model.safetensors.index.json"), &index);
    let settings = serde_json::json!({
        "_class_name": "DiTTransformer2DModel", "_diffusers_version": "0.30.0",
        "num_attention_heads": config.num_heads, "attention_head_dim": config.hidden_size / config.num_heads,
        "num_layers": config.depth, "sample_size": config.sample_size, "patch_size": config.patch_size,
        "in_channels": config.in_channels, "out_channels": config.out_channels(),
        "num_embeds_ada_norm": config.num_classes, "activation_fn": "gelu-approximate", "attention_bias": true,
        "norm_elementwise_affine": false, "norm_eps": 1e-5, "norm_type": "ada_norm_zero", "dropout": 0.0,
    });
    write_json(&dir.join("config.json"), &settings);
}

pub fn write_json(path: &Path, value: &serde_json::Value) {
    std::fs::write(path, value.to_string()).expect("a file");
}

fn rename(tensor: &NamedTensor, depth: usize) -> Vec<NamedTensor> {
    let named = |name: String| NamedTensor { name, ..tensor.clone() };
    let (stem, kind) = tensor.name.rsplit_once('.').unwrap_or(("", ""));
    if tensor.name == "pos_embed" {
        return vec![];
    }
    let everywhere = match stem {
        "t_embedder.mlp.0" => Some("timestep_embedder.linear_1"),
        "t_embedder.mlp.2" => Some("timestep_embedder.linear_2"),
        "y_embedder.embedding_table" => Some("class_embedder.embedding_table"),
        _ => None,
    };
    if let Some(name) = everywhere {
        return (0..depth).map(|i| named(format!("transformer_blocks.{i}.norm1.emb.{name}.{kind}"))).collect();
    }
    let Some((block, layer)) = stem.strip_prefix("blocks.").and_then(|rest| rest.split_once('.')) else {
        let name = match stem {
            "x_embedder.proj" => "pos_embed.proj",
            "final_layer.adaLN_modulation.1" => "proj_out_1",
            "final_layer.linear" => "proj_out_2",
            _ => panic!("no official name: {}", tensor.name),
        };
        return vec![named(format!("{name}.{kind}"))];
    };
    if layer == "attn.qkv" {
        let rows = tensor.shape[0] / 3;
        let size = tensor.values.len() / 3;
        let third = |(i, name): (usize, &str)| NamedTensor {
            name: format!("transformer_blocks.{block}.attn1.{name}.{kind}"),
            shape: [&[rows], &tensor.shape[1..]].concat(),
            values: tensor.values[i * size..(i + 1) * size].to_vec(),
        };
        return ["to_q", "to_k", "to_v"].into_iter().enumerate().map(third).collect();
    }
    let name = match layer {
        "adaLN_modulation.1" => "norm1.linear",
        "attn.proj" => "attn1.to_out.0",
        "mlp.fc1" => "ff.net.0.proj",
        "mlp.fc2" => "ff.net.2",
        _ => panic!("no official name: {}", tensor.name),
    };
    vec![named(format!("transformer_blocks.{block}.{name}.{kind}"))]
}
