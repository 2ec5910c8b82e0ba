//! The findings in words and tables. Pure: plain data.

use super::GUIDANCE;
use crate::ui::parts::Part;
use ditscope_config::Conditioning;
use ditscope_page_state::findings::{Findings, Report, Row, Series, is_best, series};
use ditscope_plots::pareto;
use ditscope_words::text::sampler_name;
use ditscope_words::{Words, say, say_with};

/// Fréchet inception distance of XL/2 after 400,000 steps on ImageNet 256 (paper, figure 5 and table 4).
fn of_paper(conditioning: Conditioning) -> f64 {
    match conditioning {
        Conditioning::InContext => 35.24,
        Conditioning::CrossAttention => 26.14,
        Conditioning::AdaLn => 25.21,
        Conditioning::AdaLnZero => 19.47,
    }
}

fn name(conditioning: Conditioning) -> Words {
    match conditioning {
        Conditioning::InContext => say("findings.in-context"),
        Conditioning::CrossAttention => say("findings.cross-attention"),
        Conditioning::AdaLn => "adaLN".into(),
        Conditioning::AdaLnZero => "adaLN-Zero".into(),
    }
}

/// The first row of a report, or nothing to show.
fn first(report: &Report) -> Option<&Row> {
    report.rows.first()
}

pub fn conditioning(all: &Findings, base: &str) -> Vec<Part> {
    let reports = &all.conditioning;
    let Some(one) = reports.first() else { return vec![] };
    let scale = first(one).map_or(1.0, |row| row.guidance_scale);
    let head = [
        say("findings.variant"),
        say("findings.parameters"),
        say("findings.pass"),
        say("findings.loss"),
        say_with("findings.accuracy-at", &[("guidance", &scale)]).into(),
        say_with("findings.distance-at", &[("guidance", &scale)]).into(),
        say("findings.paper"),
    ];
    let rows = reports.iter().filter_map(|report| {
        let row = first(report)?;
        Some(vec![
            name(report.conditioning).into_owned(),
            format!("{:.2} M", report.parameters / 1e6),
            format!("{:.4}", report.pass_gflops),
            report.loss.map_or("–".into(), |loss| format!("{loss:.4}")),
            percent(row.class_accuracy),
            format!("{:.1}", row.frechet_distance),
            format!("{:.2}", of_paper(report.conditioning)),
        ])
    });
    let pictures = reports.iter().map(|report| picture(report, base)).collect();
    vec![
        Part::new("h2", "").saying(say("findings.conditioning").into_owned()),
        Part::words("", say("findings.conditioning-words")),
        table(&say("findings.conditioning"), &head, rows.collect()),
        Part::words("", order(reports)),
        Part::words("", doubts(all)),
        Part::group("findings-samples", pictures),
        Part::words("hint", measured(one)),
    ]
}

fn picture(report: &Report, base: &str) -> Part {
    let variant = name(report.conditioning);
    let source = format!("{base}assets/findings/conditioning-{}.png", report.conditioning.name());
    let image = Part::new("img", "")
        .with("src", source)
        .with("alt", say_with("findings.samples-of", &[("variant", &variant)]))
        .with("loading", "lazy")
        .with("width", "168")
        .with("height", "338");
    Part::new("figure", "").of(vec![image, Part::new("figcaption", "").saying(variant.into_owned())])
}

/// Which is nearest here, and which in the paper.
fn order(reports: &[Report]) -> String {
    let sorted = |of: &dyn Fn(&Report) -> f64| {
        let mut sorted: Vec<&Report> = reports.iter().collect();
        sorted.sort_by(|a, b| of(a).total_cmp(&of(b)));
        sorted.into_iter().map(|report| name(report.conditioning)).collect::<Vec<_>>()
    };
    let ours = sorted(&|report| first(report).map_or(f64::MAX, |row| row.frechet_distance));
    let paper = sorted(&|report| of_paper(report.conditioning));
    let values: [(&str, &dyn ToString); 2] = [("ours", &ours.join(" < ")), ("paper", &paper.join(" < "))];
    let same =
        if ours == paper { say_with("findings.same-order", &values) } else { say_with("findings.order", &values) };
    let first = if ours.first() == paper.first() { say("findings.same-best") } else { say("findings.other-best") };
    format!("{same} {first}")
}

