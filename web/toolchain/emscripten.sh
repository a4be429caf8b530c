# shellcheck shell=bash
# The WebAssembly compiler. An emcc on PATH that is new enough wins; else Debian's emscripten package of a newer suite
# is unpacked below the cache and run with this machine's own clang, with a binaryen that brings its own C library.
# Sourced by setup.sh.

EMSCRIPTEN_OLDEST=3.1.60
EMSCRIPTEN_SUITE=trixie
# Versions that were tried together. A newer one of the suite is taken when the archive no longer has these.
EMSCRIPTEN_PINNED=3.1.69+dfsg-3
BINARYEN_PINNED=120-4
ACORN_PINNED='8.8.1+ds+~cs25.17.7-2'
# The path of node is in the compiler's configuration.
EMSCRIPTEN_RECIPE="recipe 3, emscripten $EMSCRIPTEN_PINNED, binaryen $BINARYEN_PINNED, node $(command -v node || true)"

emcc_version() { "$1" --version 2>/dev/null | sed -nE '1s/.* ([0-9]+\.[0-9]+\.[0-9]+).*/\1/p'; }

# An emcc on PATH of at least the oldest version: prints its path.
own_emcc() {
  local emcc version
  emcc=$(command -v emcc) || return 1
  version=$(emcc_version "$emcc")
  [ -n "$version" ] || return 1
  if ! dpkg --compare-versions "$version" ge "$EMSCRIPTEN_OLDEST" 2>/dev/null; then
    note "emcc $version on PATH is older than $EMSCRIPTEN_OLDEST: not used" >&2
    return 1
  fi
  printf '%s\n' "$emcc"
}

unpack_emscripten() {
  local final="$NEURONA_CACHE/emscripten" debs="$NEURONA_CACHE/apt/debs"
  local new="$final.new" triplet loader node
  triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
  node=$(command -v node)
  rm -rf "$new" && mkdir -p "$new/runtime"
  fetch_deb "$debs" "$EMSCRIPTEN_SUITE" emscripten "$EMSCRIPTEN_PINNED"
  fetch_deb "$debs" "$EMSCRIPTEN_SUITE" binaryen "$BINARYEN_PINNED"
  fetch_deb "$debs" "$EMSCRIPTEN_SUITE" node-acorn "$ACORN_PINNED"
  for library in libc6 libgcc-s1 libstdc++6; do fetch_deb "$debs" "$EMSCRIPTEN_SUITE" "$library"; done

  # 1.7 GB unpacked; without the variants nobody here links, about 250 MB.
  dpkg --fsys-tarfile "$debs"/emscripten_*.deb | tar -x -C "$new" --strip-components=1 \
    --wildcards --wildcards-match-slash \
    --exclude='./usr/share/emscripten/test/*' --exclude='./usr/share/doc/*' --exclude='./usr/bin/*' \
    --exclude='*/sysroot/lib/*/lto/*' --exclude='*/sysroot/lib/*/pic/*' --exclude='*/sysroot/lib/*/lto-pic/*' \
    --exclude='*/sysroot/lib/wasm64*' --exclude='*/sysroot/lib/*-ww*' --exclude='*/sysroot/lib/*asan*' \
    --exclude='*/sysroot/lib/*lsan*' --exclude='*/sysroot/lib/*ubsan*' --exclude='*/sysroot/lib/*sanitizer*' \
    --exclude='*/sysroot/lib/*wasmfs*' --exclude='*/sysroot/lib/*-tracing*' \
    --exclude='*/sysroot/lib/*memvalidate*' --exclude='*/sysroot/lib/*icase*'
  dpkg --fsys-tarfile "$debs"/node-acorn_*.deb | tar -x -C "$new" --strip-components=1
  for package in binaryen libc6 libgcc-s1 'libstdc++6'; do
    dpkg --fsys-tarfile "$debs/${package}"_*.deb | tar -x -C "$new/runtime" --exclude='./usr/share/*' --exclude='*/gconv/*'
  done
  ln -s ../nodejs "$new/usr/share/emscripten/node_modules"

  # binaryen is built against a newer C library than this system's: each tool starts through the loader that came along.
  loader=$(cd "$new/runtime" && find . -name 'ld-linux-*.so.*' -type f | head -n 1)
  [ -n "$loader" ] || { echo "no loader in the C library's package" >&2; return 1; }
  mkdir -p "$new/binaryen/bin"
  for tool in "$new"/runtime/usr/bin/*; do
    local name=${tool##*/}
    printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$final/runtime/${loader#./}" \
      "$final/runtime/usr/lib/$triplet" "$final/runtime/usr/bin/$name" >"$new/binaryen/bin/$name"
    chmod +x "$new/binaryen/bin/$name"
  done

  cat >"$new/config.py" <<CONFIG
LLVM_ROOT = '/usr/bin'
LLVM_ADD_VERSION = '19'
CLANG_ADD_VERSION = '19'
BINARYEN_ROOT = '$final/binaryen'
NODE_JS = '$node'
FROZEN_CACHE = True
CONFIG
  ln -sf ../../../config.py "$new/usr/share/emscripten/.emscripten"
  stamp "$new" "$EMSCRIPTEN_RECIPE"
  replace_dir "$new" "$final"
  rm -rf "$debs"
  check_emscripten "$final/usr/share/emscripten/em++"
}

