//! Files and folders.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Every file below a folder, by its path from there, in order.
pub(crate) fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(current) = folders.pop() {
        let full = folder.join(&current);
        for entry in std::fs::read_dir(&full).with_context(|| format!("cannot read {}", full.display()))? {
            let entry = entry?;
            let path = current.join(entry.file_name());
            if entry.file_type()?.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

/// Copies a file, making the folder it goes to.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Makes sure that nothing is at a path.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_at_any_depth_and_folders_are_not() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = below(folder).unwrap();
        assert!(found.contains(&PathBuf::from("Cargo.toml")));
        assert!(found.contains(&PathBuf::from("src/files.rs")));
        assert!(!found.contains(&PathBuf::from("src")));
    }
}
