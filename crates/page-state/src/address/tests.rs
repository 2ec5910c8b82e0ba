use super::*;
use proptest::prelude::*;

#[test]
fn an_empty_address_means_the_defaults() {
    assert_eq!(parse(""), (Address::default(), vec![]));
    assert!(parse("?").0.model.is_default());
}

#[test]
fn out_of_range_values_are_clamped_with_a_notice() {
    let (address, notices) = parse("?guidance=99&steps=0&n=17&seed=-1&class=3&present=0");
    assert_eq!(address.chosen.guidance_scale, Some(10.0));
    assert_eq!(address.chosen.num_inference_steps, Some(1));
    assert_eq!(address.chosen.num_images, Some(16));
    assert_eq!(address.chosen.seed, Some(0));
    assert_eq!(address.chosen.class, Some(3));
    assert_eq!(notices.len(), 4);
    let told = Notice::Changed { key: "guidance".into(), value: "99".into(), kept: "10".into() };
    assert_eq!(notices[0], told);
}

#[test]
fn foreign_values_are_ignored_with_a_notice() {
    let (address, notices) = parse(
        "guidance=NaN&steps=many&sampler=rk4&spacing=karras&backend=tpu&colour=red&model=../secret&seed=&embed=yes&present=",
    );
    assert_eq!(address, Address::default());
    assert_eq!(notices.len(), 10, "{notices:?}");
}

#[test]
fn a_chapter_of_the_tour_may_be_named_or_not() {
    assert_eq!(parse("tour").0.tour, Some(String::new()));
    // It is of the model that the tour speaks of, if it names none.
    assert!(parse("tour=noise&class=3").0.model.is_of_tour() && !parse("class=3").0.model.is_of_tour());
    assert!(parse(&format!("model={}&tour", crate::DEFAULT_MODEL)).0.model.is_default());
    assert_eq!(parse("tour&model=emoji").0.model, ModelRef::Shipped("emoji".into()));
    assert_eq!(parse("tour=Guidance").0.tour, Some("guidance".into()));
    let (address, notices) = parse("tour=%3Cb%3E");
    assert_eq!((address.tour, notices.len()), (None, 1));
}

#[test]
fn the_measuring_is_opened_by_an_address_and_is_in_no_link_to_a_run() {
    let (address, notices) = parse("bench=1");
    assert!(address.bench && notices.is_empty() && !address.names_run());
    assert!(!query(&address, &RunSettings::default()).contains("bench"));
    assert_eq!(parse("bench=yes").1.len(), 1);
}

#[test]
fn a_sampler_name_may_be_typed_by_hand() {
    for query in ["sampler=dpm++", "sampler=dpm%2B%2B"] {
        assert_eq!(parse(query).0.chosen.sampler, Some(SamplerKind::DpmSolverPlusPlus));
    }
}

/// Without it a run visits what the model says, and its link says nothing of it.
#[test]
fn a_spacing_is_told_only_where_one_was_chosen() {
    for spacing in TimestepSpacing::ALL {
        let (address, notices) = parse(&format!("spacing={}", spacing.name()));
        assert_eq!((address.chosen.timestep_spacing, notices.len()), (Some(spacing), 0));
        assert!(address.names_run());
        let settings = address.chosen.over(&RunSettings::default());
        assert!(query(&address, &settings).contains(&format!("&spacing={}&", spacing.name())));
    }
    assert!(!query(&Address::default(), &RunSettings::default()).contains("spacing"));
}

#[test]
fn relative_addresses_hang_on_the_folder() {
    assert_eq!(folder_of("https://a.b/c/index.html?x=/y#/z"), "https://a.b/c/");
    assert_eq!(folder_of("http://127.0.0.1:8080/"), "http://127.0.0.1:8080/");
}

fn settings() -> impl Strategy<Value = RunSettings> {
    let numbers = (0usize..1000, 10u32..=100, 1usize..=250, 0u64..=u32::MAX.into(), 1usize..=16);
    let sampler = prop::sample::select(&SamplerKind::ALL[..]);
    let spacing = prop::option::of(prop::sample::select(&TimestepSpacing::ALL[..]));
    let kinds = (sampler, spacing, savings());
    (numbers, kinds).prop_map(|((class, tenths, steps, seed, n), (sampler, timestep_spacing, savings))| RunSettings {
        class,
        guidance_scale: f64::from(tenths) / 10.0,
        num_inference_steps: steps,
        sampler,
        timestep_spacing,
        seed,
        num_images: n,
        savings,
    })
}