# A program with exceptions and SIMD, linked and run: a compiler that only answers --version is not enough.
check_emscripten() {
  local empp=$1 folder
  folder=$(mktemp -d)
  cat >"$folder/check.cpp" <<'CPP'
#include <stdexcept>
#include <string>
#include <vector>
#include <wasm_simd128.h>
int main(int argc, char**) {
  const v128_t sum = wasm_f32x4_add(wasm_f32x4_splat(1.5f), wasm_f32x4_splat(float(argc)));
  try {
    if (wasm_f32x4_extract_lane(sum, 2) == 2.5f) throw std::runtime_error("thrown");
  } catch (const std::exception& error) {
    return std::string(error.what()) == "thrown" ? 0 : 2;
  }
  return 1;
}
CPP
  "$empp" -std=c++20 -O1 -fwasm-exceptions -msimd128 "$folder/check.cpp" -o "$folder/check.js"
  node "$folder/check.js"
  rm -rf "$folder"
}

setup_emscripten() {
  local emcc
  if emcc=$(own_emcc); then
    EMSCRIPTEN_ROOT=$(em-config EMSCRIPTEN_ROOT 2>/dev/null) || EMSCRIPTEN_ROOT=$(dirname "$(readlink -f "$emcc")")
    EM_CONFIG=${EM_CONFIG:-}
    EMSCRIPTEN_ID="own $(emcc_version "$emcc") $EMSCRIPTEN_ROOT"
    if [ ! -f "$NEURONA_CACHE/.checked-emcc" ] || [ "$(<"$NEURONA_CACHE/.checked-emcc")" != "$EMSCRIPTEN_ID" ]; then
      step "checking the emcc on PATH ($EMSCRIPTEN_ID)" check_emscripten "$EMSCRIPTEN_ROOT/em++"
      printf '%s' "$EMSCRIPTEN_ID" >"$NEURONA_CACHE/.checked-emcc"
    fi
  else
    EMSCRIPTEN_ROOT="$NEURONA_CACHE/emscripten/usr/share/emscripten"
    EM_CONFIG="$NEURONA_CACHE/emscripten/config.py"
    export EM_CONFIG
    EMSCRIPTEN_ID=$EMSCRIPTEN_RECIPE
    is_stamped "$NEURONA_CACHE/emscripten" "$EMSCRIPTEN_RECIPE" ||
      step "Emscripten, the WebAssembly compiler (250 MB to fetch, 250 MB unpacked)" unpack_emscripten
  fi
  EMSCRIPTEN_TOOLCHAIN_FILE="$EMSCRIPTEN_ROOT/cmake/Modules/Platform/Emscripten.cmake"
  [ -f "$EMSCRIPTEN_TOOLCHAIN_FILE" ] || die "no CMake toolchain file in $EMSCRIPTEN_ROOT." "Remove $NEURONA_CACHE/emscripten and run again."
}
