# a job runs: where, with what, and what its output is
script job.sh <<'X'
#!/bin/bash
#SBATCH --job-name=first
echo "args: $*"; pwd; umask; echo "err" >&2; cat
exit 3
X
sub -t 5 job.sh a 'b c'
over $J; show slurm-$J.out
run squeue -t all -j $J -o '%A %j %T %r %D %C %N %o'
THROUGH=still run scontrol show job $J -o
sub --wrap 'kill -9 $$'; over $J; show slurm-$J.out
run squeue -t all -h -j $J -o '%T %r'
sub -o out-%x-%j-%5j-%A-%a-%N-%n-%t-%u-%s-%%.txt -J pat --wrap 'echo hi'; over $J; ls *.txt
sub -e only.err --wrap 'echo o; echo e >&2'; over $J; show slurm-$J.out; show only.err
sub -o one.out --wrap 'echo 1'; over $J; sub -o one.out --wrap 'echo 2'; over $J; show one.out
sub -o one.out --open-mode=append --wrap 'echo 3'; over $J; show one.out
sub -o /no/such/dir/x --wrap true; over $J
run squeue -t all -h -j $J -o '%T %r'
mkdir sub; sub -D sub --wrap pwd; over $J; ls sub; cat sub/*
sub -i job.sh -o in.out --wrap 'head -n 1'; over $J; show in.out
sub -o /dev/null --wrap true; over $J
run squeue -t all -h -j $J -o '%T %r'
