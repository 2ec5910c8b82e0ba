//! The method: how noise is added ([`ditscope_schedule`]), what the network's output
//! means ([`prediction`]), how a step is taken back ([`sampler`]), how the class
//! steers it ([`guidance`]), and where the noise comes from ([`ditscope_noise`]).
//!
//! Sources: DDPM (Ho et al. 2020, arXiv:2006.11239), Improved DDPM (Nichol &
//! Dhariwal 2021, arXiv:2102.09672), DDIM (Song et al. 2020, arXiv:2010.02502),
//! DPM-Solver++ (Lu et al. 2022, arXiv:2211.01095), UniPC (Zhao et al. 2023,
//! arXiv:2302.04867), classifier-free guidance
//! (Ho & Salimans 2022, arXiv:2207.12598), v-prediction (Salimans & Ho 2022,
//! arXiv:2202.00512), flow matching (Lipman et al. 2022, arXiv:2210.02747; Liu
//! et al. 2022, arXiv:2209.03003; SiT, Ma et al. 2024, arXiv:2401.08740).

pub mod guidance;
pub mod prediction;
pub mod sampler;
mod unipc;
