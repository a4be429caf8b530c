# shellcheck shell=bash
# Shared by the set-up scripts: where things live, how they speak, and a private view of a Debian suite.
# Sourced, never run.

# Without HOME the user's entry in the system's list says where the home is.
if [ -z "${HOME:-}" ]; then
  HOME=$(getent passwd "$(id -u)" 2>/dev/null | cut -d: -f6) || HOME=""
  [ -z "$HOME" ] || export HOME
fi
if [ -z "${NEURONA_CACHE:-}${XDG_CACHE_HOME:-}${HOME:-}" ]; then
  printf 'error: HOME is not set, so there is no place for the downloaded tools.\n  Set NEURONA_CACHE to a folder that can be written, or HOME.\n' >&2
  exit 1
fi
NEURONA_CACHE="${NEURONA_CACHE:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/neurona}"
export NEURONA_CACHE
SETUP_LOG="$NEURONA_CACHE/setup.log"

# https://no-color.org
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'; else bold='' dim='' red='' plain=''; fi

# is_redrawable FD: whether a line there can be drawn anew in place.
is_redrawable() { [ -t "$1" ] && [ "${TERM:-dumb}" != dumb ]; }

say() { printf '%s\n' "$*"; }
note() { printf '%s  %s%s\n' "$dim" "$*" "$plain"; }

# die MESSAGE [WHAT TO DO]...: the message in red, the advice below it.
die() {
  printf '%serror:%s %s\n' "$red" "$plain" "$1" >&2
  shift
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit 1
}

# While a step runs: its seconds and the last line of its log on a terminal, a line every 30 seconds elsewhere.
still_at_work() {
  local started=$1 every=30 line
  if is_redrawable 1; then every=1; fi
  while sleep "$every" && kill -0 $$ 2>/dev/null; do
    line=$(tail -c 300 "$SETUP_LOG" 2>/dev/null | tr '\r' '\n' | tail -n 1 | tr -cd '[:print:]')
    if is_redrawable 1; then
      printf '\r\e[K  %s%d s  %s%s' "$dim" $((SECONDS - started)) "${line:0:$((${COLUMNS:-100} - 12))}" "$plain"
    else
      printf '  %d s  %s\n' $((SECONDS - started)) "${line:0:100}"
    fi
  done
}

# step NAME COMMAND...: runs the command into the log, shows how long it took; on failure the end of the log.
step() {
  local name=$1 started=$SECONDS
  shift
  printf '  %s%s%s ...\n' "$bold" "$name" "$plain"
  mkdir -p "$NEURONA_CACHE"
  printf '\n== %s\n' "$name" >>"$SETUP_LOG"
  # `set -e` is off inside a function that an `if` calls, so the command runs in a shell of its own.
  local status=0 ticker
  still_at_work "$started" &
  ticker=$!
  set +eE
  ( set -e; "$@" ) >>"$SETUP_LOG" 2>&1
  status=$?
  set -eE
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  if is_redrawable 1; then printf '\r\e[K'; fi
  if [ "$status" -ne 0 ]; then
    printf '%serror:%s %s failed. The end of %s:\n' "$red" "$plain" "$name" "$SETUP_LOG" >&2
    tail -n 15 "$SETUP_LOG" | sed 's/^/    /' >&2
    printf '  Check the network and the free disk space (1.5 GB), then run the same command again: it goes on where it stopped.\n' >&2
    return "$status"
  fi
  note "done in $((SECONDS - started)) s"
}

# as_root COMMAND...: as it is for root, through sudo otherwise.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    die "this needs root, and there is no sudo here." "Run as root: $*"
  fi
}

# is_stamped DIR TEXT / stamp DIR TEXT: DIR was completed by exactly this recipe.
is_stamped() { [ -f "$1/.neurona-stamp" ] && [ "$(<"$1/.neurona-stamp")" = "$2" ]; }
stamp() { printf '%s' "$2" >"$1/.neurona-stamp"; }

