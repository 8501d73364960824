# A bill of materials of each function, in the format of CycloneDX.
# Only this stage finds: a crate of a function that its bill of materials lacks.
# Runs in: deep.
# Tools: cyclonedx.
cyclonedx=$(tool cyclonedx) || skip "cargo-cyclonedx cannot be installed here"
PATH=$cyclonedx:$PATH .ci/sbom.py "$WORK/sbom"
