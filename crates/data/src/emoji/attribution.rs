//! Whose pictures they are.

use super::sets::IconSet;
use crate::markdown::{cell, link};
use std::fmt::Write;

/// Every set with its authors, its licence and the versions used.
pub fn markdown(sets: &[IconSet]) -> String {
    let mut text = String::from(
        "# Attribution\n\n\
         The pictures of this data set were drawn with resvg, 64x64 pixels on white, from the following sets, as the npm\n\
         registry has them from Iconify. Nothing else was changed.\n\n\
         | set | package | version of the set | author | licence |\n|---|---|---|---|---|\n",
    );
    for IconSet { package_version, info, .. } in sets {
        let version = info.version.as_deref().unwrap_or("not given");
        let (author, license) = (&info.author, &info.license);
        let _ = writeln!(
            text,
            "| {} | @iconify-json/{} {package_version} | {version} | {} | {} |",
            cell(&info.name),
            cell(&info.prefix),
            link(&author.name, &author.url),
            link(&license.title, &license.url),
        );
    }
    text.push_str("\nNames and groups of emojis: emojibase-data (MIT, © Miles Johnson), after Unicode's data files.\n");
    text
}
