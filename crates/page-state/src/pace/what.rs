//! What can be measured.

use crate::models::{Models, is_in_8_bits, to_fetch};
use crate::{ModelRef, Notice};
use ditscope_config::DitConfig;

/// Models with no more than this to fetch are measured unless the visitor says otherwise.
const SMALL: u64 = 6_000_000;
/// Side of the latents of pictures of 256 pixels.
const SIDE: usize = 32;

#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    Model(ModelRef),
    /// The largest official model, with random weights.
    Xl2,
}

/// Something that can be measured, and whether it is measured where the visitor does not choose.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    pub subject: Subject,
    pub name: String,
    /// Bytes that are fetched for it.
    pub to_fetch: u64,
    pub chosen: bool,
}

/// Why something was not measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    Told(Notice),
    /// Nothing was heard for so many seconds.
    Silent(u32),
    /// Times that say nothing: more blocks took no longer than few.
    Unsteady,
}

/// All models that are known here but for folders of the visitor's, and XL/2. The model in use (`current`) is measured, and
/// those that are stored or small; where `is_spare` (data, or the memory of a phone), what is here alone.
pub fn offers(models: &Models, current: &ModelRef, base: &str, is_spare: bool) -> Vec<Offer> {
    let all = models.all().into_iter().filter(|(model, _)| !matches!(model, ModelRef::Folder(_)));
    let offer = |(model, entry)| {
        let source = ModelRef::source(&model, base);
        let to_fetch = to_fetch(&entry, &source, models.stored_bytes(&source));
        // The same arithmetic as of the other one.
        let is_small = to_fetch <= SMALL && !is_in_8_bits(&model) && !is_spare;
        let chosen = model == *current || to_fetch == 0 || is_small;
        Offer { subject: Subject::Model(model), name: entry.name, to_fetch, chosen }
    };
    let xl2 = Offer { subject: Subject::Xl2, name: "DiT-XL/2".into(), to_fetch: 0, chosen: !is_spare };
    all.map(offer).chain([xl2]).collect()
}

/// DiT-XL/2 at 256 pixels, whole or with so many of its blocks.
pub(super) fn xl2(blocks: Option<usize>) -> DitConfig {
    let whole = DitConfig::official("XL", SIDE).unwrap_or_else(|_| unreachable!("a preset of the paper"));
    DitConfig { depth: blocks.unwrap_or(whole.depth), ..whole }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::tests::entry;
    use crate::models::{Listing, StorageReport, Stored};

    #[test]
    fn what_is_here_or_small_is_measured() {
        let ids =
            [("used", 9_000_000), ("large", 9_000_000), ("small", 5_000_000), ("small-int8", 3_000_000), ("kept", 9)];
        let shipped = Listing::Known(ids.map(|(id, bytes)| entry(id, bytes)).to_vec());
        let stored = vec![Stored { url: "http://a/assets/models/kept".into(), bytes: 9 }];
        let storage = Some(StorageReport { stored, ..StorageReport::default() });
        let models = Models { shipped, storage, ..Models::default() };
        let chosen = |is_spare| {
            let offers = offers(&models, &ModelRef::Shipped("used".into()), "http://a/", is_spare);
            assert_eq!(offers.len(), 6);
            offers.into_iter().filter(|offer| offer.chosen).map(|offer| offer.name).collect::<Vec<_>>()
        };
        assert_eq!(chosen(false), ["Model used", "Model small", "Model kept", "DiT-XL/2"]);
        assert_eq!(chosen(true), ["Model used", "Model kept"]);
    }

    #[test]
    fn xl2_is_the_papers() {
        assert_eq!(xl2(None).preset(), Some("XL"));
        assert!((xl2(None).num_params() as f64 / 1e6 - 675.0).abs() < 1.0);
        assert_eq!((xl2(Some(2)).depth, xl2(Some(2)).hidden_size), (2, 1152));
    }
}
