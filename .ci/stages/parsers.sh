# Every parser parses a million random texts; the tests try some thousand.
# Only this stage finds: a rare text that makes a parser panic or loop.
# Runs in: run, deep.
TOTALITY_CASES=1000000 run_tests no_parser_panics
