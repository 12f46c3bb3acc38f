#!/bin/sh
# Puts what sigtape needs beyond CUDA's toolkit and a compiler into a folder
# (about 25 MB) for tests/gpu_check.sh DEPS_DIR on a machine that has no package
# registry. Run on Debian or Ubuntu where ./setup.sh has run, of the same
# processor and no newer C library than that machine's.
#
# usage: tests/gpu_deps.sh DIR
set -eu
if [ $# != 1 ] || [ "$1" = --help ] || [ "$1" = -h ]; then
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
  [ $# = 1 ] && exit 0 || exit 2
fi
mkdir -p "$1"

# The files of the packages whose names match $1.
files_of() {
  dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$1" 2>/dev/null |
    sed -n 's/^ii *//p' | xargs -r dpkg -L
}

{
  for package in 'libyaml-cpp*' 'libboost-program-options1*' \
    'libboost-context1*' 'libfmt*' \
    'nlohmann-json3-dev' 'zlib1g-dev' 'libgtest-dev' 'googletest'; do
    files_of "$package"
  done
  files_of 'libboost1*-dev' | grep /cmake/
  # Of Boost's headers those that are read.
  printf '#include <boost/%s.hpp>\n' program_options context/detail/fcontext |
    g++ -M -x c++ - | tr ' ' '\n' | grep '/boost/'
  echo /usr/include/boost/version.hpp
} | grep -v '^/usr/share/doc\|^/usr/src' | while read -r file; do
  { [ -d "$file" ] && [ ! -L "$file" ]; } || [ ! -e "$file" ] ||
    cp -P --parents "$file" "$1"
done
du -sh "$1"
