//! One style sheet from many files: a page asks for one. Those named `*.later.css` come with the code of their part
//! (src/ui/later.rs).

use crate::project;
use anyhow::{Context, Result};
use regex::{Captures, Regex};
use std::fs;
use std::path::{Path, PathBuf};

/// How the name of a sheet ends that comes with the code of its part.
const LATER: &str = ".later.css";

/// What the joined sheet is called in web/index.html; Trunk.toml has Trunk join it, too.
pub fn joined() -> PathBuf {
    project::root().join(".tools/style.css")
}

/// The style sheet that a link names.
pub fn read(href: &Path) -> Result<String> {
    let parts = if href == joined() { parts(project::root()) } else { vec![href.to_owned()] };
    let read = |path: &PathBuf| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    Ok(compact(&parts.iter().map(read).collect::<Result<String>>()?))
}

/// First what all views share, and the order of the layers with it, then the sheets that lie beside the views.
fn parts(root: &Path) -> Vec<PathBuf> {
    let sheets = |folder: &str| {
        let mut sheets = project::files(&root.join(folder));
        sheets.retain(|path| path.extension().is_some_and(|extension| extension == "css") && !is_later(path));
        // As `sort` orders them in Trunk.toml: by the letters of the whole path, not folder by folder.
        sheets.sort_by_key(|path| path.as_os_str().to_owned());
        sheets
    };
    [sheets("web/style"), sheets("src/ui")].concat()
}

pub fn is_later(path: &Path) -> bool {
    path.to_string_lossy().ends_with(LATER)
}

/// Leaves out comments and needless spaces, and touches nothing else.
fn compact(css: &str) -> String {
    // Of a comment nothing may be more than it is: no `*/` within.
    const SPACE: &str = r"(?:\s|/\*[^*]*\*+(?:[^/*][^*]*\*+)*/)";
    // What stays of each is in parentheses; of other spaces, one.
    let patterns = [
        r#"("(?:\\(?s:.)|[^"\\])*"|'(?:\\(?s:.)|[^'\\])*')"#,
        r"_*;?_*(\})_*",
        r"_*([{;,])_*",
        // A space before it means something in a selector.
        r"(:)_+",
        r"_+",
    ];
    let pattern = Regex::new(&patterns.join("|").replace('_', SPACE)).expect("the pattern is one");
    let stays =
        |found: &Captures| found.iter().skip(1).flatten().next().map_or(" ".into(), |part| part.as_str().to_owned());
    pattern.replace_all(css, stays).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_sheets_come_first_and_each_group_in_the_order_of_its_paths() {
        let root = project::target().join("style-order");
        let write = |path: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder for the sheet");
            fs::write(path, "").expect("the sheet is written");
        };
        let sorted = ["web/style/1.css", "web/style/2.css", "src/ui/a-b/x.css", "src/ui/a.css", "src/ui/a/x.css"];
        sorted.into_iter().rev().for_each(write);
        write("src/ui/a.rs");
        write("src/ui/a/b.later.css");
        let found: Vec<_> =
            parts(&root).iter().map(|path| path.strip_prefix(&root).expect("below").to_owned()).collect();
        assert_eq!(found, sorted.map(PathBuf::from));
    }

    #[test]
    fn spaces_and_comments_go_where_they_mean_nothing() {
        let css = "/* first */\n@layer a , b;\n\na > b ,\n.c :hover {\n  width: calc(1px + 2px); /* ; } */\n  color: red;\n}\n";
        assert_eq!(compact(css), "@layer a,b;a > b,.c :hover{width:calc(1px + 2px);color:red}");
    }

    /// Between two comments stands something.
    #[test]
    fn a_comment_ends_where_it_ends() {
        let css = "/* one */\na {\n  color: red;\n  /** two **/\n}\nb {\n  color: blue; /* three * / */\n}\n";
        assert_eq!(compact(css), "a{color:red}b{color:blue}");
    }

    #[test]
    fn strings_are_kept() {
        let css =
            r#"a { content: "/* {  } */"; background: url('data:image/svg+xml,<a  b="c ; d"/>'); quotes: "\"  ;" }"#;
        let compacted =
            r#"a{content:"/* {  } */";background:url('data:image/svg+xml,<a  b="c ; d"/>');quotes:"\"  ;"}"#;
        assert_eq!(compact(css), compacted);
    }
}
