# The instructions of each step and operation, counted by valgrind and compared with the baseline.
# Only this stage finds: a step that became slower by 5 percent.
# Runs in: deep.
# Tools: valgrind, gungraun.
gungraun=$(tool gungraun) && tool valgrind >/dev/null || skip "valgrind or gungraun-runner cannot be installed here"
PATH=$gungraun:$PATH .ci/instructions.py