fn savings() -> impl Strategy<Value = Savings> {
    let interval = prop::option::of((0.0..=1.0, 0.0..=1.0).prop_map(|(a, b): (f64, f64)| [a.min(b), a.max(b)]));
    (interval, Savings::CACHE_INTERVAL)
        .prop_map(|(guidance_interval, cache_interval)| Savings { guidance_interval, cache_interval })
}

#[test]
fn a_sampler_for_other_models_counts_only_where_it_fits() {
    let chosen = parse("sampler=unipc").0.chosen;
    let used = |sampler| chosen.over(&RunSettings { sampler, ..RunSettings::default() }).sampler;
    assert_eq!((used(SamplerKind::Ddim), used(SamplerKind::Heun)), (SamplerKind::UniPc, SamplerKind::Heun));
}

#[test]
fn an_interval_that_is_none_is_told() {
    for query in ["interval=", "interval=0.5", "interval=0.8,0.2", "interval=0,2", "interval=NaN,1", "interval=0,1,2"] {
        let (address, notices) = parse(query);
        assert_eq!((address.chosen.savings, notices.len()), (None, 1), "{query}");
    }
    let (address, notices) = parse("interval=0.2,0.8&reuse=0");
    assert_eq!(address.chosen.savings, Some(Savings { guidance_interval: Some([0.2, 0.8]), cache_interval: 1 }));
    assert!(matches!(&notices[0], Notice::Changed { key, .. } if key == "reuse"), "{notices:?}");
}

#[test]
fn what_cannot_be_compared_is_told() {
    let (address, notices) = parse("compare=guidance:0,2,99");
    assert_eq!(address.compare, Some(What::Guidance(vec![1.0, 2.0, 10.0])));
    assert!(matches!(&notices[0], Notice::Changed { kept, .. } if kept == "guidance:1,2,10"), "{notices:?}");
    for query in ["compare=steps:5", "compare=seeds:1,2", "compare=samplers:ddim,euler", "compare="] {
        let (address, notices) = parse(query);
        assert_eq!((address.compare, notices.len()), (None, 1), "{query}");
    }
    assert_eq!(parse("compare=steps:1,2&compare=guidance"), (Address::default(), vec![]));
}

fn compared() -> impl Strategy<Value = Option<What>> {
    let scales = prop::collection::vec(10u32..=100, 2..9)
        .prop_map(|tenths| What::Guidance(tenths.into_iter().map(|tenths| f64::from(tenths) / 10.0).collect()));
    let steps = prop::collection::vec(1usize..=250, 2..9).prop_map(What::Steps);
    let samplers = prop::sample::subsequence(&SamplerKind::ALL[..], 2..=4).prop_map(What::SomeSamplers);
    prop_oneof![scales, steps, samplers, Just(What::Samplers)].prop_map(What::sound)
}

proptest! {
    #[test]
    fn every_run_survives_the_address_bar(
        settings in settings(), backend in 0..3, view in prop::sample::select(Mode::all().collect::<Vec<_>>()), compare in compared(),
        (present, embed) in any::<(bool, bool)>(),
        path in "[!$-;=A-Z_a-z~]{0,20}"
    ) {
        let backend = [BackendChoice::Auto, BackendChoice::WebGpu, BackendChoice::Cpu][backend as usize];
        let model = ModelRef::parse(&format!("https://a.b/{path}")).unwrap_or(ModelRef::Shipped("a-model_1.0".into()));
        let language = Some(Language::German);
        let (tour, chosen, bench) = (Some("adaln-zero".into()), Chosen::default(), false);
        let depth = Some(PageDepth::Full);
        let noise_t = (view == Mode::Forward).then_some(571);
        let asks_for_class = view == Mode::Forward && present;
        let lab = matches!(view, Mode::Lab(_)).then(|| "off:b0.h1-3,at:20-100".to_owned());
        let written = Address {
            model, backend, view, compare, noise_t, asks_for_class, lab, language, depth, present, embed, bench, tour, chosen,
        };
        let (address, notices) = parse(&query(&written, &settings));
        prop_assert_eq!(notices, Vec::<Notice>::new());
        // Of a model that the sampler is for.
        let defaults = RunSettings { sampler: settings.sampler.peers()[0], ..RunSettings::default() };
        prop_assert_eq!(address.chosen.over(&defaults), settings);
        prop_assert_eq!(Address { chosen: Chosen::default(), ..address }, written);
    }

    #[test]
    fn any_text_gives_settings_in_range(query in "\\PC{0,80}|(guidance|steps|n|seed|class|compare|reuse|interval)=[-0-9.,e%+]{0,12}|compare=(guidance|steps|samplers):[-0-9.,NaN]{0,20}") {
        let (address, _) = parse(&query);
        prop_assert!(address.compare.as_ref().is_none_or(|what| what.clone().sound() == Some(what.clone())));
        let mut settings = address.chosen.over(&RunSettings::default());
        settings.class = 0;
        prop_assert_eq!(settings.validate(1), Ok(()));
    }
}

