# A step is one command with a plain-words title. Its output goes to a log, its time to the
# terminal; when it fails, the end of the log is shown and the step fails. (bash ignores `set -e` in
# whatever a step runs: a function that is a step joins its commands with &&.)
logs=build/logs

say() { printf '%s\n' "$*"; }

# elapsed SINCE: seconds since a value of $EPOCHREALTIME, with one decimal.
elapsed() {
  local now=$EPOCHREALTIME
  local tenths=$(( (${now/./} - ${1/./}) / 100000 ))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# step LOG-NAME TITLE COMMAND [ARGUMENT...]
step() {
  local log=$logs/$1.log title=$2 began=$EPOCHREALTIME status=0
  shift 2
  mkdir -p "$logs"
  printf '  %-62s ' "$title"
  "$@" >"$log" 2>&1 </dev/null || status=$?
  printf '%8s s\n' "$(elapsed "$began")"
  if ((status != 0)); then
    say "  failed with exit status $status; the end of $log:"
    tail -n 60 "$log" | sed 's/^/    | /'
  fi
  return "$status"
}
