# The README's test command. It records the permissions that each function used, and all texts that were sent and
# logged.
# Only this stage finds: most mistakes; also a permission of the template that no function uses, and a value in a
# log.
# Runs in: run, deep.
mkdir "$WORK/rights" "$WORK/secrets"
export SCIM_RIGHTS_RECORD=$WORK/rights
SCIM_SECRETS=$WORK/secrets AWS_LAMBDA_LOG_LEVEL=trace cargo test --workspace --locked
cargo test --workspace --locked --tests -- --ignored every_right >"$WORK/every-right.log" 2>&1 || { cat "$WORK/every-right.log"; exit 1; }
grep '^test result: ok. 1 passed' "$WORK/every-right.log" || fail "the test of every right did not run"
echo "rights: $(cat "$WORK"/rights/* | sort -u | wc -l) used, none idle"
.ci/secrecy.py "$WORK/secrets" "cargo run" "$WORK"/secrets/said-*
