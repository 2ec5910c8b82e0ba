//! Files that import one another.
//!
//! Read from paths that begin with `crate`, `super` or `self`, and from `use` declarations that begin with a child module.
//! What a module hands on with `pub use` is no import, and a module may call its children by their names.

use crate::cargo::root;
use crate::sources::{code, packages, sources};
use std::collections::{BTreeMap, BTreeSet};

type Path = Vec<String>;

/// The modules of a package by their paths, each with its text.
fn modules(package: &str) -> BTreeMap<Path, (String, String)> {
    let src = format!("{package}/src").trim_start_matches('/').to_owned();
    if !root().join(&src).is_dir() {
        return BTreeMap::new();
    }
    let is_test = |file: &str| file.ends_with("_tests.rs") || file.ends_with("/tests.rs");
    let module = |file: &str| {
        let inner = file[src.len() + 1..].trim_end_matches(".rs");
        let mut path: Path = inner.split('/').map(str::to_owned).collect();
        if path.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
            path.pop();
        }
        path
    };
    let files = sources(&src, &["rs"]).into_iter().filter(|(file, _)| !is_test(file) && !file.contains("/bin/"));
    files.map(|(file, text)| (module(&file), (file, text))).collect()
}

/// `a::{b, c::{d, e}}` → `a::b`, `a::c::d`, `a::c::e`.
fn expanded(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some(brace) = tree.find('{') else { return vec![tree.to_owned()] };
    let (prefix, inner) = (&tree[..brace], &tree[brace + 1..tree.rfind('}').unwrap_or(tree.len())]);
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in inner.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        match (c, depth) {
            (',', 0) => parts.push(String::new()),
            _ => parts.last_mut().expect("never empty").push(c),
        }
    }
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| expanded(part)).map(|part| format!("{prefix}{part}")).collect()
}

/// Every path that a file uses: those of `use` declarations, and those in the code.
fn paths(text: &str) -> Vec<String> {
    let code: String = code(text).map(|(_, line)| format!("{line}\n")).collect();
    let mut paths = Vec::new();
    let mut rest = String::new();
    for statement in code.split_inclusive(';') {
        let start = statement
            .find("use ")
            .filter(|at| !statement[..*at].trim_end().ends_with(|c: char| c.is_alphanumeric() && c != 'b'));
        let declares = |at: usize| {
            let before = statement[..at].rsplit('\n').next().unwrap_or_default().trim();
            before.is_empty() || before.starts_with("pub")
        };
        match start {
            Some(at) if declares(at) => {
                let handed_on = statement[..at].trim_end().ends_with("pub");
                let tree = statement[at + 4..].trim_end_matches(';').split_whitespace().collect::<Vec<_>>().join(" ");
                paths.extend(expanded(&tree).into_iter().filter(|_| !handed_on));
                rest.push_str(&statement[..at]);
            }
            _ => rest.push_str(statement),
        }
    }
    for word in rest.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        let starts = ["crate::", "super::", "self::"];
        paths.extend(starts.iter().any(|start| word.starts_with(start)).then(|| word.to_owned()));
    }
    paths
}

/// The module that a path in `module` leads to, if it is one of the package's.
fn target(module: &Path, path: &str, all: &BTreeMap<Path, (String, String)>) -> Option<Path> {
    let path = path.split(" as ").next().unwrap_or(path);
    let mut steps = path.split("::").map(str::trim).peekable();
    let mut at: Path = match steps.peek().copied()? {
        "crate" => {
            steps.next();
            Path::new()
        }
        "self" => {
            steps.next();
            module.clone()
        }
        "super" => {
            let mut at = module.clone();
            while steps.next_if_eq(&"super").is_some() {
                at.pop();
            }
            at
        }
        child => {
            let own = [module.as_slice(), &[child.to_owned()]].concat();
            all.contains_key(&own).then(|| module.clone())?
        }
    };
    let mut found = all.contains_key(&at).then(|| at.clone());
    for step in steps {
        at.push(step.to_owned());
        if all.contains_key(&at) {
            found = Some(at.clone());
        }
    }
    found.filter(|found| !found.is_empty() && found != module)
}

/// The largest set of modules that can all reach one another.
fn largest_circle(edges: &BTreeMap<Path, BTreeSet<Path>>) -> Vec<Path> {
    let reached = |from: &Path| {
        let (mut seen, mut due) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(module) = due.pop() {
            let next = edges.get(&module).into_iter().flatten().filter(|next| !seen.contains(*next));
            let next: Vec<Path> = next.cloned().collect();
            seen.extend(next.iter().cloned());
            due.extend(next);
        }
        seen
    };
    let reach: BTreeMap<&Path, BTreeSet<Path>> = edges.keys().map(|module| (module, reached(module))).collect();
    let circle = |module: &&Path| -> Vec<Path> {
        let back = |other: &&Path| reach.get(other).is_some_and(|reach| reach.contains(*module));
        reach[*module].iter().filter(back).cloned().collect()
    };
    reach.keys().map(circle).max_by_key(Vec::len).unwrap_or_default()
}

#[test]
fn no_circle_of_files_is_larger_than_four() {
    const MOST: usize = 4;
    let mut largest = (String::new(), Vec::new());
    for package in packages() {
        let all = modules(&package);
        let edges = all.iter().map(|(module, (_, text))| {
            let targets = paths(text).iter().filter_map(|path| target(module, path, &all)).collect();
            (module.clone(), targets)
        });
        let circle = largest_circle(&edges.collect());
        if circle.len() > largest.1.len() {
            largest = (package, circle);
        }
    }
    let (package, circle) = largest;
    let names: Vec<String> = circle.iter().map(|module| module.join("::")).collect();
    println!("largest circle of imports: {} files in '{package}': {names:?}", circle.len());
    assert!(circle.len() <= MOST, "{} files in '{package}' import one another: {names:#?}", circle.len());
}

#[test]
fn imports_are_read_as_the_compiler_reads_them() {
    assert_eq!(expanded("a::{b, c::{d, e as f}}"), ["a::b", "a::c::d", "a::c::e as f"]);
    let text = "use super::x::{Y, z};\npub use inner::A;\nfn f() { crate::w::g() }\n#[cfg(test)]\nuse super::t;\n";
    assert_eq!(paths(text), ["super::x::Y", "super::x::z", "crate::w::g"]);
    let module = |path: &str| path.split("::").map(str::to_owned).collect::<Path>();
    let all = ["a", "a::b", "a::c"].map(|path| (module(path), Default::default())).into();
    let found = |path: &str| target(&module("a::b"), path, &all);
    assert_eq!(found("super::c::Thing"), Some(module("a::c")));
    assert_eq!(found("super::Thing"), Some(module("a")));
    assert_eq!(found("crate::a::b::Own"), None);
    assert_eq!(found("std::fs"), None);
    let edges = [("a", "a::b"), ("a::b", "a::c"), ("a::c", "a::b")];
    let edges = edges.map(|(from, to)| (module(from), BTreeSet::from([module(to)]))).into();
    assert_eq!(largest_circle(&edges), [module("a::b"), module("a::c")]);
}
