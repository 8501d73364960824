# Mutates texts of the corpus of each target at random for some seconds; in deep, libFuzzer does it for half a
# minute, guided by coverage. An ordinary test runs the corpus itself.
# Only this stage finds: an unexpected text that makes a parser or a function panic.
# Runs in: run, deep.
# Tools in deep: c++, fuzz.
FUZZ_SECONDS=4 run_tests mutated_corpus_text --nocapture
is_deep || exit 0
fuzz=$(tool fuzz) && tool c++ >/dev/null || { omit "cargo-fuzz: it, or a C++ compiler for it, cannot be installed here"; exit 0; }
PATH=$fuzz:$PATH .ci/fuzz.py 30 2>"$WORK/fuzz.log" || { tail -50 "$WORK/fuzz.log"; exit 1; }