#[test]
fn a_hostile_address_is_told_in_few_words() {
    let (address, notices) = parse(&"x=1&".repeat(4000));
    assert_eq!((address, notices.len()), (Address::default(), MOST_NOTICES + 1));
    assert_eq!(notices.last(), Some(&Notice::MoreOfAddress { more: 4000 - MOST_NOTICES }));
    let (address, notices) = parse(&format!("class=3&y={}", "z".repeat(10 << 20)));
    assert_eq!((address, notices.len()), (Address::default(), 1), "ten megabytes are not read");
    let (_, notices) = parse("%E2%80%AEgnp.exe%00%E2%80%8B=1");
    assert_eq!(notices, [Notice::UnknownKey("\u{FFFD}gnp.exe\u{FFFD}\u{FFFD}".into())]);
    for model in
        ["javascript:alert(1)", "data:text/html,x", "https://a.b@c.d/e", "file:///etc", "//a.b/c", "blob:https://a.b/c"]
    {
        let (address, notices) = parse(&format!("model={model}"));
        assert!(address.model.is_default() && notices.len() == 1, "{model}");
    }
    for key in ["__proto__", "constructor", "toString", "class.constructor"] {
        assert_eq!(parse(&format!("{key}=1")), (Address::default(), vec![Notice::UnknownKey(key.into())]));
    }
}

proptest! {
    /// What a notice quotes is short and has no sign that is not seen.
    #[test]
    fn whatever_is_quoted_of_an_address_can_be_read(key in "\\PC{0,200}|[\u{200B}-\u{206F}\u{0}-\u{1F}]{0,60}") {
        let quoted = values::shorten(&key);
        prop_assert!(quoted.chars().count() <= 41);
        let is_hidden = |c: char| c.is_control() || ['\u{200B}', '\u{202E}', '\u{2066}', '\u{FEFF}'].contains(&c);
        prop_assert!(!quoted.chars().any(is_hidden), "{:?}", quoted);
    }
}

/// README.md has a table of them, for people.
#[test]
fn the_readme_lists_every_parameter() {
    let readme = include_str!("../../../../README.md");
    let table = readme.split("| parameter |").nth(1).expect("the table of parameters");
    let rows = table.lines().take_while(|line| line.starts_with('|') || line.is_empty() || line.starts_with(' '));
    let listed: Vec<&str> = rows.filter_map(|line| Some(line.strip_prefix("| `")?.split_once("` |")?.0)).collect();
    let keys: Vec<&str> = PARAMETERS.iter().map(|parameter| parameter.key).collect();
    assert_eq!(listed, keys);
}

/// A link as it was written before the parameters were a table, every one of them with another value than the usual.
#[test]
fn links_of_old_open_as_they_did() {
    let link = "?model=https://a.b/c%2520d&class=3&guidance=4.5&steps=20&sampler=dpm%2B%2B&seed=12&n=4&reuse=2\
                &interval=0.2,0.8&backend=cpu&view=compare&compare=samplers:ddim,dpm%2B%2B&lang=de&present=1&tour=noise";
    let (address, notices) = parse(link);
    assert_eq!(notices, []);
    assert_eq!(address.model, ModelRef::Url("https://a.b/c%20d".into()));
    let settings = address.chosen.over(&RunSettings::default());
    assert_eq!((settings.class, settings.guidance_scale, settings.num_inference_steps), (3, 4.5, 20));
    assert_eq!((settings.sampler, settings.seed, settings.num_images), (SamplerKind::DpmSolverPlusPlus, 12, 4));
    assert_eq!(settings.savings, Savings { guidance_interval: Some([0.2, 0.8]), cache_interval: 2 });
    assert_eq!((address.backend, address.view), (BackendChoice::Cpu, Mode::Compare));
    let samplers = vec![SamplerKind::Ddim, SamplerKind::DpmSolverPlusPlus];
    assert_eq!(address.compare, Some(What::SomeSamplers(samplers)));
    assert_eq!(
        (address.language, address.present, address.tour.as_deref()),
        (Some(Language::German), true, Some("noise"))
    );
    assert_eq!(format!("?{}", query(&address, &settings)), link, "and is written the same");
}
