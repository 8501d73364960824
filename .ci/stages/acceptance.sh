# The acceptance program against `cargo run`, and against scim2-server (PyPI), a server that fails some of its
# checks.
# Only this stage finds: an acceptance program that stops, or reports nothing, when a server responds in an
# unexpected way.
# Runs in: deep.
# Tools: scim2-server.
start_local
cargo run --locked --quiet -p acceptance -- --base-url "$base" --token "$token" --json "$WORK/local.json"
server=$(tool scim2-server) || { omit "scim2-server cannot be installed here"; exit 0; }
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$server/scim2-server" --hostname 127.0.0.1 --port "$port" --bearer-token secret >"$WORK/scim2-server.log" 2>&1 &
started+=($!)
for _ in $(seq 100); do curl -s -o /dev/null -m 2 "http://127.0.0.1:$port/" && break; sleep 0.2; done
cargo run --locked --quiet -p acceptance -- --base-url "http://127.0.0.1:$port/v2" --token secret --json "$WORK/other.json" || true
# Its failures are expected, and the report has to name them.
python3 -c 'import json, sys
report = json.load(open(sys.argv[1]))
print("scim2-server:", ", ".join(f"{report[it]} {it}" for it in ("passed", "failed", "skipped")))
sys.exit(not (report["passed"] and report["failed"]))' "$WORK/other.json"
