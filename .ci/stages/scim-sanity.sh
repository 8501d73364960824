# The probe of scim-sanity (PyPI) against `cargo run`.
# Only this stage finds: a different reading of the RFCs by another author, above all for errors and
# ServiceProviderConfig.
# Runs in: run, deep.
# Tools: scim-sanity.
sanity=$(tool scim-sanity) || skip "scim-sanity cannot be installed here"
start_local
"$sanity/scim-sanity" probe "$base" --token "$token" --i-accept-side-effects >"$WORK/sanity.log" 2>&1 || true
passed=$(grep -c '\[PASS\]' "$WORK/sanity.log" || true)
failed=$(grep -cE '\[(FAIL|ERROR)\]|Traceback|[1-9][0-9]* failed' "$WORK/sanity.log" || true)
echo "scim-sanity probe: $passed passed, $failed failed"
if [ "$failed" -ne 0 ] || [ "$passed" -lt 28 ] || ! grep -q 'Result: All tests passed' "$WORK/sanity.log"; then
  cat "$WORK/sanity.log"
  exit 1
fi
