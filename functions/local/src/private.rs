//! Files that their owner alone can read: people are in them, or a token.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file. One that this makes is its owner's alone from its first moment; one that is there and open to others becomes so.
pub(crate) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    close(&file)?;
    Ok(file)
}

/// What is no file, such as /dev/stdout, stays as it is.
#[cfg(unix)]
fn close(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let about = file.metadata()?;
    let mut permissions = about.permissions();
    let mode = permissions.mode();
    if !about.is_file() || mode & 0o077 == 0 {
        return Ok(());
    }
    permissions.set_mode(mode & !0o077);
    file.set_permissions(permissions)
}
