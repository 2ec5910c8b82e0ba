//! What a step costs on a device, in words: the table, on the page and as Markdown.

use crate::notices::notice;
use crate::{Words, say, say_with};
use ditscope_page_state::pace::{Failure, Figures, Here, State};

/// What the columns are.
pub fn columns() -> [Words; 5] {
    [say("pace.model"), say("pace.step"), say("pace.gflops"), say("pace.gigabytes"), say("pace.first")]
}

/// A row: the model and what is to be known of it, and the cells after it.
pub fn row(figures: &Figures) -> (String, [String; 4]) {
    let step = &figures.step;
    let [low, high] = step.quartiles.map(number);
    let about = if figures.extrapolated.is_some() { "≈ " } else { "" };
    let first = figures.first_picture_ms.map_or_else(|| "–".to_owned(), |ms| format!("{:.1}", ms / 1000.0));
    let cells = [
        format!("{about}{} ({low}–{high})", number(step.median)),
        format!("{about}{}", number(figures.gflops())),
        format!("{about}{}", number(figures.gigabytes_per_second())),
        first,
    ];
    (details(figures), cells)
}

fn details(figures: &Figures) -> String {
    let workers = match figures.workers {
        1 => String::new(),
        workers => say_with("pace.workers", &[("workers", &workers)]),
    };
    let extrapolated = figures.extrapolated.map(|line| {
        let [(few, _), (more, _)] = line.from;
        say_with("pace.extrapolated", &[("few", &few), ("more", &more), ("all", &line.to)])
    });
    let parts = [figures.dtype.clone(), workers, extrapolated.unwrap_or_default()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// Three digits, or all before the point.
fn number(value: f64) -> String {
    match value {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Why there are no figures.
pub fn failure(why: &Failure) -> String {
    match why {
        Failure::Told(told) => notice(told),
        Failure::Silent(seconds) => say_with("pace.silent", &[("seconds", seconds)]),
        Failure::Unsteady => say("pace.unsteady").into(),
    }
}

/// Where and when it was measured, line by line.
pub fn place(state: &State, here: &Here) -> [String; 2] {
    let device = state.device.as_ref().map(|device| format!("{}: {}", device.name, device.detail));
    let processors = say_with("pace.processors", &[("count", &here.processors)]);
    [
        [device.unwrap_or_default(), here.browser.clone(), processors].join(" · "),
        say_with("pace.when", &[("date", &state.date), ("build", &here.build)]),
    ]
}

/// What the columns count.
pub fn notes(state: &State) -> Vec<Words> {
    let mut notes =
        vec![say("pace.about-step"), say("pace.about-gflops"), say("pace.about-gigabytes"), say("pace.about-first")];
    if state.results().any(|(_, outcome)| outcome.as_ref().is_ok_and(|figures| figures.extrapolated.is_some())) {
        notes.push(say("pace.about-extrapolated"));
    }
    notes
}

/// All of it as Markdown.
pub fn markdown(state: &State, here: &Here) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = place(state, here).map(|line| format!("{line}\n\n")).concat();
    text.push_str(&line(&columns().map(|column| plain(&column))));
    text.push_str("| --- | ---: | ---: | ---: | ---: |\n");
    for (name, outcome) in state.results() {
        let cells = match outcome {
            Ok(figures) => {
                let (details, [a, b, c, d]) = row(figures);
                [format!("{} ({details})", plain(name)), a, b, c, d]
            }
            Err(why) => [plain(name), plain(&failure(why)), String::new(), String::new(), String::new()],
        };
        text.push_str(&line(&cells));
    }
    text.push('\n');
    notes(state).iter().for_each(|note| text.push_str(&format!("- {note}\n")));
    text.push_str(&format!("\n{}\n", here.link));
    text
}

/// A cell: what would end it or its line is another sign.
fn plain(text: &str) -> String {
    text.replace('|', "¦").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ditscope_page_state::ModelRef;
    use ditscope_page_state::pace::{Extrapolated, Offer, Row, Spread, Subject};
    use ditscope_protocol::{Backend, Reason};

    fn figures() -> Figures {
        Figures {
            backend: Backend { name: "CPU".into(), detail: "flex".into() },
            num_params: 5,
            dtype: "f32".into(),
            workers: 2,
            count: 29,
            step: Spread { median: 12.345, quartiles: [9.5, 101.4] },
            told_ms: 12.0,
            flops: 123_450_000,
            bytes: 24_690_000,
            load_ms: Some(300.0),
            first_picture_ms: Some(1_260.0),
            fetched_bytes: 9,
            extrapolated: None,
        }
    }

    fn measured(name: &str, outcome: Result<Figures, Failure>) -> Row {
        let subject = Subject::Model(ModelRef::Shipped(name.into()));
        Row { offer: Offer { subject, name: name.into(), to_fetch: 0, chosen: true }, outcome: Some(outcome) }
    }

    #[test]
    fn the_table_has_a_row_each_and_every_row_its_cells() {
        crate::add(crate::pace());
        let failed = Failure::Told(Reason::NotServed.of("a|b", "404\nx", "").into());
        let line = Extrapolated { from: [(2, 1.0), (4, 2.0)], to: 28 };
        let whole = Figures { extrapolated: Some(line), first_picture_ms: None, workers: 1, ..figures() };
        let rows = vec![measured("Fashion", Ok(figures())), measured("X|Y", Err(failed)), measured("XL", Ok(whole))];
        let mut state = State::default();
        (state.rows, state.device) = (rows, Some(figures().backend));
        let here = Here { browser: "Chromium 156".into(), link: "http://a/?bench=1".into(), ..Here::default() };
        let text = markdown(&state, &here);
        let table: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(table.len(), 5, "{text}");
        assert!(table.iter().all(|line| line.matches('|').count() == 6), "{text}");
        assert_eq!(table[2], "| Fashion (f32, 2 workers) | 12.3 (9.50–101) | 10.0 | 2.00 | 1.3 |");
        assert!(table[3].starts_with("| X¦Y | ") && table[3].contains("404 x"), "{text}");
        assert!(
            table[4].contains("f32, extrapolated from 2 and 4 of 28 blocks") && table[4].contains("| ≈ 12.3"),
            "{text}"
        );
        assert!(text.starts_with("CPU: flex · Chromium 156") && text.ends_with("http://a/?bench=1\n"), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("- ")).count(), 5);
    }
}
