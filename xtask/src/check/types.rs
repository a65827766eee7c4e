//! The types that applications are checked against.

use anyhow::{Result, bail};

use crate::files;
use crate::process;
use crate::workspace::Workspace;

/// The types of what applications import; they import the others.
const ENTRIES: [&str; 3] = ["types.d.ts", "port.d.ts", "service-worker.d.ts"];

/// Compiles the package's types as strictly as TypeScript can, and refuses `any`.
pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let package = workspace.package();
    for path in files::below(&package)?.iter().filter(|path| path.to_string_lossy().ends_with(".d.ts")) {
        let lines = lines_with_any(&std::fs::read_to_string(package.join(path))?);
        if !lines.is_empty() {
            let lines = lines.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
            bail!("`any` in {}, line {lines}", path.display());
        }
    }
    let mut tsc = workspace.command("node");
    tsc.arg(workspace.npm_tool("tsc")).args(["--noEmit", "--strict", "--exactOptionalPropertyTypes"]);
    tsc.args(["--noUncheckedIndexedAccess", "--module", "esnext", "--moduleResolution", "bundler", "--types", ""]);
    tsc.args(["--target", "es2022", "--lib", "es2022,esnext.disposable,dom"]);
    process::run(tsc.args(ENTRIES.map(|name| package.join(name))))
}

/// The lines on which the word `any` stands outside comments and strings.
fn lines_with_any(text: &str) -> Vec<usize> {
    let code = code_only(text);
    let lines = code.lines().enumerate().filter(|(_, line)| {
        line.split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '$').any(|word| word == "any")
    });
    lines.map(|(index, _)| index + 1).collect()
}

/// The text with comments and the insides of strings removed, line for line.
fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if matches!(letter, '"' | '\'' | '`') {
            rest.get(1..).and_then(|inside| inside.find(letter)).map_or(rest.len(), |end| end + 2)
        } else {
            code.push(letter);
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
            continue;
        };
        let (removed, left) = rest.split_at(skipped);
        code.extend(removed.chars().filter(|letter| *letter == '\n'));
        rest = left;
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_is_found_as_a_type_and_not_in_words_comments_or_strings() {
        let text = "/* any\nany */\n// any\ntype A = \"any\" | 'any';\ntype B = Company;\ntype C = any[];\n";
        assert_eq!(lines_with_any(text), [6]);
    }
}
