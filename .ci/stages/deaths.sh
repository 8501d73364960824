# Large changes that are interrupted after each of their DynamoDB calls, and processes that are killed at each of them
# while DynamoDB behaves as on AWS; the stage prints each case. And a table that lacks one item, for each item of each
# kind of transaction.
# Only this stage finds: which step of a large change cannot be completed by the next reader, and an item whose absence
# the check of the table does not find or repair.
# Runs in: deep.
run_tests crash --nocapture
SCIM_AWS=all run_tests kill_points --nocapture
LEFT_OUT_ITEMS=1000 run_tests check:: --nocapture
SNAPSHOTS=15 run_tests restored:: --nocapture
