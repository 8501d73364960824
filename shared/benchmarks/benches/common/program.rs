//! The program of `cargo run`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The program of `cargo run`, built by Cargo in the profile and the target directory of this benchmark.
/// `LOCAL_PROGRAM` names another program.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> =
        LazyLock::new(|| env::var_os("LOCAL_PROGRAM").map_or_else(build, PathBuf::from));
    &PROGRAM
}

fn build() -> PathBuf {
    // This program is TARGET/PROFILE/deps/NAME.
    let own = env::current_exe().unwrap();
    let folder = own.ancestors().nth(2).expect("Cargo runs a benchmark in its target directory");
    let target = folder.parent().unwrap();
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") => "dev",
        Some("release") | None => "bench",
        Some(other) => other,
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args(["build", "--package", "local", "--locked", "--quiet", "--profile", profile]);
    let status = cargo.arg("--target-dir").arg(target).status().expect("Cargo starts");
    assert!(
        status.success(),
        "`cargo build --package local` failed; LOCAL_PROGRAM can name a program that is built already"
    );
    folder.join(format!("local{}", env::consts::EXE_SUFFIX))
}
