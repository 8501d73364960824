# The OpenAPI document is valid, and schemathesis (PyPI) finds no response that contradicts it.
# Only this stage finds: a status, a header or a body that the OpenAPI document does not describe.
# Runs in: run, deep.
# Tools: openapi.
tools=$(tool openapi) || skip "schemathesis cannot be installed here"
start_local
curl -sS "$base/openapi.json" >"$WORK/openapi.json"
"$tools/openapi-spec-validator" "$WORK/openapi.json"
python3 - "$WORK/openapi.json" <<'PYTHON'
import json, re, sys
def walk(node):
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(child)
schemas = [node for node in walk(json.load(open(sys.argv[1]))) if isinstance(node.get("pattern"), str) and "examples" in node]
wrong = [(node["pattern"], example) for node in schemas for example in node["examples"] if not re.search(node["pattern"], example)]
sys.exit(f"a pattern refuses its own example: {wrong}" if wrong or not schemas else None)
PYTHON
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance
checks+=,response_headers_conformance,unsupported_method,allow_header_conformance
config=$PWD/.ci/schemathesis.toml
# Right and wrong data for every operation. The seed is fixed, so that a failure can be repeated. It leaves a cache
# in its folder.
cd "$WORK"
logged "$WORK/schemathesis.log" "$tools/schemathesis" --config-file "$config" run "$base/openapi.json" \
  -H "Authorization: Bearer $token" --mode all --seed 1 --max-examples 20 --continue-on-failure --no-color \
  --generation-database none --checks "$checks"
echo "schemathesis: $(grep -A1 '^API Operations' schemathesis.log | tail -1 | xargs), $(grep 'generated,' schemathesis.log | xargs)"
