# --help, --usage and wrong options: where the text goes, and the exit codes
said_at() { "$@" >"$SCRATCH/o" 2>"$SCRATCH/e" </dev/null; rc=$?; printf '$ %s: out %s err %s rc %s\n' "$*" "$([ -s "$SCRATCH/o" ] && echo yes || echo no)" "$([ -s "$SCRATCH/e" ] && echo yes || echo no)" $rc; }
for command in sbatch squeue scancel scontrol; do
  for option in --help --usage --version -V --nosuch -Z; do said_at $command $option; done
done
said_at sbatch -h; said_at squeue -h -j 99999999; said_at scontrol -h; said_at scancel -h; said_at sbatch -u; said_at scontrol help; said_at sbatch --help --nosuch; said_at sbatch --nosuch --help; said_at squeue --help -Z
for words in --he --us --ver --vers; do said_at sbatch $words; said_at squeue $words; said_at scancel $words; done
for words in --parti=debug --part --job=99999999 --nam=x --noh --all --hid --form=%i --sor=i --sta=PD --stat=PD --sta --star; do run squeue -h $words; done
for words in --batc --ful --int --nam=nosuch --part=nosuch --stat=PD --sig=USR1 --sta; do run scancel $words 99999999; done
