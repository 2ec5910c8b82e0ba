//! Serves the app while it is worked on: builds anew what an edit has changed, and reloads the page.

use crate::dist::{Extras, assemble};
use crate::index::{Index, Link, Program};
use crate::program::{Plan, Ready};
use crate::{project, serve, style, tools};
use anyhow::{Context, Result};
use axum::Router;
use axum::extract::Path as Argument;
use axum::routing::get;
use notify::{Event, RecursiveMode, Watcher};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;
use tower_http::services::ServeDir;

const WATCHED: [&str; 5] = ["src", "crates", "web", "assets", "docs"];
/// Compiled in seconds, neither cut nor small (see Cargo.toml).
const QUICK: &str = "page-dev";
/// An editor that saves a file causes several events, and who saves several files means one change.
const QUIET: Duration = Duration::from_millis(100);

/// Serves and rebuilds until it is stopped.
pub fn dev(port: u16) -> Result<()> {
    let listener = serve::listen(port)?;
    tools::setup()?;
    let (send, events) = channel();
    let mut watcher = notify::recommended_watcher(send)?;
    for folder in WATCHED.map(|folder| project::root().join(folder)).iter().filter(|folder| folder.is_dir()) {
        watcher
            .watch(folder, RecursiveMode::Recursive)
            .with_context(|| format!("cannot watch {}", folder.display()))?;
    }

    let version = watch::Sender::new(0);
    let files = files(&Index::read()?, version.subscribe());
    let mut bench = Bench { stale: Stale::ALL, ready: HashMap::new(), folder: folder(), version };
    bench.work();
    let server = std::thread::spawn(move || serve::answer(listener, files));
    while !server.is_finished() {
        bench.stale.add(next_change(&events)?);
        bench.work();
    }
    server.join().expect("the server does not panic")
}

/// The release build in `dist/` stays as it is.
fn folder() -> PathBuf {
    project::web_target().join("dist-dev")
}

/// The built app, the folders where they lie in the sources, and an answer that comes when there is something new.
fn files(index: &Index, version: watch::Receiver<u64>) -> Router {
    let changed = async move |Argument(shown): Argument<u64>| {
        // Fails when the sender is gone, and so is the server then.
        let _ = version.clone().wait_for(|newest| *newest != shown).await;
    };
    let mut router = Router::new().route("/.dev/changed/{shown}", get(changed));
    for link in index.links() {
        if let Link::CopyDir { href, to } = link {
            router = router.nest_service(&format!("/{}", to.display()), ServeDir::new(href));
        }
    }
    router.fallback_service(ServeDir::new(folder()))
}

/// What has been edited and not been built since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stale {
    /// What goes into the app as it is, or nearly: style sheets, HTML, assets.
    files: bool,
    page: bool,
    worker: bool,
    trainer: bool,
}

impl Stale {
    const ALL: Self = Self { files: true, page: true, worker: true, trainer: true };

    /// What a file, whose path is relative to the project, is part of. Too much costs time only: cargo sees what is fresh.
    fn by(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let Some(extension) = path.extension() else { return Self::default() };
        // What editors write beside a file.
        if name.starts_with('.') || name.ends_with(['~', '#']) {
            return Self::default();
        }
        let is_in = |places: &[&str]| places.iter().any(|place| path.starts_with(place));
        if extension == "css" && !style::is_later(path)
            || is_in(&["assets", "docs", "web/index.html", "web/teaching.html", "web/tour"])
        {
            Self { files: true, ..Self::default() }
        } else if is_in(&["src/ui", "src/bin/app.rs", "web"]) {
            Self { page: true, ..Self::default() }
        } else if is_in(&["src/worker", "src/bin/worker.rs"]) {
            Self { worker: true, ..Self::default() }
        } else if is_in(&["src/trainer", "src/bin/trainer.rs", "src/bin/gpu-trainer.rs", "crates/train"]) {
            Self { trainer: true, ..Self::default() }
        } else {
            Self { files: false, ..Self::ALL }
        }
    }

    fn add(&mut self, other: Self) {
        self.files |= other.files;
        self.page |= other.page;
        self.worker |= other.worker;
        self.trainer |= other.trainer;
    }

    fn part(&mut self, program: &Program) -> &mut bool {
        match (program.is_worker, program.bin.as_str()) {
            (false, _) => &mut self.page,
            (true, "trainer" | "gpu-trainer") => &mut self.trainer,
            (true, _) => &mut self.worker,
        }
    }
}

