# what the controller refuses
for words in '-p nosuch' '-p debug,nosuch' '-w n99' '-x n99' '-w n1 -x n1' '-C nosuch' '-C fast&nosuch' '-C [fast|big' '-L nosuch' --gres=nosuch:1 --gres=gpu:99 \
  --gres=gpu:a100:1 --gres=gpu: --gpus-per-node=9 --mem=100G --mem-per-cpu=100G --tmp=10G '-N 0' '-d nonsense' '-d afterok:abc' '-d afterok' --array=abc --array=5-1 \
  --array=1-4:0 --array=200000 --array=1,2,x --deadline=now-1hour '--time-min=60 -t 10' --reservation=nosuch '-N 99' '-n 9999' '-c 100' '-N 3-2' '-N 1-2 -n 40' \
  '--ntasks-per-node=9' '-p short -N 2' '-p short -t 60' '-p closed' '--gpus=33' '-w n[1-5]' '--mincpus=9' '--core-spec=2' '--exclude=n[1-4]'; do
  run sbatch $words --test-only --wrap true
done
run sbatch -p nosuch --wrap true
run sbatch -C nosuch --wrap true
run sbatch --mem=100G --wrap true
run sbatch --gres=nosuch:1 --wrap true
run sbatch -d nonsense --wrap true
SLURM_EXIT_ERROR=42 run sbatch -p nosuch --wrap true
SLURM_EXIT_ERROR=42 run sbatch --nosuch --wrap true
run sbatch -Q --test-only -p nosuch --wrap true
