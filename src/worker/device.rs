//! Which device computes: WebGPU, else the CPU, each after a self-check.

use crate::gpu::{self, nudge};
use async_lock::Mutex;
use burn::tensor::{Device, FloatDType};
use ditscope_config::{DitConfig, ModelConfig};
use ditscope_core::selfcheck::{self, Check};
use ditscope_core::weights::LinearWeights;
use ditscope_ops::{Operation, Ops};
use ditscope_protocol::{Backend, BackendChoice, LoadNotice, Reason, Refusal};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Above these sizes, in f32, less memory is worth a conversion in every layer.
const LARGE_ON_GPU: u64 = 128 << 20;
const LARGE_ON_CPU: u64 = 1 << 30;

/// The devices that were started so far.
#[derive(Default)]
pub struct Devices {
    /// A worker can start it once: a load that comes while it starts waits for that.
    gpu: Mutex<Option<Gpu>>,
}

#[derive(Clone)]
struct Gpu {
    device: Device,
    backend: Backend,
    software: bool,
    most_buffer: u64,
    /// While kernels are checked, a browser may refuse one: the check finds out, as its results are missing.
    checking: Checking,
}

/// So many checks are under way: a load that was replaced ends its own while the next one checks.
#[derive(Clone, Default)]
struct Checking(Arc<AtomicUsize>);

impl Checking {
    async fn during<T>(&self, check: impl Future<Output = T>) -> T {
        self.0.fetch_add(1, Relaxed);
        let found = nudge::during(check).await;
        self.0.fetch_sub(1, Relaxed);
        found
    }

    fn is_under_way(&self) -> bool {
        self.0.load(Relaxed) > 0
    }
}

/// The CPU, in one thread.
pub fn cpu() -> Device {
    Device::flex()
}

/// A device that passed its self-check.
pub struct Chosen {
    pub device: Device,
    /// With those of its kernels that compute right.
    pub ops: Ops,
    pub backend: Backend,
    /// Bytes of the largest buffer that a GPU takes; none on the CPU.
    pub most_buffer: Option<u64>,
    /// Why a faster device was passed over.
    pub notices: Vec<LoadNotice>,
    /// As in [`Gpu`].
    checking: Checking,
}

impl Devices {
    /// Takes the first device, the fastest first, that passes all `checks`. A kernel that is wrong at the model's shapes is
    /// left out before.
    ///
    /// # Errors
    /// When no device is left: a forced one that is not there, or a failed self-check on the last.
    pub async fn choose(
        &self,
        choice: BackendChoice,
        config: &ModelConfig,
        checks: &[Check],
    ) -> Result<Chosen, Refusal> {
        let mut notices = Vec::new();
        if choice != BackendChoice::Cpu {
            match self.webgpu(choice == BackendChoice::WebGpu, config, checks).await {
                Ok((Gpu { device, backend, most_buffer, checking, .. }, ops, notices)) => {
                    return Ok(Chosen { device, ops, backend, most_buffer: Some(most_buffer), notices, checking });
                }
                Err(why) if choice == BackendChoice::WebGpu => return Err(why),
                Err(why) => notices.push(LoadNotice::CpuInstead(why)),
            }
        }
        let device = cpu();
        let (ops, wrong) = pass(&device, "CPU", config, checks).await?;
        notices.extend(wrong);
        let detail = "burn flex, WebAssembly SIMD, one thread".to_owned();
        let (backend, checking) = (Backend { name: "CPU".into(), detail }, Checking::default());
        Ok(Chosen { device, ops, backend, most_buffer: None, notices, checking })
    }

    /// The GPU, if there is a real one (or any, if `forced`) and it computes right.
    async fn webgpu(
        &self,
        forced: bool,
        config: &ModelConfig,
        checks: &[Check],
    ) -> Result<(Gpu, Ops, Vec<LoadNotice>), Refusal> {
        let mut started = self.gpu.lock().await;
        let gpu = match &*started {
            Some(gpu) if forced || !gpu.software => gpu.clone(),
            Some(_) => return Err(Reason::SoftwareWebGpu.into()),
            None => started.insert(start(forced).await?).clone(),
        };
        drop(started);
        let (ops, wrong) = gpu.checking.during(pass(&gpu.device, "WebGPU", config, checks)).await?;
        Ok((gpu, ops, wrong))
    }
}

impl Chosen {
    /// How linear weights that have `f32_bytes` in f32 shall lie on the device: in fewer bits if they are large, and it computes
    /// right with them. Its kernels read several in a word, so it need not compute in f16 itself.
    pub async fn linear_weights(&self, f32_bytes: u64, dit: &DitConfig, has_int8: bool) -> LinearWeights {
        let above = if self.most_buffer.is_some() { LARGE_ON_GPU } else { LARGE_ON_CPU };
        let in_pairs = (dit.patch_size.pow(2) * dit.out_channels()).is_multiple_of(2);
        let is_read = in_pairs && self.ops.uses(Operation::Linear) || self.device.supports_dtype(FloatDType::F16);
        if f32_bytes <= above || !is_read || !self.passes(Check::HalfWeights).await {
            return LinearWeights::F32;
        }
        match has_int8 && self.ops.reads_int8() && self.passes(Check::Int8Weights).await {
            true => LinearWeights::Stored,
            false => LinearWeights::F16,
        }
    }

    async fn passes(&self, check: Check) -> bool {
        self.checking.during(selfcheck::check(&self.device, check, self.ops)).await.is_ok()
    }
}

/// The device's kernels that are right, and what is to be said of the others.
///
/// # Errors
/// When a check fails with them, too.
async fn pass(
    device: &Device,
    name: &str,
    config: &ModelConfig,
    checks: &[Check],
) -> Result<(Ops, Vec<LoadNotice>), Refusal> {
    let (ops, wrong) = selfcheck::trusted(device, &cpu(), config).await;
    for check in checks {
        let checked = selfcheck::check(device, *check, ops).await;
        checked.map_err(|error| Reason::Device.found(format!("{name}: {error}")))?;
    }
    let slower = |(operation, found): (Operation, String)| {
        LoadNotice::LeftOut(Reason::Device.of(format!("{name}: {}", operation.name()), found, ""))
    };
    Ok((ops, wrong.into_iter().map(slower).collect()))
}

/// The GPU, with an ear for what the browser refuses.
async fn start(forced: bool) -> Result<Gpu, Refusal> {
    let gpu::Started { device, setup, detail, software, most_buffer } = gpu::start(forced).await?;
    let checking = Checking::default();
    let refused = checking.clone();
    setup.device.on_uncaptured_error(Arc::new(move |error| match refused.is_under_way() {
        true => log::warn!("WebGPU, while kernels are checked: {error}"),
        // Whatever is refused later would leave results as they were.
        false => panic!("WebGPU: {error}"),
    }));
    Ok(Gpu { device, backend: Backend { name: "WebGPU".into(), detail }, software, most_buffer, checking })
}
