# 10,000 operations of several writers, whose responses must have a serial order, once more while DynamoDB behaves as on
# AWS; and 20,000 random filters and PATCH requests, whose effects must be those of models written from the text of RFC
# 7644. The tests try fewer.
# Only this stage finds: two writers that lose a change in a rare order, events that do not rebuild the directory,
# and a rare filter or PATCH whose effect is not what the RFC says.
# Runs in: deep.
MODEL_OPERATIONS=10000 run_tests model:: --nocapture
SCIM_AWS=all MODEL_OPERATIONS=10000 run_tests model:: --nocapture
REFERENCE_CASES=20000 run_tests reference:: --nocapture
