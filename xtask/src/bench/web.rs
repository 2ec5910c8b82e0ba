//! In the browser: the page's frames, beside onnxruntime-web.

use super::PICTURES;
use super::options::{Options, Part};
use super::peers::{self, Engine};
use super::report::{Race, Report};
use super::site::Site;
use super::tabs::Tab;
use super::turns::{Contestant, alternate};
use crate::browser;
use anyhow::Result;

/// What serves the pages.
pub struct Web {
    site: Site,
    has_peer: bool,
}

impl Web {
    pub fn set_up(report: &mut Report) -> Result<Self> {
        browser::setup(Some(&[browser::Engine::Chromium]))?;
        let app = peers::app()?;
        let engine = match Engine::set_up(&PICTURES) {
            Ok(engine) => Some(engine),
            Err(error) => {
                report.left_out.push(format!("onnxruntime-web: {error:#}"));
                None
            }
        };
        let folders = engine.as_ref().map_or((&app, &app), |engine| (&engine.folder, &engine.models));
        let site = Site::start(&app, folders.0, folders.1)?;
        let has_peer = engine.is_some();
        report.versions.extend(engine.map(|engine| ("onnxruntime-web".to_owned(), engine.version)));
        Ok(Self { site, has_peer })
    }

    pub fn measure(&self, options: &Options, report: &mut Report) -> Result<()> {
        let rounds = if options.is_quick { 3 } else { 9 };
        for pictures in PICTURES {
            if options.has(Part::Cpu) {
                self.on_cpu(pictures, rounds, report)?;
            }
        }
        if options.has(Part::WebGpu) {
            self.on_gpu(if options.is_quick { 2 } else { 5 }, report)?;
        }
        Ok(())
    }

    /// The page's frames on the CPU, beside the peer with one thread and with all.
    fn on_cpu(&self, pictures: usize, rounds: usize, report: &mut Report) -> Result<()> {
        const STEPS: usize = 30;
        let ours = Tab::ours(&self.site, "cpu", pictures, STEPS)?;
        let mut threads = vec![1, report.machine.cores];
        threads.dedup();
        let peers = threads.into_iter().map(|threads| {
            let tab = Tab::peers(&self.site, "cpu", pictures, STEPS, &format!("threads={threads}"));
            (format!("onnxruntime-web wasm, threads: {threads}"), tab)
        });
        let peers = self.that_work(peers, report);
        race(
            format!("page on the CPU, Fashion, time between frames, pictures: {pictures}"),
            &ours,
            &peers,
            rounds,
            report,
        )
    }

    /// The page's frames on WebGPU, what a step asks for, and how much of it is the host's.
    fn on_gpu(&self, rounds: usize, report: &mut Report) -> Result<()> {
        // On an adapter in software a step takes a second.
        const STEPS: usize = 8;
        let ours = Tab::ours(&self.site, "webgpu", 1, STEPS)?;
        report.versions.insert("WebGPU adapter".into(), ours.adapter()?);
        let peers = [("recorded graph", "capture=1"), ("no recorded graph", "capture=0")].into_iter();
        let peers = peers.map(|(name, options)| {
            let tab = Tab::peers(&self.site, "webgpu", 1, STEPS, options);
            (format!("onnxruntime-web WebGPU, {name}"), tab)
        });
        let peers = self.that_work(peers, report);
        race("page on WebGPU, Fashion, time between frames, pictures: 1".into(), &ours, &peers, rounds, report)?;
        report.calls.push(ours.calls("ditscope")?);
        for (name, tab) in &peers {
            report.calls.push(tab.calls(name)?);
        }
        Ok(())
    }

    /// What of the peer can be had; the report says what cannot.
    fn that_work(&self, tabs: impl Iterator<Item = (String, Result<Tab>)>, report: &mut Report) -> Vec<(String, Tab)> {
        let mut working = Vec::new();
        if !self.has_peer {
            return working;
        }
        for (name, tab) in tabs {
            match tab {
                Ok(tab) => working.push((name, tab)),
                Err(error) => report.left_out.push(format!("{name}: {error:#}")),
            }
        }
        working
    }
}

fn race(work: String, ours: &Tab, peers: &[(String, Tab)], rounds: usize, report: &mut Report) -> Result<()> {
    println!("bench: {work}");
    report.versions.insert("Chromium".into(), ours.browser_version()?);
    let mut contestants = vec![Contestant::new("ditscope", || ours.steps())];
    contestants.extend(peers.iter().map(|(name, tab)| Contestant::new(name.clone(), || tab.steps())));
    let standings = alternate(rounds, &mut contestants)?;
    drop(contestants);
    let share = ours.share_reported() * 100.0;
    report.remarks.push(format!("frames report {share:.0} % of the time between them ({work})"));
    report.races.push(Race { work, gflop: None, standings });
    Ok(())
}
