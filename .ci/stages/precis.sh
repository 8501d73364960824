# Compares the keys of names with those of another implementation of RFC 8265, precis-i18n (PyPI), for every code
# point of Unicode.
# Only this stage finds: two spellings of one name that can both be taken, and a letter that is refused although RFC
# 8265 allows it.
# Runs in: deep.
# Tools: precis.
precis=$(tool precis) || skip "precis-i18n cannot be installed here"
logged "$WORK/build.log" cargo build --workspace --locked --example name_keys
"$precis/python" .ci/precis.py "${CARGO_TARGET_DIR:-target}/debug/examples/name_keys"
