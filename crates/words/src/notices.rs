//! The words for what the visitor is told.

use crate::{say, say_with};
use ditscope_page_state::{Allowed, Misfit, Notice};
use ditscope_protocol::{LoadNotice, Reason, Refusal};

/// A notice in words.
pub fn notice(notice: &Notice) -> String {
    let plain = match notice {
        Notice::Said(words) => return words.clone(),
        Notice::Refused(refusal) => return refused(refusal),
        Notice::Load(notice) => return load(notice),
        Notice::Ignored { .. } | Notice::Changed { .. } | Notice::UnknownKey(_) => return address(notice),
        Notice::MoreOfAddress { more } => return say_with("address.more", &[("more", more)]),
        Notice::AddressTooLong { bytes } => return say_with("address.too-long", &[("bytes", bytes)]),
        Notice::ClassClamped { class, last, label } => {
            return say_with("address.class-clamped", &[("class", class), ("last", last), ("label", label)]);
        }
        Notice::UnknownChapter { id, known } => {
            return say_with("tour.unknown-chapter", &[("id", id), ("known", &known.join(", "))]);
        }
        Notice::NotDecoded { step, why } => {
            return say_with("run.not-decoded", &[("step", step), ("why", &self::notice(why))]);
        }
        Notice::GoesOn { step, is_whole, why } => {
            let key = if *is_whole { "run.goes-on-whole" } else { "run.goes-on" };
            return say_with(key, &[("step", step), ("why", &self::notice(why))]);
        }
        Notice::TraceRows { head, token, sum } => {
            return say_with("inside.bad-rows", &[("head", head), ("token", token), ("sum", &format!("{sum:.4}"))]);
        }
        Notice::TraceSizes { sizes } => {
            let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
            return say_with("inside.bad-answer", &[("sizes", &sizes.join(", "))]);
        }
        Notice::NoListing { address } => return say_with("models.no-listing", &[("address", address)]),
        Notice::TourMissing { address } => return say_with("tour.missing", &[("address", address)]),
        Notice::TourDamaged { base } => return say_with("tour.damaged", &[("base", base)]),
        Notice::Storage(why) => return say_with("failures.storage", &[("why", why)]),
        Notice::NotDeleted { url, why } => return say_with("failures.delete", &[("url", url), ("why", why)]),
        Notice::NoWorker(why) => return say_with("failures.no-worker", &[("why", why)]),
        Notice::NotEncoded(why) => return say_with("take.not-encoded", &[("why", why)]),
        Notice::ForwardMisfit => say("forward.misfit"),
        Notice::StageMisfit => say("stage.misfit"),
        Notice::SoundMisfit => say("sound.misfit"),
        Notice::NoDecoder => say("stage.no-decoder"),
        Notice::NoModelAddress => say("models.no-address"),
        Notice::FolderEmpty => say("models.folder-empty"),
        Notice::FolderOfModels { .. } | Notice::FolderOfDiffusers(_) | Notice::FolderOfSomethingElse(_) => {
            return folder(notice);
        }
        Notice::NoCode => say("failures.code"),
        Notice::WorkerLate => say("failures.worker-late"),
        Notice::WorkerSilent => say("failures.worker-silent"),
        Notice::WorkerScript => say("failures.worker-script"),
        Notice::NothingMade => say("take.nothing-yet"),
        Notice::CopyByHand => say("take.copy-by-hand"),
        Notice::NoVideo => say("take.no-video"),
        Notice::NoMemory => say("take.no-memory"),
        Notice::Stopped => return String::new(),
        Notice::Misfit(misfit) => return self::misfit(misfit),
    };
    plain.into()
}

