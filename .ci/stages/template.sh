# cfn-lint, `sam validate`, the project's own checks of the template as SAM transforms it, and checkov on both.
# Only this stage finds: a resource that CloudFormation would reject, and mistakes in what SAM generates: roles,
# permissions and routes.
# Runs in: run, deep.
# Tools: sam, checkov.
# SAM hashes only the folder of a function: a cached build misses every change under shared/.
if grep -nE 'cached[[:space:]]*=[[:space:]]*true' samconfig.toml; then fail "samconfig.toml may not cache builds"; fi
sam=$(tool sam) || skip "the SAM CLI, cfn-lint and checkov cannot be installed here"
"$sam/python" .ci/template/check_template.py "$WORK/transformed.json"
# checkov and the linters use one core each.
if checkov=$(tool checkov); then
  {
    # Only the transformed template has the roles and permissions of the functions, and the stage.
    for template in template.yaml "$WORK/transformed.json"; do
      logged "$WORK/checkov.log" "$checkov/checkov" -f "$template"
      echo "checkov, $(basename "$template"): $(grep '^Passed checks' "$WORK/checkov.log")"
    done
  } &
  checkov=$!
else
  omit "checkov: it cannot be installed here"
  checkov=
fi
"$sam/cfn-lint" template.yaml
echo "cfn-lint: clean"
SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 "$sam/sam" validate --lint
[ -z "$checkov" ] || wait "$checkov"
