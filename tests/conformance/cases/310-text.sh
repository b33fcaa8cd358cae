# names that are not ASCII: UTF-8, latin-1, control characters
sub -H -J 'größe-日本' --comment='naïve ✓' -A 'kontø' --wrap true; A=$J
run squeue -h -j $A -o '%j|%a|%k'
run squeue -h -j $A -o '%8j|%.8j|%3j|'
run squeue -h -j $A -O name:10,comment:5,account:.8
run squeue -h -n 'größe-日本' -o %j
THROUGH="grep -aE 'JobName|Comment|Account'" run scontrol show job $A
run scancel -n 'größe-日本'
latin=$(printf 'l\344tin')
sub -H -J "$latin" --wrap true; B=$J
run squeue -h -j $B -o '%j|%.3j|%2j'
run scancel -v -n "$latin"
printf '#!/bin/sh\n#SBATCH -J k\303\244se --comment="\342\202\254 5"\n#SBATCH -o \303\266ut-%%x.txt\necho "$SLURM_JOB_NAME"\n' >utf.sh
sub utf.sh; over $J; for f in *ut-*; do show "$f"; done
printf '#!/bin/sh\n#SBATCH -J l\344t\nprintf "%%s" "$SLURM_JOB_NAME" | od -An -tx1\n' >lat.sh
sub -o lat.out lat.sh; over $J; show lat.out
mkdir -p 'dir with blank/ünd'
sub -D 'dir with blank/ünd' -o 'ö %j.out' --wrap pwd; over $J; show "dir with blank/ünd/ö $J.out"
for name in '' ' ' 'a b' 'a	b' 'a|b' 'a,b' "a'b" 'a%jb' '..' 'a/b' '-x' '$HOME' "$(head -c 200 /dev/zero | tr '\0' n)"; do
  sub -H -J "$name" --wrap true
  run squeue -h -j $J -o '%j|%.12j|'
  THROUGH="grep -o 'JobName=.*'" run scontrol show job $J
done
sub -J 'a/b' -o 'slash-%x.out' --wrap true; over $J; ls
NAME='bénéfice' sub --export=NAME -o exp.out --wrap 'echo "$NAME" | od -An -c | head -n 2'; over $J; show exp.out
