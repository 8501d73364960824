# A load like Okta's for half a minute, on the embedded database.
# Only this stage finds: a wrong answer, an error or a growing memory under load.
# Runs in: deep.
measure_load 5 8
