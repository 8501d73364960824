# cargo-deny and cargo-shear: licences, sources, second versions, the dependency rules between crates, and unused
# dependencies.
# Only this stage finds: a licence, a source or a second version without a reason, a direct dependency that the
# rules forbid, an unused dependency, and a known vulnerability.
# Runs in: run, deep.
# Tools: deny.
deny=$(tool deny) || skip "cargo-deny and cargo-shear cannot be installed here"
"$deny/cargo-shear" --locked --deny-warnings
# A rule for a crate on which no crate depends checks nothing, so an entry without a match is also a failure.
"$deny/cargo-deny" --locked check -D unmatched-skip -D unused-wrapper licenses bans sources
if timeout 120 "$deny/cargo-deny" fetch db >"$WORK/advisories.log" 2>&1; then
  "$deny/cargo-deny" --locked check --disable-fetch advisories
else
  omit "advisories: the database of RustSec, which is on github.com, cannot be fetched here"
fi
