# Acceptance tests while 10 of 100 calls of DynamoDB fail; in deep, also more random requests and histories of names than in `tests`.
# Only this stage finds: an answer that is wrong after a call failed, or that promised what was not stored.
# Runs in: run, deep.
if is_deep; then
  # Left out are tests that are long, or about time, memory or faults themselves.
  left_out=(body_costs bulk::limits concurrent_changes crash fault_rates:: hostile interleavings kill_points large_group::
    linearizability logs:: model:: outage tenants::)
  SCIM_FAULTS=10 run_tests '' "${left_out[@]/#/--skip=}"
  export PROMISE_REQUESTS=2000 HISTORIES=40
  run_tests fault_rates:: --nocapture
  run_tests linearizability:: --nocapture
else
  for filter in okta groups:: patch::; do SCIM_FAULTS=10 run_tests $filter; done
fi
