#!/usr/bin/env bash
# Whether two programs do the same: every command on a small corpus, and what they leave behind held against each other.
#
#     tests/same/compare.sh OLD NEW [COMMANDS]
#
# OLD and NEW are executables of dyadsim. Every line of COMMANDS (by default the file `commands` beside this script, which tells its
# form) is carried out by both, each with a folder of its own that begins with the files of `inputs/`. Files, standard output,
# standard error and status must be the same, but for what `plain` drops. Prints a line for every command: `same`; `figures` if
# only figures (svg, png) differ, which may be on purpose; `DIFFERS` with the names; `BROKEN` if the old program does not end with
# the status that the corpus expects. Status 0 if no line is DIFFERS or BROKEN, else 1, and then what both left is kept.
# Wants python3 (for a Parquet file without one column); lines that want ngspice do nothing without it.
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
    echo "compare.sh: $*" >&2
    exit 2
}

[ $# = 2 ] || [ $# = 3 ] || fail "usage: compare.sh OLD NEW [COMMANDS]"
commands=${3:-$here/commands}
[ -r "$commands" ] || fail "$commands cannot be read"
command -v python3 >/dev/null || fail "no python3"

# Everything that two runs of one program, or two builds of the same sources, do not share. A number that is dropped here is seen
# by nobody: keep it narrow, and say why.
plain() {
    local time='[0-9.e+-]+'
    case ${1##*/} in
    # The wall time of an epoch, its last column.
    metrics.csv) awk 'NR == 1 { timed = /,wall_s$/ } timed { sub(/,[^,]*$/, "") } { print }' "$1" ;;
    metrics.parquet) python3 "$here/parquet.py" "$1" wall_s ;;
    # The wall time of a run.
    summary.json) sed -E "/^ +\"wall_s\": $time,?\$/d" "$1" ;;
    # The wall time of all runs; and figures, which have files of their own beside it.
    report.html) sed -E 's/Wall time of all runs together: [^<]*//; /<svg/,/<\/svg>/d' "$1" ;;
    # Which program, and when; its own checksum, and those of files that differ for the reasons above or are figures.
    manifest.json)
        sed -E '/^  "(version|commit|started|ended|sha256)":/d; /^  "versions": \[/,/^  \]/d
            /^    "(metrics\.(csv|parquet)|summary\.json|report\.html|figures\/[^"]*)":/d' "$1"
        ;;
    # The wall times of runs, a map (`wall_s`, "in … s"), ngspice (at the end of its line), and the estimate of a dry run; progress,
    # of which there is a line every ten seconds.
    stdout | stderr)
        sed -E "/^ *\"(wall_s|ngspice_wall_s|seconds)\": $time,?\$/d; s/^(looked at .*) in $time s\$/\1/
            s/^(simulator  .*), $time s\$/\1/; s/^(time  +about ).* on ([0-9]+ threads )/\1\2/
            /^[0-9]+\/[0-9]+ epochs  /d" "$1"
        ;;
    *) cat "$1" ;;
    esac
}

# Whether a file is the same in both folders.
same() {
    [ -f "old/$1" ] && [ -f "new/$1" ] || return 1
    cmp -s "old/$1" "new/$1" || cmp -s <(plain "old/$1") <(plain "new/$1")
}

scratch=$(mktemp -d)
for side in old new; do
    [ $side = old ] && program=$1 || program=$2
    program=$(realpath -- "$program")
    [ -x "$program" ] && [ -f "$program" ] || fail "$program is no program"
    mkdir "$scratch/$side" "$scratch/$side.bin"
    ln -s "$program" "$scratch/$side.bin/dyadsim"
    cp "$here"/inputs/* "$scratch/$side"
done
cd "$scratch"

# Carries a line out, in a place that is called the same for both; data sets are sought there alone.
carry_out() {
    local side=$1 told=told/$number status=0
    mkdir -p "$side/$told"
    mv "$side" here
    (
        cd here
        export PATH="$scratch/$side.bin:$PATH" DYADSIM_DATA=none XDG_CACHE_HOME=none HOME=none
        exec bash -c "$2" >"$told/stdout" 2>"$told/stderr" </dev/null
    ) || status=$?
    echo "$status" >"here/$told/status"
    mv here "$side"
}

# Names of the files in one folder or the other that pass a test of `find`.
names() {
    (cd old && find . -type f "$@" && cd ../new && find . -type f "$@") | sort -u
}

# Says what came of a line, given the names of files to look at: sets `verdict` and `differing`.
judge() {
    local name
    verdict=same differing=()
    while read -r name; do
        name=${name#./}
        if same "$name"; then continue; fi
        differing+=("$name")
        case $verdict-$name in
        same-*.svg | same-*.png | figures-*.svg | figures-*.png) verdict=figures ;;
        *) verdict=DIFFERS ;;
        esac
    done
}

declare -A count=([same]=0 [figures]=0 [DIFFERS]=0 [BROKEN]=0)
tell() {
    count[$verdict]=$((count[$verdict] + 1))
    printf '%-8s %s  %s%s\n' "$verdict" "$number" "$1" "${differing:+: ${differing[*]}}"
}

number=000
while read -r expected line; do
    case $expected in
    '' | '#'*) continue ;;
    [A-Z]*=*) # a word for the lines below
        export "${expected%%=*}=${expected#*=} $line"
        continue
        ;;
    esac
    number=$(printf '%03d' $((10#$number + 1)))
    touch begun
    sleep 0.02 # so that no file of this line is as old as that one, whatever the grain of the clock
    carry_out old "$line"
    carry_out new "$line"
    judge < <(names -newer ../begun)
    ended=$(cat "old/told/$number/status")
    if [ "$ended" != "$expected" ]; then
        verdict=BROKEN differing+=("status $ended, expected $expected: $(tail -n 3 "old/told/$number/stderr")")
    fi
    tell "$line"
done <"$commands"

# Once more at the end: what a line has removed, or left with an old date.
number=all
judge < <(names)
tell "files at the end"

echo "${count[same]} same, ${count[figures]} with other figures, ${count[DIFFERS]} differ, ${count[BROKEN]} broken"
if [ "${count[DIFFERS]}${count[BROKEN]}" = 00 ]; then
    rm -r "$scratch"
else
    echo "what both left is in $scratch"
    exit 1
fi
