# what sbatch itself refuses, with its words and exit codes
for words in --nosuch -I '-t nonsense' '-N abc' '-n abc' '-n 0' '-c 0' '-c -1' --mem=abc --mem=1.5G --mail-type=x --signal=x --signal=USR1@ \
  --open-mode=x --exclusive=foo --distribution=x --gres-flags=x --hint=x --begin=nonsense --begin=25:00 --deadline=nonsense \
  --mem-per=2 --nodes --time= --array --ntasks-per-node=x --gpus=x: --cpus-per-gpu=0 --nice=abc --priority=x --mem-per-cpu=x \
  --tmp=x --kill-on-invalid-dep=maybe --propagate=FOO --switches=x --export-file=/no/such --uid=nosuch --gid=nosuch --requeue=yes \
  --threads-per-core=0 --core-spec=x -B9:9:9:9 --cpu-freq=foo --gpu-freq=foo --clusters=nowhere --tres-per-task=cpu:1 --wait-all-nodes=2; do
  run sbatch $words --wrap true
done
run sbatch --mem-per-cpu=1 --mem=2 --wrap true
run sbatch --mem-per-gpu=1 --mem=2 --wrap true
run sbatch --wrap=x script
run sbatch nosuch.sh
run sbatch /
run sbatch --gpus-per-task=1 --wrap true
run sbatch --nodelist='n[1-2]' -N1 --wrap true
run sbatch --begin=now+2hours --deadline=now+1hour --wrap true
