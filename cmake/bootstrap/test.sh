# Every test runner, whatever the others say, and one summary over all of them. A runner leaves its
# results as JUnit XML; runs.tsv lists them: title, file, exit status, seconds.
results=build/test-results

run_tests() {
  rm -rf "$results"
  mkdir -p "$results"
  say "Building and testing. Everything printed by the builds and the tests is in $logs/."
  build_and_ctest gcc dev build "C++ and C tests, GCC"
  run_pytest
  # The random cases have run in full by now; the others look at some of each kind.
  export VMLIFT_CONFORMANCE_CASES=100
  # This one compiles everything with the second compiler too.
  build_and_ctest asan asan build/asan \
    "C++ and C tests, clang-19, address and undefined sanitizers" -DVMLIFT_INSTALL=OFF \
    -DVMLIFT_BUILD_PYTHON=ON -DVMLIFT_BUILD_BENCHMARKS=ON
  build_and_ctest tsan tsan build/tsan "C++ and C tests, clang-19, thread sanitizer" \
    -DVMLIFT_INSTALL=OFF
  say
  python3 cmake/bootstrap/summary.py "$results/runs.tsv"
}

# build_and_ctest NAME PRESET FOLDER TITLE [CMAKE-OPTION...]
build_and_ctest() {
  local name=$1 preset=$2 folder=$3 title=$4 junit=$PWD/$results/ctest-$1.xml
  shift 4
  if step "build-$name" "building for: $title" build_tree "$preset" "$folder" all "$@"; then
    run "ctest-$name" "$title" "$junit" ctest --test-dir "$folder" -j "$(nproc)" \
      --output-on-failure --no-tests=error --output-junit "$junit"
  else
    record "$title" none 1 0
  fi
}

run_pytest() {
  local junit=$PWD/$results/pytest.xml
  PYTHONPATH=$PWD/build/python run pytest "Python and command line tests" "$junit" \
    python3 -m pytest -ra --junit-xml="$junit"
}

# run LOG-NAME TITLE JUNIT-FILE COMMAND...: one runner; a failure is recorded, not fatal.
run() {
  local log=$1 title=$2 junit=$3 began=$EPOCHREALTIME status=0
  shift 3
  step "$log" "$title" "$@" || status=$?
  record "$title" "$junit" "$status" "$(elapsed "$began")"
}

record() {
  local IFS=$'\t'
  printf '%s\n' "$*" >>"$results/runs.tsv"
}
