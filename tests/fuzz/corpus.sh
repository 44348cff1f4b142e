#!/usr/bin/env bash
# Makes the corpus of fuzz targets anew and as small as it can be: out of what is there, of what corpus_NAME makes, and of
# directories of inputs that a long run has found.
#
#   tests/fuzz/corpus.sh TARGET [DIRECTORY ...]
set -eu
cd "$(dirname "$0")/../.."
name=$1
shift
programs=build/fuzz/tests corpus=tests/fuzz/corpus/$name work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/seeds" "$work/merged" "$corpus"
[ ! -x "$programs/corpus_$name" ] || "$programs/corpus_$name" "$work/seeds"
# What once was a finding stays, whatever it covers now.
find "$corpus" -name 'found-*' -exec cp {} "$work/merged" \;
# Each place that is reached counts, how often it is does not: the inputs are to be few.
"$programs/fuzz_$name" -merge=1 -use_counters=0 -rss_limit_mb=1024 "$work/merged" "$corpus" "$work/seeds" "$@" > "$work/log" 2>&1 || {
    tail -n 40 "$work/log"
    exit 1
}
rm -rf "$corpus"
mv "$work/merged" "$corpus"
echo "$name: $(find "$corpus" -type f | wc -l) inputs, $(du -sb "$corpus" | cut -f1) bytes"
