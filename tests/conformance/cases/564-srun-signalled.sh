# srun outside a job while its step runs: signals for it, scancel, how the job that was its own ended, and --test-only
ended() { THROUGH="grep -oE 'JobState=[A-Z]+|ExitCode=.*|Reason=[A-Za-z]+'" run scontrol show job "$1"; }
clock() { sed -E 's/[0-9]{4}-[0-9-]+T[0-9:]+/<TIME>/; s/pid [0-9]+/pid <PID>/' "$1"; }
# told NAME SIGNALS CMD...: the command's step has begun when each signal comes, a fifth of a second apart
told() {
  local name=$1 signals=$2 pid rc s; shift 2
  echo "== $name <- $signals"
  rm -f began
  srun -J "$name" "$@" </dev/null >"$SCRATCH/w" 2>&1 & pid=$!
  for i in $(seq 100); do [ -e began ] && break; sleep 0.1; done
  J=$(squeue -h -n "$name" -o %i)
  for s in $signals; do
    case $s in cancel) scancel "$J" ;; step) scancel "$J.0" ;; *) kill -"$s" $pid ;; esac
    sleep 0.2
  done
  wait $pid; rc=$?
  clock "$SCRATCH/w"; echo "[rc=$rc]"
  over "$J"
  ended "$J"
}
BEGUN='touch began; exec sleep 60'
told once 'INT TERM' sh -c "$BEGUN"
told twice 'INT INT' sh -c "$BEGUN"
told trapped 'INT INT' sh -c 'trap "exit 3" INT; touch began; while :; do sleep 0.1; done'
told quits INT --quit-on-interrupt sh -c "$BEGUN"
told term TERM sh -c "$BEGUN"
told hup HUP sh -c "$BEGUN"
told quit QUIT sh -c "$BEGUN"
told usr1 USR1 sh -c "$BEGUN"
told heard USR2 sh -c 'trap "exit 7" USR2; touch began; while :; do sleep 0.1; done'
for code in 'exit 200' 'exit 137' 'exit 130' 'kill -9 $$' 'kill -TERM $$'; do
  run srun -J ends sh -c "$code"
  J=$(scontrol -o show job | sed -n 's/^JobId=\([0-9]*\) JobName=ends .*/\1/p' | tail -n 1)
  over "$J"; ended "$J"
done
run srun --test-only -n2 true
run srun --test-only
run srun --test-only -N9 true
run srun -Q --test-only true
run srun --test-only -p nosuch true
cat >waits.sh <<'S'
#!/bin/bash
srun -n1 -Q sh -c 'touch began; exec sleep 60' & first=$!
until [ -e began ]; do sleep 0.1; done
for s in INT TERM HUP USR1; do
  srun -n1 true & second=$!
  sleep 3
  kill -$s $second
  wait $second; echo "rc=$?"
done
kill $first
S
rm -f began
sub -n1 -o waits.out waits.sh
over "$J"
grep -v -e '^slurmstepd' -e 'task 0' waits.out
