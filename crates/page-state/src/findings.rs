//! What was measured, as `dit eval` wrote it: `assets/findings/findings.json`. Pure.

use ditscope_config::{Conditioning, SamplerKind, Savings};
use serde_json::Value;

/// The findings by theme, each a list of reports (`config::EvalReport`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    pub conditioning: Vec<Report>,
    /// What else can be chosen for a training, one change at a time; the first is without any.
    pub training: Vec<Report>,
    pub sampling: Vec<Report>,
    /// Two models that differ in what they predict alone: v along the curved path of the cosine schedule, and the velocity
    /// along the straight one.
    pub flow: Vec<Report>,
    pub quantization: Vec<Report>,
    pub pruning: Vec<Report>,
}

/// What is shown of a report. A reader of all of it would weigh more than this page.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub model: String,
    pub conditioning: Conditioning,
    pub depth: usize,
    pub parameters: f64,
    pub weight_bytes: f64,
    pub pass_gflops: f64,
    pub loss: Option<f64>,
    pub samples: f64,
    pub floor: f64,
    pub reconstruction: Option<f64>,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub sampler: SamplerKind,
    pub steps: usize,
    pub guidance_scale: f64,
    pub savings: Savings,
    pub gflops: f64,
    pub class_accuracy: f64,
    pub frechet_distance: f64,
    /// Of the way from noise to result; 1 is straight.
    pub path_length: Option<f64>,
}

impl Findings {
    /// `None` when it is not what `dit eval` writes.
    pub fn read(text: &str) -> Option<Self> {
        let all: Value = serde_json::from_str(text).ok()?;
        let theme = |name: &str| all.get(name)?.as_array()?.iter().map(report).collect::<Option<Vec<_>>>();
        Some(Self {
            conditioning: theme("conditioning")?,
            training: theme("training")?,
            sampling: theme("sampling")?,
            flow: theme("flow")?,
            quantization: theme("quantization")?,
            pruning: theme("pruning")?,
        })
    }
}

fn number(value: &Value, name: &str) -> Option<f64> {
    value.get(name)?.as_f64()
}

fn word<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

fn report(value: &Value) -> Option<Report> {
    Some(Report {
        model: word(value, "model")?.to_owned(),
        conditioning: word(value, "conditioning")?.parse().ok()?,
        depth: number(value, "depth")? as usize,
        parameters: number(value, "parameters")?,
        weight_bytes: number(value, "weight_bytes")?,
        pass_gflops: number(value, "pass_gflops")?,
        loss: number(value, "loss"),
        samples: number(value, "samples")?,
        floor: number(value, "floor")?,
        reconstruction: number(value, "reconstruction"),
        rows: value.get("rows")?.as_array()?.iter().map(row).collect::<Option<_>>()?,
    })
}

fn row(value: &Value) -> Option<Row> {
    let savings = value.get("savings")?;
    let interval = || {
        let both = savings.get("guidance_interval")?.as_array()?;
        Some([both.first()?.as_f64()?, both.get(1)?.as_f64()?])
    };
    Some(Row {
        sampler: word(value, "sampler")?.parse().ok()?,
        steps: number(value, "steps")? as usize,
        guidance_scale: number(value, "guidance_scale")?,
        savings: Savings { guidance_interval: interval(), cache_interval: number(savings, "cache_interval")? as usize },
        gflops: number(value, "gflops")?,
        class_accuracy: number(value, "class_accuracy")?,
        frechet_distance: number(value, "frechet_distance")?,
        path_length: number(value, "path_length"),
    })
}

/// Ways to sample that belong together: points of one line in the plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub sampler: SamplerKind,
    pub savings: Savings,
    pub rows: Vec<Row>,
}

/// The rows at one guidance scale, those with the same sampler and savings together, the cheapest first.
pub fn series(reports: &[Report], guidance_scale: f64) -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    let rows = reports.iter().flat_map(|report| &report.rows);
    for row in rows.filter(|row| row.guidance_scale == guidance_scale) {
        let same = |series: &&mut Series| (series.sampler, series.savings) == (row.sampler, row.savings);
        match all.iter_mut().find(same) {
            Some(series) => series.rows.push(row.clone()),
            None => all.push(Series { sampler: row.sampler, savings: row.savings, rows: vec![row.clone()] }),
        }
    }
    for series in &mut all {
        series.rows.sort_by(|a, b| a.gflops.total_cmp(&b.gflops));
    }
    all
}

