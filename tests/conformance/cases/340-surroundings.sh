# what a job inherits: umask, limits, directory, streams, process group; what it does not
out() { over $J; show o.out; }
(umask 027; sub -o o.out --wrap 'umask; touch made; stat -c %a made; stat -c %a o.out'; out)
rm -f o.out; (umask 077; sub -o o.out --wrap 'umask'; over $J; stat -c %a o.out)
(ulimit -n 512; sub -o o.out --wrap 'ulimit -n'; out)
(ulimit -Sn 300; sub -o o.out --wrap 'ulimit -Sn; ulimit -Hn >/dev/null'; out)
(ulimit -c 0; ulimit -s 4096; sub -o o.out --wrap 'ulimit -c; ulimit -s'; out)
(ulimit -n 512; sub --propagate=NONE -o o.out --wrap '[ "$(ulimit -n)" = 512 ] && echo same || echo other'; out)
(ulimit -n 512; ulimit -c 7; sub --propagate=NOFILE -o o.out --wrap '[ "$(ulimit -n)" = 512 ] && echo same; [ "$(ulimit -c)" = 7 ] && echo core same || echo core other'; out)
(ulimit -n 512; SLURM_PROPAGATE=x sub --propagate -o o.out --wrap 'ulimit -n'; out)
cd "$PWD" && mkdir -p a/b && (cd a/b && sub -o o.out --wrap 'pwd; echo $PWD; echo $SLURM_SUBMIT_DIR'; over $J; show o.out)
ln -s a/b link && (cd link && sub -o o.out --wrap 'pwd; pwd -P'; over $J; show o.out)
sub -o o.out --wrap '[ -t 0 ] && echo tty; cat; echo rc $?'; out
sub -o o.out --wrap 'ls -l /proc/self/fd | grep -c " [3-9] -> "'; out
sub -o o.out --wrap 'ps -o pid=,pgid=,sid= $$ | awk "{print (\$1==\$2), (\$1==\$3)}"'; out
sub -o o.out --wrap 'echo $0 | sed "s,.*/,,"; ls -l $0 | cut -c1-10'; out
sub -o o.out --wrap '(trap "echo usr1" USR1; kill -USR1 $BASHPID) 2>/dev/null; true'; out
sub -o o.out --wrap 'nice; echo $TERM | head -c 20 >/dev/null; echo $SHLVL'; out
FOO='multi
line' BAR= BAZ='a=b' sub -o o.out --wrap 'echo "[$FOO][$BAR][$BAZ]"'; out
SLURM_JOB_ID=1 SLURM_FOO=bar SBATCH_BAR=x sub -o o.out --wrap 'echo "$SLURM_FOO|$SBATCH_BAR|"; [ $SLURM_JOB_ID != 1 ] && echo own'; out
f() { echo exported function; }; export -f f; printf '#!/bin/bash\nf\n' >func.sh; sub -o o.out func.sh; out
unset -f f
env -i PATH="$PATH" $(env | grep -E '^(SLURM_CONF|FLOW_)' | xargs) sbatch -o o.out --wrap 'env | cut -d= -f1 | grep -vE "^(SLURM|FLOW_)" | sort | xargs' >"$SCRATCH/n"; J=$(grep -oE '[0-9]+' "$SCRATCH/n"); out
sub -o o.out --get-user-env --wrap 'echo $HOME $USER'; out
TMPDIR=/var/tmp sub -o o.out --wrap 'echo $TMPDIR'; out
