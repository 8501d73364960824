# The dependency tree of each crate, as it is deployed, contains only crates that the rules allow.
# Only this stage finds: a forbidden indirect dependency, such as DynamoDB in a discovery function or a development
# tool in a deployed one, and a type of an AWS SDK outside of its crate.
# Runs in: run, deep.
.ci/walls
