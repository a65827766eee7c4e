//! The functions of a wasm module, with the names that its name section gives them.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};

const CUSTOM: u8 = 0;
const IMPORTS: u8 = 2;
const CODE: u8 = 10;
/// The subsection of the name section that names functions.
const FUNCTION_NAMES: u8 = 1;

/// A function of the module.
pub(super) struct Function<'a> {
    /// Empty for one without a name.
    pub name: &'a str,
    pub code: &'a [u8],
}

/// The functions of a module that has a name section, in order.
pub(super) fn functions(module: &[u8]) -> Result<Vec<Function<'_>>> {
    let mut sections = Bytes(module.strip_prefix(b"\0asm\x01\0\0\0").context("not a wasm module")?);
    let (mut imported, mut bodies, mut names) = (0, Vec::new(), HashMap::new());
    while !sections.0.is_empty() {
        let section = sections.byte()?;
        let mut content = sections.sized()?;
        match section {
            IMPORTS => imported = imported_functions(content)?,
            CODE => bodies = (0..content.number()?).map(|_| Ok(content.sized()?.0)).collect::<Result<_>>()?,
            CUSTOM if content.text()? == "name" => names = function_names(content)?,
            _ => {}
        }
    }
    ensure!(!names.is_empty(), "the module has no names");
    let function = |(code, index)| Function { name: names.get(&index).copied().unwrap_or_default(), code };
    Ok(bodies.into_iter().zip(imported..).map(function).collect())
}

/// How many functions are imported: they are counted before those of the module.
fn imported_functions(mut content: Bytes<'_>) -> Result<u32> {
    let mut functions = 0;
    for _ in 0..content.number()? {
        content.sized()?;
        content.sized()?;
        match content.byte()? {
            0 => {
                content.number()?;
                functions += 1;
            }
            kind @ (1 | 2) => {
                if kind == 1 {
                    content.byte()?;
                }
                let bounded = content.byte()? & 1 == 1;
                content.number()?;
                if bounded {
                    content.number()?;
                }
            }
            3 => {
                content.byte()?;
                content.byte()?;
            }
            kind => bail!("an import of kind {kind}, which is not known here"),
        }
    }
    Ok(functions)
}

fn function_names(mut content: Bytes<'_>) -> Result<HashMap<u32, &str>> {
    while !content.0.is_empty() {
        let subsection = content.byte()?;
        let mut names = content.sized()?;
        if subsection == FUNCTION_NAMES {
            return (0..names.number()?).map(|_| Ok((names.number()?, names.text()?))).collect();
        }
    }
    Ok(HashMap::new())
}

/// The first path into this crate in a name, without the crate: `sync::driver::drive`. wasm-bindgen has the names
/// readable, and the compiler's hash in brackets behind that of a crate.
pub(super) fn path_in<'a>(name: &'a str, crate_name: &str) -> Option<&'a str> {
    let start = format!("{crate_name}[");
    let (_, hashed) = name.split_once(&start)?;
    let (_, path) = hashed.split_once("]::")?;
    let end = path.find(|letter: char| !(letter.is_ascii_alphanumeric() || "_:".contains(letter)));
    Some(path[..end.unwrap_or(path.len())].trim_end_matches(':'))
}

/// Bytes that are read from the front.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn byte(&mut self) -> Result<u8> {
        let (first, rest) = self.0.split_first().context("the module ends too early")?;
        self.0 = rest;
        Ok(*first)
    }

    /// A number in LEB128.
    fn number(&mut self) -> Result<u32> {
        let mut value = 0;
        for shift in (0..32).step_by(7) {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        bail!("a number does not end")
    }

    /// Bytes behind their length.
    fn sized(&mut self) -> Result<Self> {
        let length = usize::try_from(self.number()?)?;
        let (sized, rest) = self.0.split_at_checked(length).context("the module ends too early")?;
        self.0 = rest;
        Ok(Self(sized))
    }

    fn text(&mut self) -> Result<&'a str> {
        Ok(std::str::from_utf8(self.sized()?.0)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_has_the_name_of_its_index_behind_the_imports() {
        let module = b"\0asm\x01\0\0\0\x02\x07\x01\x01a\x01b\x00\x00\x0a\x04\x01\x02\x00\x0b\x00\x0b\x04name\x01\x04\x01\x01\x01f";
        let found = functions(module).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name, found[0].code), ("f", &b"\x00\x0b"[..]));
    }

    #[test]
    fn the_first_path_into_the_crate_is_found_wherever_a_name_has_it() {
        let path = |name| path_in(name, "tidekeep");
        assert_eq!(path("tidekeep[1f]::sync::driver::drive::{closure#0}"), Some("sync::driver::drive"));
        assert_eq!(
            path("<alloc[a5]::vec::Vec<tidekeep[1f]::model::Key> as core[0]::clone::Clone>"),
            Some("model::Key")
        );
        assert_eq!(path("core[0]::fmt::write"), None);
    }
}
