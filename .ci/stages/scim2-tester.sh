# The checks of scim2-tester (PyPI) against `cargo run`; in deep five times, because its data are random.
# Only this stage finds: a different reading of RFC 7643 and RFC 7644 by another author.
# Runs in: run, deep.
# Tools: scim2-tester.
tester=$(tool scim2-tester) || skip "scim2-cli cannot be installed here"
start_local
rounds=1
if is_deep; then rounds=5; fi
for _ in $(seq $rounds); do
  "$tester/scim2" -u "$base" -h "Authorization: Bearer $token" test >"$WORK/scim2.log" 2>&1 || true
  passed=$(grep -c '^SUCCESS' "$WORK/scim2.log" || true)
  # The tester removes every attribute that is not required. `active` cannot be removed here: a filter has to find each
  # user as active or as inactive.
  failed=$(grep -vF "Failed to remove attribute 'active': active: a user is always" "$WORK/scim2.log" |
    grep -A1 -E '^(ERROR|CRITICAL)|Traceback' | grep -cE '^  |Traceback' || true)
  echo "scim2 test: $passed SUCCESS, $failed ERROR"
  if [ "$failed" -ne 0 ] || [ "$passed" -lt 130 ]; then cat "$WORK/scim2.log"; exit 1; fi
done
