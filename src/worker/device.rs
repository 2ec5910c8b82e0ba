//! Which device computes: the ladder WebGPU → CPU, and the self-check on each rung.

use crate::protocol::{Backend, BackendChoice};
use crate::selfcheck;
use burn::tensor::Device;

/// A device that passed its self-check.
#[derive(Clone)]
pub struct Chosen {
    pub device: Device,
    pub backend: Backend,
    pub choice: BackendChoice,
    /// Why a better rung of the ladder was passed over.
    pub notices: Vec<String>,
}

/// Goes down the ladder to the first device that computes right.
///
/// # Errors
/// In words, when no device is left: a forced one that is not there, or a failed self-check on the last.
pub async fn choose(choice: BackendChoice) -> Result<Chosen, String> {
    let mut notices = Vec::new();
    if choice != BackendChoice::Cpu {
        match webgpu(choice == BackendChoice::WebGpu).await {
            Ok((device, backend)) => return Ok(Chosen { device, backend, choice, notices }),
            Err(reason) if choice == BackendChoice::WebGpu => {
                return Err(format!("{reason} Choose the CPU instead, or try a browser with WebGPU."));
            }
            Err(reason) => notices.push(format!("{reason} The CPU computes instead.")),
        }
    }
    let device = Device::flex();
    selfcheck::check(&device).await.map_err(|error| format!("CPU: {error}."))?;
    let detail = "burn flex, WebAssembly SIMD, one thread".to_owned();
    Ok(Chosen { device, backend: Backend { name: "CPU".into(), detail }, choice, notices })
}

/// The GPU, if there is a real one (or any, if `forced`) and it computes right.
async fn webgpu(forced: bool) -> Result<(Device, Backend), String> {
    if !has_webgpu() {
        return Err("This browser has no WebGPU.".into());
    }
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let options =
        wgpu::RequestAdapterOptions { power_preference: wgpu::PowerPreference::HighPerformance, ..Default::default() };
    let adapter = instance
        .request_adapter(&options)
        .await
        .map_err(|_| "WebGPU is there, but the browser offers no graphics adapter.".to_owned())?;
    let software = adapter.get_info().device_type == wgpu::DeviceType::Cpu;
    if software && !forced {
        return Err("WebGPU runs in software here, which is slower than the CPU path.".into());
    }
    let mut detail = describe().await;
    if software {
        detail.push_str(" (software)");
    }
    let device =
        Device::wgpu_options().init_async().await.map_err(|error| format!("WebGPU could not start: {error}."))?;
    selfcheck::check(&device).await.map_err(|error| format!("WebGPU: {error}."))?;
    Ok((device, Backend { name: "WebGPU".into(), detail }))
}

fn has_webgpu() -> bool {
    let gpu = js_sys::Reflect::get(&super::post::scope().navigator(), &"gpu".into());
    gpu.is_ok_and(|gpu| gpu.is_truthy())
}

/// Vendor and architecture as the browser tells them (wgpu passes on only the description, mostly empty).
async fn describe() -> String {
    let words = async {
        let get = |object: &wasm_bindgen::JsValue, name: &str| js_sys::Reflect::get(object, &name.into()).ok();
        let gpu = get(&super::post::scope().navigator(), "gpu")?;
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
