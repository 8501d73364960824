# Large changes that end after every single call of DynamoDB, each printed.
# Only this stage finds: which step of a large change cannot be completed by the next reader.
# Runs in: deep.
run_tests crash --nocapture
