//! Kernels as text: WGSL with a few lines of its own that begin with `#`.
//!
//! | line | what it becomes |
//! |---|---|
//! | `#read x f32`, `#write y f32` | the next binding: a buffer of such numbers |
//! | `#info` | the last binding: the numbers of a launch |
//! | `#if NAME`, `#else`, `#end` | its first part where the constant is not zero |
//! | `#for i in NAME`, `#end` | its lines once for each number below the constant, with it in place of `$i` |
//!
//! `@{1+2}` becomes 3. What is repeated by text lies in registers with any compiler; an array may not.

use std::fmt::Write;

/// A number that is fixed in the text.
pub type Constant = (&'static str, u32);

/// Whether tensors may share a buffer. Then all of them are bound for reading and writing, as a buffer cannot be bound
/// in two ways at once; otherwise a buffer that is bound twice must be for reading alone.
const SHARED_BUFFERS: bool = cfg!(not(target_family = "wasm"));

/// The WGSL of a template.
pub fn expand(template: &str, constants: &[Constant]) -> String {
    let mut text = String::new();
    for (name, value) in constants {
        let _ = writeln!(text, "const {name}: u32 = {value}u;");
    }
    let lines: Vec<String> = template.lines().map(str::to_owned).collect();
    Expansion { constants, bindings: 0, text: &mut text }.lines(&lines);
    text
}

struct Expansion<'a> {
    constants: &'a [Constant],
    bindings: u32,
    text: &'a mut String,
}

impl Expansion<'_> {
    fn lines(&mut self, mut lines: &[String]) {
        while let [line, rest @ ..] = lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            lines = match words[..] {
                ["#if", name] => {
                    let (first, second, rest) = block(rest);
                    self.lines(if self.value(name) != 0 { first } else { second });
                    rest
                }
                ["#for", variable, "in", name] => {
                    let (body, _, rest) = block(rest);
                    for i in 0..self.value(name) {
                        let (from, to) = (format!("${variable}"), i.to_string());
                        self.lines(&body.iter().map(|line| line.replace(&from, &to)).collect::<Vec<_>>());
                    }
                    rest
                }
                ["#read", name, kind] => self.binding(name, kind, SHARED_BUFFERS, rest),
                ["#write", name, kind] => self.binding(name, kind, true, rest),
                ["#info"] => self.binding("info", "u32", false, rest),
                _ => {
                    let _ = writeln!(self.text, "{}", sums(line));
                    rest
                }
            };
        }
    }

    fn binding<'l>(&mut self, name: &str, kind: &str, write: bool, rest: &'l [String]) -> &'l [String] {
        let access = if write { "read_write" } else { "read" };
        let _ =
            writeln!(self.text, "@group(0) @binding({}) var<storage, {access}> {name}: array<{kind}>;", self.bindings);
        self.bindings += 1;
        rest
    }

    fn value(&self, name: &str) -> u32 {
        let constant = || self.constants.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        name.parse().ok().or_else(constant).unwrap_or_else(|| panic!("the template has no constant {name}"))
    }
}

/// The lines up to `#else`, those up to the `#end` that belongs here, and what follows.
fn block(lines: &[String]) -> (&[String], &[String], &[String]) {
    let (mut depth, mut middle) = (0, None);
    for (i, line) in lines.iter().enumerate() {
        match line.split_whitespace().next() {
            Some("#if" | "#for") => depth += 1,
            Some("#else") if depth == 0 => middle = Some(i),
            Some("#end") if depth == 0 => {
                let first = middle.unwrap_or(i);
                return (&lines[..first], &lines[(first + 1).min(i)..i], &lines[i + 1..]);
            }
            Some("#end") => depth -= 1,
            _ => {}
        }
    }
    panic!("a block of the template has no end")
}

/// The line with its `@{1+2}` computed.
fn sums(line: &str) -> String {
    let mut parts = line.split("@{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (sum, rest) = part.split_once('}').expect("a sum ends with }");
        let sum: u32 = sum.split('+').map(|number| number.trim().parse::<u32>().expect("a sum of numbers")).sum();
        let _ = write!(text, "{sum}{rest}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_chosen_and_repeated() {
        let template =
            "#read x f32\n#if ON\n#for i in N\n#for j in 2\na$i = b@{$i+$j};\n#end\n#end\n#else\nno\n#end\n#info";
        let lines =
            |on| expand(template, &[("ON", on), ("N", 2)]).lines().skip(3).map(str::to_owned).collect::<Vec<_>>();
        let info = "@group(0) @binding(1) var<storage, read> info: array<u32>;";
        assert_eq!(lines(1), ["a0 = b0;", "a0 = b1;", "a1 = b1;", "a1 = b2;", info]);
        assert_eq!(lines(0), ["no", info]);
    }
}