/// Whether no other way is both cheaper and nearer.
pub fn is_best(row: &Row, all: &[Series]) -> bool {
    let beats = |other: &Row| {
        let (cheaper, nearer) = (other.gflops <= row.gflops, other.frechet_distance <= row.frechet_distance);
        cheaper && nearer && other != row
    };
    !all.iter().flat_map(|series| &series.rows).any(beats)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ditscope_config::{EvalReport, EvalRow};

    fn row(sampler: SamplerKind, gflops: f64, distance: f64) -> EvalRow {
        EvalRow {
            sampler,
            steps: 10,
            guidance_scale: 2.0,
            savings: Savings::default(),
            gflops,
            class_accuracy: 0.9,
            frechet_distance: distance,
            path_length: None,
            seconds: 1.0,
        }
    }

    fn written(rows: Vec<EvalRow>) -> Value {
        let report = EvalReport {
            model: "M".into(),
            conditioning: Conditioning::CrossAttention,
            depth: 6,
            parameters: 1000,
            weight_bytes: 2000,
            pass_gflops: 0.05,
            loss: None,
            samples: 100,
            classifier_accuracy: 0.9,
            floor: 0.5,
            reconstruction: Some(1.5),
            rows,
        };
        serde_json::to_value(report).expect("JSON")
    }

    #[test]
    fn what_dit_eval_writes_is_read() {
        let some = Savings { guidance_interval: Some([0.25, 0.75]), cache_interval: 2 };
        let rows = vec![EvalRow { savings: some, ..row(SamplerKind::UniPc, 1.0, 8.0) }];
        let text = serde_json::json!({
            "conditioning": [written(vec![])], "training": [], "sampling": [written(rows)], "flow": [],
            "quantization": [], "pruning": [],
        });
        let found = Findings::read(&text.to_string()).expect("findings");
        let report = &found.conditioning[0];
        assert_eq!((report.conditioning, report.loss, report.floor), (Conditioning::CrossAttention, None, 0.5));
        let row = &found.sampling[0].rows[0];
        assert_eq!((row.sampler, row.savings, row.frechet_distance), (SamplerKind::UniPc, some, 8.0));
    }

    #[test]
    fn what_is_something_else_is_not_read() {
        let themes = r#""training": [], "sampling": [], "flow": [], "quantization": [], "pruning": []"#;
        assert_eq!(Findings::read(&format!(r#"{{"conditioning": [], {themes}}}"#)), Some(Findings::default()));
        let bad = format!(r#"{{"conditioning": [{{}}], {themes}}}"#);
        for text in ["", "[]", "{}", &format!("{{{themes}}}"), &bad] {
            assert_eq!(Findings::read(text), None, "{text}");
        }
    }

    #[test]
    fn the_shipped_findings_are_read() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/findings/findings.json");
        let found = Findings::read(&std::fs::read_to_string(path).expect("a file")).expect("findings");
        assert!(!series(&found.sampling, 2.0).is_empty());
        for theme in [&found.conditioning, &found.training, &found.flow, &found.quantization, &found.pruning] {
            assert!(theme.iter().all(|report| !report.rows.is_empty()));
        }
    }

    #[test]
    fn rows_of_one_way_make_a_line_and_some_are_best() {
        let rows = vec![
            row(SamplerKind::Ddim, 4.0, 8.0),
            row(SamplerKind::Ddim, 1.0, 12.0),
            row(SamplerKind::UniPc, 1.0, 9.0),
            EvalRow { guidance_scale: 1.0, ..row(SamplerKind::UniPc, 0.5, 1.0) },
        ];
        let reports: Vec<Report> =
            std::iter::once(written(rows)).map(|value| report(&value).expect("a report")).collect();
        let all = series(&reports, 2.0);
        assert_eq!(
            all.iter().map(|s| (s.sampler, s.rows.len())).collect::<Vec<_>>(),
            [(SamplerKind::Ddim, 2), (SamplerKind::UniPc, 1)]
        );
        assert_eq!(all[0].rows[0].gflops, 1.0, "the cheapest first");
        let best: Vec<bool> = all.iter().flat_map(|s| &s.rows).map(|row| is_best(row, &all)).collect();
        assert_eq!(best, [false, true, true]);
    }
}
