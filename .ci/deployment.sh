# Functions for the stages `stack` and `sam-local`, which test the functions where users run them.
# shellcheck shell=bash
# shellcheck disable=SC2154
python='' template='' template_folder=''

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# timed WHAT COMMAND…: runs the command and prints how long it took.
timed() {
  local began=$SECONDS
  # Bash does not stop at an error in a function that is called under `||`.
  "${@:2}" || return
  echo "$1: $((SECONDS - began)) s"
}
# field NAME…: prints the value at that path in the JSON on standard input; nothing if there is none.
field() {
  python3 -c 'import functools, json, sys
print(functools.reduce(lambda at, name: at.get(name, ""), sys.argv[1:], json.load(sys.stdin)))' "$@"
}
status() { curl -s -o /dev/null -w '%{http_code}' -m 60 -H "Authorization: Bearer $1" "$2"; }
# expect_status STATUS TOKEN URL WHAT: fails unless a GET of the URL returns this status.
expect_status() {
  local got
  got=$(status "$2" "$3")
  [ "$got" = "$1" ] || fail "$4: $got and not $1"
  echo "$4: $got"
}
# wait_for URL: waits until a server responds at the URL.
wait_for() {
  for _ in $(seq 300); do curl -s -o /dev/null -m 2 "$1" && return; sleep 0.2; done
  fail "nothing answers at $1"
}

# start_emulator: starts the emulator of AWS, with the commands sam, aws and cargo-lambda; skips the stage if there
# is none.
start_emulator() {
  local variables was_running
  [ -x "$shared/tools/aws-emulator" ] || skip "there is no emulator of AWS"
  tool aws-emulator >/dev/null || skip "the emulator of AWS cannot be installed here"
  was_running=$(curl -s -o /dev/null -m 2 http://127.0.0.1:4566/_ministack/health && echo yes || true)
  variables=$("$shared/tools/aws-emulator" 2>"$WORK/emulator.log") || skip "the emulator: $(tail -1 "$WORK/emulator.log")"
  [ -n "$was_running" ] || started+=("$(cat "$cache/aws-emulator/pid")")
  eval "$variables"
  # The Python of the SAM CLI has boto3.
  python=$(dirname "$(readlink -f "$(command -v sam)")")/python
}

# build_functions: sets template to one that the emulator and `sam local` accept. In a run, its programs are those
# of `cargo build`; in deep, those of `sam build`, which runs once for all stages.
build_functions() {
  template_folder=$CI_DIRECTORY/functions-$DEPTH
  template=$template_folder/template.yaml
  [ ! -f "$template" ] || return 0
  if is_deep; then
    timed "sam build" sam_build
    "$python" .ci/emulator/template.py .aws-sam/build/template.yaml "$template"
  else
    logged "$WORK/build.log" cargo build --workspace --locked --bins
    "$python" .ci/emulator/template.py template.yaml "$template" "${CARGO_TARGET_DIR:-target}/debug"
  fi
}
sam_build() {
  local folder name functions built small_programs with=() without=()
  # LTO=fat builds smaller programs, and takes more time.
  if [ "${LTO:-off}" = fat ]; then export CARGO_PROFILE_RELEASE_LTO=fat; else export CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16; fi
  # `sam build` links one function after the other. It reuses what this command has compiled on all cores, if the
  # functions that use DynamoDB are compiled separately from the others: together, the others would get features of
  # a dependency that they do not have alone.
  for folder in functions/*/; do
    name=$(basename "$folder")
    [ "$name" = local ] && continue
    if grep -q '^service\.' "$folder/Cargo.toml"; then with+=(--package "$name"); else without+=(--package "$name"); fi
  done
  logged "$WORK/build.log" cargo lambda build --release --locked "${with[@]}"
  logged "$WORK/build.log" cargo lambda build --release --locked "${without[@]}"
  logged "$WORK/build.log" sam build
  functions=$(find functions -mindepth 1 -maxdepth 1 -type d ! -name local | wc -l)
  built=$(find .aws-sam/build -name bootstrap | wc -l)
  [ "$functions" = "$built" ] || fail "$functions functions, $built built"
  # The size does not depend on the machine: 5 percent more than before is a mistake, or a reason to change these
  # limits. The smaller programs do not use DynamoDB.
  if [ "${LTO:-off}" = fat ]; then small=2100000 large=7100000; else small=3200000 large=12200000; fi
  small_programs=$((${#without[@]} / 2))
  wc -c .aws-sam/build/*/bootstrap | grep -v total | sort -n | awk -v small=$small -v large=$large -v count="$small_programs" '
    { limit = NR <= count ? small : large; sum += $1 }
    $1 > limit { print $2 ": " $1 " bytes, and not " limit > "/dev/stderr"; wrong = 1 }
    END { printf "%d functions, %.0f MB in all\n", NR, sum / 1e6; exit wrong }' || fail "functions have grown"
}

# run_acceptance BASE TOKEN STRICT_TOKEN FILTER [ARGUMENT…]: runs the acceptance tests whose name contains FILTER,
# which may be ''.
run_acceptance() {
  local status=0
  mkdir -p "$WORK/secrets"
  SCIM_SECRETS=$WORK/secrets SCIM_BASE_URL=$1 SCIM_TOKEN=$2 SCIM_STRICT_TOKEN=$3 \
    cargo test --workspace --locked --test acceptance -- ${4:+"$4"} "${@:5}" >"$WORK/tests.log" 2>&1 || status=$?
  [ $status = 0 ] || { cat "$WORK/tests.log"; return 1; }
  grep -E '^(skipped|test result)' "$WORK/tests.log"
  grep -qE '^test result: ok\. [1-9]' "$WORK/tests.log" || fail "no test has a name with $4"
}
# hide TEXT…: adds texts that no log may contain.
hide() { mkdir -p "$WORK/secrets"; printf 'secret "%s"\n' "$@" >>"$WORK/secrets/sent-stage"; }
# check_secrecy WHERE LOG…: fails if a log contains a text that was sent until now. Texts that are sent later are
# searched for in later logs.
check_secrecy() {
  logged "$WORK/secrecy.log" .ci/secrecy.py "$WORK/secrets" "$@"
  tail -1 "$WORK/secrecy.log"
  rm -r "$WORK/secrets"
}
