#!/usr/bin/env bash
# Builds everything in Release and runs every test suite. The last line is "N passed, N failed, N skipped".
#
#   ./test.sh               every suite
#   ./test.sh core          one suite, by the name it has in the summary
#   ./test.sh --long        with the long runs of the conformance kit
#
# Needs nothing but the .NET SDK that global.json names. Whatever it writes lies below artifacts/; reports and logs in artifacts/tests.
# The suites of servers take one from the environment (EVENTSTORE_TEST_POSTGRES, EVENTSTORE_TEST_REDIS), from a container engine, or start
# one of their own from the packages of this machine, which are installed where that may be done; without any they skip, and say so. So are
# strace and rsync, for the suite of files.
# Where a package cannot be restored, its backend is built on an older version or left out, and the summary says so.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

results=artifacts/tests
suite_seconds=${EVENTSTORE_SUITE_SECONDS:-900}
only=""
running=""
# Packages that not every registry has: the suite of their backend, the package, and where an older version will do, its property and that version.
scarce_packages=("redis StackExchange.Redis StackExchangeRedisVersion 1.2.6" "mongo MongoDB.Driver")
# Programs that tests start: the suite, the package of Debian, the program.
programs=("postgres postgresql-15 initdb" "redis redis-server redis-server" "filesystem strace strace" "filesystem rsync rsync")
declare -A missing=() fallback=()
total_passed=0 total_failed=0 total_skipped=0
summary=()

main() {
  read_arguments "$@"
  mkdir -p "$results"
  local projects=() project
  while read -r project; do projects+=("$project"); done < <(test_projects)
  ((${#projects[@]} > 0)) || stop "No suite is named '$only'. There are: $(only="" && test_projects | while read -r project; do suite_of "$project"; done | paste -sd ' ' -)"
  command -v dotnet >/dev/null || stop "The .NET SDK is not on the PATH. Install the version of global.json: https://dotnet.microsoft.com/download"

  for project in "${projects[@]}"; do provide_programs "$(suite_of "$project")"; done
  probe_packages
  build_all "${projects[@]}"
  for project in "${projects[@]}"; do run_suite "$project"; done
  print_summary
  ((total_failed == 0 && total_passed > 0))
}

read_arguments() {
  for argument in "$@"; do
    case $argument in
      --long) export EVENTSTORE_CONFORMANCE=long; suite_seconds=${EVENTSTORE_SUITE_SECONDS:-14400} ;;
      -*) stop "Unknown option $argument. Usage: ./test.sh [--long] [suite]" ;;
      *) only=$argument ;;
    esac
  done
}

