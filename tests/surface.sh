#!/usr/bin/env bash
# The crate's public surface, as rustdoc shows it: no warning, and no more items and public fields than a reader can hold.
set -euo pipefail
cd "$(dirname "$0")/.."
most_items=150
# Every setting of a description is a field: those of feedback synapses that learn, of equilibrium propagation and of
# continuous plasticity made 300 into 326, lateral synapses, forward-forward and homeostasis 333; processes, faults,
# crossbars and tables of curves 340.
most_fields=340
RUSTDOCFLAGS="-D warnings" cargo doc --locked --quiet --no-deps --lib -p dyadsim
pages="${CARGO_TARGET_DIR:-target}/doc/dyadsim"
# The pages that are listed: those of items that are gone may still lie beside them.
items=$(grep -o '<li><a href="[^"]*">' "$pages/all.html" | cut -d'"' -f2)
fields=$(cd "$pages" && cat $(grep '/struct\.' <<<"$items") | grep -o 'id="structfield\.' | wc -l)
items=$(wc -l <<<"$items")
echo "surface of dyadsim: $items items (at most $most_items), $fields public fields (at most $most_fields)"
[ "$items" -le "$most_items" ] && [ "$fields" -le "$most_fields" ]
