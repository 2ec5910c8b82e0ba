//! What the address says of an experiment: `key:value` pairs with commas between. Pure.

use super::Kind;
use super::bench::Bench;
use super::edit::Way;
use super::paint::{Paint, RESAMPLINGS};
use crate::cells::Cells;
use ditscope_config::{DitConfig, Part};
use std::collections::BTreeSet;

impl Bench {
    /// Sets what an address says; the pieces that mean nothing here, or not of this model.
    pub fn set_as_told(&mut self, kind: Kind, dit: &DitConfig, text: &str) -> Vec<String> {
        let mut foreign = vec![];
        for piece in text.split(',') {
            let set = piece.split_once(':').and_then(|(key, value)| self.set(kind, dit, key, value));
            if set.is_none() {
                foreign.push(piece.to_owned());
            }
        }
        foreign
    }

    fn set(&mut self, kind: Kind, dit: &DitConfig, key: &str, value: &str) -> Option<()> {
        match (kind, key) {
            (Kind::OneStep, "t") => self.one_step.t = Some(number(value)?),
            (Kind::Paint, "cells") => {
                let [_, height, width] = dit.latent_shape();
                self.paint.cells = cells(value).filter(|cells| cells.shape() == [height, width])?;
            }
            (Kind::Paint, "again") => {
                self.paint.resamplings = number(value).filter(|times| RESAMPLINGS.contains(times))?;
            }
            (Kind::Paint, "strength") => self.paint.strength = share(value)?,
            (Kind::Edit, "way") => self.edit.way = Way::ALL[WAYS.iter().position(|name| *name == value)?],
            (Kind::Edit, "to") if self.edit.way == Way::Seeds => {
                self.edit.seed = Some(u64::from(value.parse::<u32>().ok()?));
            }
            (Kind::Edit, "to") => {
                self.edit.choose_class(number(value).filter(|class| *class < dit.num_classes)?);
            }
            (Kind::Break, "off") => {
                let mut off = BTreeSet::new();
                for name in value.split('.') {
                    off.insert(part(name).filter(|part| has(dit, *part))?);
                }
                self.without.block = off.first().and_then(|part| part.block()).unwrap_or_default();
                self.without.off = off;
            }
            (Kind::Break, "at") => {
                let (from, to) = value.split_once('-')?;
                let at = [share(from)?, share(to)?];
                self.without.at = Some(at).filter(|[from, to]| from <= to)?;
            }
            _ => return None,
        }
        Some(())
    }

    /// What an address says of this experiment; nothing where all is as it is at first.
    pub fn to_tell(&self, kind: Kind) -> Option<String> {
        let mut told = String::new();
        let mut tell = |key: &str, value: String| {
            for piece in [if told.is_empty() { "" } else { "," }, key, ":", &value] {
                told.push_str(piece);
            }
        };
        match kind {
            Kind::OneStep => self.one_step.t.into_iter().for_each(|t| tell("t", t.to_string())),
            Kind::Paint => {
                let (paint, first) = (&self.paint, Paint::default());
                if paint.cells.count() > 0 {
                    tell("cells", hexadecimal(&paint.cells));
                }
                if paint.resamplings != first.resamplings {
                    tell("again", paint.resamplings.to_string());
                }
                if paint.strength != first.strength {
                    tell("strength", percent(paint.strength));
                }
            }
            Kind::Edit => {
                let (way, edit) = (self.edit.way, &self.edit);
                if way != Way::default() {
                    tell("way", WAYS[Way::ALL.iter().position(|other| *other == way).unwrap_or_default()].to_owned());
                }
                let to = if way == Way::Seeds { edit.seed } else { edit.chosen_class().map(|class| class as u64) };
                to.into_iter().for_each(|to| tell("to", to.to_string()));
            }
            Kind::Break => {
                let (off, [from, to]) = (&self.without.off, self.without.at);
                if !off.is_empty() {
                    tell("off", off.iter().map(|part| part_name(*part)).collect::<Vec<_>>().join("."));
                }
                if [from, to] != [0.0, 1.0] {
                    tell("at", [percent(from), percent(to)].join("-"));
                }
            }
            Kind::Ideal => {}
        }
        (!told.is_empty()).then_some(told)
    }
}

