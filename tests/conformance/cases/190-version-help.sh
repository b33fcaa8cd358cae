# what programs ask first
for command in sbatch squeue scancel; do
  run $command --version
  run $command -V
done