/// How little the order by distance says: another figure orders them otherwise, and chance has a share in both.
fn doubts(all: &Findings) -> String {
    let accuracy = |report: &Report| first(report).map_or(0.0, |row| row.class_accuracy);
    let mut sorted: Vec<&Report> = all.conditioning.iter().collect();
    sorted.sort_by(|a, b| accuracy(b).total_cmp(&accuracy(a)));
    let sorted: Vec<_> = sorted.into_iter().map(|report| name(report.conditioning)).collect();
    let said = say_with("findings.accuracy-order", &[("ours", &sorted.join(" > "))]);
    // The first two differ in the seed alone.
    let scale = all.conditioning.first().and_then(first).map(|row| row.guidance_scale);
    let at_scale = |i: usize| all.training.get(i)?.rows.iter().find(|row| Some(row.guidance_scale) == scale);
    let [Some(one), Some(other)] = [0, 1].map(at_scale) else { return said };
    let (accuracy, distance) =
        (one.class_accuracy - other.class_accuracy, one.frechet_distance - other.frechet_distance);
    let (accuracy, distance) = (format!("{:.1}", 100.0 * accuracy.abs()), format!("{:.1}", distance.abs()));
    let scale = one.guidance_scale;
    let spread =
        say_with("findings.seeds-differ", &[("accuracy", &accuracy), ("distance", &distance), ("guidance", &scale)]);
    format!("{said} {spread}")
}

/// How it was measured.
fn measured(report: &Report) -> String {
    let reconstruction = report.reconstruction.map_or("–".into(), |distance| format!("{distance:.2}"));
    let values: [(&str, &dyn ToString); 3] =
        [("samples", &report.samples), ("floor", &format!("{:.2}", report.floor)), ("autoencoder", &reconstruction)];
    say_with("findings.measured", &values)
}

/// Other choices of a training, one at a time.
pub fn training(all: &Findings, _: &str) -> Vec<Part> {
    let reports = &all.training;
    let Some(one) = reports.first() else { return vec![] };
    let scales: Vec<f64> = one.rows.iter().map(|row| row.guidance_scale).collect();
    let mut head = vec![say("findings.choice"), say("findings.parameters"), say("findings.pass")];
    for scale in &scales {
        head.push(say_with("findings.accuracy-at", &[("guidance", scale)]).into());
        head.push(say_with("findings.distance-at", &[("guidance", scale)]).into());
    }
    let rows = reports.iter().map(|report| {
        let cost = [format!("{:.2} M", report.parameters / 1e6), format!("{:.4}", report.pass_gflops)];
        let figures =
            report.rows.iter().flat_map(|row| [percent(row.class_accuracy), format!("{:.1}", row.frechet_distance)]);
        std::iter::once(report.model.clone()).chain(cost).chain(figures).collect()
    });
    vec![
        Part::new("h2", "").saying(say("findings.training").into_owned()),
        Part::words("", say("findings.training-words")),
        table(&say("findings.training"), &head, rows.collect()),
        Part::words("hint", measured(one)),
    ]
}

pub fn sampling_head(all: &Findings, _: &str) -> Vec<Part> {
    if all.sampling.is_empty() {
        return vec![];
    }
    let heading = Part::new("h2", "").saying(say("findings.sampling").into_owned());
    vec![heading, Part::words("", say("findings.sampling-words"))]
}

pub fn sampling(all: &Findings, _: &str) -> Vec<Part> {
    let lines = series(&all.sampling, GUIDANCE);
    let Some(one) = all.sampling.first() else { return vec![] };
    let head = [
        say("findings.way"),
        say("findings.steps"),
        say("findings.gflops"),
        say("findings.accuracy"),
        say("findings.distance"),
        say("findings.best"),
    ];
    let rows = lines.iter().flat_map(|series| series.rows.iter().map(move |row| (series, row))).map(|(series, row)| {
        vec![
            way(series),
            row.steps.to_string(),
            format!("{:.2}", row.gflops),
            percent(row.class_accuracy),
            format!("{:.2}", row.frechet_distance),
            if is_best(row, &lines) { "✓".into() } else { String::new() },
        ]
    });
    let table = table(&say("findings.sampling"), &head, rows.collect());
    vec![keys(lines.iter().map(way)), table, Part::words("hint", measured(one))]
}

fn way(series: &Series) -> String {
    let mut way = sampler_name(series.sampler).to_owned();
    if let Some([from, to]) = series.savings.guidance_interval {
        way += &say_with("findings.interval", &[("from", &from), ("to", &to)]);
    }
    if series.savings.cache_interval > 1 {
        way += &say_with("findings.cached", &[("every", &series.savings.cache_interval)]);
    }
    way
}

/// Cost and distance of each way, a line for those that belong together.
pub fn ways(all: &Findings) -> Vec<pareto::Line> {
    let point = |row: &Row| (row.gflops, row.frechet_distance);
    series(&all.sampling, GUIDANCE).iter().map(|series| series.rows.iter().map(point).collect()).collect()
}

/// Distances of the two models of a pair over the number of steps.
pub fn over_steps<const PAIR: usize>(all: &Findings) -> Vec<pareto::Line> {
    let point = |row: &Row| (row.steps as f64, row.frechet_distance);
    pair(all, PAIR).iter().map(|report| report.rows.iter().map(point).collect()).collect()
}

/// Two models that were trained on the same pictures, one for v and one for the velocity. Distances of two pairs cannot be
/// compared: each has a judge of its own.
fn pair(all: &Findings, pair: usize) -> &[Report] {
    all.flow.chunks(2).nth(pair).unwrap_or_default()
}

