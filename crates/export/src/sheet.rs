//! The contact sheet: a trajectory, or all pictures, on a page to be printed. Its layout, pure; `make` draws it.
//!
//! Always on white with the light colours: paper has no dark theme.

use ditscope_page_state::colour::{RANGE, diverging};
use ditscope_page_state::film::{self, Film, Frame, Pixels, compares_scales, origin, place};
use ditscope_page_state::take::choice::{columns, even_frames};
use ditscope_protocol::RunInfo;
use ditscope_words::text::{sampler_of, savings};
use ditscope_words::{say, say_with};

/// The tokens of the light theme in web/style/tokens.css.
pub const PAPER: &str = "#ffffff";
const INK: &str = "#1d1f23";
const DIM: &str = "#5a5e66";

/// Frames of a trajectory on a sheet: three rows of five.
const MOST_FRAMES: usize = 15;
/// Channels of a latent that are shown; all that fit in a row.
const MOST_CHANNELS: usize = 4;

#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    pub width: usize,
    pub height: usize,
    pub items: Vec<Item>,
}

/// What is drawn, from the left upper corner.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Words {
        x: f64,
        /// The upper end of the line.
        y: f64,
        size: f64,
        bold: bool,
        colour: &'static str,
        /// Squeezed, where they are longer.
        most_width: f64,
        words: String,
    },
    Pixels {
        x: f64,
        y: f64,
        width: f64,
        height: f64,
        pixels: Pixels,
    },
}

/// Lengths that follow from the width of a picture on the sheet.
struct Measures {
    picture: (usize, usize),
    gap: f64,
    margin: f64,
    type_size: f64,
}

impl Measures {
    /// Small pictures are enlarged by whole numbers, huge ones made smaller.
    fn of(film: &Film, about: usize) -> Self {
        let [height, width] = film.info.image_shape.map(|side| side.max(1));
        let to = |side: usize| match (about as f64 / width as f64).round() {
            times if times >= 1.0 => side * times as usize,
            _ => (side * about / width).max(1),
        };
        let picture = (to(width), to(height));
        let unit = picture.0 as f64;
        Self { picture, gap: (unit / 14.0).round(), margin: (unit / 7.0).round(), type_size: (unit / 17.0).round() }
    }

    fn line(&self) -> f64 {
        (self.type_size * 1.5).round()
    }
}

/// The way of picture `i` from noise: x̂0 and x_t of about fifteen even steps.
pub fn trajectory(film: &Film, i: usize) -> Sheet {
    let frames = even_frames(film, MOST_FRAMES);
    // The fewest empty places; of those, the widest.
    let columns = match frames.len() {
        few @ 0..=4 => few.max(1),
        count => [5, 4, 3].into_iter().min_by_key(|columns| columns - 1 - (count - 1) % columns).unwrap_or(5),
    };
    let measures = Measures::of(film, 448);
    let tiles = tiles(film, &measures);
    let cell = measures.picture.1 as f64 + measures.gap / 2.0 + tiles.side.1 + 1.6 * measures.line();
    let (scale, seed) = origin(&film.info, i);
    let mut page = Page::new(film, measures, columns, &seed.to_string(), &scale.to_string());
    for (at, frame) in frames.iter().enumerate() {
        let (x, y) = page.cell(at, cell);
        let below = page.picture(x, y, film::picture(&film.info, frame, i));
        for channel in 0..tiles.count {
            let pixels = channel_map(&film.info, frame, i, channel);
            let x = x + channel as f64 * tiles.step;
            page.pixels((x, below), tiles.side, pixels);
        }
        page.label(x, below + tiles.side.1 + page.measures.gap / 4.0, label(film, frame, i));
    }
    page.legend(cell, frames.len());
    page.finish(cell, frames.len())
}

/// Channel `channel` of x_t of picture `i`, in the page's light colours.
fn channel_map(info: &RunInfo, frame: &Frame, i: usize, channel: usize) -> Pixels {
    let [_, height, width] = info.latent_shape;
    let size = height * width;
    let latent = film::of_picture(info, &frame.x_t, i).unwrap_or_default();
    let values = latent.get(channel * size..(channel + 1) * size).unwrap_or_default();
    Pixels { width, height, rgba: values.iter().flat_map(|value| diverging(*value, false)).collect() }
}

/// All pictures, as far as they are.
pub fn pictures(film: &Film) -> Sheet {
    let count = film.info.num_images;
    let measures = Measures::of(film, if count > 9 { 320 } else { 448 });
    let cell = measures.picture.1 as f64 + 1.6 * measures.line();
    let compares = compares_scales(&film.info);
    let (first, last) = (origin(&film.info, 0).1, origin(&film.info, count - 1).1);
    let seeds = if first == last { first.to_string() } else { format!("{first}–{last}") };
    let scale = if compares { "…".into() } else { film.info.settings.guidance_scale.to_string() };
    let mut page = Page::new(film, measures, columns(count).max(2), &seeds, &scale);
    if let Some(frame) = film.frames().last() {
        for i in 0..count {
            let (x, y) = page.cell(i, cell);
            let below = page.picture(x, y, film::picture(&film.info, frame, i));
            let (scale, seed) = origin(&film.info, i);
            let mut words = if compares {
                say_with("take.sheet-scale", &[("scale", &scale)])
            } else {
                say_with("take.sheet-seed", &[("seed", &seed)])
            };
            if frame.is_preview(i) {
                words.push_str(&format!(" · {}", say("take.preview")));
            }
            page.label(x, below, words);
        }
    }
    page.finish(cell, count)
}

