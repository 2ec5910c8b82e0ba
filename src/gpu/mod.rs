//! The browser's graphics card, for the workers that compute on it: how it is started, and `nudge`, how it is waited for.

pub mod nudge;

use crate::files::within::within;
use crate::global::scope;
use burn::tensor::Device;
use burn_wgpu::WgpuSetup;
use ditscope_protocol::{Reason, Refusal};
use js_sys::{Function, Promise, Reflect};
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// A browser that gives no answer about its graphics card in this time gives none.
const PATIENCE: Duration = Duration::from_secs(30);

/// Kernels that are handed to the browser together: those of a whole step, as each time costs as much as a kernel.
const MOST_TASKS: usize = 256;

/// A device on the graphics card.
#[cfg_attr(not(feature = "worker"), allow(dead_code, reason = "the trainer needs the device alone"))]
pub struct Started {
    pub device: Device,
    pub setup: WgpuSetup,
    /// Vendor and architecture.
    pub detail: String,
    /// It is computed by the processor.
    pub software: bool,
    /// Bytes of the largest buffer.
    pub most_buffer: u64,
}

/// Starts it, which a worker can do once; one in software only if `forced`.
///
/// # Errors
/// Why there is none.
pub async fn start(forced: bool) -> Result<Started, Refusal> {
    within(PATIENCE, at_once(forced)).await.unwrap_or_else(|| Err(Reason::NoAdapter.into()))
}

async fn at_once(forced: bool) -> Result<Started, Refusal> {
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
    let queue = setup.queue.clone();
    nudge::set_device(move || {
        queue.submit([]);
    });
    Ok(Started { device, setup, detail, software, most_buffer })
}

fn has_webgpu() -> bool {
    let gpu = Reflect::get(&scope().navigator(), &"gpu".into());
    gpu.is_ok_and(|gpu| gpu.is_truthy())
}

/// Vendor and architecture as the browser tells them (wgpu passes on only the description, mostly empty).
async fn describe() -> String {
    let words = async {
        let get = |object: &JsValue, name: &str| Reflect::get(object, &name.into()).ok();
        let gpu = get(&scope().navigator(), "gpu")?;
        let request: Function = get(&gpu, "requestAdapter")?.dyn_into().ok()?;
        let promise: Promise = request.call0(&gpu).ok()?.dyn_into().ok()?;
        let adapter = JsFuture::from(promise).await.ok()?;
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