/// As addresses name them, in the order of [`Way::ALL`].
const WAYS: [&str; 3] = ["invert", "seeds", "classes"];

/// Whether this can be taken from the model.
fn has(dit: &DitConfig, part: Part) -> bool {
    let has_block = part.block().is_none_or(|block| block < dit.depth);
    has_block
        && match part {
            Part::Block(_) => true,
            Part::Head(_, head) => head < dit.num_heads,
            Part::Class => dit.has_null_label,
            Part::Attention(_) | Part::Mlp(_) | Part::Shift(..) | Part::Scale(..) => !dit.conditioning.has_tokens(),
        }
}

fn number(value: &str) -> Option<usize> {
    value.parse::<u32>().ok().map(|number| number as usize)
}

/// From 0 to 1, of a number of percents.
fn share(value: &str) -> Option<f64> {
    number(value).filter(|percent| *percent <= 100).map(|percent| percent as f64 / 100.0)
}

fn percent(share: f64) -> String {
    ((share * 100.0).round() as u32).to_string()
}

/// `8.`, or `1x16.` where rows and columns differ, and four cells a digit, row by row; bits beyond the last cell mean nothing.
fn cells(value: &str) -> Option<Cells> {
    let (shape, digits) = value.split_once('.')?;
    let (rows, columns) = shape.split_once('x').unwrap_or((shape, shape));
    let [rows, columns] = [number(rows)?, number(columns)?];
    if Some(digits.len()) != rows.checked_mul(columns).map(|cells| cells.div_ceil(4)) {
        return None;
    }
    let digit = |i: usize| char::from(digits.as_bytes()[i]).to_digit(16);
    if (0..digits.len()).any(|i| digit(i).is_none()) {
        return None;
    }
    Some(Cells::marked_where([rows, columns], |i| digit(i / 4).unwrap_or_default() >> (3 - i % 4) & 1 == 1))
}

fn hexadecimal(cells: &Cells) -> String {
    let digit = |four: &[bool]| {
        let bits = (0..4).fold(0, |bits, i| bits * 2 + u32::from(four.get(i) == Some(&true)));
        char::from_digit(bits, 16).unwrap_or('0')
    };
    let digits: String = cells.marked().chunks(4).map(digit).collect();
    let [rows, columns] = cells.shape().map(|side| side.to_string());
    let shape = if rows == columns { rows } else { [rows, columns].join("x") };
    [shape, digits].join(".")
}

/// A kind's letters, and its block (and head).
fn part_name(part: Part) -> String {
    let (kind, block, head) = match part {
        Part::Block(block) => ("b", block, None),
        Part::Attention(block) => ("a", block, None),
        Part::Mlp(block) => ("m", block, None),
        Part::Head(block, head) => ("h", block, Some(head)),
        Part::Shift(block, of_mlp) => (if of_mlp { "sm" } else { "sa" }, block, None),
        Part::Scale(block, of_mlp) => (if of_mlp { "cm" } else { "ca" }, block, None),
        Part::Class => return "y".into(),
    };
    let numbers: Vec<String> = [Some(block), head].into_iter().flatten().map(|number| number.to_string()).collect();
    [kind, &numbers.join("-")].concat()
}

