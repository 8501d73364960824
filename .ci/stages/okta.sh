# Okta's SPEC test, which Okta requires before it lists an app, and recorded exchanges of Okta, against `cargo run`.
# Only this stage finds: a response that Okta's own test rejects.
# Runs in: run, deep.
spec=$shared/suites/okta-spec recordings=$shared/suites/okta-recordings
[ -d "$spec" ] || [ -d "$recordings" ] || skip "there is no folder with the suites of Okta"
if [ -d "$recordings" ]; then
  OKTA_RECORDINGS=$recordings run_tests recordings --nocapture
else
  omit "recorded exchanges: there is no folder with them"
fi
[ -d "$spec" ] || { omit "Okta's SPEC test: there is no folder with it"; exit 0; }
start_local
okta_spec "$base" "$token"
