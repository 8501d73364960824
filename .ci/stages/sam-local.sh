# The functions of `sam build` in the containers of `sam local`: every event of events/, Okta's SPEC test, and the
# sessions of the identity providers, because each request takes half a second.
# Only this stage finds: a function that does not start in the image of Lambda, and an example event with a wrong
# response.
# Runs in: deep.
# Tools: aws-emulator, dynamodb-local.
source .ci/deployment.sh
[ -x "$shared/tools/docker-engine" ] || docker info >/dev/null 2>&1 || skip "there is no Docker"
start_emulator
build_functions
pull=()
docker info >/dev/null 2>&1 || stops_docker=yes
if [ -x "$shared/tools/docker-engine" ]; then
  logged "$WORK/docker.log" "$shared/tools/docker-engine" || skip "Docker cannot be started"
  pull=(--skip-pull-image)
  [ -z "${stops_docker:-}" ] || started+=("$(cat /var/run/docker.pid)")
fi
dynamodb_port=18010
start_dynamodb_local $dynamodb_port || skip "DynamoDB Local cannot be started here"
# The containers use DynamoDB Local, and nothing of the emulator.
unset AWS_ENDPOINT_URL
arguments=(--config-file "$PWD/samconfig.toml" --template-file "$template" "${pull[@]}"
  --parameter-overrides "DynamoDbEndpoint=http://host.docker.internal:$dynamodb_port")
# create_table TENANT DIALECT: creates the table as the guide describes; sets token, and sets base to the server
# that created it.
create_table() { start_local --dynamodb-endpoint "$endpoint" --table Table --tenant "$1" --dialect "$2"; }
create_table acme strict
strict=$token
create_table okta lenient
spec_token=$token
create_table acme lenient

mkdir -p "$WORK/secrets"
SCIM_SECRETS=$WORK/secrets timed "sam local invoke" python3 .ci/events.py "$base" "$token" "${arguments[@]}"
check_secrecy "sam local invoke" "$WORK/secrets/said-events"

port=$(free_port)
sam local start-api --port "$port" "${arguments[@]}" >"$WORK/start-api.log" 2>&1 & started+=($!)
base=http://127.0.0.1:$port/v2
wait_for "http://127.0.0.1:$port/"
expect_status 200 "$token" "$base/Users?count=1" "a token, in containers"
expect_status 200 "" "$base/openapi.json" "the OpenAPI document, in containers"
hide "$token" "$strict" "$spec_token"
# `sam local` has no GatewayResponses, and rewrites paths as the emulator does.
left_out=(url_is_decoded_as_in_rfc_3986 unknown_id_returns_404 hostile
  invalid_token_returns_401 tokens:: repeated_header openapi_document)
omit "${left_out[*]}, and the body of a 401: sam local refuses in its own words"
if [ -d "$shared/suites/okta-spec" ]; then timed "Okta's SPEC test" okta_spec "$base" "$spec_token" "Check status 401"; fi
for session in okta::connection okta::custom_app okta::catalog_app entra:: canaries::; do
  timed "$session, in containers" run_acceptance "$base" "$token" "$strict" "$session" "${left_out[@]/#/--skip=}"
done
check_secrecy "in containers" "$WORK/start-api.log"
