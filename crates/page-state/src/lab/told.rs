//! What the address says of an experiment: `key:value` pairs with commas between. Pure.

use super::Kind;
use super::bench::Bench;
use super::edit::Way;
use super::paint::{Paint, RESAMPLINGS};
use crate::cells::Cells;
use ditscope_config::{DitConfig, Part};

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
            (Kind::OneStep, "t") => self.one_step.t = Some(value.parse().ok()?),
            (Kind::Paint, "cells") => {
                self.paint.cells = cells(value).filter(|cells| cells.side() == dit.sample_size)?
            }
            (Kind::Paint, "again") => {
                self.paint.resamplings = value.parse().ok().filter(|times| RESAMPLINGS.contains(times))?;
            }
            (Kind::Paint, "strength") => self.paint.strength = share(value)?,
            (Kind::Edit, "way") => self.edit.way = Way::ALL.into_iter().find(|way| way_name(*way) == value)?,
            (Kind::Edit, "to") if self.edit.way == Way::Seeds => {
                self.edit.seed = Some(value.parse::<u32>().ok()?.into());
            }
            (Kind::Edit, "to") => {
                self.edit.choose_class(value.parse().ok().filter(|class| *class < dit.num_classes)?);
            }
            (Kind::Break, "off") => {
                self.without.off =
                    value.split('.').map(|name| part(name).filter(|part| has(dit, *part))).collect::<Option<_>>()?;
                self.without.block = self.without.off.iter().find_map(|part| part.block()).unwrap_or_default();
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
        let mut pieces = vec![];
        match kind {
            Kind::OneStep => pieces.extend(self.one_step.t.map(|t| format!("t:{t}"))),
            Kind::Paint => {
                let (paint, first) = (&self.paint, Paint::default());
                pieces.extend((paint.cells.count() > 0).then(|| format!("cells:{}", hexadecimal(&paint.cells))));
                let again = paint.resamplings;
                pieces.extend((again != first.resamplings).then(|| format!("again:{again}")));
                let strength = paint.strength;
                pieces.extend((strength != first.strength).then(|| format!("strength:{strength}")));
            }
            Kind::Edit => {
                let (way, edit) = (self.edit.way, &self.edit);
                pieces.extend((way != Way::default()).then(|| format!("way:{}", way_name(way))));
                let to = if way == Way::Seeds { edit.seed } else { edit.chosen_class().map(|class| class as u64) };
                pieces.extend(to.map(|to| format!("to:{to}")));
            }
            Kind::Break => {
                let (off, [from, to]) = (&self.without.off, self.without.at);
                let parts: Vec<String> = off.iter().map(|part| part_name(*part)).collect();
                pieces.extend((!parts.is_empty()).then(|| format!("off:{}", parts.join("."))));
                pieces.extend(([from, to] != [0.0, 1.0]).then(|| format!("at:{from}-{to}")));
            }
            Kind::Ideal => {}
        }
        (!pieces.is_empty()).then(|| pieces.join(","))
    }
}

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

/// From 0 to 1.
fn share(value: &str) -> Option<f64> {
    value.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share))
}

fn way_name(way: Way) -> &'static str {
    match way {
        Way::Invert => "invert",
        Way::Seeds => "seeds",
        Way::Classes => "classes",
    }
}

/// `8.` and four cells a digit, row by row; cells that are too many for the last digit's bits are not marked.
fn cells(value: &str) -> Option<Cells> {
    let (side, digits) = value.split_once('.')?;
    let side: usize = side.parse::<u16>().ok()?.into();
    if digits.len() != (side * side).div_ceil(4) {
        return None;
    }
    let digits: Vec<u32> = digits.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    Some(Cells::marked_where(side, |i| digits[i / 4] >> (3 - i % 4) & 1 == 1))
}

fn hexadecimal(cells: &Cells) -> String {
    let digit = |four: &[bool]| {
        let bits = (0..4).fold(0, |bits, i| bits * 2 + u32::from(four.get(i) == Some(&true)));
        char::from_digit(bits, 16).unwrap_or('0')
    };
    let digits: String = cells.marked().chunks(4).map(digit).collect();
    format!("{}.{digits}", cells.side())
}

fn part_name(part: Part) -> String {
    let half = |of_mlp: bool| if of_mlp { 'm' } else { 'a' };
    match part {
        Part::Block(block) => format!("b{block}"),
        Part::Attention(block) => format!("a{block}"),
        Part::Mlp(block) => format!("m{block}"),
        Part::Head(block, head) => format!("h{block}-{head}"),
        Part::Shift(block, of_mlp) => format!("s{}{block}", half(of_mlp)),
        Part::Scale(block, of_mlp) => format!("c{}{block}", half(of_mlp)),
        Part::Class => "y".into(),
    }
}

fn part(name: &str) -> Option<Part> {
    let of_half = |rest: &str| {
        let of_mlp = rest.starts_with('m');
        let block = rest.strip_prefix(['a', 'm'])?.parse().ok()?;
        Some((block, of_mlp))
    };
    let mut rest = name.chars();
    let kind = rest.next()?;
    let rest = rest.as_str();
    let number = || rest.parse().ok();
    Some(match kind {
        'b' => Part::Block(number()?),
        'a' => Part::Attention(number()?),
        'm' => Part::Mlp(number()?),
        'h' => {
            let (block, head) = rest.split_once('-')?;
            Part::Head(block.parse().ok()?, head.parse().ok()?)
        }
        's' => of_half(rest).map(|(block, of_mlp)| Part::Shift(block, of_mlp))?,
        'c' => of_half(rest).map(|(block, of_mlp)| Part::Scale(block, of_mlp))?,
        'y' if rest.is_empty() => Part::Class,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::as_told;
    use crate::update::tests::some_config;
    use proptest::prelude::*;

    fn dit(side: usize) -> DitConfig {
        DitConfig { sample_size: side, depth: 4, num_heads: 2, ..some_config(10).transformer }
    }

    const KINDS: [Kind; 5] = [Kind::OneStep, Kind::Paint, Kind::Edit, Kind::Break, Kind::Ideal];

    #[test]
    fn what_is_told_is_set_and_told_again() {
        for (kind, text) in [
            (Kind::OneStep, "t:500"),
            (Kind::Paint, "cells:8.00003c3c3c000000,again:4,strength:0.8"),
            (Kind::Edit, "way:seeds,to:12"),
            (Kind::Edit, "way:classes,to:3"),
            (Kind::Edit, "to:8"),
            (Kind::Break, "off:b0.a1.m2.h3-1.sa0.cm0.y,at:0.2-1"),
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
    }

    #[test]
    fn what_means_nothing_is_named_and_sets_nothing() {
        let text = "off:b0.b4,at:0.9-0.2,t:5,cells:8.00,again:3,strength:2,way:away,to:10,block";
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
