#!/usr/bin/env bash
# Installs what building and testing Neurona needs, and nothing else. Safe to call again: what is there is skipped.
#
#   setup.sh [native] [web] [test] [threads] [fuzz]      (nothing named: native web test)
#
#   native    Debian packages for the library, the program and the desktop window; Eigen 5, Dear ImGui, typefaces
#   web       the WebAssembly compiler, SDL2 and zlib; the libraries compiled to WebAssembly; typefaces
#   test      Chromium and npm for the tests of the page
#   threads   the WebAssembly libraries once more, for builds with threads
#   fuzz      clang and its fuzzer
#
# Everything that is not a Debian package of this system lies in NEURONA_CACHE (default ~/.cache/neurona) and can be
# deleted at any time. Results: env.sh for shells, neurona-deps.cmake for CMake.

# shellcheck source-path=SCRIPTDIR
set -Eeuo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=common.sh
. "$here/common.sh"
# shellcheck source=emscripten.sh
. "$here/emscripten.sh"
# shellcheck source=sources.sh
. "$here/sources.sh"

trap 'printf "%serror:%s the set-up stopped at line %s of setup.sh; its log: %s\n" "$red" "$plain" "$LINENO" "$SETUP_LOG" >&2' ERR

groups=" $* "
[ $# -gt 0 ] || groups=" native web test "
for group in $groups; do
  case $group in
    native | web | test | threads | fuzz) ;;
    -h | --help) sed -n '2,13p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//'; exit 0 ;;
    *) die "unknown group '$group'." "Known: native web test threads fuzz." ;;
  esac
done
wants() { [[ $groups == *" $1 "* ]]; }

# "command:package" is satisfied by the command, "/path/with/*:package" by a file of that name, wherever they come from.
debian_packages() {
  echo cmake:cmake ninja:ninja-build python3:python3 xz:xz-utils bzip2:bzip2 ca-certificates dpkg-architecture:dpkg-dev
  ! wants native || echo g++ pkg-config:pkg-config doctest-dev nlohmann-json3-dev libcli11-dev \
    '/usr/include/*/curl/curl.h:libcurl4-openssl-dev' zlib1g-dev libssl-dev libsdl2-dev libgl-dev libstb-dev libhdf5-dev \
    libwebp-dev libtiff-dev python3-fonttools
  ! wants web || echo doctest-dev nlohmann-json3-dev libcli11-dev libstb-dev node:nodejs brotli:brotli python3-fonttools
  ! { wants web || wants threads; } || own_emcc >/dev/null 2>&1 || echo clang-19 lld-19 llvm-19
  ! wants test || echo node:nodejs npm:npm chromium:chromium python3-h5py python3-numpy xvfb-run:xvfb xauth:xauth \
    '/usr/lib/*/dri/swrast_dri.so:libgl1-mesa-dri'
  ! wants fuzz || echo clang-19 libclang-rt-19-dev
}

