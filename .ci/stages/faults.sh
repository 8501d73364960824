# Acceptance tests while 10 of 100 calls of DynamoDB fail, and concurrent writers while DynamoDB behaves as on AWS; in
# deep, also more random requests, and more histories of operations on names, than in `tests`.
# Only this stage finds: a response that is wrong after a failed call, or that acknowledges a change that was not
# stored; a change that is lost because DynamoDB shows one item of a transaction before another.
# Runs in: run, deep.
# While a transaction is being written, DynamoDB may show it to one request and not to the next one. Without that
# behaviour, also the responses of reads have a serial order.
whole=throughput,conflicts,late-duplicates,cut-responses,transaction-size
if is_deep; then
  # The stage omits tests that are long, or that test time, memory or faults themselves.
  left_out=(body_costs bulk::limits concurrent_changes crash fault_rates:: hostile interleavings kill_points large_group::
    linearizability logs:: model:: outage tenants::)
  SCIM_FAULTS=10 run_tests '' "${left_out[@]/#/--skip=}"
  export FAULT_REQUESTS=2000 HISTORIES=40
  run_tests fault_rates:: --nocapture
  run_tests linearizability:: --nocapture
  SCIM_AWS=all run_tests fault_rates:: --nocapture
  SCIM_AWS=$whole run_tests linearizability:: --nocapture
  SCIM_AWS=all run_tests linearizability:: --nocapture
  for filter in idp:: protocol::groups:: protocol::patch:: protocol::users::; do SCIM_AWS=all run_tests $filter; done
else
  for filter in okta groups:: patch::; do SCIM_FAULTS=10 run_tests $filter; done
  SCIM_AWS=all run_tests okta
  SCIM_AWS=all MODEL_OPERATIONS=600 run_tests model:: --nocapture
  SCIM_AWS=all FAULT_REQUESTS=60 run_tests fault_rates:: --nocapture
  SCIM_AWS=$whole HISTORIES=4 run_tests linearizability:: --nocapture
  SCIM_AWS=all HISTORIES=4 run_tests linearizability:: --nocapture
fi
