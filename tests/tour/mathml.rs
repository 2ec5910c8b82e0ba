//! A checker of MathML, strict where a browser is lenient.

/// Checks that `text` is one `<math>` element of MathML Core's presentation elements: tags that match, quoted
/// attributes, known entities, words only in tokens, and as many children as each element wants.
///
/// # Errors
/// Says what is wrong.
pub fn check(text: &str) -> Result<(), String> {
    let mut open: Vec<Element> = vec![Element { name: "", children: Vec::new() }];
    let mut rest = text;
    while !rest.is_empty() {
        let (words, tag_and_rest) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        check_words(words, open.last().map_or("", |element| element.name))?;
        let Some(tag_and_rest) = tag_and_rest.strip_prefix('<') else { break };
        let (tag, after) = tag_and_rest.split_once('>').ok_or("a tag is not closed")?;
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            let element = open.pop().filter(|element| element.name == name);
            element.ok_or_else(|| format!("</{name}> closes something else"))?.check()?;
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        check_attributes(name, attributes)?;
        open.last_mut().ok_or("a closing tag too many")?.children.push(name);
        open.push(Element { name, children: Vec::new() });
    }
    match open.as_slice() {
        [Element { children, .. }] if children == &["math"] => Ok(()),
        [_] => Err("one <math> is wanted, and nothing else".into()),
        _ => Err("an element is not closed".into()),
    }
}

/// An element that is open, and the children found in it so far.
struct Element<'a> {
    name: &'a str,
    children: Vec<&'a str>,
}

const TOKENS: [&str; 4] = ["mi", "mn", "mo", "mtext"];

impl Element<'_> {
    fn check(&self) -> Result<(), String> {
        let count = self.children.len();
        let all = |name: &str| count > 0 && self.children.iter().all(|child| *child == name);
        let fits = match self.name {
            "mi" | "mn" | "mo" | "mtext" | "mspace" => count == 0,
            "math" | "mrow" | "msqrt" | "mtd" => count > 0,
            "mfrac" | "msub" | "msup" | "munder" | "mover" | "mroot" => count == 2,
            "msubsup" | "munderover" => count == 3,
            "mtable" => all("mtr"),
            "mtr" => all("mtd"),
            other => return Err(format!("<{other}> is not among MathML Core's elements that the tour uses")),
        };
        fits.then_some(()).ok_or_else(|| format!("<{}> with {:?} in it", self.name, self.children))
    }
}

fn check_words(words: &str, element: &str) -> Result<(), String> {
    if !TOKENS.contains(&element) && !words.trim().is_empty() {
        return Err(format!("“{words}” stands in <{element}>"));
    }
    for entity in words.split('&').skip(1) {
        let name = entity.split_once(';').map_or("", |(name, _)| name);
        let hex = name.strip_prefix("#x").is_some_and(|code| u32::from_str_radix(code, 16).is_ok());
        if !hex && !["lt", "gt", "amp"].contains(&name) {
            return Err(format!("&{entity} is no entity of XML"));
        }
    }
    Ok(())
}

fn check_attributes(element: &str, attributes: &str) -> Result<(), String> {
    for attribute in attributes.split_terminator("\" ").map(|attribute| attribute.trim_end_matches('"')) {
        if attribute.is_empty() {
            continue;
        }
        let (name, value) = attribute.split_once("=\"").ok_or_else(|| format!("{attribute} is not quoted"))?;
        let known = matches!(
            (element, name, value),
            ("math", "display", "block") | ("mo", "stretchy", "false") | ("mover", "accent", "true")
        );
        let width = (element, name) == ("mspace", "width") && value.ends_with("em");
        if !known && !width {
            return Err(format!("<{element}> has {name} = {value}"));
        }
    }
    Ok(())
}

#[test]
fn the_checker_tells_good_from_bad() {
    let good = "<math display=\"block\"><mfrac><mi>a</mi><mrow><mn>1</mn><mo stretchy=\"false\">&#x2062;</mo></mrow></mfrac></math>";
    assert_eq!(check(good), Ok(()));
    for bad in [
        "",
        "<math><mi>a</mi></math><math><mi>a</mi></math>",
        "<math><mi>a</mi>",
        "<math><mi>a</mrow></math>",
        "<math><mi>a</mi></math></math>",
        "<math><mfrac><mi>a</mi></mfrac></math>",
        "<math>a</math>",
        "<math><mfenced><mi>a</mi></mfenced></math>",
        "<math><mi>&alpha;</mi></math>",
        "<math><mi>a & b</mi></math>",
        "<math><mo stretchy=false>(</mo></math>",
        "<math><mi onclick=\"x\">a</mi></math>",
        "<math><mi>a</mi",
    ] {
        assert!(check(bad).is_err(), "{bad}");
    }
}
