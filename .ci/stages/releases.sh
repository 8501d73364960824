# Writers of version 0.1.0 and of this release change one table at the same time, as while a deployment or a rollback
# replaces the functions. Their responses must have a serial order, and the events must rebuild the directory.
# Only this stage finds: an item that one of two releases writes and the other one cannot read, or reads in another way.
# Runs in: deep.
# Tools: first-release.
first=$(tool first-release) || skip "version 0.1.0 cannot be compiled here; a shallow clone lacks its commit"
for _ in 1 2 3; do OTHER_RELEASE=$first/local MODEL_OPERATIONS=3000 run_tests concurrent_history --nocapture; done
