//! Browsers without relaxed SIMD run another module of the worker, and keep that one.

use crate::app::{App, dist, worker_file};
use crate::webdriver::Gpu;
use image::RgbaImage;
use serde_json::json;

const PLAIN: &str = "_plain.wasm";
const FUSED: &str = "_bg.wasm";

/// A picture made with one of the modules, which is the only one that is fetched and kept.
fn picture(app: &App, used: &str, other: &str) -> RgbaImage {
    app.server.let_work_offline();
    app.open_kept("backend=cpu&class=9&steps=5&seed=7");
    app.generate();
    let (used, other) = (worker_file(used), worker_file(other));
    assert_eq!([app.server.requests(&used) > 0, app.server.requests(&other) > 0], [true, false]);
    let kept = "return caches.keys().then(names => Promise.all(names.filter(name => name.startsWith('ditscope-page'))
        .map(name => caches.open(name).then(cache => cache.keys())))).then(all => all.flat().map(({ url }) => url))";
    let kept = app.browser.script(kept);
    let is_kept = |file: &str| {
        kept.as_array().expect("addresses").iter().any(|url| url.as_str().is_some_and(|url| url.ends_with(file)))
    };
    assert_eq!([is_kept(&used), is_kept(&other)], [true, false], "{kept}");
    app.picture()
}

#[test]
fn without_relaxed_simd_the_other_module_makes_the_same_picture() {
    let has = |ending: &str| {
        std::fs::read_dir(dist()).expect("dist").flatten().any(|file| file.path().to_string_lossy().ends_with(ending))
    };
    if !has(PLAIN) || !has("sw.js") {
        println!("LEFT OUT: the worker in dist is one module; 'cargo xtask build' makes two");
        return;
    }
    let app = App::start("plain_relaxed", Gpu::None);
    let fused = picture(&app, FUSED, PLAIN);
    app.server.be_gone(true);
    app.open_ready("backend=cpu");
    drop(app);

    let app = App::start("plain", Gpu::None);
    for file in [&*worker_file("_loader.js"), "sw.js"] {
        app.server.break_file(file, crate::server::Fault::Before("WebAssembly.validate = () => false;"));
    }
    let plain = picture(&app, PLAIN, FUSED);
    assert_eq!(plain.dimensions(), fused.dimensions());
    let most = plain.iter().zip(fused.iter()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(most <= Some(2), "{most:?} of 255");
    app.server.be_gone(true);
    app.open_ready("backend=cpu");
    assert_eq!(app.browser.script("return navigator.serviceWorker.controller !== null"), json!(true));
}
