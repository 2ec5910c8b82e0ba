//! A flow model in worker and page: its path is straight, its samplers are its own.

use crate::app::{App, SHORT};
use crate::tiny;
use crate::webdriver::{Gpu, key};
use crate::worker::{numbers, talk};
use ditscope_core::diffusion::sampler::{Sampler, SamplerConfig};

/// A step gives one frame whether it asks the network once or twice, alone or with others that help; and its parts make up x_t.
#[test]
fn a_flow_model_runs_along_the_straight_path() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = tiny::write_flow(folder.path());
    let app = App::start_with_models("worker_flow", Gpu::None, &[("flow", folder.path())]);
    let said = talk(
        &app,
        "flow",
        "
        const frames = async (run, sampler) => {
            send({ Generate: { run, settings: { ...settings, guidance_scale: 1, sampler } } });
            const end = await hear(m => ['Done', 'Failed'].includes(m.kind) && m.body.run === run);
            const made = heard.filter(m => m.kind === 'Frame' && m.body.run === run);
            return end.kind === 'Failed' ? end.body : made.map(m => Object.fromEntries(m.body.parts.map(
                (name, i) => [name, name === 'Pictures' ? [] : numbers(m.buffers[i])])));
        };
        return { euler: await frames(1, 'euler'), heun: await frames(2, 'heun'), ddim: await frames(3, 'ddim') };
        ",
    );
    assert!(said["ddim"].to_string().contains("euler, heun"), "{}", said["ddim"]);
    for (name, kind) in
        [("euler", "euler"), ("heun", "heun")].map(|(name, kind)| (name, kind.parse().expect("a sampler")))
    {
        let sampler = Sampler::new(&config.scheduler, SamplerConfig::new(kind, 6)).expect("six steps");
        let frames = said[name].as_array().unwrap_or_else(|| panic!("frames, not {}", said[name]));
        assert_eq!(frames.len(), 7, "{name}: a frame a step, and the last");
        for step in 0..6 {
            let (signal, noise) = sampler.weights(step);
            let [x_t, x0, eps, next] = [(step, "XT"), (step, "X0Hat"), (step, "EpsCond"), (step + 1, "XT")]
                .map(|(step, part)| numbers(&frames[step][part]));
            let after = if step == 5 { 0.0 } else { sampler.weights(step + 1).1 };
            for i in 0..x_t.len() {
                let mixed = signal * x0[i] + noise * eps[i];
                assert!((x_t[i] - mixed).abs() < 1e-4, "{name}, step {step}: {} is not {mixed}", x_t[i]);
                let straight = x_t[i] + (after - noise) * (eps[i] - x0[i]);
                assert!(name == "heun" || (next[i] - straight).abs() < 1e-4, "step {step}: {} and {straight}", next[i]);
            }
        }
    }
    assert_ne!(said["euler"][6]["XT"], said["heun"][6]["XT"]);
}

#[test]
fn the_page_offers_what_fits_a_flow_model() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tiny::write_flow(folder.path());
    let app = App::start_with_models("page_flow", Gpu::None, &[("flow", folder.path())]);
    // The sampler of the address is for other models.
    app.open_ready("backend=cpu&model=flow&steps=4&sampler=ddim&seed=7");
    assert_eq!(app.settings().sampler, "euler");
    let options = "return [...document.querySelectorAll('#sampler option')].map(option => option.value)";
    assert_eq!(app.browser.script(options), serde_json::json!(["euler", "heun"]));
    app.generate();
    app.focus("slider", "Timeline");
    app.browser.press(key::HOME);
    app.wait("all noise", SHORT, || app.text().contains("xₜ = 0.00 · x₀ + 1.00 · ε").then_some(()));
    app.browser.press(key::RIGHT);
    app.wait("a quarter of the way", SHORT, || app.text().contains("xₜ = 0.25 · x₀ + 0.75 · ε").then_some(()));
    assert!(app.text().contains("straight path"));
    app.click("tab", "Forward process");
    app.wait("the mixture on the straight path", SHORT, || {
        app.text().contains("(1−σ) · x₀ + σ · ε, σ = 0.").then_some(())
    });
}
