# sbatch -v: the list of what was defined
run sbatch -v --test-only -N2-3 -n4 -c2 -t 1-2 --mem=3000 -J name -A acct -p debug -q qos -o o -e e -i /dev/null -D / --array=1-2 -d afterok:1 -C fast -x n4 --gres=gpu:1 --wrap true
run sbatch -v --test-only --gpus=2 --gpus-per-node=1 --cpus-per-gpu=2 --mem-per-gpu=5 --wrap true
run sbatch -v --test-only --mail-type=END,FAIL --mail-user=me --signal=B:USR2@90 --exclusive --contiguous --nice=5 --comment=c --requeue --open-mode=append --wrap true
run sbatch -v --test-only --begin=2040-01-01 --deadline=2041-01-01 --hold --no-kill --overcommit --propagate=CORE --reboot --switches=1@5 --wait-all-nodes=1 --wrap true
run sbatch -v --test-only --ntasks-per-node=2 --ntasks-per-socket=1 --ntasks-per-core=1 --mincpus=2 --threads-per-core=1 --distribution=cyclic:block --hint=compute_bound --wrap true
run sbatch -v --test-only --tmp=0 --time-min=5 -t 10 --wckey=w --licenses='' --profile=all --priority=5 --get-user-env --export=A,B=1 --wrap true
