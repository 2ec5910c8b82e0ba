//! Two pages in a browser each: ours, and the one of the peer.

use super::report::Calls;
use super::site::Site;
use super::turns::Spread;
use crate::webdriver::{Browser, Engine, Gpu};
use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::collections::BTreeMap;

/// A page, ready to work.
pub struct Tab {
    browser: Browser,
    work: Work,
    steps: usize,
    /// Of all our runs: what frames reported, and the time between them.
    sums: Cell<[f64; 2]>,
}

#[derive(Clone, Copy)]
enum Work {
    Ours,
    Peers,
}

/// A run of our page.
#[derive(Deserialize)]
struct Run {
    /// Milliseconds between frames.
    gaps: Vec<f64>,
    /// What the frames say that they took.
    reported: Vec<f64>,
}

/// What was asked of WebGPU so far, and when.
#[derive(Deserialize)]
struct Note {
    at: f64,
    counts: BTreeMap<String, u64>,
}

impl Tab {
    /// Our page with the shipped model.
    pub fn ours(site: &Site, backend: &str, pictures: usize, steps: usize) -> Result<Self> {
        let settings = "model=fashion&class=9&guidance=2&sampler=ddim&seed=9&lang=en";
        let origin = &site.origin;
        let browser =
            opened(backend, &format!("{origin}/app/?backend={backend}&n={pictures}&steps={steps}&{settings}"))?;
        let tab = Self { browser, work: Work::Ours, steps, sums: Cell::default() };
        let found: serde_json::Value = tab.script("bench.ready()")?;
        let name = found["name"].as_str().unwrap_or_default();
        ensure!(
            name.eq_ignore_ascii_case(backend),
            "the page took the backend '{name}' where {backend} was asked for: {found}"
        );
        Ok(tab)
    }

    /// The peer with the same model, and the run that it ends in.
    pub fn peers(site: &Site, backend: &str, pictures: usize, steps: usize, options: &str) -> Result<Self> {
        let peer = format!("{}/peer/peer.html?backend={backend}&pictures={pictures}&{options}", site.origin);
        let browser = opened(backend, &peer)?;
        let tab = Self { browser, work: Work::Peers, steps, sums: Cell::default() };
        let difference: f64 = tab.script(&format!("ready().then(peer => peer.difference({steps}))"))?;
        // Else it does something else than we do, and its times say nothing.
        ensure!(difference < 1e-3, "its run ends in another result than the recorded one: {difference:.1e}");
        Ok(tab)
    }

    /// Milliseconds of steps in a row.
    pub fn steps(&self) -> Result<Vec<f64>> {
        match self.work {
            Work::Ours => self.run(),
            Work::Peers => self.script(&format!("peer.steps({})", self.steps)),
        }
    }

    fn run(&self) -> Result<Vec<f64>> {
        let Run { gaps, reported } = self.script("bench.run()")?;
        ensure!(gaps.len() + 1 == self.steps, "{} times between frames for {} steps", gaps.len(), self.steps);
        let [known, whole] = self.sums.get();
        self.sums.set([known + reported.iter().sum::<f64>(), whole + gaps.iter().sum::<f64>()]);
        Ok(gaps)
    }

    /// How much of the time between frames the page itself reports.
    pub fn share_reported(&self) -> f64 {
        let [known, whole] = self.sums.get();
        known / whole
    }

    /// What a step asks of WebGPU. It ends the tab's usefulness: its steps compute nothing from then on.
    pub fn calls(&self, who: &str) -> Result<Calls> {
        let ask = if matches!(self.work, Work::Ours) { "bench" } else { "peer" };
        let notes = |script: String| -> Result<Vec<Note>> { self.script(&script) };
        notes(format!("{ask}.calls()"))?;
        self.steps()?;
        let working = notes(format!("{ask}.calls()"))?;
        self.script::<Option<bool>>(&format!("{ask}.idle()"))?;
        self.steps()?;
        let idle = notes(format!("{ask}.calls()"))?;
        let middle = working.len() / 2;
        ensure!(middle > 0 && idle.len() > 3, "nothing was noted of its calls");
        let (before, after) = (&working[middle - 1].counts, &working[middle].counts);
        let counted = |(kind, count): (&String, &u64)| {
            (kind.clone(), count.saturating_sub(before.get(kind).copied().unwrap_or(0)))
        };
        // Without the first, which some work goes before, and our last, which is the result and no step.
        let times: Vec<f64> =
            idle[..idle.len() - 1].windows(2).skip(1).map(|notes| notes[1].at - notes[0].at).collect();
        Ok(Calls { who: who.into(), counts: after.iter().map(counted).collect(), host: Spread::of(&times) })
    }

    /// The browser and its version.
    pub fn browser_version(&self) -> Result<String> {
        let agent: String = self.script("navigator.userAgent")?;
        let version = agent.split(' ').find_map(|word| word.split_once("Chrome/"));
        Ok(version.with_context(|| format!("a browser that is no Chromium: {agent}"))?.1.to_owned())
    }

    /// What WebGPU says that it runs on.
    pub fn adapter(&self) -> Result<String> {
        self.script(
            "navigator.gpu.requestAdapter().then(({ info }) => [info.vendor, info.architecture, info.description]
                .filter(Boolean).join(' '))",
        )
    }

    /// The value of an expression, or what its promise brings.
    fn script<T: DeserializeOwned>(&self, expression: &str) -> Result<T> {
        let ready = "const ready = async () => { while (!self.peer) { if (self.peerFailed) throw Error(peerFailed); \
            await new Promise(done => setTimeout(done, 50)); } return peer; };";
        let value = self.browser.try_script(&format!("{ready} return {expression}"), &[]);
        let value = value.map_err(|error| anyhow!("{error}{}", self.console()))?;
        serde_json::from_value(value.clone()).with_context(|| format!("an unexpected answer to {expression}: {value}"))
    }

    /// The last lines that the page wrote.
    fn console(&self) -> String {
        let lines = self.browser.console();
        lines.iter().rev().take(5).rev().map(|line| format!("\n  console: {line}")).collect()
    }
}

/// A browser with a page.
fn opened(backend: &str, url: &str) -> Result<Browser> {
    let browser = Browser::try_start(Engine::Chromium, gpu(backend)).map_err(|why| anyhow!(why))?;
    browser.try_goto(url).map_err(|error| anyhow!("Chromium cannot open {url}: {error}"))?;
    Ok(browser)
}

/// What the browser is to find.
fn gpu(backend: &str) -> Gpu {
    if backend == "webgpu" { Gpu::Software } else { Gpu::None }
}

#[cfg(test)]
mod tests {
    use crate::engine::{Driver, Engine};

    #[test]
    fn a_driver_that_does_not_start_is_an_error_with_a_cure() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = Driver::of_program("no-such-driver", Engine::Chromium, folder.path()).err().expect("none is there");
        assert!(
            error.contains("no-such-driver did not start") && error.contains("cargo xtask setup --browser"),
            "{error}"
        );
        // One that ends at once.
        let error = Driver::of_program("false", Engine::Chromium, folder.path()).err().expect("it listens to nothing");
        assert!(error.contains("no port") && error.contains("cargo xtask setup --browser"), "{error}");
    }
}
