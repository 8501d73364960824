//! Files that only their owner can read, because they hold people's data or a token.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file. A new file is created with mode 0600; an existing file loses the permissions of group and others.
pub(crate) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = open_with_mode(options, path)?;
    #[cfg(unix)]
    remove_foreign_permissions(&file)?;
    Ok(file)
}

/// The mode applies to a new file only.
fn open_with_mode(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

/// Removes the permissions of group and others from a regular file. Other files, such as /dev/stdout, keep theirs.
#[cfg(unix)]
fn remove_foreign_permissions(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata()?;
    let mut permissions = metadata.permissions();
    let mode = permissions.mode();
    if !metadata.is_file() || mode & 0o077 == 0 {
        return Ok(());
    }
    permissions.set_mode(mode & !0o077);
    file.set_permissions(permissions)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn new_file_has_mode_0600_and_opened_file_loses_foreign_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mode = |file: &File| file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&open_with_mode(File::options().create(true).append(true), &path).unwrap()), 0o600);
        for (before, after) in [(0o666, 0o600), (0o640, 0o600), (0o400, 0o400), (0o777, 0o700)] {
            fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
            assert_eq!(mode(&open(File::options().read(true), &path).unwrap()), after, "{before:o}");
        }
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").args(["-m", "640"]).arg(&pipe).status().unwrap().success());
        assert_eq!(mode(&open(File::options().read(true).write(true), &pipe).unwrap()), 0o640, "not a regular file");
    }
}
