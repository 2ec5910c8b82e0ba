//! Sets up those that we are compared with: onnxruntime-web from npm, a Python with onnx that exports for it, PyTorch.

use crate::process::{self, answer, command, command_line, run};
use crate::{project, tools};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// Names a Python to be taken before others.
const PYTHON: &str = "DITSCOPE_PYTHON";
const ONNX: &str = "1.23.2";

/// onnxruntime-web and what it runs.
pub struct Engine {
    pub version: String,
    /// Its scripts and modules.
    pub folder: PathBuf,
    /// A file for each number of pictures: `step-1.onnx`.
    pub models: PathBuf,
}

impl Engine {
    pub fn set_up(pictures: &[usize]) -> Result<Self> {
        let packages = install()?;
        let package = packages.join("onnxruntime-web");
        let about = fs::read_to_string(package.join("package.json"))?;
        let about: serde_json::Value = serde_json::from_str(&about)?;
        let version = about["version"].as_str().context("onnxruntime-web says no version")?.to_owned();
        Ok(Self { version, folder: package.join("dist"), models: export(pictures)? })
    }
}

/// The packages that tools/bench/package-lock.json has, with their hashes, in the tool folder.
fn install() -> Result<PathBuf> {
    let (folder, from) = (project::tools().join("bench"), project::root().join("tools/bench"));
    fs::create_dir_all(&folder)?;
    let lock = fs::read(from.join("package-lock.json"))?;
    let modules = folder.join("node_modules");
    // npm writes the copy in node_modules last.
    let is_there = modules.join(".package-lock.json").is_file()
        && fs::read(folder.join("package-lock.json")).is_ok_and(|installed| installed == lock);
    if !is_there {
        ensure!(process::find("npm").is_some(), "npm is not installed");
        println!("setup: installing onnxruntime-web with npm (less than a minute)");
        fs::copy(from.join("package.json"), folder.join("package.json"))?;
        fs::write(folder.join("package-lock.json"), lock)?;
        let npm = "npm ci --no-audit --no-fund --ignore-scripts --loglevel=error";
        run(command_line(npm).current_dir(&folder))?;
    }
    Ok(modules)
}

/// Compares what the exporter makes with our numbers.
pub fn check_export() -> Result<()> {
    check(&python_with_onnx()?, "tools/check_onnx.py")
}

/// Compares the networks that tools/train trains with our numbers.
pub fn check_training() -> Result<()> {
    let python = python_with("numpy, torch; torch.optim.Muon");
    let python = python.with_context(|| format!("no Python here has numpy and torch 2.9; {PYTHON} may name one"))?;
    check(&python, "tools/train/check.py")
}

fn check(python: &Path, script: &str) -> Result<()> {
    let check = command(python).arg(script).output()?;
    let said = [check.stdout, check.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    ensure!(check.status.success(), "{script} failed:\n{said}");
    Ok(())
}

/// Makes the graphs, once the numbers of the exporter are right.
fn export(pictures: &[usize]) -> Result<PathBuf> {
    println!("bench: checking tools/export_onnx.py, and exporting");
    check_export()?;
    let (python, folder) = (python_with_onnx()?, project::target().join("bench"));
    fs::create_dir_all(&folder)?;
    for &number in pictures {
        let mut export = command(&python);
        export.args(["tools/export_onnx.py", "step", "assets/models/fashion"]);
        run(export.arg(folder.join(format!("step-{number}.onnx"))).args(["--pictures", &number.to_string()]))?;
    }
    Ok(folder)
}

/// One that is there, or one in the tool folder, in which pip installs it.
fn python_with_onnx() -> Result<PathBuf> {
    if let Some(python) = python_with("onnx, numpy") {
        return Ok(python);
    }
    let folder = project::tools().join("python");
    println!("setup: installing onnx {ONNX} for Python (less than a minute)");
    let python = candidates().into_iter().next();
    let python = python.with_context(|| format!("there is no python3; {PYTHON} may name one"))?;
    let cure = || format!("install onnx and numpy for Python, and name it in {PYTHON} where it is not python3");
    run(command(&python).args(["-m", "venv"]).arg(&folder)).with_context(cure)?;
    let python = in_venv(&folder);
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(command(&python).args(pip).arg(format!("onnx=={ONNX}"))).with_context(cure)?;
    Ok(python)
}

/// PyTorch's Python, and its version; nothing where there is none.
pub fn torch() -> Option<(PathBuf, String)> {
    let python = python_with("torch, numpy")?;
    let version = answer(command(&python).args(["-c", "import torch; print(torch.__version__)"]))?;
    Some((python, version))
}

fn python_with(modules: &str) -> Option<PathBuf> {
    let has = |python: &PathBuf| answer(command(python).args(["-c", &format!("import {modules}")])).is_some();
    candidates().into_iter().find(has)
}

/// The one that is named, the system's, the one in the tool folder.
fn candidates() -> Vec<PathBuf> {
    let named = std::env::var_os(PYTHON).filter(|path| !path.is_empty()).map(PathBuf::from);
    let system = ["python3", "python"].into_iter().filter_map(process::find);
    let own = Some(in_venv(&project::tools().join("python"))).filter(|path| path.is_file());
    named.into_iter().chain(system).chain(own).collect()
}

fn in_venv(folder: &Path) -> PathBuf {
    folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// The app as it is built; `DITSCOPE_DIST` names one that lies elsewhere, as in the browser tests.
pub fn app() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("DITSCOPE_DIST") {
        return Ok(project::root().join(folder));
    }
    tools::setup()?;
    crate::dist::make()?;
    Ok(project::dist())
}
