# Tests of the store and acceptance tests on AWS's own DynamoDB Local: some of them in a run; in deep all of them,
# and half a minute of load.
# Only this stage finds: an expression, an item or a limit that the embedded database accepts and DynamoDB rejects.
# Runs in: run, deep.
# Tools: dynamodb-local.
tool dynamodb-local >/dev/null && start_dynamodb_local 18000 || skip "DynamoDB Local cannot be started here"
export DYNAMODB_ENDPOINT=$endpoint
if is_deep; then
  run_tests ''
  measure_load 5 4
else
  for filter in membership:: names:: users:: groups:: patch:: filters:: bulk::operations tokens:: bookmarks:: okta; do run_tests "$filter"; done
fi