pub fn flow_head(all: &Findings, _: &str) -> Vec<Part> {
    if all.flow.is_empty() {
        return vec![];
    }
    vec![
        Part::new("h2", "").saying(say("findings.flow").into_owned()),
        Part::words("", say("findings.flow-words")),
        keys(["findings.flow-v", "findings.flow-velocity"].map(|key| say(key).into_owned())),
    ]
}

/// Whose pictures a pair was trained on.
fn data_of(all: &Findings, number: usize) -> Option<&str> {
    pair(all, number).first()?.model.split(',').next()
}

/// A name that only this pair's table or plot has.
pub fn name_of_pair<const PAIR: usize>(all: &Findings, name: &str) -> String {
    format!("{name}: {}", data_of(all, PAIR).unwrap_or_default())
}

pub fn flow_data<const PAIR: usize>(all: &Findings, _: &str) -> Vec<Part> {
    data_of(all, PAIR).map(|data| Part::new("h3", "").saying(data.to_owned())).into_iter().collect()
}

/// Models that differ in what they predict alone.
pub fn flow<const PAIR: usize>(all: &Findings, _: &str) -> Vec<Part> {
    let Some(one) = pair(all, PAIR).first() else { return vec![] };
    let head = [
        say("findings.model"),
        say("findings.steps"),
        say("findings.accuracy"),
        say("findings.distance"),
        say("findings.path"),
    ];
    let rows = pair(all, PAIR).iter().flat_map(|report| report.rows.iter().map(move |row| (report, row)));
    let rows = rows.map(|(report, row)| {
        vec![
            report.model.clone(),
            row.steps.to_string(),
            percent(row.class_accuracy),
            format!("{:.2}", row.frechet_distance),
            row.path_length.map_or("–".into(), |length| format!("{length:.2}")),
        ]
    });
    let name = name_of_pair::<PAIR>(all, &say("findings.flow"));
    vec![table(&name, &head, rows.collect()), Part::words("hint", measured(one))]
}

/// What the lines of a plot are.
fn keys(names: impl IntoIterator<Item = String>) -> Part {
    let keys = names.into_iter().enumerate().map(|(i, name)| {
        let mark = Part::new("i", "").with("class", format!("way-mark {}", pareto::class(i)));
        Part::new("li", "").of(vec![mark, Part::new("span", "").saying(name)])
    });
    Part::new("ul", "plot-keys").of(keys.collect())
}

/// Fewer bits and fewer blocks.
pub fn smaller(all: &Findings, _: &str) -> Vec<Part> {
    let themes = [
        (&all.quantization, say("findings.quantization"), say("findings.quantization-words")),
        (&all.pruning, say("findings.pruning"), say("findings.pruning-words")),
    ];
    let mut parts = Vec::new();
    for (reports, title, words) in themes.into_iter().filter(|(reports, ..)| !reports.is_empty()) {
        let head = [
            say("findings.model"),
            say("findings.blocks"),
            say("findings.download"),
            say("findings.pass"),
            say("findings.guidance"),
            say("findings.accuracy"),
            say("findings.distance"),
        ];
        let rows = reports.iter().flat_map(|report| report.rows.iter().map(move |row| (report, row)));
        let rows = rows.map(|(report, row)| {
            vec![
                report.model.clone(),
                report.depth.to_string(),
                format!("{:.2} MB", report.weight_bytes / 1e6),
                format!("{:.4}", report.pass_gflops),
                row.guidance_scale.to_string(),
                percent(row.class_accuracy),
                format!("{:.2}", row.frechet_distance),
            ]
        });
        let table = table(&title, &head, rows.collect());
        parts.extend([Part::new("h2", "").saying(title.into_owned()), Part::words("", words), table]);
    }
    parts
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A table that scrolls by itself where it is too wide, and can be reached by keyboard for that.
fn table(name: &str, head: &[Words], rows: Vec<Vec<String>>) -> Part {
    let cell = |tag, scope: &'static str, words: String| {
        let cell = Part::new(tag, "").saying(words);
        if scope.is_empty() { cell } else { cell.with("scope", scope) }
    };
    let line = |cells: Vec<Part>| Part::new("tr", "").of(cells);
    let head_cells = head.iter().map(|words| cell("th", "col", words.clone().into_owned())).collect();
    let body = rows.into_iter().map(|row| {
        let cells = row.into_iter().enumerate();
        line(cells.map(|(i, words)| if i == 0 { cell("th", "row", words) } else { cell("td", "", words) }).collect())
    });
    let parts = vec![Part::new("thead", "").of(vec![line(head_cells)]), Part::new("tbody", "").of(body.collect())];
    let table = Part::new("table", "").of(parts);
    Part::group("findings-table", vec![table]).with("tabindex", "0").with("role", "region").with("aria-label", name)
}