fn label(film: &Film, frame: &Frame, i: usize) -> String {
    let (t, _) = place(&film.info, frame.step);
    let mut words = if frame.step >= film.steps() {
        say_with("take.sheet-finished", &[("step", &frame.step)])
    } else {
        say_with("take.sheet-step", &[("step", &frame.step), ("t", &t)])
    };
    if frame.is_preview(i) {
        words.push_str(&format!(" · {}", say("take.preview")));
    }
    words
}

/// A row of channels under a picture.
struct Tiles {
    count: usize,
    side: (f64, f64),
    step: f64,
}

fn tiles(film: &Film, measures: &Measures) -> Tiles {
    let [channels, height, width] = film.info.latent_shape;
    let gap = (measures.gap / 4.0).round();
    let step = (measures.picture.0 as f64 + gap) / MOST_CHANNELS as f64;
    // Whole multiples where there is room for one.
    let times = match ((step - gap) / width as f64).floor() {
        times if times >= 1.0 => times,
        _ => (step - gap) / width as f64,
    };
    let side = (times * width as f64, times * height as f64);
    Tiles { count: channels.min(MOST_CHANNELS), side, step: side.0 + gap }
}

/// A sheet in the making.
struct Page {
    measures: Measures,
    columns: usize,
    /// Where the cells begin.
    top: f64,
    items: Vec<Item>,
}

impl Page {
    fn new(film: &Film, measures: Measures, columns: usize, seeds: &str, scale: &str) -> Self {
        let mut page = Self { measures, columns, top: 0.0, items: vec![] };
        let (margin, size) = (page.measures.margin, page.measures.type_size);
        let room = page.width() - 2.0 * margin;
        page.words((margin, margin), size * 1.5, true, INK, room, format!("{} · {}", film.model, film.label));
        page.words((margin, margin + size * 2.2), size * 1.1, false, DIM, room, about(film, seeds, scale));
        page.top = (margin + size * 4.6).round();
        page
    }

    fn width(&self) -> f64 {
        let Measures { picture, gap, margin, .. } = self.measures;
        2.0 * margin + self.columns as f64 * (picture.0 as f64 + gap) - gap
    }

    fn cell(&self, at: usize, height: f64) -> (f64, f64) {
        let Measures { picture, gap, margin, .. } = self.measures;
        let (column, row) = ((at % self.columns) as f64, (at / self.columns) as f64);
        (margin + column * (picture.0 as f64 + gap), self.top + row * (height + gap))
    }

    /// Gives the place below it.
    fn picture(&mut self, x: f64, y: f64, pixels: Pixels) -> f64 {
        let (width, height) = self.measures.picture;
        self.pixels((x, y), (width as f64, height as f64), pixels);
        y + height as f64 + (self.measures.gap / 4.0).round()
    }

    fn pixels(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), pixels: Pixels) {
        self.items.push(Item::Pixels { x: x.round(), y: y.round(), width, height, pixels });
    }

    fn label(&mut self, x: f64, y: f64, words: String) {
        let (size, room) = (self.measures.type_size, self.measures.picture.0 as f64);
        self.words((x, y + size * 0.3), size, false, INK, room, words);
    }

    fn words(
        &mut self,
        (x, y): (f64, f64),
        size: f64,
        bold: bool,
        colour: &'static str,
        most_width: f64,
        words: String,
    ) {
        self.items.push(Item::Words { x, y, size, bold, colour, most_width, words });
    }

    /// What the colours of x_t mean, in the last line.
    fn legend(&mut self, cell: f64, count: usize) {
        let size = self.measures.type_size;
        let (left, y) = (self.measures.margin, self.end(cell, count));
        let words = say("take.sheet-legend").into_owned();
        let room = self.width() - 2.0 * left - size * 13.0;
        self.words((left, y), size * 0.9, false, DIM, room, words);
        let right = self.width() - left;
        let value = |i: usize| (i as f32 / 32.0 - 1.0) * RANGE;
        let rgba = (0..65).flat_map(|i| diverging(value(i), false)).collect();
        let bar = Pixels { width: 65, height: 1, rgba };
        self.words((right - size * 12.0, y), size * 0.9, false, DIM, size * 2.0, "−3".into());
        self.pixels((right - size * 10.5, y + size * 0.1), (size * 8.5, size * 0.7), bar);
        self.words((right - size * 1.5, y), size * 0.9, false, DIM, size * 2.0, "+3".into());
    }

    fn end(&self, cell: f64, count: usize) -> f64 {
        let rows = count.div_ceil(self.columns).max(1) as f64;
        self.top + rows * (cell + self.measures.gap) - self.measures.gap / 2.0
    }

    fn finish(self, cell: f64, count: usize) -> Sheet {
        let below = self.end(cell, count) + self.measures.line() + self.measures.margin / 2.0;
        Sheet { width: self.width().ceil() as usize, height: below.ceil() as usize, items: self.items }
    }
}

