//! Files that their owner alone can read: people are in them, or a token.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file. One that this makes is its owner's alone from its first moment; one that is there and open to others becomes so.
pub(crate) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let file = make(options, path)?;
    #[cfg(unix)]
    close(&file)?;
    Ok(file)
}

/// A file that is there keeps its rights.
fn make(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
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

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_file_is_its_owners_alone_from_its_first_moment_and_again_when_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let rights = |file: &File| file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(rights(&make(File::options().create(true).append(true), &path).unwrap()), 0o600);
        for (before, after) in [(0o666, 0o600), (0o640, 0o600), (0o400, 0o400), (0o777, 0o700)] {
            fs::set_permissions(&path, Permissions::from_mode(before)).unwrap();
            assert_eq!(rights(&open(File::options().read(true), &path).unwrap()), after, "{before:o}");
        }
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").args(["-m", "640"]).arg(&pipe).status().unwrap().success());
        assert_eq!(rights(&open(File::options().read(true).write(true), &pipe).unwrap()), 0o640, "no file");
    }
}
