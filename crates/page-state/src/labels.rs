//! Searching among many class names. Pure.

/// The classes that a search finds, best first: by number, by the beginning of a name, of a word, by any part.
/// An empty search finds all. The case of the letters A to Z does not count (the tables for all others are large).
pub fn search(labels: &[String], query: &str) -> Vec<usize> {
    let query = query.trim().to_ascii_lowercase();
    if query.is_empty() {
        return (0..labels.len()).collect();
    }
    let ranks: Vec<_> =
        labels.iter().enumerate().map(|(i, label)| rank(i, &label.to_ascii_lowercase(), &query)).collect();
    let ranks = &ranks;
    let of = |wanted: u8| (0..ranks.len()).filter(move |class| ranks[*class] == Some(wanted));
    (0..=WORST).flat_map(of).collect()
}

/// Of what [`rank`] gives.
const WORST: u8 = 4;

/// How well a class fits, 0 best; nothing if it does not.
fn rank(class: usize, label: &str, query: &str) -> Option<u8> {
    let number = class.to_string();
    if number == query {
        return Some(0);
    }
    if let Some(at) = label.find(query) {
        let starts_word =
            label.match_indices(query).any(|(at, _)| !label[..at].ends_with(|c: char| c.is_ascii_alphanumeric()));
        return Some(if at == 0 {
            1
        } else if starts_word {
            2
        } else {
            3
        });
    }
    number.starts_with(query).then_some(WORST)
}

/// Rows of a long list to draw: those in sight and some beyond both edges. All lengths in pixels.
pub fn window(count: usize, row: f64, scrolled: f64, height: f64) -> std::ops::Range<usize> {
    const BEYOND: usize = 20;
    let first = (scrolled / row).max(0.0) as usize;
    let last = ((scrolled + height) / row).max(0.0).ceil() as usize;
    let first = first.saturating_sub(BEYOND).min(count);
    first..last.saturating_add(BEYOND).min(count).max(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<String> {
        ["tench, Tinca tinca", "goldfish", "great white shark", "golden retriever", "fish hook", "jellyfish"]
            .map(String::from)
            .into()
    }

    #[test]
    fn names_are_found_by_any_part_and_the_best_come_first() {
        assert_eq!(search(&labels(), "Fish"), [4, 1, 5]);
        assert_eq!(search(&labels(), " tinca "), [0]);
        assert_eq!(search(&labels(), "shark"), [2]);
        assert_eq!(search(&labels(), "zebra"), Vec::<usize>::new());
        assert_eq!(search(&labels(), "").len(), 6);
    }

    #[test]
    fn numbers_are_found() {
        let mut labels: Vec<String> = (0..120).map(|_| "x".to_string()).collect();
        labels[50] = "boeing 11".into();
        assert_eq!(search(&labels, "11")[..3], [11, 50, 110]);
        assert_eq!(search(&labels, "119"), [119]);
    }

    #[test]
    fn few_rows_are_drawn() {
        assert_eq!(window(1000, 36.0, 0.0, 320.0), 0..29);
        assert_eq!(window(1000, 36.0, 3600.0, 320.0), 80..129);
        assert_eq!(window(3, 36.0, 9999.0, 320.0), 3..3);
        assert_eq!(window(0, 36.0, 0.0, 320.0), 0..0);
        for scrolled in (0..36000).step_by(77) {
            assert!(window(1000, 36.0, f64::from(scrolled), 360.0).len() <= 60);
        }
    }
}