/// Frames and films that do not fit their description.
fn misfit(misfit: &Misfit) -> String {
    match misfit {
        Misfit::Recording => say("failures.recording").into(),
        Misfit::FilmSteps { steps, alpha_bars } => {
            say_with("failures.film-steps", &[("steps", steps), ("alpha_bars", alpha_bars)])
        }
        Misfit::FilmShape { count, pictures, latents } => {
            let (pictures, latents) = (format!("{pictures:?}"), format!("{latents:?}"));
            say_with("failures.film-shape", &[("count", count), ("pictures", &pictures), ("latents", &latents)])
        }
        Misfit::FrameOrder { step, due } => say_with("failures.frame-order", &[("step", step), ("due", due)]),
        Misfit::FrameBytes { step, pictures, found, due } => {
            let [pictures, found, due] = [&pictures[..], found, due].map(|sizes| format!("{sizes:?}"));
            let values: [(&str, &dyn ToString); 4] =
                [("step", step), ("pictures", &pictures), ("found", &found), ("due", &due)];
            say_with("failures.frame-bytes", &values)
        }
        Misfit::FrameParts { step } => say_with("failures.frame-parts", &[("step", step)]),
        Misfit::FramePreview { step } => say_with("failures.frame-preview", &[("step", step)]),
        Misfit::DecodedBytes { step, found, due } => {
            say_with("failures.decoded-bytes", &[("step", step), ("found", found), ("due", due)])
        }
        Misfit::NoPicture { picture, step } => say_with("failures.no-picture", &[("picture", picture), ("step", step)]),
    }
}

fn load(notice: &LoadNotice) -> String {
    let (key, why) = match notice {
        LoadNotice::CpuInstead(why) => ("run.cpu-instead", why),
        LoadNotice::NotKept(why) => ("run.not-kept", why),
        LoadNotice::LeftOut(Refusal { of, found, .. }) => {
            return say_with("run.left-out", &[("of", of), ("found", found)]);
        }
    };
    say_with(key, &[("why", &refused(why))])
}

/// Why the worker did not do something.
fn refused(Refusal { reason, of, found, allowed }: &Refusal) -> String {
    // Long: a table, an arm for each reason.
    let key = match reason {
        Reason::NoModel => "failures.no-model",
        Reason::RunFirst | Reason::Newer | Reason::Stopped => "failures.stopped",
        Reason::OutOfRange => "failures.out-of-range",
        Reason::Message => "failures.message",
        Reason::NoAdaLn => "inside.no-adaln",
        Reason::NoSound => "sound.none",
        Reason::NoEncoder => "forward.no-encoder",
        Reason::NotRead => "failures.not-read",
        Reason::Silent => "failures.silent",
        Reason::Policy => "failures.policy",
        Reason::NotShared => "failures.not-shared",
        Reason::NotServed => "failures.not-served",
        Reason::NoFile => "failures.no-file",
        Reason::BadFile => "failures.bad-file",
        Reason::Mismatch => "failures.mismatch",
        Reason::TooLarge | Reason::NoRoom => "failures.too-large",
        Reason::NotStored => "failures.not-stored",
        Reason::NoCheckpoint => "training.no-checkpoint",
        Reason::StorageFull => "failures.storage-full",
        Reason::NoWebGpu => "run.no-webgpu",
        Reason::NotSecure => "run.not-secure",
        Reason::NoAdapter => "run.no-adapter",
        Reason::SoftwareWebGpu => "run.software-webgpu",
        Reason::Device => "failures.device",
        Reason::Crashed => "failures.worker-stopped",
        Reason::OtherBuild => "failures.other-build",
    };
    say_with(key, &[("of", of), ("found", found), ("allowed", allowed)])
}

/// What became of a parameter of the address.
fn address(notice: &Notice) -> String {
    match notice {
        Notice::Ignored { key, value, allowed: what } => {
            say_with("address.ignored", &[("key", key), ("value", value), ("known", &allowed(what))])
        }
        Notice::Changed { key, value, kept } => {
            say_with("address.changed", &[("key", key), ("value", value), ("kept", kept)])
        }
        Notice::UnknownKey(key) => say_with("address.unknown", &[("key", key)]),
        _ => String::new(),
    }
}

/// A folder that is no model's.
fn folder(notice: &Notice) -> String {
    match notice {
        Notice::FolderOfModels { name, folders } => {
            say_with("models.folder-of-models", &[("name", name), ("folders", &folders.join(", "))])
        }
        Notice::FolderOfDiffusers(name) => say_with("models.folder-of-diffusers", &[("name", name), ("path", name)]),
        Notice::FolderOfSomethingElse(name) => say_with("models.folder-other", &[("name", name)]),
        _ => String::new(),
    }
}