/// Waits for an edit, and until nothing more comes.
fn next_change(events: &Receiver<notify::Result<Event>>) -> Result<Stale> {
    let mut stale = Stale::default();
    while stale == Stale::default() {
        let mut event = Some(events.recv().context("nothing watches the files any longer")?);
        while let Some(Ok(Event { kind, paths, .. })) = event {
            for path in paths.iter().filter(|_| !kind.is_access()) {
                stale.add(Stale::by(path.strip_prefix(project::root()).unwrap_or(path)));
            }
            event = events.recv_timeout(QUIET).ok();
        }
    }
    Ok(stale)
}

/// Where the app is built again and again.
struct Bench {
    stale: Stale,
    /// The programs by their names.
    ready: HashMap<String, Ready>,
    folder: PathBuf,
    /// Of the page that is served.
    version: watch::Sender<u64>,
}

impl Bench {
    /// Builds what is stale. What fails stays stale, and the next edit tries again.
    fn work(&mut self) {
        let start = Instant::now();
        match self.build() {
            Ok(()) => println!("dev: the page is new after {:.1} s", start.elapsed().as_secs_f64()),
            Err(error) => eprintln!("\ndev: {error:#}\ndev: the page stays as it is; waiting for the next edit"),
        }
    }

    fn build(&mut self) -> Result<()> {
        let index = Index::read()?;
        for program in index.programs() {
            if !*self.stale.part(program) {
                continue;
            }
            let ready = plan(program).make()?;
            self.ready.insert(program.bin.clone(), ready);
            *self.stale.part(program) = false;
            // The page is seen at once, the worker, which takes its time, when it is there.
            self.stale.files = true;
            if index.programs().all(|program| self.ready.contains_key(&program.bin)) {
                self.show(&index)?;
            }
        }
        if self.stale.files { self.show(&index) } else { Ok(()) }
    }

    fn show(&mut self, index: &Index) -> Result<()> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        // Small enough for a number in JavaScript.
        let version = now.as_millis() as u64;
        assemble(index, &self.ready, &self.folder, &Extras { html: reload(version), ..Extras::default() })?;
        self.stale.files = false;
        self.version.send_replace(version);
        Ok(())
    }
}

fn plan(program: &Program) -> Plan {
    if program.is_worker {
        return Plan::release(program);
    }
    Plan { program: Program { profile: QUICK.into(), wasm_opt: vec![], ..program.clone() }, is_cut: false }
}

/// Reloads the page when there is another version of it; while nothing answers, it goes on asking.
fn reload(version: u64) -> String {
    format!(
        r#"
    <script type="module">
      for (;;) {{
        const changed = await fetch("./.dev/changed/{version}").catch(() => null);
        if (changed?.ok) location.reload();
        await new Promise((wake) => setTimeout(wake, 1000));
      }}
    </script>"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_makes_stale_what_is_made_of_it() {
        let by = |path: &str| Stale::by(Path::new(path));
        let none = Stale::default();
        let [files, page] = [Stale { files: true, ..none }, Stale { page: true, ..none }];
        let [worker, trainer] = [Stale { worker: true, ..none }, Stale { trainer: true, ..none }];
        for path in [
            "web/style/01-tokens.css",
            "src/ui/help.css",
            "assets/runs/boot/run.bin",
            "docs/teaching.md",
            "web/index.html",
        ] {
            assert_eq!(by(path), files, "{path}");
        }
        for path in ["src/ui/help.rs", "src/bin/app.rs", "web/texts/dialogs.en.json", "src/ui/tour/tour.later.css"] {
            assert_eq!(by(path), page, "{path}");
        }
        assert_eq!(by("src/worker/run.rs"), worker);
        assert_eq!((by("src/trainer/work.rs"), by("crates/train/src/dit.rs")), (trainer, trainer));
        assert_eq!(by("src/protocol.rs"), Stale { files: false, ..Stale::ALL });
        assert_eq!(by("crates/core/src/dit/mod.rs"), Stale { files: false, ..Stale::ALL });
    }

    #[test]
    fn what_editors_write_beside_a_file_is_no_edit() {
        for path in ["src/ui/.help.rs.swp", "src/ui/help.rs~", "src/ui/#help.rs#", "src/ui/4913", "src/ui"] {
            assert_eq!(Stale::by(Path::new(path)), Stale::default(), "{path}");
        }
    }
}
