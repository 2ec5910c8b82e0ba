//! Parts of the network switched off: the run without them beside the whole one, and which are missed least.

use super::figures::{Figure, button, figure, group, list, picture, slider, status, switch};
use super::hand::Hand;
use crate::ui::live::Live;
use ditscope_config::Part;
use ditscope_page_state::Page;
use ditscope_page_state::compare::maps::distance;
use ditscope_page_state::lab::Kind;
use ditscope_page_state::lab::bench::{Bench, shown};
use ditscope_page_state::lab::without::ROUNDS;
use ditscope_plots::geometry::fixed;
use ditscope_words::{say, say_with};
use leptos::prelude::*;

pub fn view(hand: Hand) -> Live {
    let whole = figure(hand, |page, _| Figure::new(say("lab.whole"), picture(page, 0), ""));
    let broken = figure(hand, |page, _| {
        let experiment = shown(page, Kind::Break);
        let off = experiment.map(|it| it.pictures[1].without.clone());
        let title = off.as_ref().map_or_else(|| say("lab.without").into(), |off| names(off));
        let pixels = off.and_then(|_| picture(page, 1));
        let note = picture(page, 0).zip(pixels.as_ref()).and_then(|(a, b)| distance(&a, b));
        let note = note.map(|rms| say_with("lab.apart", &[("rms", &format!("{rms:.1}"))])).unwrap_or_default();
        Figure::new(title, pixels, note)
    });
    let count = hand.store.memo(|page| page.num_blocks());
    let blocks = Live::new("div", "lab-blocks").listing(count, Box::new(move |block| row(hand, block)));
    let heads = hand.store.memo(|page| page.models.config.as_ref().map_or(0, |config| config.transformer.num_heads));
    let heads = Live::new("div", "lab-heads").with("role", "group").with("aria-label", &say("lab.heads")).listing(
        heads,
        Box::new(move |head| of_block(hand, &format!("H{}", head + 1), move |block| Part::Head(block, head))),
    );
    let branches = group("lab-heads", branches(hand)).with("role", "group").with("aria-label", &say("lab.branches"));
    let block = list(
        hand,
        &say("lab.block-of"),
        |page, bench| {
            let of = |i: usize| (i.to_string(), (i + 1).to_string(), i == bench.without.block);
            (0..page.num_blocks()).map(of).collect()
        },
        move |block| {
            hand.act(|_, bench| {
                bench.without.block = block.parse().unwrap_or_default();
                None
            })
        },
    );
    let class = toggle(hand, &say("lab.class"), Part::Class);
    let nothing = button("", say("lab.all-on"), move || hand.act_and_run(|bench| bench.without.off.clear()));
    let nothing = nothing.live("disabled", hand.text(|_, bench| bench.without.off.is_empty().to_string()));
    group(
        "lab-body",
        vec![
            group("lab-row two", vec![whole, broken]),
            status(hand, words),
            group("lab-switches", vec![blocks, group("lab-fine", vec![block, heads, branches, class, nothing])]),
            group("lab-controls", vec![end(hand, 0, "lab.from"), end(hand, 1, "lab.to")]),
            Live::new("h2", "").saying(&say("lab.ranking")),
            Live::new("p", "hint").saying(&say("lab.about-ranking")),
            group("lab-buttons", vec![rank_button(hand)]),
            Live::new("p", "hint").live("text", hand.text(so_far)),
            ranking(hand),
        ],
    )
}

/// The switches of a block: all of it, its attention, its MLP.
fn row(hand: Hand, block: usize) -> Live {
    let number = block + 1;
    group(
        "lab-block",
        vec![
            toggle(hand, &say_with("lab.block", &[("number", &number)]), Part::Block(block)),
            toggle(hand, &say("lab.attention"), Part::Attention(block)),
            toggle(hand, &say("lab.mlp"), Part::Mlp(block)),
        ],
    )
    .with("role", "group")
    .with("aria-label", &say_with("lab.block", &[("number", &number)]))
}

fn toggle(hand: Hand, words: &str, part: Part) -> Live {
    let press = move || hand.act_and_run(|bench| bench.without.toggle(part));
    switch(hand, words, &name(part), move |_, bench| bench.without.off.contains(&part), press)
}

/// A switch of the block that is chosen.
fn of_block(hand: Hand, words: &str, part: impl Fn(usize) -> Part + Copy + 'static) -> Live {
    let press = move || {
        hand.act_and_run(|bench| {
            let part = part(bench.without.block);
            bench.without.toggle(part);
        });
    };
    let is_off = move |_: &Page, bench: &Bench| bench.without.off.contains(&part(bench.without.block));
    let shown = words.to_owned();
    let spoken = hand.text(move |_, bench| format!("{shown}: {}", name(part(bench.without.block))));
    switch(hand, words, words, is_off, press).live("aria-label", spoken)
}

fn branches(hand: Hand) -> Vec<Live> {
    let of = |key: &'static str, part: fn(usize) -> Part| of_block(hand, &say(key), part);
    vec![
        of("lab.shift-attention", |block| Part::Shift(block, false)),
        of("lab.scale-attention", |block| Part::Scale(block, false)),
        of("lab.shift-mlp", |block| Part::Shift(block, true)),
        of("lab.scale-mlp", |block| Part::Scale(block, true)),
    ]
}

