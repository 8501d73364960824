# Canaille (PyPI), an identity provider, pushes users, groups and changes to `cargo run`, which then has to hold what
# Canaille holds.
# Only this stage finds: a released identity provider that stops in silence, or stores here something else than it has.
# Runs in: run, deep.
# Tools: canaille.
drive=$shared/suites/canaille/drive.py
[ -f "$drive" ] || skip "there is no folder with the script that drives Canaille"
canaille=$(tool canaille) || skip "Canaille cannot be installed here"
for mode in '' all; do
  log=$WORK/local-${#started[@]}.log
  start_local --memory --log info
  logged "$WORK/canaille.log" "$canaille/python" .ci/compare_canaille.py "$drive" "$base" "$token" "$log" ${mode:+"$mode"}
  tail -2 "$WORK/canaille.log"
  python3 .ci/silent.py "$log" 0
done
