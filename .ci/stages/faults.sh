# Acceptance tests while 10 of 100 calls of DynamoDB fail; random requests whose answers have to be kept; histories of names.
# Only this stage finds: an answer that is wrong after a call failed, or that promised what was not stored.
# Runs in: run, deep.
if is_deep; then
  # Left out are tests that are long, or about time, memory or faults themselves.
  left_out=(body_costs bulk::limits concurrent_changes crash fault_rates:: hostile interleavings kill_points large_group
    linearizability model:: outage tenancy:: tenants::)
  SCIM_FAULTS=10 run_tests '' "${left_out[@]/#/--skip=}"
  export PROMISE_REQUESTS=2000 HISTORIES=40
else
  for filter in okta groups:: patch::; do SCIM_FAULTS=10 run_tests $filter; done
  export PROMISE_REQUESTS=500 HISTORIES=10
fi
run_tests fault_rates:: --nocapture
run_tests linearizability:: --nocapture
