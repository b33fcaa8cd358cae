# steps of a job: input, output, labels, files, programs of a file
script job <<'END'
#!/bin/bash
exec 2>&1
x() {
  echo "\$ $1"
  bash -c "$1" 2>&1 | grep -v -e 'step creation temporarily' -e 'Step created for'
  echo "[rc=${PIPESTATUS[0]}]"
}
x 'srun -l sh -c "echo \$SLURM_PROCID; echo err >&2" 2>&1 | sort'
x 'srun -o "o.%J.%s.%t.%n.%u.%x.%%.%5t.%a.%h" echo hi; ls o.* | sed "s/^o.[0-9]*/o.JOB/"; rm -f o.*'
x 'srun -n2 -o o.%j echo hi; cat o.*; rm -f o.*'
x 'srun -n2 -l -o o.%t echo hi; cat o.*; rm -f o.*'
x 'srun -n2 -o o.1 -e o.1 sh -c "echo hi; echo er >&2"; sort o.*; rm -f o.*'
x 'srun -n2 -e o.e sh -c "echo hi; echo er >&2"; cat o.*; rm -f o.*'
x 'echo kept > o.a; srun -n1 --open-mode=append -o o.a echo more; cat o.a; srun -n1 -o o.a echo new; cat o.a'
x 'srun -n2 -o none echo hi'
x 'srun -n2 -o 1 sh -c "echo \$SLURM_PROCID"'
x 'srun -n2 -o 7 sh -c "echo \$SLURM_PROCID"'
x 'echo hello | srun -n2 cat'
x 'echo hello | srun -n2 -i 1 cat'
x 'echo hello | srun -n2 -i none cat'
x 'echo from > i; srun -n2 -i i cat'
x 'printf "0 echo a %%t %%o\n1-2 echo b %%t %%o\n* echo c\n" > mp; srun -n4 -l --multi-prog mp | sort'
x 'printf "0 echo a %%t %%o\n" > mp; srun -n2 -l --multi-prog mp'
x 'printf "0-5 echo a\n" > mp; srun -n2 -l --multi-prog mp'
x 'printf "a echo\n" > mp; srun -n2 -l --multi-prog mp'
x 'srun -n2 --multi-prog nofile'
x 'srun -n1 -l printf abc'
x 'srun -n12 -O -l echo wide | sort | head -3'
x 'srun -n1 sh -c "[ -t 0 ] && echo tty; pwd" | sed s,.*/,,'
x 'srun -n1 -D /tmp pwd'
x 'srun -n1 --export=ALL,FOO=bar sh -c "echo \$FOO"'
x 'A=1 B=2 srun -n1 --export=A,C=3 /bin/sh -c "echo \$A \$B \$C"'
x 'A=1 srun -n1 --export=NONE /bin/sh -c "echo =\$A="'
x 'SLURM_UMASK=0077 srun -n1 sh -c umask'
x 'srun -n1 -J named sh -c "echo \$SLURM_JOB_NAME"'
x 'srun -n1 --pty echo no terminal </dev/null'
x 'printf "#!/bin/sh\necho \${0##*/}\n" > prog; chmod +x prog; srun -n2 --bcast=$PWD/there ./prog; rm there'
x 'srun -n2 sh -c "sleep 1 & exec echo left behind"'
END
sub -n4 -w n1 -o out ./job
for i in 1 2 3 4 5 6; do over $J >/dev/null; done # a long job on a busy machine
show out
