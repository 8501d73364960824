# A load like Okta's for half a minute, on the embedded database.
# Only this stage finds: a wrong response, an error or growing memory under load.
# Runs in: deep.
measure_load 5 8