# Every project below tests/ that holds tests, and every sample that does.
test_projects() {
  local project
  for project in tests/*/*.csproj samples/*/*.csproj samples/*/*/*.csproj; do
    [[ -f $project ]] || continue
    [[ $project == tests/* ]] || grep -q '"xunit.v3"' "$project" || continue
    grep -q '<IsTestProject>false<' "$project" && continue
    [[ -z $only || $only == "$(suite_of "$project")" ]] && echo "$project"
  done
}

# EventStore.Tests is the suite "core", EventStore.Sqlite.Tests is "sqlite".
suite_of() {
  local name
  name=$(basename "$1" .csproj)
  [[ $name == EventStore.Tests ]] && name=core
  name=${name#EventStore.} name=${name%.Tests}
  tr '[:upper:]' '[:lower:]' <<<"$name"
}

# Says why a suite cannot run on this machine: a server or a package that is not to be had here. Says nothing when it can.
why_not() { echo "${missing[$(suite_of "$1")]:-}"; }

# Restores the backends whose packages may not be to be had. Where an older version is, all is built with that; where none is, the backend is left
# out. What else refers to the backend does so where WithRedis (WithMongo) is true, and not where WithoutRedis (WithoutMongo) is.
probe_packages() {
  local row suite package property floor project lacking
  for row in "${scarce_packages[@]}"; do
    read -r suite package property floor <<<"$row"
    [[ -z $only || $only == "$suite" ]] || continue
    project=$(grep -ls "\"$package\"" src/*/*.csproj) || continue
    export "With${suite^}=true"
    can_restore "$project" "$suite" && continue
    lacking=$(grep -oE "Unable to find (a stable )?package [A-Za-z0-9.]*[A-Za-z0-9]" "$results/$suite.restore.log" | head -n 1)
    lacking="package ${lacking##* } not on this registry"
    [[ -n $floor ]] && export "$property=$floor" && can_restore "$project" "$suite" && fallback[$suite]="on $package $floor: $lacking" && say "$suite" "${fallback[$suite]}" && continue
    missing[$suite]=$lacking
    export "With${suite^}=false" "Without${suite^}=true"
    say "$suite" "left out: $lacking"
  done
}

can_restore() { dotnet restore "$1" -nologo --tl:off >"$results/$2.restore.log" 2>&1; }

# The solution, or where a backend is left out, what remains of it: a restore that fails would stop everything else.
solution() {
  local suite project projects=()
  ((${#missing[@]} > 0)) || { echo EventStore.slnx; return; }
  while read -r project; do
    suite=$(suite_of "$project")
    [[ -n ${missing[$suite]:-} ]] || projects+=("\"$project\"")
  done < <(grep -o 'Path="[^"]*"' EventStore.slnx | cut -d '"' -f 2)
  printf '{"solution":{"path":"%s","projects":[%s]}}\n' "$PWD/EventStore.slnx" "$(IFS=,; echo "${projects[*]}")" >"$results/solution.slnf"
  echo "$results/solution.slnf"
}

# Installs the programs that a suite starts, where they are missing and root may: servers, also beside one from elsewhere, for some tests start
# servers of their own, to kill them; and what watches the suite's processes or copies their files. Without them those tests skip, and say so.
provide_programs() {
  local row suite package program
  for row in "${programs[@]}"; do
    read -r suite package program <<<"$row"
    [[ $suite == "$1" ]] || continue
    command -v "$program" >/dev/null || compgen -G "/usr/lib/postgresql/*/bin/$program" >/dev/null && continue
    ((EUID == 0)) && command -v apt-get >/dev/null || return
    say "$1" "installing $package"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$package"; } >"$results/$package.install.log" 2>&1 \
      || say "$1" "$package could not be installed: $results/$package.install.log"
  done
}

# One build of the solution. Only when that fails, each suite is built alone, so that one broken project does not hide the others.
build_all() {
  local target project broken=0
  target=$(solution)
  [[ -n $only ]] && target=$1
  [[ -n $only && -n $(why_not "$1") ]] && return
  say "build" "$target"
  if build "$target" build; then
    for project in "$@"; do
      is_in_solution "$project" || [[ -n $(why_not "$project") ]] || build_alone "$project" || print_build_errors "$(suite_of "$project").build"
    done
    return
  fi
  say "build" "failed: $results/build.log"
  print_build_errors build
  [[ -n $only ]] && return
  for project in "$@"; do [[ -n $(why_not "$project") ]] || build_alone "$project" || broken=1; done
  # What is broken may be something that no suite needs, and must not go unnoticed.
  ((broken)) || count "solution" 0 1 0 "" "does not build: $results/build.log"
}

is_in_solution() { [[ -n $only ]] || grep -q "\"$1\"" EventStore.slnx; }

# A build leaves a mark only when it succeeded, so that nothing stale is ever run.
build() {
  local target=$1 log=$results/$2.log
  rm -f "$results/$2.built"
  dotnet build "$target" --configuration Release --verbosity quiet -nologo --tl:off >"$log" 2>&1 && touch "$results/$2.built"
}

build_alone() { build "$1" "$(suite_of "$1").build"; }

is_built() {
  local suite
  suite=$(suite_of "$1")
  [[ -f $results/build.built ]] && is_in_solution "$1" || [[ -f $results/$suite.build.built ]]
}

print_build_errors() { grep -E 'error [A-Z]+[0-9]+' "$results/$1.log" | sed "s|$PWD/||g; s/ \[.*\]$//" | sort -u | head -20 | sed 's/^/    /'; }

run_suite() {
  local project=$1 suite name reason start=$SECONDS
  suite=$(suite_of "$project") name=$(basename "$project" .csproj)
  local report=$results/$suite.xml log=$results/$suite.log
  reason=$(why_not "$project")
  [[ -n $reason ]] && { say "$suite" "NOT RUN: $reason"; count "$suite" - - - "" "NOT RUN: $reason"; return; }
  is_built "$project" || { count "$suite" 0 1 0 "" "NOT RUN: does not build"; return; }

  say "$suite" "running"
  rm -f "$report"
  execute "artifacts/bin/$name/release/$name.dll" "$report" "$log"
  local code=$? passed failed skipped errors note=""
  passed=$(attribute passed "$report") failed=$(attribute failed "$report")
  skipped=$(attribute skipped "$report") errors=$(attribute errors "$report")
  failed=$((failed + errors))
  if ((code == 124)); then
    note="hung for $suite_seconds s in $(hanging_tests "$log")"
  elif ((code != 0 && failed == 0)); then
    note="ended with exit code $code: $log"
  elif ((passed + failed + skipped == 0)); then
    note="has no test"
  fi
  [[ -n $note ]] && { ((failed++)); say "$suite" "$note"; [[ -f $report ]] || print_end "$log"; }
  print_failures "$log"
  count "$suite" "$passed" "$failed" "$skipped" "$((SECONDS - start)) s" "${note:-${fallback[$suite]:-}}"
  say "$suite" "$passed passed, $failed failed, $skipped skipped"
}

# Runs one suite in a process group of its own, so that a hanging one goes with all it started. Answers 124 when time ran out.
execute() {
  local deadline=$((SECONDS + suite_seconds)) code
  set -m
  dotnet "$1" -nologo -nocolor -noautoreporters -longrunning 20 -xml "$2" >"$3" 2>&1 </dev/null &
  running=$!
  set +m
  # Bash remarks on a child that died by a signal; the log and the exit code say more.
  {
    while kill -0 "$running" && ((SECONDS < deadline)); do sleep 0.2; done
    if kill -0 "$running"; then
      kill -KILL -- "-$running"
      wait "$running"
      code=124
    else
      wait "$running"
      code=$?
    fi
  } 2>/dev/null
  running=""
  return "$code"
}

# A count that the report's assembly element carries; 0 without a report.
attribute() {
  local value
  value=$(grep -o '<assembly [^>]*' "$2" 2>/dev/null | head -n 1 | grep -o " $1=\"[0-9]*\"" | tr -dc 0-9)
  echo "${value:-0}"
}

# The last lines of a log whose suite left no report, without the frames of the platform.
print_end() { grep -vE '^ +at (System|Xunit|InvokeStub)' "$1" | tail -n 15 | sed 's/^/    /'; }

hanging_tests() {
  local names
  names=$(grep -o "\[Long Running Test\] '[^']*'" "$1" | tail -n 3 | sort -u | cut -d "'" -f 2 | paste -sd ' ' -)
  echo "${names:-a test that $1 does not name}"
}

# Name, message and first frames of each failed test, and each reason to skip once. The log's blocks are told by their indentation.
print_failures() {
  awk '
    /^    [^ ].*\[FAIL\]$/ || /^    \[Test .* Failure \(/ { print ""; print; block = "message"; lines = 0; next }
    /^    [^ ].*\[SKIP\]$/ { block = "skip"; next }
    /^ ? ? ? ?[^ ]/ { block = "" }
    block == "skip" { sub(/^ +/, ""); skips[$0]++; block = "" }
    block == "message" && /^      Stack Trace:$/ { block = "stack"; lines = 0; next }
    block == "message" && lines++ < 40 { print }
    block == "stack" && !/at (System|Xunit|InvokeStub)[._]/ && lines++ < 5 { print }
    END { for (reason in skips) printf "    skipped %d: %s\n", skips[reason], reason }
  ' "$1"
}

say() { printf '%-16s %s\n' "$1" "$2"; }

count() {
  local suite=$1 passed=$2 failed=$3 skipped=$4
  summary+=("$(printf '%-16s %8s %8s %8s %8s  %s' "$suite" "$passed" "$failed" "$skipped" "$5" "$6")")
  [[ $passed == - ]] && return
  ((total_passed += passed, total_failed += failed, total_skipped += skipped))
}

print_summary() {
  printf '\n%-16s %8s %8s %8s %8s\n' "suite" "passed" "failed" "skipped" "time"
  printf '%s\n' "${summary[@]}" | sed 's/ *$//'
  printf '\n%d passed, %d failed, %d skipped\n' "$total_passed" "$total_failed" "$total_skipped"
}

stop() {
  echo "$1"
  printf '\n0 passed, 1 failed, 0 skipped\n'
  exit 1
}

end_running() {
  [[ -n $running ]] && kill -KILL -- "-$running" 2>/dev/null
  exit 130
}
trap end_running INT TERM

main "$@"
