//! Classes as people name them.

use anyhow::{Result, bail};
use ditscope_config::ConfigError;

/// The classes of `--class`: numbers and names, separated by commas. Names may have commas, too: the longest one counts.
///
/// # Errors
/// A class that there is not, or that could be several: all are listed.
pub fn parse(given: &[String], labels: &[String]) -> Result<Vec<usize>> {
    let lists: Result<Vec<Vec<usize>>> = given.iter().map(|list| of_list(list, labels)).collect();
    Ok(lists?.concat())
}

fn of_list(list: &str, labels: &[String]) -> Result<Vec<usize>> {
    let pieces: Vec<&str> = list.split(',').collect();
    let most = 1 + labels.iter().map(|label| label.matches(',').count()).max().unwrap_or(0);
    let (mut classes, mut at) = (Vec::new(), 0);
    while at < pieces.len() {
        let joined = |end: usize| pieces[at..end].join(",");
        let is_name = |end: &usize| {
            let text = joined(*end);
            !named(unquoted(&text).unwrap_or(&text), labels).is_empty()
        };
        let end = (at + 2..=pieces.len().min(at + most)).rev().find(is_name).unwrap_or(at + 1);
        classes.push(class(&joined(end), labels)?);
        at = end;
    }
    Ok(classes)
}

/// One class: `7` and `boot` as they are meant, `#7` always the number, `"7"` always the name.
fn class(text: &str, labels: &[String]) -> Result<usize> {
    let text = text.trim();
    let number = |text: &str| text.parse().ok().filter(|class| *class < labels.len());
    let (names, number) = match (unquoted(text), text.strip_prefix('#').and_then(number)) {
        (Some(name), _) => (named(name, labels), None),
        (None, Some(number)) => (Vec::new(), Some(number)),
        (None, None) => (named(text, labels), number(text)),
    };
    match (names.as_slice(), number) {
        ([name], Some(number)) if *name != number => bail!(
            "class '{text}' is the name of class {name}, and the number of class {number} ({}): write \"{text}\" with the \
             quotation marks for the name (in a shell '\"{text}\"'), '#{text}' for the number",
            labels[number]
        ),
        ([], Some(number)) => Ok(number),
        ([name], _) => Ok(*name),
        ([], None) => Err(unknown(text, labels).into()),
        (several, _) => {
            let each = |class: &usize| format!("{class} ({})", labels[*class]);
            let each = several.iter().map(each).collect::<Vec<_>>().join(", ");
            bail!("class '{text}' could be {each}: write the name with exactly its letters, or give the number")
        }
    }
}

/// What stands in quotation marks.
fn unquoted(text: &str) -> Option<&str> {
    text.trim().strip_prefix('"')?.strip_suffix('"')
}

/// The classes that a name can mean. Exactly the same letters win over others, a whole name over one of several that a
/// label lists ("tench, Tinca tinca").
fn named(text: &str, labels: &[String]) -> Vec<usize> {
    let text = spaced(text);
    let lower = text.to_lowercase();
    let find = |is: &dyn Fn(&str) -> bool| (0..labels.len()).filter(|class| is(&labels[*class])).collect::<Vec<_>>();
    let one_of = |label: &str, is: &dyn Fn(&str) -> bool| label.split(',').any(|name| is(name.trim()));
    let whole = find(&|label| spaced(label) == text);
    if !whole.is_empty() {
        return whole;
    }
    let listed = find(&|label| one_of(label, &|name| name == text));
    if !listed.is_empty() {
        return listed;
    }
    find(&|label| spaced(label).to_lowercase() == lower || one_of(label, &|name| name.to_lowercase() == lower))
}

/// The same with one space after each comma and none around.
fn spaced(text: &str) -> String {
    text.split(',').map(str::trim).collect::<Vec<_>>().join(", ")
}

fn unknown(text: &str, labels: &[String]) -> ConfigError {
    const MOST: usize = 12;
    let lower = text.to_lowercase();
    let alike = |class: &usize| !lower.is_empty() && labels[*class].to_lowercase().contains(&lower);
    let mut shown: Vec<usize> = (0..labels.len()).filter(alike).take(MOST).collect();
    let more = if shown.is_empty() {
        shown = (0..labels.len().min(MOST)).collect();
        labels.len() > MOST
    } else {
        false
    };
    let mut known = shown.iter().map(|class| format!("{class} ({})", labels[*class])).collect::<Vec<_>>().join(", ");
    if more {
        known.push_str(&format!(", … up to {}", labels.len() - 1));
    }
    ConfigError::Unknown { what: "class", name: text.into(), known }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &str, labels: &[&str]) -> Result<Vec<usize>, String> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        parse(&[given.to_owned()], &labels).map_err(|error| error.to_string())
    }

    fn refused(given: &str, labels: &[&str], words: &[&str]) {
        let said = of(given, labels).expect_err(given);
        words.iter().for_each(|word| assert!(said.contains(word), "'{word}' is not in: {said}"));
    }

    #[test]
    fn exact_letters_win_and_what_is_left_open_is_asked() {
        let dogs = ["Cardigan", "cat", "cardigan"];
        assert_eq!(of("cardigan", &dogs), Ok(vec![2]));
        assert_eq!(of("Cardigan", &dogs), Ok(vec![0]));
        assert_eq!(of("CAT,1, cat ", &dogs), Ok(vec![1, 1, 1]));
        refused("CARDIGAN", &dogs, &["'CARDIGAN'", "0 (Cardigan)", "2 (cardigan)"]);
        refused("crane", &["crane", "heron", "crane"], &["0 (crane)", "2 (crane)", "number"]);
        assert_eq!(of("ÜBERSCHUH", &["Überschuh"]), Ok(vec![0]));
    }

    #[test]
    fn names_that_are_numbers_are_told_from_numbers() {
        let numbers = ["1", "2", "3"];
        refused("1", &numbers, &["name of class 0", "number of class 1", "(2)", "'#1'", "\"1\""]);
        assert_eq!(of("#1,\"1\",3,0", &numbers), Ok(vec![1, 0, 2, 0]));
        assert_eq!(of("0,1,2", &["0", "1", "2"]), Ok(vec![0, 1, 2]));
        refused("4", &numbers, &["unknown class '4'"]);
        refused("#3", &numbers, &["unknown class '#3'"]);
    }

    #[test]
    fn names_may_have_commas_and_synonyms() {
        let fish = ["tench, Tinca tinca", "goldfish, Carassius auratus", "shark"];
        assert_eq!(of("tench, Tinca tinca", &fish), Ok(vec![0]));
        assert_eq!(of("tench,Tinca tinca,shark,goldfish", &fish), Ok(vec![0, 2, 1]));
        assert_eq!(of("tinca TINCA", &fish), Ok(vec![0]));
        assert_eq!(of("\"tench, Tinca tinca\",2", &fish), Ok(vec![0, 2]));
        let cranes = ["crane, bird", "crane, machine"];
        refused("crane", &cranes, &["0 (crane, bird)", "1 (crane, machine)"]);
        refused("carassius", &fish, &["unknown class 'carassius'", "1 (goldfish, Carassius auratus)"]);
        refused("tench,", &fish, &["unknown class ''"]);
    }
}
