//! The module that wasm-bindgen writes, made to import the crate's scripts from where the entry has them.
//!
//! wasm-bindgen copies each script that Rust imports into `snippets/<crate>-<hash>/`. A class in such a copy is not the
//! class that the entry exports, so the crate's own scripts move beside the entry, under the names they have in the
//! sources, and the glue is pointed there.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// A script of the crate: the specifier in the glue, and where the script belongs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OwnScript {
    pub specifier: String,
    /// Relative to the folder of the crate's scripts, and so to the package.
    pub place: PathBuf,
}

/// The crate's own scripts that the glue imports; `folder` is where they lie in the sources.
pub(super) fn own_scripts(glue: &str, crate_name: &str, folder: &Path) -> Vec<OwnScript> {
    let prefix = format!("./snippets/{crate_name}-");
    let mut found: Vec<OwnScript> = Vec::new();
    for specifier in specifiers(glue) {
        let Some((_hash, path)) = specifier.strip_prefix(&prefix).and_then(|rest| rest.split_once('/')) else {
            continue;
        };
        let Ok(place) = Path::new(path).strip_prefix(folder) else { continue };
        let script = OwnScript { specifier: specifier.to_owned(), place: place.to_owned() };
        if !found.contains(&script) {
            found.push(script);
        }
    }
    found
}

/// The glue, importing the crate's own scripts from beside it.
pub(super) fn point_beside(glue: &str, scripts: &[OwnScript]) -> Result<String> {
    let mut glue = glue.to_owned();
    for script in scripts {
        glue = glue.replace(&quoted(&script.specifier), &format!("'./{}'", script.place.display()));
    }
    if let Some(script) = scripts.iter().find(|script| glue.contains(&script.specifier)) {
        bail!("the glue mentions {} in a way that is not understood", script.specifier);
    }
    Ok(glue)
}

/// The specifiers of static imports, which wasm-bindgen writes one to a line in single or double quotes.
fn specifiers(glue: &str) -> impl Iterator<Item = &str> {
    glue.lines().filter(|line| line.starts_with("import ")).filter_map(|line| {
        let quote = line.find(['\'', '"'])?;
        line.get(quote + 1..)?.split(['\'', '"']).next()
    })
}

fn quoted(specifier: &str) -> String {
    format!("'{specifier}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLUE: &str = "\
import { StorageError } from './snippets/tidekeep-0123456789abcdef/src/js/errors.js';
import { helper } from './snippets/other-0123456789abcdef/inline0.js';

export class DataStore {}
";

    #[test]
    fn the_crates_scripts_are_imported_from_beside_the_glue_and_others_stay() {
        let scripts = own_scripts(GLUE, "tidekeep", Path::new("src/js"));
        assert_eq!(scripts.len(), 1);
        assert_eq!(scripts[0].place, Path::new("errors.js"));
        let glue = point_beside(GLUE, &scripts).unwrap();
        assert!(glue.contains("from './errors.js'"));
        assert!(glue.contains("./snippets/other-0123456789abcdef/inline0.js"));
    }

    #[test]
    fn a_mention_that_is_not_understood_fails_the_build() {
        let glue = GLUE.replace('\'', "`");
        let scripts = own_scripts(GLUE, "tidekeep", Path::new("src/js"));
        assert!(point_beside(&glue, &scripts).is_err());
    }
}
