# The acceptance tests of extension schemas that are compiled in from files. The crates that depend on the schemas
# are compiled again.
# Only this stage finds: an extension of a deployer that is not read, stored or described as its schema specifies.
# Runs in: deep.
SCIM_EXTENSIONS=shared/acceptance/extensions run_tests extensions:: --nocapture
if grep '^skipped' "$WORK/tests.log"; then fail "the server was compiled without the extension schemas"; fi
