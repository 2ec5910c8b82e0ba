//! `dit eval` for models of words: whether the class is heard, whether the words are new, and whether they are like its words.
//!
//! There is no network that judges, but letter models of the training words ([`Ngrams`]): a word is taken for the class whose
//! 4-grams find it likeliest, and is likely for its class where the 3-grams of that give it more than a twentieth of the
//! class's test words.

use super::eval::{EvalOptions, Way, ways};
use super::ngrams::Ngrams;
use super::output::say;
use super::parallel;
use anyhow::{Context, Result, ensure};
use ditscope_config::TextConfig;
use ditscope_core::diffusion::sampler::SamplerConfig;
use ditscope_core::generate::{Model, Noise, Request, Run};
use ditscope_model_dir::{self as model_dir, write_json};
use ditscope_train::{Dataset, DitTask};
use pollster::block_on;
use serde::Serialize;
use std::collections::HashSet;

/// Orders of the letter models, and the share of test words that are not likely.
const JUDGE: usize = 4;
const LIKELY: usize = 3;
const UNLIKELY_SHARE: f64 = 0.05;

/// What was measured, as JSON.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    parameters: u64,
    weight_bytes: u64,
    /// The training loss on test words.
    loss: f64,
    samples: usize,
    /// Test words, and two that are no samples of their class: test words of the class after it, and its own backwards.
    real: Figures,
    of_others: Figures,
    backwards: Figures,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    way: Way,
    #[serde(flatten)]
    figures: Figures,
    seconds: f64,
}

/// Shares of words, each the mean over the classes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize)]
struct Figures {
    /// Taken for their class.
    accuracy: f64,
    /// Likely for it.
    likely: f64,
    /// In neither part of the data set, under whatever class.
    new: f64,
    /// Of those, each counted once.
    distinct: f64,
}

/// Makes a test word and its class into others.
type Change<'a> = dyn Fn(usize, &[u8]) -> Named + 'a;

/// A word and the class that it is said to be of.
type Named = (usize, Vec<u8>);

/// Measures and prints the table.
///
/// # Errors
/// A model of other words, files that cannot be written.
pub fn run(options: &EvalOptions, model: &Model, train: &Dataset, test: &Dataset) -> Result<()> {
    let text = train.info.text.as_ref().context("words")?;
    ensure!(
        model.config.text.as_ref() == Some(text) && model.config.labels == train.info.labels,
        "{}: its alphabet or its classes are not those of {}",
        model.config.name,
        train.info.name
    );
    let judge = Judge::of(text, train, test);
    let letters = test.letters().context("words")?;
    let task = DitTask::new(&model.config, letters, test.labels.clone(), &model.device);
    let classes = model.config.labels.len();
    let each = |change: &Change<'_>| {
        let words = (0..test.len()).map(|i| change(usize::from(test.labels[i]), filled(test.pixels(i))));
        judge.figures(&words.collect::<Vec<_>>())
    };
    let mut report = Report {
        model: model.config.name.clone(),
        parameters: model.config.transformer.num_params(),
        weight_bytes: model_dir::read_index(&options.model)?.total_bytes(),
        loss: block_on(task.mean_loss(&model.dit)),
        samples: options.samples,
        real: each(&|class, word| (class, word.to_vec())),
        of_others: each(&|class, word| ((class + classes - 1) % classes, word.to_vec())),
        backwards: each(&|class, word| (class, word.iter().rev().copied().collect())),
        rows: Vec::new(),
    };
    say!("loss on test words: {:.5}", report.loss)?;
    say!("words                                accuracy   likely      new  distinct  seconds")?;
    for (name, figures) in
        [("test words", report.real), ("of the class after", report.of_others), ("backwards", report.backwards)]
    {
        print(name, figures, 0.0)?;
    }
    for way in ways(options, model.config.scheduler.prediction_type.samplers()[0])? {
        let started = std::time::Instant::now();
        let figures = judge.figures(&sampled(options, model, text, way)?);
        let row = Row { way, figures, seconds: started.elapsed().as_secs_f64() };
        let name = format!("{}, {} steps, guidance {}", way.sampler.name(), way.steps, way.guidance_scale);
        print(&name, row.figures, row.seconds)?;
        report.rows.push(row);
    }
    options.json.as_ref().map_or(Ok(()), |path| write_json(path, &report))
}

