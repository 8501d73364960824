# 10,000 operations of several writers, whose responses must have a serial order; the tests try fewer.
# Only this stage finds: two writers that lose a change in a rare order, and events that do not rebuild the
# directory.
# Runs in: deep.
MODEL_OPERATIONS=10000 run_tests model:: --nocapture
