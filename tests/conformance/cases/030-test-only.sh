# where a job would start
for words in '' -N2 -n3 '-n 9' '-n 12 --ntasks-per-node=3' '-N 2 -n 3' '-c 3' '-N1 -c 8' --gpus=2 --gpus=9 --gres=gpu:2 '-p short' '-w n3' '-x n1' --exclusive \
  '-n 4 -c 4' '-N 2-3' --mem=1000 '-n2 --gpus-per-task=1' '--array=1-3' '-C fast' '-C fast&big' '-n 1 --ntasks-per-node=4' '-N 4 --exclusive'; do
  run sbatch $words --test-only --wrap true
done