fn print(name: &str, Figures { accuracy, likely, new, distinct }: Figures, seconds: f64) -> Result<()> {
    let share = |share: f64| format!("{:.1} %", 100.0 * share);
    let (accuracy, likely, new, distinct) = (share(accuracy), share(likely), share(new), share(distinct));
    say!("{name:<35} {accuracy:>9} {likely:>8} {new:>8}  {distinct:>8}  {seconds:7.1}")
}

/// Words of a way to sample, with their classes, in turn.
fn sampled(options: &EvalOptions, model: &Model, text: &TextConfig, way: Way) -> Result<Vec<Named>> {
    let classes = model.config.labels.len();
    let indices: Vec<usize> = (0..options.samples).collect();
    let chunks: Vec<&[usize]> = indices.chunks(options.batch_size).collect();
    let made = parallel::map(options.device.threads(), chunks.len(), |i| -> Result<Vec<Named>> {
        let labels: Vec<usize> = chunks[i].iter().map(|i| i % classes).collect();
        let request = Request {
            noise: Noise::Seeded(chunks[i].iter().map(|i| options.seed + *i as u64).collect()),
            classes: labels.clone(),
            guidance_scales: vec![way.guidance_scale],
            guidance_channels: None,
            sampler: SamplerConfig::new(way.sampler, way.steps),
            start: None,
        };
        let mut run = Run::new(model, request)?.with_savings(way.savings)?;
        while !run.is_done() {
            run.step()?;
        }
        let words = words(model, text, run.x_t().clone());
        Ok(labels
            .into_iter()
            .zip(words.iter().map(|word| text.codes(word, word.chars().count()).unwrap_or_default()))
            .collect())
    });
    let made: Result<Vec<_>> = made.into_iter().collect();
    Ok(made?.concat())
}

/// The words of latents `[N, bits, 1, letters]`.
pub fn words(model: &Model, text: &TextConfig, latents: burn::tensor::Tensor<4>) -> Vec<String> {
    let [_, bits, _, letters] = latents.dims();
    let values = model.destandardize(latents).into_data().convert::<f32>();
    let values: Vec<f32> = values.try_into_vec().expect("converted to f32");
    values.chunks_exact(bits * letters).map(|latent| text.word(latent)).collect()
}

/// Without the blanks that fill it up.
fn filled(codes: &[u8]) -> &[u8] {
    let end = codes.iter().rposition(|code| *code != 0).map_or(0, |last| last + 1);
    &codes[..end]
}

struct Judge {
    judges: Vec<Ngrams>,
    /// And what a word must have to be likely.
    likely: Vec<(Ngrams, f64)>,
    known: HashSet<Vec<u8>>,
}

impl Judge {
    fn of(text: &TextConfig, train: &Dataset, test: &Dataset) -> Self {
        let symbols = text.alphabet.chars().count();
        let of_class = |set: &Dataset, class: usize| -> Vec<Vec<u8>> {
            let is_of = |i: &usize| usize::from(set.labels[*i]) == class;
            (0..set.len()).filter(is_of).map(|i| filled(set.pixels(i)).to_vec()).collect()
        };
        let model = |class, order| Ngrams::of(of_class(train, class).iter().map(Vec::as_slice), order, symbols);
        let classes = 0..train.info.labels.len();
        let likely = |class| {
            let ngrams = model(class, LIKELY);
            let mut real: Vec<f64> =
                of_class(test, class).iter().map(|word| ngrams.mean_log_likelihood(word)).collect();
            real.sort_by(f64::total_cmp);
            let least = real.get((real.len() as f64 * UNLIKELY_SHARE) as usize).copied().unwrap_or(f64::MIN);
            (ngrams, least)
        };
        let known = [train, test].into_iter().flat_map(|set| (0..set.len()).map(|i| filled(set.pixels(i)).to_vec()));
        Self {
            judges: classes.clone().map(|class| model(class, JUDGE)).collect(),
            likely: classes.map(likely).collect(),
            known: known.collect(),
        }
    }

