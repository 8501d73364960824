# Okta's SPEC test, which Okta asks for before it lists an app, and exchanges that were recorded of Okta, against `cargo run`.
# Only this stage finds: an answer that Okta does not take, by its own words.
# Runs in: run, deep.
[ -f "$shared/suites/okta-spec/run_runscope.py" ] || skip "there is no folder with the suites of Okta"
OKTA_RECORDINGS=$shared/suites/okta-recordings run_tests recordings --nocapture
start_local
okta_spec "$base" "$token"
