#!/usr/bin/env bash
# Whether compare.sh can be believed: a program beside itself is the same all over, and what is damaged is noticed.
#
#     tests/same/selftest.sh PROGRAM
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# = 1 ] || {
    echo "usage: selftest.sh PROGRAM" >&2
    exit 2
}
program=$(realpath -- "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch
failed=0

# Holds the program against itself with something done to the folder `r` of a run, and to its end.
#
# Wanted is a line that begins with the verdict and has the words; damage is for bash, and may set `status`.
damaged() {
    local verdict=$1 words=$2 damage=$3 told=0
    cat >"$scratch/damaged" <<END
#!/usr/bin/env bash
$(printf %q "$program") "\$@"
status=\$?
[ "\$1" != run ] || { $damage; }
exit \$status
END
    chmod +x "$scratch/damaged"
    "$here/compare.sh" "$program" "$scratch/damaged" "$scratch/commands" >"$scratch/told" 2>&1 || told=$?
    local wanted=1
    [ "$verdict" = DIFFERS ] || wanted=0
    if grep -q "^$verdict .*$words" "$scratch/told" && [ "$told" = "$wanted" ]; then
        echo "noticed as it should be: $damage"
    else
        echo "NOT told as \`$verdict … $words\` with status $wanted: $damage"
        cat "$scratch/told"
        failed=1
    fi
}

echo "0 dyadsim run wide.toml --out r --json" >"$scratch/commands"
damaged same '001' 'true'
damaged same '001' 'sed -i "2s/[^,]*$/12345.5/" r/metrics.csv'
damaged same '001' 'sed -i "s/\"wall_s\": .*/\"wall_s\": 12345.5/" r/summary.json'
damaged figures 'r/figures/accuracy.svg$' 'sed -i s/svg/gvs/ r/figures/accuracy.svg'
damaged DIFFERS 'r/metrics.csv$' 'sed -i "2s/,0/,1/" r/metrics.csv'
damaged DIFFERS 'r/layers.csv$' 'printf 7 | dd of=r/layers.csv bs=1 seek=150 conv=notrunc status=none'
damaged DIFFERS 'r/layers.parquet$' 'printf 7 | dd of=r/layers.parquet bs=1 seek=100 conv=notrunc status=none'
damaged DIFFERS 'r/metrics.parquet$' 'printf 7 | dd of=r/metrics.parquet bs=1 seek=100 conv=notrunc status=none'
damaged DIFFERS 'r/weights/.*safetensors$' 'for f in r/weights/*; do printf 7 | dd of=$f bs=1 seek=1500 conv=notrunc status=none; done'
damaged DIFFERS 'r/summary.json$' 'sed -i "s/\"test_loss\": /&9/" r/summary.json'
damaged DIFFERS 'r/manifest.json$' 'sed -i "s/\"precision\": \"f64\"/\"precision\": \"f32\"/" r/manifest.json'
damaged DIFFERS 'r/report.html$' 'sed -i s/Results/Fruits/ r/report.html'
damaged DIFFERS 'r/layers.csv$' 'rm r/layers.csv'
damaged DIFFERS 'r/more.csv$' 'touch r/more.csv'
damaged DIFFERS 'told/001/stdout' 'echo'
damaged DIFFERS 'told/001/stderr' 'echo >&2'
damaged DIFFERS 'told/001/status' 'status=3'

echo "2 dyadsim run wide.toml --out r --json" >"$scratch/commands"
if "$here/compare.sh" "$program" "$program" "$scratch/commands" >"$scratch/told"; then
    echo "NOT noticed: another status than the corpus expects"
    failed=1
fi

# The whole corpus, on which the program does the same twice.
"$here/compare.sh" "$program" "$program" >"$scratch/told" || failed=1
grep -v '^same ' "$scratch/told" || true
grep -q '^figures ' "$scratch/told" && failed=1
exit $failed
