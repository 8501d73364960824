# The links of all documents, and in deep the guide as mdBook builds it, with its examples.
# Only this stage finds: a link that leads nowhere, and an example of the guide that does not compile.
# Runs in: run, deep.
# Tools in deep: mdbook.
.ci/links.py
if is_deep; then
  if mdbook=$(tool mdbook); then
    logged "$WORK/mdbook.log" "$mdbook/mdbook" build shared/guide --dest-dir "$WORK/book"
    if grep -E 'WARN|ERROR' "$WORK/mdbook.log"; then fail "mdbook build gives a warning"; fi
    "$mdbook/mdbook" test shared/guide
  else
    omit "mdbook: it cannot be installed here"
  fi
fi
