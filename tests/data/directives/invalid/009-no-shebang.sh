#SBATCH -N1
true
