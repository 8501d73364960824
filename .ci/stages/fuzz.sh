# Fuzzes each target for half a minute, from the corpus that is kept. A run of CI replays the corpus as an ordinary test.
# Only this stage finds: a text that makes a parser or a function panic, found by coverage.
# Runs in: deep.
# Tools: c++, fuzz.
fuzz=$(tool fuzz) && tool c++ >/dev/null || skip "cargo-fuzz, or a C++ compiler for it, cannot be installed here"
PATH=$fuzz:$PATH .ci/fuzz.py 30 2>"$WORK/fuzz.log" || { tail -50 "$WORK/fuzz.log"; exit 1; }
