# The requests that take the most time and memory, searched for over sizes, operations and terms, on every route.
# Only this stage finds: a request that takes more CPU or memory than it may, and a limit that does not bind.
# Runs in: deep.
logged "$WORK/worst.log" cargo bench --locked -p benchmarks --bench worst
grep -E '^\| |^[0-9]+ requests' "$WORK/worst.log"
