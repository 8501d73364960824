//! Embeds the extension schemas of one folder (RFC 7643 §3.3), and fails with an error message for an invalid file.
#![expect(clippy::disallowed_methods, reason = "the build script reads files so that the crate does not have to")]

use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "src/attribute.rs"]
#[expect(dead_code, unreachable_pub, reason = "the build script uses only the part that parses a schema")]
mod attribute;
#[path = "src/extension.rs"]
#[expect(unreachable_pub, reason = "the crate exports the error")]
mod extension;
#[path = "src/resource.rs"]
#[expect(dead_code, unreachable_pub, reason = "the build script uses only the part that parses a schema")]
mod resource;

use attribute::{Attribute, DataType, Mutability, Returned, Schema, Uniqueness};
use resource::{Kind, Object};

/// The environment variable that names another folder; a relative path starts at the root of the repository.
const FOLDER: &str = "SCIM_EXTENSIONS";

fn main() {
    println!("cargo::rerun-if-env-changed={FOLDER}");
    if let Err(problem) = generate() {
        println!("cargo::error={problem}");
    }
}

fn generate() -> Result<(), String> {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("CARGO_MANIFEST_DIR is not set")?);
    let folder = match env::var_os(FOLDER).filter(|folder| !folder.is_empty()) {
        Some(folder) => package.join("../..").join(folder),
        None => package.join("extensions"),
    };
    println!("cargo::rerun-if-changed={}", folder.display());
    let files =
        files(&folder).map_err(|error| format!("the folder of extension schemas {}: {error}", folder.display()))?;
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let core = [
        (None, "common"),
        (Some(Kind::User), "user"),
        (Some(Kind::Group), "group"),
        (Some(Kind::User), "enterprise-user"),
    ];
    let core = core.map(|(kind, name)| (kind, read_core(&package.join(format!("schemas/{name}.json")))));
    let mut known = Vec::new();
    for (kind, schema) in &core {
        known.push((*kind, schema.as_ref().map_err(String::clone)?));
    }
    extension::read(&known, &files).map_err(|error| error.to_string())?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let code = format!("const EXTENSIONS: &[(&str, &str)] = &{files:?};\n");
    fs::write(out.join("extensions.rs"), code).map_err(|error| error.to_string())
}

/// The name and text of each `*.json`, sorted by name.
fn files(folder: &Path) -> Result<Vec<(String, String)>, std::io::Error> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, fs::read_to_string(&path)?));
        }
    }
    files.sort();
    Ok(files)
}

fn read_core(path: &Path) -> Result<Schema, String> {
    println!("cargo::rerun-if-changed={}", path.display());
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}
