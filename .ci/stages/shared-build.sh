# `cargo test --workspace` compiles no library a second time that `cargo build` has compiled.
# Only this stage finds: a feature that makes the README's second command compile for minutes.
# Runs in: run, deep.
.ci/shared_build.py
