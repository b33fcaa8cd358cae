# exit codes and signals of many kinds: state, reason, exit code
end() {
  sub -o /dev/null "$@"
  over $J
  run squeue -h -t all -j $J -O statecompact:4,reason:20,exit_code:8,derivedec:6
  THROUGH="grep -oE ' ExitCode=[0-9:]+'" run scontrol show job $J
}
for code in 0 1 2 42 127 128 129 137 143 254 255 256 -1; do end --wrap "exit $code"; done
for signal in HUP INT QUIT ABRT KILL USR1 SEGV PIPE TERM XCPU; do end --wrap "kill -$signal \$\$; sleep 9"; done
end --wrap 'sh -c "kill -9 \$\$"'
end --wrap 'sh -c "exit 5"; true'
end --wrap 'nosuchcommand'
end --wrap '/etc/passwd'
end --wrap 'set -e; false; true'
end --wrap '{ sleep 30 & }; exit 3'
end --wrap 'exec sh -c "exit 6"'
end --wrap '(exit 7)'
end --wrap 'trap "exit 8" EXIT; exit 1'
end --array=2 --wrap 'exit $SLURM_ARRAY_TASK_ID'
end --requeue --wrap 'exit 9'
end -N2 --wrap 'exit 10'
