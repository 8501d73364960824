# The requests that take the most time and memory, searched for over sizes, operations and terms, on every route; and
# the largest change of a group, with the throughput of partitions on AWS.
# Only this stage finds: a request that takes more CPU or memory than it may, a limit that does not bind, and a limit
# that AWS does not keep.
# Runs in: deep.
logged "$WORK/worst.log" cargo bench --workspace --locked --bench worst
grep -E '^\| |^[0-9]+ requests' "$WORK/worst.log"
SCIM_AWS=throughput GROUP_SIZES=40000 logged "$WORK/groups.log" cargo bench --workspace --locked --bench groups
grep -E '^\| ' "$WORK/groups.log"
