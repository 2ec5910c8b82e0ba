//! The Diffusion Transformer's shape, and what a forward pass costs.

use super::{ConfigError, SampleSize};
use serde::{Deserialize, Serialize};

/// Width of the sinusoids that encode the timestep (official `frequency_embedding_size`).
pub const FREQUENCY_EMBEDDING_SIZE: usize = 256;

/// How timestep and class reach the blocks (paper, section 3.2 and figure 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conditioning {
    /// Two more tokens beside the picture's, in blocks of a plain ViT.
    InContext,
    /// A second attention in each block, from the picture's tokens to those two.
    CrossAttention,
    /// The condition gives scale and shift of every norm.
    #[serde(rename = "adaln")]
    AdaLn,
    /// And gates, zero at first, so that every block starts as the identity: the paper's choice.
    #[default]
    #[serde(rename = "adaln_zero")]
    AdaLnZero,
}

impl Conditioning {
    pub const ALL: [Self; 4] = [Self::InContext, Self::CrossAttention, Self::AdaLn, Self::AdaLnZero];

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::InContext => "in_context",
            Self::CrossAttention => "cross_attention",
            Self::AdaLn => "adaln",
            Self::AdaLnZero => "adaln_zero",
        }
    }

    /// Vectors that the condition gives a block: shift and scale of two norms, and their gates.
    pub fn num_vectors(self) -> usize {
        match self {
            Self::InContext | Self::CrossAttention => 0,
            Self::AdaLn => 4,
            Self::AdaLnZero => 6,
        }
    }

    /// Whether timestep and class are tokens.
    pub fn has_tokens(self) -> bool {
        self.num_vectors() == 0
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl std::str::FromStr for Conditioning {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| ConfigError::Unknown {
            what: "conditioning",
            name: name.into(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// Tokens that carry the condition where it comes as tokens: the timestep, the class.
pub const CONDITION_TOKENS: usize = 2;

/// The Diffusion Transformer's shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DitConfig {
    /// Side of the latent, or `[height, width]`.
    #[serde(alias = "input_size")]
    pub sample_size: SampleSize,
    /// Side of a patch: one token covers `patch_size²` latent pixels.
    pub patch_size: usize,
    /// Latent channels.
    pub in_channels: usize,
    /// Width D of the tokens.
    pub hidden_size: usize,
    /// Number of transformer blocks.
    pub depth: usize,
    /// Attention heads; must divide `hidden_size`.
    pub num_heads: usize,
    /// Hidden width of the MLP over D.
    #[serde(default = "default_mlp_ratio")]
    pub mlp_ratio: usize,
    /// Classes without the null label.
    pub num_classes: usize,
    /// Whether the label table has a row for "no class", as a training with label dropout leaves it. Without it there is no
    /// guidance.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub has_null_label: bool,
    /// How timestep and class reach the blocks; the official models have adaLN-Zero.
    #[serde(default, skip_serializing_if = "Conditioning::is_default")]
    pub conditioning: Conditioning,
    /// Whether the model also predicts the variance (twice the channels out).
    pub learn_sigma: bool,
    /// The timestep's frequencies are `exp(−ln(10000)·i / (128 − this))`: 0 in the official code, 1 in diffusers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub downscale_freq_shift: usize,
    /// ε of the norm before the MLP: 1e-6 in the official code, 1e-5 in diffusers.
    #[serde(default = "default_norm_eps", skip_serializing_if = "is_default_norm_eps")]
    pub mlp_norm_eps: f64,
    /// Whether queries and keys of the self-attention are normalised head by head (Henry et al. 2020,
    /// arXiv:2010.04245; timm's `qk_norm`). Not in the official models.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub qk_norm: bool,
    /// Whether every block has a timestep and a class embedder of its own, as diffusers trains them; those of the model
    /// are then the last layer's. Not in the official models.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub block_embedders: bool,
}

fn yes() -> bool {
    true
}

fn is_zero(value: &usize) -> bool {
    *value == 0
}

fn default_norm_eps() -> f64 {
    DitConfig::NORM_EPS
}

fn is_default_norm_eps(value: &f64) -> bool {
    *value == DitConfig::NORM_EPS
}

fn default_mlp_ratio() -> usize {
    4
}

impl DitConfig {
    /// ε of the official layer norms.
    pub const NORM_EPS: f64 = 1e-6;
    /// Numbers that all tokens of a picture may have: 56 times those of XL/2 at 512 pixels.
    const MOST_POSITIONS: u64 = 1 << 26;

    /// The paper's sizes (table 1): `S`, `B`, `L`, `XL`, as (depth, width, heads).
    pub const PRESETS: [(&'static str, usize, usize, usize); 4] =
        [("S", 12, 384, 6), ("B", 12, 768, 12), ("L", 24, 1024, 16), ("XL", 28, 1152, 16)];

    /// An official model for ImageNet: `XL/2` for pictures of 256 pixels is `("XL", 32)`, as the latents have a side of 32.
    ///
    /// # Errors
    /// As [`Self::with_preset`].
    pub fn official(name: &str, side: usize) -> Result<Self, ConfigError> {
        let latent = Self {
            sample_size: side.into(),
            patch_size: 2,
            in_channels: 4,
            hidden_size: 4,
            depth: 1,
            num_heads: 1,
            mlp_ratio: default_mlp_ratio(),
            num_classes: 1000,
            has_null_label: true,
            conditioning: Conditioning::AdaLnZero,
            learn_sigma: true,
            downscale_freq_shift: 0,
            mlp_norm_eps: Self::NORM_EPS,
            qk_norm: false,
            block_embedders: false,
        };
        latent.with_preset(name)
    }

    /// Takes depth, width and heads from a preset of the paper.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] when `name` is none of S, B, L, XL.
    pub fn with_preset(mut self, name: &str) -> Result<Self, ConfigError> {
        let found = Self::PRESETS.iter().find(|(preset, ..)| preset.eq_ignore_ascii_case(name));
        let Some(&(_, depth, hidden_size, num_heads)) = found else {
            return Err(ConfigError::Unknown { what: "preset", name: name.into(), known: "S, B, L, XL".into() });
        };
        (self.depth, self.hidden_size, self.num_heads) = (depth, hidden_size, num_heads);
        Ok(self)
    }

    /// The paper's name for this depth, width and number of heads.
    pub fn preset(&self) -> Option<&'static str> {
        let sizes = (self.depth, self.hidden_size, self.num_heads);
        Self::PRESETS.iter().find(|(_, d, w, h)| (*d, *w, *h) == sizes).map(|(name, ..)| *name)
    }

    /// # Errors
    /// [`ConfigError::Model`] names the field and the cure.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let fail = |message: String| Err(ConfigError::Model(message));
        // The bounds keep a hostile file from asking for absurd allocations.
        let bounded = [
            ("sample_size", self.sample_size.longer(), 4096),
            ("sample_size", self.sample_size.height.min(self.sample_size.width), 4096),
            ("patch_size", self.patch_size, 4096),
            ("in_channels", self.in_channels, 4096),
            ("hidden_size", self.hidden_size, 16_384),
            ("depth", self.depth, 1024),
            ("num_heads", self.num_heads, 4096),
            ("mlp_ratio", self.mlp_ratio, 64),
            ("num_classes", self.num_classes, 65_536),
        ];
        for (name, value, most) in bounded {
            if value == 0 || value > most {
                return fail(format!("transformer.{name} = {value} is not between 1 and {most}"));
            }
        }
        if self.downscale_freq_shift > 1 {
            return fail(format!(
                "transformer.downscale_freq_shift = {} is neither 0 (official) nor 1 (diffusers)",
                self.downscale_freq_shift
            ));
        }
        if !(self.mlp_norm_eps > 0.0 && self.mlp_norm_eps < 1.0) {
            return fail(format!("transformer.mlp_norm_eps = {} is not between 0 and 1", self.mlp_norm_eps));
        }
        if self.block_embedders && self.conditioning.has_tokens() {
            return fail(
                "transformer.block_embedders needs adaLN: the other conditionings take timestep and class once".into(),
            );
        }
        let size = self.sample_size;
        if ![size.height, size.width].iter().all(|side| side.is_multiple_of(self.patch_size)) {
            return fail(format!("patch_size {} does not divide sample_size {size}", self.patch_size));
        }
        if self.num_tokens() as u64 * self.hidden_size as u64 > Self::MOST_POSITIONS {
            return fail(format!(
                "{} tokens of {} numbers: at most {} numbers",
                self.num_tokens(),
                self.hidden_size,
                Self::MOST_POSITIONS
            ));
        }
        if !self.hidden_size.is_multiple_of(self.num_heads) {
            return fail(format!("num_heads {} does not divide hidden_size {}", self.num_heads, self.hidden_size));
        }
        if !self.hidden_size.is_multiple_of(4) {
            return fail(format!(
                "hidden_size {} is not a multiple of 4, as the 2-D sin-cos position needs",
                self.hidden_size
            ));
        }
        Ok(())
    }

    /// Tokens per picture.
    pub fn num_tokens(&self) -> usize {
        let [rows, columns] = self.grid();
        rows * columns
    }

    /// Rows and columns of tokens.
    pub fn grid(&self) -> [usize; 2] {
        [self.sample_size.height, self.sample_size.width].map(|side| side / self.patch_size)
    }

    /// `[C, h, w]` of a latent.
    pub fn latent_shape(&self) -> [usize; 3] {
        [self.in_channels, self.sample_size.height, self.sample_size.width]
    }

    /// Channels the model puts out: eps, and the variance logits with `learn_sigma`.
    pub fn out_channels(&self) -> usize {
        self.in_channels * if self.learn_sigma { 2 } else { 1 }
    }

    /// Parameters of the transformer (positions are computed, not learned).
    pub fn num_params(&self) -> u64 {
        let linear = |from: usize, to: usize| (from as u64 + 1) * to as u64;
        let d = self.hidden_size;
        let patch = self.patch_size.pow(2);
        let vectors = self.conditioning.num_vectors();
        let block = linear(d, 3 * d) + linear(d, d) + linear(d, self.mlp_ratio * d) + linear(self.mlp_ratio * d, d);
        let norm = 2 * d as u64;
        let qk_norms = if self.qk_norm { 4 * (d / self.num_heads) as u64 } else { 0 };
        let (of_block, of_last) = match self.conditioning {
            Conditioning::InContext => (2 * norm, norm),
            Conditioning::CrossAttention => (3 * norm + 2 * linear(d, d) + linear(d, 2 * d), norm),
            Conditioning::AdaLn | Conditioning::AdaLnZero => (linear(d, vectors * d), linear(d, 2 * d)),
        };
        let embedders = linear(FREQUENCY_EMBEDDING_SIZE, d) + linear(d, d) + self.label_rows() as u64 * d as u64;
        linear(patch * self.in_channels, d)
            + self.num_embedders() * embedders
            + self.depth as u64 * (block + qk_norms + of_block)
            + of_last
            + linear(d, patch * self.out_channels())
    }

    /// Parameters that every step of a run reads: without the embedders of timestep and class and without adaLN's layers,
    /// whose vectors are computed ahead for many steps.
    pub fn num_params_of_step(&self) -> u64 {
        let d = self.hidden_size as u64;
        let vectors = self.conditioning.num_vectors() as u64;
        let last = if self.conditioning.has_tokens() { 0 } else { 2 };
        let ada_ln = (self.depth as u64 * vectors + last) * (d + 1) * d;
        let table = self.label_rows() as u64 * d;
        let embedders = self.num_embedders() * ((FREQUENCY_EMBEDDING_SIZE as u64 + 1) * d + (d + 1) * d + table);
        self.num_params() - ada_ln - embedders
    }

    /// Floating-point operations of one forward pass of one picture: a multiplication and an addition
    /// for each multiply-add of the matrix products. The paper's "Gflops" (table 1) are half of this.
    pub fn flops(&self) -> u64 {
        let (t, d) = (self.num_tokens() as u64, self.hidden_size as u64);
        let patch = self.patch_size.pow(2) as u64;
        let extra = CONDITION_TOKENS as u64;
        let tokens = if self.conditioning == Conditioning::InContext { t + extra } else { t };
        let attention = 4 * tokens * d * d + 2 * tokens * tokens * d;
        let mlp = 2 * self.mlp_ratio as u64 * tokens * d * d;
        let conditioning = match self.conditioning {
            Conditioning::CrossAttention => 2 * t * d * d + 2 * extra * d * d + 2 * t * extra * d,
            kind => kind.num_vectors() as u64 * d * d,
        };
        let of_t = self.num_embedders() * (FREQUENCY_EMBEDDING_SIZE as u64 * d + d * d);
        let embedders = t * patch * self.in_channels as u64 * d + of_t;
        let last_vectors = if self.conditioning.has_tokens() { 0 } else { 2 * d * d };
        let last = last_vectors + t * d * patch * self.out_channels() as u64;
        2 * (embedders + self.depth as u64 * (conditioning + attention + mlp) + last)
    }

    /// Pairs of a timestep and a class embedder.
    fn num_embedders(&self) -> u64 {
        1 + if self.block_embedders { self.depth as u64 } else { 0 }
    }

    /// The label that means "no class" (the last row of the label table), where the model [has one](Self::has_null_label).
    pub fn null_label(&self) -> usize {
        self.num_classes
    }

    /// Rows of the label table.
    pub fn label_rows(&self) -> usize {
        self.num_classes + usize::from(self.has_null_label)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn preset(name: &str) -> DitConfig {
        DitConfig::official(name, 32).expect("a preset")
    }

    /// Table 1 and figure 8 of the paper, and 675 M for XL/2.
    #[test]
    fn costs_are_the_papers() {
        for (name, gflops) in [("S", 6.06), ("B", 23.0), ("L", 80.7), ("XL", 118.6)] {
            let ours = preset(name).flops() as f64 / 2e9;
            assert!((ours - gflops).abs() / gflops < 0.01, "{name}/2: {ours} Gflops, the paper says {gflops}");
        }
        assert_eq!(preset("XL").num_params(), 675_129_632 - 256 * 1152);
    }

    /// A block's matrices have 12·D² numbers, and what the condition decides is not among them.
    #[test]
    fn a_step_reads_what_the_condition_does_not_decide() {
        let xl = preset("XL");
        let matrices = 28 * 12 * 1152 * 1152;
        assert!((matrices..matrices * 1001 / 1000).contains(&xl.num_params_of_step()), "{}", xl.num_params_of_step());
        for conditioning in Conditioning::ALL {
            let config = DitConfig { conditioning, ..preset("S") };
            let deeper = DitConfig { depth: 13, ..config.clone() };
            let block = deeper.num_params_of_step() - config.num_params_of_step();
            let of_params = deeper.num_params() - config.num_params();
            let ada_ln = conditioning.num_vectors() as u64 * (384 + 1) * 384;
            assert_eq!(block, of_params - ada_ln, "{conditioning:?}");
        }
    }

    /// Figure 5's caption and table 4: Gflops and parameters (millions) of XL/2 with each conditioning.
    #[test]
    fn the_conditionings_cost_what_the_paper_says() {
        for (conditioning, gflops, millions) in [
            (Conditioning::InContext, 119.4, 449.0),
            (Conditioning::CrossAttention, 137.6, 598.0),
            (Conditioning::AdaLn, 118.6, 600.0),
            (Conditioning::AdaLnZero, 118.6, 675.0),
        ] {
            let config = DitConfig { conditioning, ..preset("XL") };
            let (ours, params) = (config.flops() as f64 / 2e9, config.num_params() as f64 / 1e6);
            assert!((ours - gflops).abs() / gflops < 0.005, "{conditioning:?}: {ours} Gflops, the paper says {gflops}");
            assert!(
                (params - millions).abs() < 1.0,
                "{conditioning:?}: {params} M parameters, the paper says {millions}"
            );
        }
    }
}
