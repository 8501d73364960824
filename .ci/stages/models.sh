# 10,000 operations of several writers, whose responses must have a serial order, and 20,000 random filters and PATCH
# requests, whose effects must be those of models written from the text of RFC 7644; the tests try fewer.
# Only this stage finds: two writers that lose a change in a rare order, events that do not rebuild the directory,
# and a rare filter or PATCH whose effect is not what the RFC says.
# Runs in: deep.
MODEL_OPERATIONS=10000 run_tests model:: --nocapture
REFERENCE_CASES=20000 run_tests reference:: --nocapture