install_packages() {
  local missing=() wanted entry installed
  read -r -a wanted <<<"$(debian_packages | tr ' ' '\n' | sort -u | tr '\n' ' ')"
  # One dpkg-query for all: this runs on every call of ./run.
  # It fails when a name is unknown, which is no failure here.
  installed=" $( (dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]#*:}" 2>/dev/null || true) |
    awk '$1 == "installed" { printf "%s ", $2 }') "
  for entry in "${wanted[@]}"; do
    if [[ $entry == /* ]] && compgen -G "${entry%%:*}" >/dev/null; then continue; fi
    if [[ $entry == *:* ]] && command -v "${entry%%:*}" >/dev/null; then continue; fi
    [[ $installed == *" ${entry#*:} "* ]] || missing+=("${entry#*:}")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  say "These Debian packages are missing and will be installed:"
  say "  ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "installing packages needs root, and there is no sudo here." \
      "Run as root: apt-get install ${missing[*]}"
    say "sudo may ask for your password."
    sudo -v || die "without root the packages cannot be installed." "Ask an administrator for: apt-get install ${missing[*]}"
  fi
  # Another apt may be at work (a machine that was just started updates itself); a source that is broken need not matter.
  local apt=(apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
  step "package index" as_root "${apt[@]}" update || note "going on with the index that is there"
  step "Debian packages (${#missing[@]} and what they need)" as_root env DEBIAN_FRONTEND=noninteractive \
    "${apt[@]}" install -y --no-remove --no-install-recommends "${missing[@]}"
}

# node runs the compiler and the tests; Debian 12's is 18.
check_node() {
  local version
  version=$(node --version 2>/dev/null | sed -nE 's/^v([0-9]+)\..*/\1/p')
  [ "${version:-0}" -ge 18 ] || die "node $(node --version) on PATH is too old; 18 or newer is needed." \
    "Remove it from PATH, or install Debian's: apt-get install nodejs"
}

# CMake under Emscripten must not see /usr/include: the header-only libraries are offered in a folder of their own.
link_headers() {
  mkdir -p "$NEURONA_CACHE/include"
  local folder
  for folder in doctest nlohmann CLI stb; do
    if [ -d "/usr/include/$folder" ]; then ln -sfn "/usr/include/$folder" "$NEURONA_CACHE/include/$folder"; fi
  done
}

# build_wasm_libraries FOLDER THREADS
build_wasm_libraries() {
  local final=$1 threads=$2 build="$1.build" new="$1.new"
  rm -rf "$build" "$new"
  cmake -S "$here/libs" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_TOOLCHAIN_FILE="$EMSCRIPTEN_TOOLCHAIN_FILE" -DNEURONA_INSTALL_DIR="$new" -DNEURONA_WEB_THREADS="$threads"
  cmake --build "$build" -j "$(nproc)"
  cmake --install "$build"
  stamp "$new" "$wasm_recipe"
  replace_dir "$new" "$final"
  rm -rf "$build"
}

write_locations() {
  local new="$NEURONA_CACHE/neurona-deps.cmake.new"
  cat >"$new" <<CMAKE
# Written by web/toolchain/setup.sh; do not edit.
set(NEURONA_CACHE_DIR "$NEURONA_CACHE")
set(NEURONA_SRC_DIR "$NEURONA_CACHE/src")
set(NEURONA_EIGEN_DIR "$NEURONA_CACHE/src/eigen")
set(NEURONA_IMGUI_DIR "$NEURONA_CACHE/src/imgui")
set(NEURONA_SDL2_DIR "$NEURONA_CACHE/src/SDL2")
set(NEURONA_ZLIB_DIR "$NEURONA_CACHE/src/zlib")
set(NEURONA_FONTS_DIR "$NEURONA_CACHE/fonts")
set(NEURONA_HEADERS_DIR "$NEURONA_CACHE/include")
set(NEURONA_WASM_LIB_DIR "$NEURONA_CACHE/wasm/lib")
set(NEURONA_WASM_THREADS_LIB_DIR "$NEURONA_CACHE/wasm/lib-threads")
CMAKE
  cmp -s "$new" "$NEURONA_CACHE/neurona-deps.cmake" || mv "$new" "$NEURONA_CACHE/neurona-deps.cmake"
  rm -f "$new"
  if [ -n "${EMSCRIPTEN_ROOT:-}" ]; then
    cat >"$NEURONA_CACHE/env.sh.new" <<SHELL
# Written by web/toolchain/setup.sh; do not edit. Use: . "$NEURONA_CACHE/env.sh"
export NEURONA_CACHE="$NEURONA_CACHE"
export EMSCRIPTEN_ROOT="$EMSCRIPTEN_ROOT"
export EMSCRIPTEN_TOOLCHAIN_FILE="$EMSCRIPTEN_TOOLCHAIN_FILE"
$([ -z "${EM_CONFIG:-}" ] || printf 'export EM_CONFIG="%s"' "$EM_CONFIG")
SHELL
    mv "$NEURONA_CACHE/env.sh.new" "$NEURONA_CACHE/env.sh"
  elif [ ! -f "$NEURONA_CACHE/env.sh" ]; then
    printf 'export NEURONA_CACHE="%s"\n' "$NEURONA_CACHE" >"$NEURONA_CACHE/env.sh"
  fi
}

command -v apt-get >/dev/null || die "this set-up knows Debian only (apt-get was not found)." \
  "On another system install the packages that 'setup.sh' names yourself; README.md lists them."
mkdir -p "$NEURONA_CACHE" || die "cannot write to $NEURONA_CACHE." "Set NEURONA_CACHE to a folder that you may write to."
NEURONA_CACHE="$(cd "$NEURONA_CACHE" && pwd)"

install_packages
! { wants web || wants test || wants threads; } || check_node

# One set-up at a time on a cache.
exec 9>"$NEURONA_CACHE/.lock"
if ! flock -n 9; then
  say "another set-up is at work in $NEURONA_CACHE; waiting for it ..."
  flock 9
fi
[ -f "$NEURONA_CACHE/setup.log" ] && [ "$(stat -c %s "$NEURONA_CACHE/setup.log")" -gt 1000000 ] && rm "$NEURONA_CACHE/setup.log"

sources=()
! wants native || sources+=(eigen imgui)
! { wants web || wants threads; } || sources+=(eigen imgui SDL2 zlib)
[ "${#sources[@]}" -eq 0 ] || setup_sources "${sources[@]}"
link_headers
if wants web || wants threads; then
  setup_emscripten
  write_locations
  wasm_recipe="$EMSCRIPTEN_ID; $(cat "$here/third_party.cmake" "$here/libs/CMakeLists.txt" | cksum)"
  ! wants web || is_stamped "$NEURONA_CACHE/wasm/lib" "$wasm_recipe" ||
    step "SDL2, zlib and Dear ImGui for WebAssembly (about a minute)" build_wasm_libraries "$NEURONA_CACHE/wasm/lib" OFF
  ! wants threads || is_stamped "$NEURONA_CACHE/wasm/lib-threads" "$wasm_recipe" ||
    step "the same with threads (about a minute)" build_wasm_libraries "$NEURONA_CACHE/wasm/lib-threads" ON
else
  write_locations
fi
! { wants native || wants web; } || setup_fonts
# The indexes of the other suites are large and soon out of date.
rm -rf "$NEURONA_CACHE/apt"