/// Where in the run the parts are off.
fn end(hand: Hand, which: usize, key: &'static str) -> Live {
    slider(
        hand,
        &say(key),
        |_, _| (0.0, 100.0, 5.0),
        move |_, bench| 100.0 * bench.without.at[which],
        move |_, bench| format!("{:.0} %", 100.0 * bench.without.at[which]),
        move |percent, is_settled| {
            let change = |bench: &mut Bench| {
                bench.without.at[which] = percent / 100.0;
                bench.without.at[1 - which] = match which {
                    0 => bench.without.at[1].max(percent / 100.0),
                    _ => bench.without.at[0].min(percent / 100.0),
                };
            };
            match is_settled {
                true => hand.act_and_run(change),
                false => hand.act(|_, bench| {
                    change(bench);
                    None
                }),
            }
        },
    )
}

fn words(page: &Page, bench: &Bench) -> String {
    match shown(page, Kind::Break) {
        None => say("lab.begin-break").into(),
        Some(experiment) if experiment.pictures[1].without.is_empty() && bench.without.off.is_empty() => {
            say("lab.nothing-off").into()
        }
        Some(_) => say("lab.hint-break").into(),
    }
}

fn rank_button(hand: Hand) -> Live {
    let words = hand.text(|_, bench| match &bench.without.ranking {
        Some(ranking) if ranking.rounds >= ROUNDS => say("lab.rank-again").into(),
        Some(ranking) if ranking.goes_on => say("lab.rank-stop").into(),
        Some(_) => say("lab.rank-on").into(),
        None => say("lab.rank").into(),
    });
    let press = move || {
        hand.act(|page, bench| {
            let base = bench.base.clone();
            bench.without.toggle_ranking(page, base.as_ref());
            bench.look(page, Kind::Break).pop()
        });
    };
    let button = button("", "", press).live("text", words);
    button.live("disabled", hand.text(|_, bench| bench.base.is_none().to_string()))
}

/// The parts in order: what is missed least comes first.
fn ranking(hand: Hand) -> Live {
    let count = Memo::new(move |_| {
        hand.see(|_, bench| bench.without.ranking.as_ref().filter(|it| it.rounds > 0).map_or(0, |it| it.parts.len()))
    });
    Live::new("ol", "lab-ranking").listing(count, Box::new(move |i| ranked(hand, i)))
}

/// The part at a place of the order, which may be another one with the next noise.
fn ranked(hand: Hand, i: usize) -> Live {
    let at = move |bench: &Bench| bench.without.ranking.as_ref()?.order().get(i).copied();
    let part = move |bench: &Bench| at(bench).map(|(part, _)| part);
    let share =
        move |bench: &Bench| at(bench).map(|(_, more)| format!("{} %", fixed(100.0 * more, 1))).unwrap_or_default();
    let name = move |bench: &Bench| part(bench).map(self::name).unwrap_or_default();
    let length = move |_: &Page, bench: &Bench| {
        let order = bench.without.ranking.as_ref().map(|ranking| ranking.order()).unwrap_or_default();
        let most = order.iter().map(|(_, more)| *more).fold(1e-9, f64::max);
        // Few parts matter more than all others: roots keep these apart.
        order.get(i).map_or(0.0, |(_, more)| (more.max(0.0) / most).sqrt()).to_string()
    };
    let press = move || {
        hand.act_and_run(|bench| {
            part(bench).into_iter().for_each(|part| bench.without.toggle(part));
        });
    };
    let is_off = move |_: &Page, bench: &Bench| part(bench).is_some_and(|part| bench.without.off.contains(&part));
    let spoken =
        move |_: &Page, bench: &Bench| say_with("lab.rank-item", &[("part", &name(bench)), ("share", &share(bench))]);
    let switch = switch(hand, "", "", is_off, press).live("text", hand.text(move |_, bench| name(bench)));
    Live::new("li", "").of(vec![
        switch.live("aria-label", hand.text(spoken)),
        Live::new("meter", "").with("aria-hidden", "true").live("value", hand.text(length)),
        Live::new("span", "numbers").live("text", hand.text(move |_, bench| share(bench))),
    ])
}

fn so_far(_: &Page, bench: &Bench) -> String {
    let rounds = bench.without.ranking.as_ref().map_or(0, |ranking| ranking.rounds);
    if rounds == 0 { String::new() } else { say_with("lab.rank-so-far", &[("rounds", &rounds), ("of", &ROUNDS)]) }
}

/// `block 2: attention`
fn name(part: Part) -> String {
    let number = part.block().map_or(0, |block| block + 1);
    let key = match part {
        Part::Class => return say("lab.name-class").into(),
        Part::Head(_, head) => return say_with("lab.name-head", &[("number", &number), ("head", &(head + 1))]),
        Part::Block(_) => "lab.block",
        Part::Attention(_) => "lab.name-attention",
        Part::Mlp(_) => "lab.name-mlp",
        Part::Shift(_, false) => "lab.name-shift-attention",
        Part::Shift(_, true) => "lab.name-shift-mlp",
        Part::Scale(_, false) => "lab.name-scale-attention",
        Part::Scale(_, true) => "lab.name-scale-mlp",
    };
    say_with(key, &[("number", &number)])
}

fn names(off: &[Part]) -> String {
    match off {
        [] => say("lab.without-nothing").into(),
        [part] => say_with("lab.without-one", &[("part", &name(*part))]),
        parts => say_with("lab.without-many", &[("count", &parts.len())]),
    }
}
