# Large changes that are interrupted after each of their DynamoDB calls; the stage prints each case.
# Only this stage finds: which step of a large change cannot be completed by the next reader.
# Runs in: deep.
run_tests crash --nocapture