# replace_dir NEW FINAL: puts a completed folder in place; an interrupted run leaves the old one or none.
replace_dir() {
  rm -rf "$2.old"
  [ ! -e "$2" ] || mv "$2" "$2.old"
  mv "$1" "$2"
  rm -rf "$2.old"
}

# The archive this machine itself installs from: never a fixed address, so mirrors and proxies keep working.
# shellcheck disable=SC2016  # $(SITE) and the others are apt's, not the shell's
debian_archive() {
  local site
  site=$(apt-get indextargets --format '$(SITE)|$(ORIGIN)|$(LABEL)|$(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
    awk -F'|' '$1 !~ /^cdrom/ && $2 == "Debian" && $3 == "Debian" && $4 == "main" { print $1; exit }')
  [ -n "$site" ] || site=$(apt-get indextargets --format '$(SITE)|$(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
    awk -F'|' '$1 !~ /^cdrom/ && $1 ~ /debian/ && $1 !~ /security/ && $2 == "main" { print $1; exit }')
  [ -n "$site" ] || die "apt on this machine knows no Debian archive." \
    "The set-up needs Debian 12 or newer with a 'deb' line for it in /etc/apt; or put an emcc (emsdk 3.1.60 or newer) on PATH" \
    "and unpack Eigen 5, Dear ImGui 1.92, SDL2 2.32 and zlib to $NEURONA_CACHE/src/{eigen,imgui,SDL2,zlib}."
  printf '%s\n' "$site"
}

# suite_apt SUITE COMMAND ARG...: apt-get or apt-cache on a suite the machine is not subscribed to, with folders of
# its own: nothing of the system's configuration or state changes. The index is fetched on the first use.
suite_apt() {
  local suite=$1 command=$2 home="$NEURONA_CACHE/apt/$1" keys=/usr/share/keyrings/debian-archive-keyring.gpg
  shift 2
  local options=(
    -o "Dir::Etc::sourcelist=$home/list.sources" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$home/lists" -o "Dir::Cache=$home/cache" -o Dir::State::status=/dev/null
    -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Acquire::Languages=none -o APT::Get::List-Cleanup=false
  )
  if [ ! -f "$home/.ready" ] || [ "$command" = refresh ]; then
    local archive
    archive=$(debian_archive)
    mkdir -p "$home/lists/partial" "$home/cache/archives/partial"
    printf 'Types: deb deb-src\nURIs: %s\nSuites: %s\nComponents: main\n' "$archive" "$suite" >"$home/list.sources"
    [ ! -f "$keys" ] || printf 'Signed-By: %s\n' "$keys" >>"$home/list.sources"
    # A mirror that lags has an index past its date: its signature still counts, and the versions are pinned.
    apt-get "${options[@]}" update >&2 ||
      { echo "once more, accepting an index past its date" >&2 &&
        apt-get "${options[@]}" -o Acquire::Check-Valid-Until=false update >&2; } || return 1
    touch "$home/.ready"
    [ "$command" != refresh ] || return 0
  fi
  "$command" "${options[@]}" -o Acquire::Check-Valid-Until=false "$@"
}

# fetch_deb FOLDER SUITE PACKAGE [PINNED VERSION]: the pinned version, else the suite's newest, with one fresh index.
fetch_deb() {
  local folder=$1 suite=$2 package=$3 pinned=${4:-}
  mkdir -p "$folder"
  # What an interrupted set-up fetched whole is kept.
  if [ -n "$pinned" ] && dpkg-deb -c "$folder/${package}_${pinned//:/%3a}"_*.deb >/dev/null 2>&1; then return 0; fi
  (
    cd "$folder"
    rm -f "$package"_*.deb
    { [ -n "$pinned" ] && suite_apt "$suite" apt-get download "$package=$pinned"; } ||
      suite_apt "$suite" apt-get download "$package" ||
      { suite_apt "$suite" refresh && suite_apt "$suite" apt-get download "$package"; }
    ls "$package"_*.deb >/dev/null
  )
}
