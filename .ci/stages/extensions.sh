# The acceptance tests of extension schemas that were compiled in from files. What knows the schemas is compiled anew.
# Only this stage finds: an extension of a deployer that is not read, stored or described as its schema says.
# Runs in: deep.
SCIM_EXTENSIONS=shared/acceptance/extensions run_tests extensions:: --nocapture
if grep '^skipped' "$WORK/tests.log"; then fail "the server was compiled without the extension schemas"; fi
