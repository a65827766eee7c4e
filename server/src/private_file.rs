//! Files that only the user who runs the endpoint may read.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Creates a file for this user alone; fails where it exists.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
