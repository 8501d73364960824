# Three generations of scim2-client and scim2-models (PyPI), which refuse members that they do not know, against
# `cargo run`: they read a response of every kind, and perform each operation of the client.
# Only this stage finds: a member of a response that a client of RFC 7643 alone refuses, or that a client of RFC 9865
# misses.
# Runs in: run, deep.
# Tools: scim2-client-7, scim2-client-11, scim2-client-13.

# run_generation DIALECT SCRIPT PATTERN: runs a script against an empty directory, and looks for a line.
run_generation() {
  log=$WORK/local-${#started[@]}.log
  start_local --memory --dialect "$1" --log info
  "$python" ".ci/$2" "$base" "$token" >"$WORK/client.log" 2>&1 || true
  grep -m 1 -E "$3" "$WORK/client.log" || { tail -40 "$WORK/client.log"; fail "$2 with a $1 token printed no such line: $3"; }
}

for generation in 7 11 13; do
  python=$(tool "scim2-client-$generation")/python || skip "scim2-client cannot be installed here"
  run_generation lenient readers.py ', 0 refused$'
  run_generation lenient clients.py 'every operation.*pagination not found$'
  if [ $generation = 7 ]; then
    # A strict token is not for this generation: it refuses the configuration, and nothing but that.
    run_generation strict readers.py ', 1 refused$'
    grep -q '^REFUSED /ServiceProviderConfig: pagination:' "$WORK/client.log" || fail "another response was refused"
    run_generation strict clients.py '^pagination$'
    # The log shows such a client as one that sends requests of discovery alone.
    python3 .ci/silent.py "$log" 1
  else
    run_generation strict clients.py 'every operation.*pagination found$'
    python3 .ci/silent.py "$log" 0
  fi
done
