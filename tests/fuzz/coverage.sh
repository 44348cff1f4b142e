#!/usr/bin/env bash
# Which lines a target's corpus reaches: tests/fuzz/coverage.sh NAME [SOURCE ...]; with SOURCEs, each of their lines that is not.
set -eu
cd "$(dirname "$0")/../.."
name=$1
shift
build=build/coverage
cmake --preset fuzz -B $build -DSEACHANGE_SANITIZE= -DSEACHANGE_FUZZ=OFF \
    -DCMAKE_C_FLAGS="-O0 -Wno-unknown-warning-option -fprofile-instr-generate -fcoverage-mapping" > /dev/null
cmake --build $build --target "replay_$name" > $build.log 2>&1 || { tail -n 40 $build.log; exit 1; }
LLVM_PROFILE_FILE=$build/$name.raw $build/tests/"replay_$name" "tests/fuzz/corpus/$name"
llvm-profdata merge -o $build/"$name.profile" $build/"$name.raw"
if [ $# = 0 ]; then
    llvm-cov report $build/tests/"replay_$name" -instr-profile=$build/"$name.profile" | awk '{ print $1, $8, $9, $10 }' | column -t
else
    llvm-cov show $build/tests/"replay_$name" -instr-profile=$build/"$name.profile" "$@" | grep -E '^ +[0-9]+\| +0\|' || true
fi
