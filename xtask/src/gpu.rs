//! The tests of the kernels for GPUs.

use crate::process::{command_line, run};
use anyhow::Result;
use std::path::Path;

/// Where Chromium may lie, with a Vulkan in software and a loader for it.
const CHROMIUM: [&str; 3] = ["/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome"];

/// Runs them on the adapter that there is; where the machine has no Vulkan, on Chromium's in software.
pub fn test() -> Result<()> {
    let mut cargo = command_line("cargo test --release --package ditscope-ops --features cube,flex --test gpu");
    let software = CHROMIUM.map(Path::new).into_iter().find(|folder| folder.join(DRIVER).is_file());
    if let Some(folder) = software.filter(|_| !has_vulkan()) {
        cargo.env("VK_ICD_FILENAMES", folder.join(DRIVER)).env("LD_LIBRARY_PATH", folder);
    }
    run(&mut cargo)
}

const DRIVER: &str = "vk_swiftshader_icd.json";

/// Whether a driver is installed; elsewhere than on Linux the system brings one.
fn has_vulkan() -> bool {
    let folders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
    !cfg!(target_os = "linux") || folders.into_iter().any(|folder| Path::new(folder).is_dir())
}
