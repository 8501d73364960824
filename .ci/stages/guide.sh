# Checks the links of all documents, builds the guide with mdBook, and runs its examples.
# Only this stage finds: a link that leads nowhere, a page that is not in the guide, and an example of the guide
# that does not compile.
# Runs in: run, deep.
# Tools: mdbook.
.ci/links.py
mdbook=$(tool mdbook) || { omit "mdbook: it cannot be installed here"; exit 0; }
logged "$WORK/mdbook.log" "$mdbook/mdbook" build shared/guide --dest-dir "$WORK/book"
if grep -E 'WARN|ERROR' "$WORK/mdbook.log"; then fail "mdbook build gives a warning"; fi
echo "mdbook: $(find "$WORK/book" -name '*.html' | wc -l) pages"
logged "$WORK/mdbook-test.log" "$mdbook/mdbook" test shared/guide
grep -c 'Testing' "$WORK/mdbook-test.log" | sed 's/$/ chapters tested/'