/// `guidance 4 · DDIM · 30 steps · seed 7 · recorded`
fn about(film: &Film, seeds: &str, scale: &str) -> String {
    let settings = &film.info.settings;
    let sampler = sampler_of(settings);
    let mut words = say_with(
        "take.sheet-settings",
        &[("scale", &scale), ("sampler", &sampler), ("steps", &settings.num_inference_steps), ("seed", &seeds)],
    );
    let mut more = |text: &str| words.push_str(&format!(" · {text}"));
    if !settings.savings.is_off() {
        more(&savings(&settings.savings));
    }
    if film.info.steps_skipped > 0 {
        more(&say_with("take.sheet-skipped", &[("step", &film.info.steps_skipped)]));
    }
    if !film.is_complete() {
        more(&say_with("take.until-step", &[("step", &film.last())]));
    }
    if film.recorded {
        more(&say("take.recorded"));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use ditscope_page_state::fixtures;

    fn words(sheet: &Sheet) -> Vec<&str> {
        let words = |item: &Item| matches!(item, Item::Words { .. });
        sheet
            .items
            .iter()
            .filter(|item| words(item))
            .map(|item| match item {
                Item::Words { words, .. } => words.as_str(),
                Item::Pixels { .. } => "",
            })
            .collect()
    }

    /// A film, of which there are words: they come with saving.
    fn film(steps: usize, n: usize, frames: usize) -> Film {
        ditscope_words::add(ditscope_words::save());
        fixtures::film(steps, n, frames)
    }

    /// Everything lies on the paper.
    fn assert_fits(sheet: &Sheet) {
        let (right, bottom) = (sheet.width as f64, sheet.height as f64);
        for item in &sheet.items {
            let (x, y, width, height) = match item {
                Item::Words { x, y, size, most_width, .. } => (*x, *y, most_width.min(1.0), *size),
                Item::Pixels { x, y, width, height, .. } => (*x, *y, *width, *height),
            };
            assert!(
                x >= 0.0 && y >= 0.0 && x + width <= right && y + height <= bottom,
                "{item:?} of {right} × {bottom}"
            );
        }
    }

    #[test]
    fn a_trajectory_has_fifteen_labelled_steps_and_their_latents() {
        let sheet = trajectory(&film(30, 2, 31), 1);
        assert_fits(&sheet);
        let pictures =
            sheet.items.iter().filter(|item| matches!(item, Item::Pixels { pixels, .. } if pixels.height == 3));
        assert_eq!(pictures.count(), 15);
        let tiles = sheet.items.iter().filter(|item| matches!(item, Item::Pixels { pixels, .. } if pixels.height == 2));
        assert_eq!(tiles.count(), 15 * 4);
        let words = words(&sheet);
        assert_eq!(words[0], "Fashion · Ankle boot");
        assert_eq!(words[1], "guidance 4 · DDIM · 30 steps · seed 8");
        let mut sparing = film(30, 2, 31);
        let mut info = (*sparing.info).clone();
        info.settings.savings.cache_interval = 2;
        sparing.info = std::sync::Arc::new(info);
        assert!(self::words(&trajectory(&sparing, 1))[1].ends_with("seed 8 · Middle blocks every 2 steps"));
        assert_eq!((words[2], words[16]), ("step 0 · t = 290", "step 30 · finished"));
    }

    #[test]
    fn a_short_a_cancelled_and_a_recorded_run_fit_too() {
        for frames in 0..4 {
            let mut film = film(9, 16, frames);
            film.recorded = frames == 3;
            let sheet = trajectory(&film, 15);
            assert_fits(&sheet);
            assert!(words(&sheet)[1].contains("recorded") == film.recorded, "{:?}", words(&sheet));
            assert!(words(&sheet)[1].contains("until step"));
            assert_fits(&pictures(&film));
        }
    }

    #[test]
    fn all_pictures_have_their_seeds_or_scales() {
        let mut film = film(2, 16, 3);
        let sheet = pictures(&film);
        assert_fits(&sheet);
        assert_eq!(sheet.items.iter().filter(|item| matches!(item, Item::Pixels { .. })).count(), 16);
        assert!(words(&sheet)[1].contains("seed 7–22"));
        assert_eq!(words(&sheet)[2..4], ["seed 7", "seed 8"]);
        let mut info = (*film.info).clone();
        info.guidance_scales[3] = 1.5;
        film.info = std::sync::Arc::new(info);
        assert_eq!(words(&pictures(&film))[5], "guidance 1.5");
    }

    #[test]
    fn huge_pictures_are_made_smaller() {
        let mut film = film(1, 1, 2);
        let mut info = (*film.info).clone();
        info.image_shape = [4096, 4096];
        film.info = std::sync::Arc::new(info);
        let sheet = trajectory(&film, 0);
        assert!(sheet.width < 2000, "{}", sheet.width);
    }
}
