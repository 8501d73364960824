# The dependency tree of each crate, as it is deployed, holds only what the crate may know.
# Only this stage finds: a crate that brings along what it may not know, such as DynamoDB in a discovery function or a development
# tool in a deployed one, and a type of the AWS SDK that is named outside of store.
# Runs in: run, deep.
.ci/walls
