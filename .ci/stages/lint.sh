# Formatting, clippy and rustdoc give no warning; shellcheck finds nothing in the scripts of CI.
# Only this stage finds: what the lints of the workspace forbid, such as unwrap outside of tests, and broken links
# in the docs.
# Runs in: run, deep.
# Tools: shellcheck.
cargo clippy --version >/dev/null && cargo fmt --version >/dev/null || rustup component add clippy rustfmt
cargo fmt --all --check
if shellcheck=$(tool shellcheck); then
  # A stage has the variables of .ci/prelude.sh, and stops at the first command that fails.
  "$shellcheck/shellcheck" --severity=warning --exclude=SC2154,SC2164 --shell=bash .ci/run .ci/deep .ci/stage .ci/tool .ci/*.sh .ci/stages/*.sh
else
  omit "shellcheck: it cannot be installed here"
fi
cargo clippy --workspace --all-targets --locked -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
