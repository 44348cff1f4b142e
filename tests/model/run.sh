#!/usr/bin/env bash
# Checks every model, and that each mutant of it fails: see README.md. Side by side on all processors.
#
#   run.sh [GLOB...]    checks whose name matches, e.g. 'mariadb_cutover*' or '*NO_SENTRY*'
#   KEEP=1              keeps what was made, and says where
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/seachange-model.XXXXXX")
trap '[ -n "${KEEP:-}" ] || rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# check NAME MODEL holds|ASSERTION FLAG...: one check, in a directory of its own. Its last line is the result.
check()
{
    local name=$1 model=$2 wanted=$3 dir=$work/$1 begun=$SECONDS found status
    shift 3
    mkdir -p "$dir"
    cd "$dir" || exit 1
    cp "$here"/*.pml .
    if ! spin -a "$@" "$model.pml" > spin.log 2>&1 || ! gcc -O1 -w -DSAFETY -DCOLLAPSE -DNOCLAIM -DMEMLIM=1000 -o pan pan.c >> spin.log 2>&1; then
        echo "FAILED   $name: $(head -n 3 spin.log | tr '\n' ' ')"
        return
    fi
    # -E: that nobody is left waiting the models say themselves, by name.
    timeout 300 ./pan -m500000 -n -E > pan.log 2>&1
    status=$?
    found=$(grep -m 1 'assertion violated' pan.log)
    if [ $status != 0 ] || grep -qE 'max search depth too small|out of memory|MEMLIM bound|^error' pan.log || ! grep -q 'errors: ' pan.log; then
        echo "FAILED   $name: pan did not come to its end (exit $status): $(grep -vE '^Depth' pan.log | head -n 2 | tr '\n' ' ')"
    elif [ "$wanted" = holds ] && [ -n "$found" ]; then
        echo "FAILED   $name: $found"
        echo "      | spin -t -p -g ${*} $model.pml tells how (KEEP=1 keeps $dir)"
    elif [ "$wanted" = holds ] || [[ $found == *"$wanted"* ]]; then
        echo "ok       $name ($(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' pan.log | head -n 1) states, $((SECONDS - begun)) s)"
    else
        echo "FAILED   $name: it should fail with $wanted, and ${found:-holds}"
    fi
}

# NAME MODEL WANTED FLAGS, from the lines " *# holds|mutant|reaches ..." at the head of each model.
list()
{
    for file in "$here"/*.pml; do
        model=$(basename "$file" .pml)
        sed -n 's/^ \*# //p' "$file" | while read -r kind first rest; do
            case $kind in
            holds) echo "$model.holds$(printf '%s' "$first $rest" | tr -d ' =' | sed 's/-D/,/g') $model holds $first $rest" ;;
            mutant | reaches) echo "$model.$first $model ${rest%% *} -D$first $([[ $rest != *' '* ]] || echo "${rest#* }")" ;;
            esac
        done
    done
}

# Steps of the models are failpoints of the code, under the same names, and README.md says which.
names()
{
    local registry=$here/../../src/base/failpoints.def
    cd "$work" || exit 1
    sed -n 's/^FAILPOINT_[A-Z]*(\([a-z_0-9]*\),.*/\1/p' "$registry" | sort -u > names.registry
    sed -n '/^## Names of steps/,$ { /^| `/ s/^| \([^|]*\)|.*/\1/p }' "$here/README.md" | grep -o '[a-z_0-9]\{4,\}' | sort -u > names.readme
    grep -ohE '\bfp_[a-z_0-9]+' "$here"/*.pml | sed 's/^fp_//' | sort -u > names.models
    missing=$(comm -23 names.readme names.registry | tr '\n' ' ')
    differs=$(comm -3 names.readme names.models | tr -d '\t' | tr '\n' ' ')
    if [ ! -s names.readme ] || [ -n "$missing" ] || [ -n "$differs" ]; then
        echo "FAILED   names: in README.md, and no failpoint: ${missing:-none}; in README.md or in a model only: ${differs:-none}"
    else
        echo "ok       names ($(wc -l < names.readme))"
    fi
}

chosen=$(($# == 0))
for glob in "$@"; do
    [[ names == $glob ]] && chosen=1
done
[ $chosen = 0 ] || names > "$work/names.out"

while read -r name model wanted flags; do
    chosen=$(($# == 0))
    for glob in "$@"; do
        [[ $name == $glob ]] && chosen=1
    done
    [ $chosen = 1 ] || continue
    while [ "$(jobs -pr | wc -l)" -ge "$(nproc)" ]; do
        wait -n
    done
    check "$name" "$model" "$wanted" $flags > "$work/$name.out" 2>&1 &
done < <(list)
wait
cat "$work"/*.out
ok=$(cat "$work"/*.out | grep -c '^ok ')
bad=$(cat "$work"/*.out | grep -c '^FAILED ')
[ -z "${KEEP:-}" ] || echo "kept: $work"
echo "model: $ok passed, $bad failed, 0 skipped"
[ "$bad" = 0 ] && [ "$ok" != 0 ]
