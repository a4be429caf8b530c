# shellcheck shell=bash
# Third-party sources and fonts that this Debian has too old or not at all, fetched as source packages of newer
# suites. Only the upstream tarball is used; apt has checked it against the archive's signed index.
# Sourced by setup.sh.

# name | source package | suites to try, in order | a version tried with this project | test that must hold in its folder
third_party_sources() {
  cat <<'E2'
eigen|eigen3|sid forky|5.0.1-3|grep -qE "EIGEN_MAJOR_VERSION +[5-9]" Eigen/Version Eigen/src/Core/util/Macros.h
imgui|imgui|sid forky|1.92.2b+ds-1|grep -qE "IMGUI_VERSION_NUM +19[2-9]" imgui.h
SDL2|libsdl2|trixie forky sid|2.32.4+dfsg-1|grep -qE "SDL_MINOR_VERSION +(2[6-9]|[3-9][0-9])" include/SDL_version.h
zlib|zlib|trixie forky sid|1:1.3.dfsg+really1.3.1-1|grep -q "ZLIB_VERNUM" zlib.h
E2
}

# fetch_upstream SUITE PACKAGE [=VERSION]: the upstream tarball into the current folder. The archive's .dsc may answer
# 404 while the tarball is there, so what counts is the tarball.
fetch_upstream() {
  local suite=$1 package=$2 version=${3:-}
  rm -f ./*.orig.tar.*
  suite_apt "$suite" apt-get source --download-only --only-source -qq "$package${version:+=$version}" || true
  ls ./*.orig.tar.* >/dev/null 2>&1
}

unpack_source() {
  local name=$1 package=$2 suites=$3 pinned=$4 check=$5 final="$NEURONA_CACHE/src/$1" suite attempt
  local work="$final.new"
  for attempt in "pinned" "newest" "fresh index"; do
    for suite in $suites; do
      rm -rf "$work" && mkdir -p "$work/fetch" "$work/tree"
      case $attempt in
        pinned) (cd "$work/fetch" && fetch_upstream "$suite" "$package" "$pinned") || continue ;;
        newest) (cd "$work/fetch" && fetch_upstream "$suite" "$package") || continue ;;
        *) suite_apt "$suite" refresh || continue
          (cd "$work/fetch" && fetch_upstream "$suite" "$package") || continue ;;
      esac
      tar -xf "$work"/fetch/*.orig.tar.* -C "$work/tree" --strip-components=1 || continue
      rm -rf "$work/tree/android-project" "$work/tree/android-project-ant" "$work/tree/Xcode" "$work/tree/test"
      (cd "$work/tree" && eval "$check" 2>/dev/null) || { echo "$package of $suite ($attempt) is not what is needed"; continue; }
      stamp "$work/tree" "$package"
      replace_dir "$work/tree" "$final"
      rm -rf "$work"
      return 0
    done
  done
  rm -rf "$work"
  echo "No suite of the archive ($suites) gave a usable source package '$package'."
  echo "Unpack its upstream release by hand to $final and write '$package' into $final/.neurona-stamp (no newline)."
  return 1
}

setup_sources() {
  local wanted=" $* " name package suites pinned check
  while IFS='|' read -r name package suites pinned check; do
    [[ $wanted == *" $name "* ]] || continue
    is_stamped "$NEURONA_CACHE/src/$name" "$package" ||
      step "$name (source package $package)" unpack_source "$name" "$package" "$suites" "$pinned" "$check"
  done < <(third_party_sources)
}

# Fonts: package | suite | pinned version | pattern of the files to keep
fonts() {
  cat <<'E2'
fonts-inter-variable|trixie sid|4.1+ds-1|InterVariable*
fonts-jetbrains-mono|trixie sid|2.304+ds-5|JetBrainsMono-*.ttf
fonts-stix|sid forky|2.13b171+ds-2|STIXTwo*
E2
}

unpack_fonts() {
  local final="$NEURONA_CACHE/fonts" package suites pinned pattern suite
  local new="$final.new"
  rm -rf "$new" && mkdir -p "$new"
  while IFS='|' read -r package suites pinned pattern; do
    for suite in $suites; do
      rm -rf "$new/deb" && mkdir -p "$new/deb/tree"
      fetch_deb "$new/deb" "$suite" "$package" "$pinned" || continue
      dpkg --fsys-tarfile "$new/deb/$package"_*.deb | tar -x -C "$new/deb/tree" || continue
      find "$new/deb/tree" -type f -name "$pattern" -exec cp -t "$new" {} +
      cp "$new/deb/tree/usr/share/doc/$package/copyright" "$new/$package.copyright" 2>/dev/null || true
      find "$new" -maxdepth 1 -name "$pattern" | grep -q . && break
    done
    find "$new" -maxdepth 1 -name "$pattern" | grep -q . || { echo "no $pattern in $package ($suites)"; return 1; }
  done < <(fonts)
  rm -rf "$new/deb"
  stamp "$new" "$(fonts)"
  replace_dir "$new" "$final"
}

setup_fonts() {
  is_stamped "$NEURONA_CACHE/fonts" "$(fonts)" || step "typefaces (Inter, JetBrains Mono, STIX Two)" unpack_fonts
}
