# --export and SBATCH_ variables
export A=1 B=2
show_env='env | grep -E "^(A|B|C|SLURM_EXPORT_ENV|SLURM_GET_USER_ENV|HOME|USER)=" | sort'
for words in '' --export=ALL --export=ALL,C=3 --export=A --export=A,C=x --export=NONE --export=NIL; do
  sub $words -o e.out --wrap "$show_env"; over $J; show e.out
done
SBATCH_EXPORT=A sub -o e.out --wrap "$show_env"; over $J; show e.out
SBATCH_JOB_NAME=fromenv SBATCH_TIMELIMIT=7 SBATCH_ACCOUNT=aa SBATCH_PARTITION=short run sbatch -v --test-only --wrap true
printf '#!/bin/sh\n#SBATCH -J script -t 5\n' >s.sh
SBATCH_JOB_NAME=fromenv run sbatch -v --test-only s.sh
SBATCH_JOB_NAME=fromenv run sbatch -v --test-only -J line s.sh
SLURM_JOB_NAME=other run sbatch -v --test-only --wrap true
SBATCH_TIMELIMIT=bad run sbatch --test-only --wrap true
SBATCH_MEM_PER_NODE=10 SBATCH_MEM_PER_CPU=5 run sbatch -v --test-only --wrap true
printf 'X=1\0Y=2 3\0' >envfile
sub --export-file=envfile -o e.out --wrap 'env | grep -E "^(X|Y|A)=" | sort'; over $J; show e.out
