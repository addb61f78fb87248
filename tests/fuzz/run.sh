#!/usr/bin/env bash
# Fuzzes the engine, one target after the other, and says how many bytes each has run through.
#   FUZZ_SECONDS=60   seconds a target       FUZZ_TARGETS="capture modbus"   which ones
#   FUZZ_SANITIZER=none   address finds errors in the C and unsafe code of libraries too, and is slower
set -euo pipefail
cd "$(dirname "$0")"
SECONDS_EACH=${FUZZ_SECONDS:-60}
TARGETS=${FUZZ_TARGETS:-capture packet stream modbus dnp3 s7comm s7commplus opcua gate whole witness}
SANITIZER=${FUZZ_SANITIZER:-none}
command -v cargo-fuzz >/dev/null || cargo install --quiet cargo-fuzz
rustup run nightly rustc --version >/dev/null 2>&1 || { echo "A nightly Rust is missing: rustup toolchain install nightly --profile minimal" >&2; exit 1; }
declare -A LONGEST=([capture]=65536 [packet]=16384 [stream]=16384 [modbus]=16384 [dnp3]=16384 [s7comm]=16384 [s7commplus]=16384 [opcua]=16384 [gate]=16384 [whole]=65536 [witness]=16384)
python3 seeds.py
mkdir -p counts artifacts
found=0
for target in $TARGETS; do
  mkdir -p "corpus/$target" "artifacts/$target"
  rm -f "counts/$target"
  cargo +nightly fuzz build --fuzz-dir . --features fuzzing --sanitizer "$SANITIZER" --debug-assertions "$target" 2>&1 | grep -E '^error' || true
  FUZZ_COUNT="$PWD/counts/$target" cargo +nightly fuzz run --fuzz-dir . --features fuzzing --sanitizer "$SANITIZER" --debug-assertions "$target" "corpus/$target" "seeds/$target" -- \
    -max_total_time="$SECONDS_EACH" -max_len="${LONGEST[$target]}" -len_control=20 -timeout=25 -rss_limit_mb=3000 -print_final_stats=1 -verbosity=1 \
    >"artifacts/$target.log" 2>&1 || { found=1; echo "$target: a find, see tests/fuzz/artifacts/$target.log" >&2; }
  read -r inputs bytes <"counts/$target" || { inputs=0; bytes=0; }
  echo "$target $inputs inputs $bytes bytes" | tee -a counts/total
done
awk '{inputs += $2; bytes += $4} END {print "in all", inputs, "inputs,", bytes, "bytes (since counts/total was begun)"}' counts/total
exit "$found"