    fn taken_for(&self, word: &[u8]) -> usize {
        let scores: Vec<f64> = self.judges.iter().map(|judge| judge.log_likelihood(word)).collect();
        (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(0)
    }

    fn figures(&self, words: &[(usize, Vec<u8>)]) -> Figures {
        let of_class = |class: usize| -> Figures {
            let words: Vec<&[u8]> = words.iter().filter(|(of, _)| *of == class).map(|(_, word)| &word[..]).collect();
            let (ngrams, least) = &self.likely[class];
            let share = |count: usize| count as f64 / words.len().max(1) as f64;
            let count =
                |is: &dyn Fn(&[u8]) -> bool| share(words.iter().filter(|word| !word.is_empty() && is(word)).count());
            Figures {
                accuracy: count(&|word| self.taken_for(word) == class),
                likely: count(&|word| ngrams.mean_log_likelihood(word) >= *least),
                new: count(&|word| !self.known.contains(word)),
                distinct: share(words.iter().collect::<HashSet<_>>().len()),
            }
        };
        let classes = self.judges.len();
        let all: Vec<Figures> = (0..classes).map(of_class).collect();
        let mean = |part: &dyn Fn(&Figures) -> f64| all.iter().map(part).sum::<f64>() / classes as f64;
        Figures {
            accuracy: mean(&|it| it.accuracy),
            likely: mean(&|it| it.likely),
            new: mean(&|it| it.new),
            distinct: mean(&|it| it.distinct),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ditscope_train::DatasetInfo;

    fn set(words: &[(u8, &str)]) -> Dataset {
        let text = TextConfig { alphabet: " abcdefg".into() };
        let images = words.iter().flat_map(|(_, word)| text.codes(word, 6).expect("a word")).collect();
        let info = DatasetInfo {
            name: "Words".into(),
            channels: 1,
            side: 6,
            labels: vec!["front".into(), "back".into()],
            mirror: false,
            license: "CC0-1.0".into(),
            audio: None,
            text: Some(text),
        };
        Dataset { info, images, labels: words.iter().map(|(class, _)| *class).collect() }
    }

    #[test]
    fn words_are_judged_by_those_of_their_class() {
        let train = set(&[(0, "abab"), (0, "baba"), (0, "abba"), (1, "fgfg"), (1, "gfgf"), (1, "fggf")]);
        let test = set(&[(0, "aabb"), (1, "ffgg")]);
        let text = train.info.text.clone().expect("words");
        let judge = Judge::of(&text, &train, &test);
        let of = |words: &[(usize, &str)]| {
            let codes = |word: &str| text.codes(word, word.len()).expect("a word");
            judge.figures(&words.iter().map(|(class, word)| (*class, codes(word))).collect::<Vec<_>>())
        };
        let all = Figures { accuracy: 1.0, likely: 1.0, new: 1.0, distinct: 1.0 };
        assert_eq!(of(&[(0, "babab"), (1, "fgfgf")]), all);
        // The right word for the wrong class, a known one, one twice, and none at all.
        assert_eq!(of(&[(0, "fgfgf"), (1, "babab")]), Figures { accuracy: 0.0, likely: 0.0, ..all });
        assert_eq!(of(&[(0, "abab"), (1, "gfgf")]).new, 0.0);
        assert_eq!(of(&[(0, "babab"), (0, "babab"), (1, "fgfgf")]).distinct, 0.75);
        assert_eq!(of(&[(0, ""), (1, "")]), Figures { distinct: 1.0, ..Figures::default() });
    }
}
