# Functions for the stages of .ci/stages; .ci/runner.py loads them before each stage, and documents the variables of
# a stage.
# shellcheck shell=bash disable=SC2034
shared=$(realpath -m "${SHARED:-../shared}")
cache=${XDG_CACHE_HOME:-$HOME/.cache}
token='' base='' endpoint=''
# The ids of the processes of this stage, which are stopped at its end.
started=()
stop_started() {
  local pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  # Some have to clean up: the SAM CLI stops its containers.
  for pid in "${started[@]}"; do
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
    kill -KILL "$pid" 2>/dev/null || true
  done
}
trap stop_started EXIT
trap 'exit 1' TERM

fail() { printf '%s\n' "$*" >&2; exit 1; }
# omit WHAT: prints what this stage omits, and why.
omit() { printf 'SKIPPED: %s\n' "$*"; }
# skip WHY: skips the stage.
skip() { omit "$*"; exit 77; }
is_deep() { [ "$DEPTH" = deep ]; }
# tool NAME: prints the folder of a tool's programs.
tool() { .ci/tool "$1" 2>"$WORK/$1.log" || { tail -3 "$WORK/$1.log" >&2; return 1; }; }
# logged FILE COMMAND…: writes the output of the command to FILE, and prints it only if the command fails.
logged() { "${@:2}" >"$1" 2>&1 || { cat "$1"; return 1; }; }

# run_tests FILTER [ARGUMENT…]: runs the integration tests of the workspace whose name contains FILTER, which may be
# ''. It uses the programs of `cargo test --workspace`, so nothing is compiled again. Prints their output except the
# names of passed tests.
run_tests() {
  local status=0
  cargo test --workspace --locked --test '*' -- ${1:+"$1"} "${@:2}" >"$WORK/tests.log" 2>&1 || status=$?
  [ $status = 0 ] || { cat "$WORK/tests.log"; return 1; }
  grep -vE '^(test .* ok|test result: ok\. 0 passed.*|running .*|    (Finished|Running) .*|   Compiling .*|)$' "$WORK/tests.log" || true
  grep -qE '^test result: ok\. [1-9]' "$WORK/tests.log" || fail "no test has a name with $1"
}

# start_local [ARGUMENT…]: starts `cargo run` at a free port, by default in memory; sets base and token.
start_local() {
  local log=$WORK/local-${#started[@]}.log where=(--memory)
  [ $# = 0 ] || where=("$@")
  # The program is compiled first, so that the time limit below is only for the start of the server.
  logged "$WORK/build.log" cargo build --locked
  "${CARGO_TARGET_DIR:-target}/debug/local" "${where[@]}" --port 0 >"$log" 2>&1 &
  started+=($!)
  for _ in $(seq 300); do grep -q 'scim_' "$log" && break; sleep 0.2; done
  base=$(grep -m 1 -oE 'http://127\.0\.0\.1:[0-9]+/scim/v2' "$log" || true)
  token=$(grep -m 1 -oE 'scim_[A-Za-z0-9_]+' "$log" || true)
  [ -n "$base" ] && [ -n "$token" ] || { cat "$log"; return 1; }
}

# start_dynamodb_local PORT: starts DynamoDB Local and sets endpoint; returns 1 if there is none.
start_dynamodb_local() {
  [ -x "$shared/tools/dynamodb-local" ] && command -v java >/dev/null || return 1
  endpoint=$("$shared/tools/dynamodb-local" "$1") || return 1
  started+=("$(cat "$cache"/dynamodb-local/*/"$1".pid)")
}

# okta_spec BASE TOKEN [STEP]: runs the SPEC test of Okta, which reads the first user that it finds. Only STEP may
# fail.
okta_spec() {
  local failed suite=$shared/suites/okta-spec
  python3 "$suite/run_runscope.py" "$suite/Okta-SCIM-20-SPEC-Test.json" "$1" "Bearer $2" --seed --no-time >"$WORK/spec.log" || true
  cat "$WORK/spec.log"
  failed=$(grep '^FAIL' "$WORK/spec.log" | grep -cvF "${3:-none}" || true)
  [ "$failed" = 0 ] && grep -q '^assertions passed [1-9]' "$WORK/spec.log" || fail "$failed steps of Okta's SPEC test failed"
}

# measure_load RATE TENANTS: runs half a minute of load, compiled as the tests are. Each response is checked; the
# figures have no limit.
measure_load() {
  LOAD_SECONDS=30 LOAD_RATE=$1 LOAD_TENANTS=$2 \
    logged "$WORK/load.log" cargo bench --profile dev --workspace --locked --bench load
  grep -E '^\| ' "$WORK/load.log"
}
command -v cc >/dev/null || .ci/tool cc >/dev/null
