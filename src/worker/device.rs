//! Which device computes: WebGPU, else the CPU, each after a self-check.

use super::nudge;
use crate::files::within::within;
use crate::global::scope;
use burn::tensor::{Device, FloatDType};
use ditscope_config::{DitConfig, ModelConfig};
use ditscope_core::selfcheck::{self, Check};
use ditscope_ops::{Operation, Ops};
use ditscope_protocol::{Backend, BackendChoice, LoadNotice, Reason, Refusal};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Above these sizes half the memory is worth a conversion in every layer.
const F16_ABOVE_ON_GPU: u64 = 128 << 20;
const F16_ABOVE_ON_CPU: u64 = 1 << 30;

/// A browser that gives no answer about its graphics card in this time gives none.
const PATIENCE: Duration = Duration::from_secs(30);

/// Kernels that are handed to the browser together: those of a whole step, as each time costs as much as a kernel.
const MOST_TASKS: usize = 256;

/// The devices that were started so far.
#[derive(Default)]
pub struct Devices {
    /// A worker can start it once.
    gpu: RefCell<Option<Gpu>>,
}

#[derive(Clone)]
struct Gpu {
    device: Device,
    backend: Backend,
    software: bool,
    most_buffer: u64,
    /// While kernels are checked, a browser may refuse one: the check finds out, as its results are missing.
    checking: Arc<AtomicBool>,
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
                Ok((Gpu { device, backend, most_buffer, .. }, ops, notices)) => {
                    return Ok(Chosen { device, ops, backend, most_buffer: Some(most_buffer), notices });
                }
                Err(why) if choice == BackendChoice::WebGpu => return Err(why),
                Err(why) => notices.push(LoadNotice::CpuInstead(why)),
            }
        }
        let device = cpu();
        let (ops, wrong) = pass(&device, "CPU", config, checks).await?;
        notices.extend(wrong);
        let detail = "burn flex, WebAssembly SIMD, one thread".to_owned();
        Ok(Chosen { device, ops, backend: Backend { name: "CPU".into(), detail }, most_buffer: None, notices })
    }

    /// The GPU, if there is a real one (or any, if `forced`) and it computes right.
    async fn webgpu(
        &self,
        forced: bool,
        config: &ModelConfig,
        checks: &[Check],
    ) -> Result<(Gpu, Ops, Vec<LoadNotice>), Refusal> {
        let known = self.gpu.borrow().clone();
        let gpu = match known {
            Some(gpu) if forced || !gpu.software => gpu,
            Some(_) => return Err(Reason::SoftwareWebGpu.into()),
            None => {
                let started = within(PATIENCE, start_webgpu(forced)).await;
                let gpu = started.unwrap_or_else(|| Err(Reason::NoAdapter.into()))?;
                self.gpu.replace(Some(gpu.clone()));
                gpu
            }
        };
        gpu.checking.store(true, Relaxed);
        let passed = nudge::during(pass(&gpu.device, "WebGPU", config, checks)).await;
        gpu.checking.store(false, Relaxed);
        let (ops, wrong) = passed?;
        Ok((gpu, ops, wrong))
    }
}

impl Chosen {
    /// Whether linear weights that have `f32_bytes` in f32 should stay f16: they are large, and the device computes right
    /// with them. Its kernels read them as pairs in a word, so it need not compute in f16 itself.
    pub async fn keeps_f16(&self, f32_bytes: u64, dit: &DitConfig) -> bool {
        let above = if self.most_buffer.is_some() { F16_ABOVE_ON_GPU } else { F16_ABOVE_ON_CPU };
        let in_pairs = (dit.patch_size.pow(2) * dit.out_channels()).is_multiple_of(2);
        let is_read = in_pairs && self.ops.uses(Operation::Linear) || self.device.supports_dtype(FloatDType::F16);
        f32_bytes > above
            && is_read
            && nudge::during(selfcheck::check(&self.device, Check::HalfWeights, self.ops)).await.is_ok()
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

async fn start_webgpu(forced: bool) -> Result<Gpu, Refusal> {
    if !has_webgpu() {
        let secure = scope().is_secure_context();
        return Err(if secure { Reason::NoWebGpu } else { Reason::NotSecure }.into());
    }
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let options =
        wgpu::RequestAdapterOptions { power_preference: wgpu::PowerPreference::HighPerformance, ..Default::default() };
    let adapter = instance.request_adapter(&options).await.map_err(|_| Reason::NoAdapter)?;
    let software = adapter.get_info().device_type == wgpu::DeviceType::Cpu;
    if software && !forced {
        return Err(Reason::SoftwareWebGpu.into());
    }
    // The device is asked for with all that its adapter allows.
    let limits = adapter.limits();
    let most_buffer = limits.max_buffer_size.min(limits.max_storage_buffer_binding_size);
    let mut detail = describe().await;
    if software {
        detail.push_str(" (software)");
    }
    let started = Device::wgpu_options().tasks_max(MOST_TASKS).init_with_setup_async().await;
    let (device, setup) = started.map_err(|error| Reason::Device.found(format!("WebGPU: {error}")))?;
    let queue = setup.queue;
    nudge::set_device(move || {
        queue.submit([]);
    });
    let checking = Arc::new(AtomicBool::new(false));
    let refused = checking.clone();
    setup.device.on_uncaptured_error(Arc::new(move |error| match refused.load(Relaxed) {
        true => log::warn!("WebGPU, while kernels are checked: {error}"),
        // Whatever is refused later would leave results as they were.
        false => panic!("WebGPU: {error}"),
    }));
    Ok(Gpu { device, backend: Backend { name: "WebGPU".into(), detail }, software, most_buffer, checking })
}

fn has_webgpu() -> bool {
    let gpu = js_sys::Reflect::get(&scope().navigator(), &"gpu".into());
    gpu.is_ok_and(|gpu| gpu.is_truthy())
}

/// Vendor and architecture as the browser tells them (wgpu passes on only the description, mostly empty).
async fn describe() -> String {
    let words = async {
        let get = |object: &wasm_bindgen::JsValue, name: &str| js_sys::Reflect::get(object, &name.into()).ok();
        let gpu = get(&scope().navigator(), "gpu")?;
        let request: js_sys::Function = wasm_bindgen::JsCast::dyn_into(get(&gpu, "requestAdapter")?).ok()?;
        let promise: js_sys::Promise = wasm_bindgen::JsCast::dyn_into(request.call0(&gpu).ok()?).ok()?;
        let adapter = wasm_bindgen_futures::JsFuture::from(promise).await.ok()?;
        let info = get(&adapter, "info")?;
        let parts: Vec<String> = ["vendor", "architecture", "description"]
            .into_iter()
            .filter_map(|name| get(&info, name)?.as_string())
            .filter(|part| !part.is_empty())
            .collect();
        Some(parts.join(" "))
    };
    words.await.filter(|words| !words.is_empty()).unwrap_or_else(|| "graphics adapter".into())
}
