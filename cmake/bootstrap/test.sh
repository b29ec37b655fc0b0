# Every test runner, whatever the others say, and one summary over all of them. A runner leaves its
# results as JUnit XML; runs.tsv lists them: title, file, exit status, seconds.
results=build/test-results

run_tests() {
  rm -rf "$results"
  mkdir -p "$results"
  say "Building and testing. Everything printed by the builds and the tests is in $logs/."
  if build_vmlift; then
    run_ctest gcc build "C++ and C tests, GCC"
    run_pytest
  else
    record "C++ and C tests, GCC" none 1 0
    record "Python and command line tests" none 1 0
  fi
  build_and_ctest clang "C++ and C tests, clang-19" -DVMLIFT_BUILD_BENCHMARKS=OFF
  build_and_ctest asan "C++ and C tests, address and undefined sanitizers" -DVMLIFT_INSTALL=OFF
  build_and_ctest tsan "C++ and C tests, thread sanitizer" -DVMLIFT_INSTALL=OFF
  say
  python3 cmake/bootstrap/summary.py "$results/runs.tsv"
}

# build_and_ctest PRESET TITLE [CMAKE-OPTION...]
build_and_ctest() {
  local preset=$1 title=$2
  shift 2
  if step "build-$preset" "building for: $title" configure_and_build "$preset" "build/$preset" "$@"
  then
    # The random cases have run in full by now; the sanitizers look at some of each kind.
    VMLIFT_CONFORMANCE_CASES=100 run_ctest "$preset" "build/$preset" "$title"
  else
    record "$title" none 1 0
  fi
}

# run_ctest NAME BUILD-FOLDER TITLE
run_ctest() {
  local junit=$PWD/$results/ctest-$1.xml
  run "ctest-$1" "$3" "$junit" \
    ctest --test-dir "$2" -j "$(nproc)" --output-on-failure --no-tests=error --output-junit "$junit"
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
