# What every case may use. `run CMD...` prints the command, its standard output, its standard error (lines marked
# "! ") and its exit code; `runin TEXT CMD...` gives it standard input (\n is a newline); `sub ARGS...` is
# `run sbatch ARGS...` and leaves the job's number in $J. `THROUGH=FILTER run CMD...` prints what the filter leaves of
# the output.
set -u
run() { answer "$@" </dev/null; }
runin() {
  local text=$1
  shift
  answer "$@" < <(printf '%b' "$text")
}
answer() {
  local word shown=
  for word in "$@"; do
    case $word in *[!A-Za-z0-9_./:=,@%+-]* | '') shown+=" '$word'" ;; *) shown+=" $word" ;; esac
  done
  printf '$%s%s\n' "$shown" "${THROUGH:+ | $THROUGH}"
  "$@" >"$SCRATCH/out" 2>"$SCRATCH/err"
  local rc=$?
  eval "${THROUGH:-cat}" <"$SCRATCH/out"
  sed 's/^/! /' "$SCRATCH/err"
  printf '[rc=%s]\n' "$rc"
}
sub() {
  run sbatch "$@"
  J=$(sed -n 's/^Submitted batch job //p' "$SCRATCH/out")
}
# state ID: the job's state now, in Slurm's long word; the last line where an array has several.
state() { squeue -h -t all -j "$1" -o %T 2>/dev/null | tail -n 1; }
# until_state ID STATE...: waits until the job is in one of the states, half a minute at most.
until_state() {
  local id=$1 now i
  shift
  for i in $(seq 300); do
    now=$(state "$id")
    for s in "$@"; do [ "$now" = "$s" ] && return; done
    sleep 0.1
  done
  echo "still $now, not $*"
}
# over ID: waits until no record of the job is pending, running or completing.
over() {
  local i
  for i in $(seq 400); do
    [ -z "$(squeue -h -j "$1" -o %T 2>/dev/null)" ] && return
    sleep 0.1
  done
  echo "still there: $1"
}
# reason ID WORD: waits until the job's reason is WORD.
reason() {
  local i
  for i in $(seq 300); do
    [ "$(squeue -h -j "$1" -o %r | head -n 1)" = "$2" ] && return
    sleep 0.1
  done
  echo "still $(squeue -h -j "$1" -o %r)"
}
# said FILE WORD: waits until the file holds the word, ten seconds at most.
said() {
  local i
  for i in $(seq 100); do
    grep -qs -e "$2" "$1" && return
    sleep 0.1
  done
  echo "$1 does not say $2"
}
# young: a filter that hides how many seconds a job has run.
young() { sed -E 's/(^|[^0-9:])(00:)?0?0:[0-5][0-9]\b/\1<AGE>/g; s/ +<AGE>/ <AGE>/g'; }
# still: a filter for scontrol's records without what depends on how fast things went: who started it, and when its age
# began to count.
still() { sed -E 's/ ?(RunTime|AccrueTime|Scheduler)=[^ ]+//g'; }
# tree [NAME]: a filter that leaves of a JSON document the names of its fields and their kinds.
tree() { python3 "${BASH_SOURCE[0]%/*}/tree.py" "$@"; }
show() { printf '%s\n' "--- $1"; cat "$1"; }
script() { cat >"$1"; chmod +x "$1"; }
