# Counts the DynamoDB calls and units of each operation in a directory of 100,000 users.
# Only this stage finds: an operation whose cost grows with the directory; the tests measure the cost in a small
# directory.
# Runs in: deep.
COSTS_USERS=100000 run_tests cost_budget --nocapture
grep -q '^| 100000 users |' "$WORK/tests.log" || fail "the costs were not counted with 100,000 users"