fn part(name: &str) -> Option<Part> {
    let (kind, rest) = name.split_at(name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len()));
    let (block, head) = rest.split_once('-').map_or((rest, None), |(block, head)| (block, Some(head)));
    let block = match (kind, rest) {
        ("y", "") => return Some(Part::Class),
        _ => number(block)?,
    };
    Some(match (kind, head) {
        ("b", None) => Part::Block(block),
        ("a", None) => Part::Attention(block),
        ("m", None) => Part::Mlp(block),
        ("h", Some(head)) => Part::Head(block, number(head)?),
        ("sa" | "sm", None) => Part::Shift(block, kind == "sm"),
        ("ca" | "cm", None) => Part::Scale(block, kind == "cm"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::as_told;
    use crate::update::tests::some_config;
    use ditscope_config::SampleSize;
    use proptest::prelude::*;

    fn dit(side: usize) -> DitConfig {
        DitConfig { sample_size: side.into(), depth: 4, num_heads: 2, ..some_config(10).transformer }
    }

    const KINDS: [Kind; 5] = [Kind::OneStep, Kind::Paint, Kind::Edit, Kind::Break, Kind::Ideal];

    #[test]
    fn what_is_told_is_set_and_told_again() {
        for (kind, text) in [
            (Kind::OneStep, "t:500"),
            (Kind::Paint, "cells:8.00003c3c3c000000,again:4,strength:80"),
            (Kind::Edit, "way:seeds,to:12"),
            (Kind::Edit, "way:classes,to:3"),
            (Kind::Edit, "to:8"),
            (Kind::Break, "off:b0.a1.m2.h3-1.sa0.cm0.y,at:20-100"),
        ] {
            let mut bench = Bench::default();
            assert_eq!(
                bench.set_as_told(kind, &dit(8), &as_told(text).expect("plain")),
                Vec::<String>::new(),
                "{text}"
            );
            assert_eq!(bench.to_tell(kind).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_square_that_does_not_fill_its_last_digit_is_told() {
        let mut bench = Bench::default();
        assert!(bench.set_as_told(Kind::Paint, &dit(3), "cells:3.88f").is_empty());
        assert_eq!(bench.paint.cells.marked(), [true, false, false, false, true, false, false, false, true]);
        assert_eq!(bench.to_tell(Kind::Paint).as_deref(), Some("cells:3.888"));
        let words = DitConfig { sample_size: SampleSize { height: 1, width: 6 }, ..dit(3) };
        assert!(bench.set_as_told(Kind::Paint, &words, "cells:1x6.0c").is_empty());
        assert_eq!(bench.to_tell(Kind::Paint).as_deref(), Some("cells:1x6.0c"));
    }

    #[test]
    fn what_means_nothing_is_named_and_sets_nothing() {
        let text = "off:b0.b4,at:90-20,t:5,cells:8.00,again:3,strength:200,way:away,to:10,block";
        for kind in KINDS {
            let (mut bench, mut known) = (Bench::default(), Bench::default());
            let foreign = bench.set_as_told(kind, &dit(8), text);
            if kind == Kind::OneStep {
                known.one_step.t = Some(5);
            }
            assert_eq!((foreign.len(), &bench), (if kind == Kind::OneStep { 8 } else { 9 }, &known), "{kind:?}");
        }
        assert!(as_told("").is_none() && as_told("off:<b>").is_none() && as_told(&"a".repeat(2000)).is_none());
    }

    #[test]
    fn nothing_is_told_of_what_is_as_at_first() {
        KINDS.into_iter().for_each(|kind| assert_eq!(Bench::default().to_tell(kind), None, "{kind:?}"));
    }

    proptest! {
        #[test]
        fn any_text_sets_what_can_be_told(at in 0..5_usize, text in "[a-z0-9:,.\\-]{0,40}|(off|at|t|cells|again|to):[a-z0-9.\\-]{0,20}") {
            let (mut bench, mut again) = (Bench::default(), Bench::default());
            bench.set_as_told(KINDS[at], &dit(8), &text);
            let told = bench.to_tell(KINDS[at]);
            if let Some(told) = &told {
                prop_assert!(again.set_as_told(KINDS[at], &dit(8), told).is_empty(), "{}", told);
            }
            prop_assert_eq!(told, again.to_tell(KINDS[at]));
        }
    }
}