fn allowed(allowed: &Allowed) -> String {
    let range = |from: &dyn ToString, to: &dyn ToString| say_with("address.range", &[("from", from), ("to", to)]);
    match allowed {
        Allowed::Model => say("address.known-model").into(),
        Allowed::Range(from, to) => range(from, to),
        Allowed::WholeNumber(from, to) => say_with("address.whole-number", &[("range", &range(from, to))]),
        Allowed::Interval => say("address.interval").into(),
        Allowed::OneOf(names) => say_with("address.one-of", &[("names", &names.join(", "))]),
        Allowed::Compare => say("address.known-compare").into(),
        Allowed::Chapter => say("tour.a-chapter").into(),
        Allowed::Lab => say("address.lab-setting").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_address_got_wrong_is_told_with_what_is_allowed() {
        let told = |query: &str| ditscope_page_state::address::parse(query).1.iter().map(notice).collect::<Vec<_>>();
        assert_eq!(
            told("guidance=99"),
            ["guidance = 99 in the address was changed to 10, the nearest that is possible."]
        );
        assert_eq!(
            told("steps=many"),
            ["steps = “many” in the address was ignored: use a whole number from 1 to 250."]
        );
        assert_eq!(told("a=b"), ["“a” in the address is not a setting and was ignored."]);
        assert!(told("view=upside-down")[0].contains("denoise, compare, forward, inside, onestep, findings, train"));
    }

    #[test]
    fn every_refusal_has_words() {
        crate::add(crate::forward());
        crate::add(crate::inside());
        crate::add(crate::training());
        for reason in Reason::ALL {
            let words = refused(&reason.of("«of»", "«found»", "«allowed»"));
            assert!(words.ends_with('.') || words.contains('«'), "{reason:?}: {words}");
            for fact in facts(reason) {
                assert!(words.contains(fact), "{reason:?}: {words}");
            }
        }
    }

    /// What is to be read in the words for a reason.
    fn facts(reason: Reason) -> &'static [&'static str] {
        match reason {
            Reason::NoModel | Reason::RunFirst | Reason::Newer | Reason::Stopped | Reason::NoAdaLn => &[],
            Reason::NoSound | Reason::NoEncoder | Reason::StorageFull | Reason::NoCheckpoint => &[],
            Reason::NoWebGpu | Reason::NotSecure | Reason::NoAdapter | Reason::SoftwareWebGpu => &[],
            Reason::OtherBuild => &[],
            Reason::Message | Reason::NotStored | Reason::BadFile | Reason::Device | Reason::Crashed => &["«found»"],
            Reason::Policy | Reason::NotShared => &["«of»"],
            Reason::NotRead | Reason::Silent | Reason::NotServed | Reason::NoFile => &["«of»", "«found»"],
            Reason::OutOfRange | Reason::Mismatch | Reason::TooLarge | Reason::NoRoom => {
                &["«of»", "«found»", "«allowed»"]
            }
        }
    }

    #[test]
    fn notices_have_words() {
        let why = std::sync::Arc::new(Misfit::NoPicture { picture: 3, step: 4 }.into());
        let words = notice(&Notice::NotDecoded { step: 4, why });
        assert!(words.contains('4') && words.contains('3'), "{words}");
        let shape = Notice::from(Misfit::FilmShape { count: 2, pictures: [0, 1], latents: [4, 8, 8] });
        assert!(notice(&shape).contains("[0, 1]") && notice(&shape).contains("[4, 8, 8]"));
        assert_eq!(
            notice(&Notice::Load(LoadNotice::CpuInstead(Reason::NoWebGpu.into()))),
            "This browser has no WebGPU. The CPU computes instead."
        );
        let refusal = Reason::OutOfRange.of("steps", 0, "1 to 250").into();
        assert_eq!(notice(&refusal), "steps = 0 is out of range: use 1 to 250.");
    }
}
