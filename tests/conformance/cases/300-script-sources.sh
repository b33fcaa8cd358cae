# scripts from standard input, arguments, --wrap with quotes, long lines
runin '#!/bin/sh\n#SBATCH -J fromstdin -o in.out\necho "$0" | sed "s,/.*/,,"; echo "[$*]"\n' sbatch
J=$(sed -n 's/^Submitted batch job //p' "$SCRATCH/out"); over $J; show in.out
run squeue -t all -h -j $J -o '%j|%o'
THROUGH="grep -E 'JobName|Command|StdOut'" run scontrol show job $J
runin '#!/bin/sh\necho "[$*]"\n' sbatch -o in2.out - a b
runin '#!/bin/sh\necho "[$*]"\n' sbatch -o in2.out /dev/stdin 'a b' c
J=$(sed -n 's/^Submitted batch job //p' "$SCRATCH/out"); over $J; cat in2.out
runin '' sbatch
runin 'echo no shebang\n' sbatch
runin '#!/bin/sh' sbatch -o /dev/null
script args.sh <<'X'
#!/bin/bash
#SBATCH -o args.out
printf '<%s>' "$@"; echo
X
for words in '' a 'a b c' '-x --y' '-- z'; do sub args.sh $words; over $J; show args.out; done
sub args.sh 'two words' "quo'te" '"double"' '$HOME' '' '*' $'tab\there' 'back\slash'; over $J; show args.out
run squeue -t all -h -j $J -o '%o'
THROUGH="grep -E 'Command'" run scontrol show job $J
sub ./args.sh; over $J; show args.out
sub "$PWD/args.sh" x; over $J
mkdir -p bin; cp args.sh bin/onpath.sh; PATH=$PWD/bin:$PATH sub onpath.sh; over $J; show args.out
run sbatch onpath.sh
run sbatch bin
chmod 000 args.sh; run sbatch --test-only nosuch/args.sh; chmod 755 args.sh
sub -o w.out --wrap "echo 'single' \"double\" \$((1+2))"; over $J; show w.out
sub -o w.out --wrap 'echo one; echo two
echo three # comment'; over $J; show w.out
sub -o w.out --wrap '#!/bin/bash
echo bash'; over $J; show w.out
sub -o w.out --wrap 'cat "$0" | sed "s,/.*/,,"'; over $J; show w.out
sub -o w.out --wrap=''; over $J
sub -o w.out --wrap ''; over $J
run sbatch --wrap
run sbatch --wrap true args.sh
run sbatch --wrap true -- args.sh
run sbatch args.sh --wrap true; scancel --me
sub -o w.out --wrap true --wrap 'echo second'; over $J; show w.out
printf '#!/bin/sh\n#SBATCH --comment="%s"\nexit 0\n' "$(head -c 1500 /dev/zero | tr '\0' x)" >long.sh
run sbatch -o /dev/null long.sh
printf '#!/bin/sh\n#%s\n#SBATCH -J afterlong\nexit 0\n' "$(head -c 5000 /dev/zero | tr '\0' x)" >long2.sh
sub -o /dev/null long2.sh; over $J
run squeue -t all -h -j $J -o %j
printf '#!/no/such/interpreter\nexit 0\n' >noint.sh; sub -o ni.out noint.sh; over $J
run squeue -t all -h -j $J -o '%T %r'
printf '#! /bin/sh -e\nfalse\necho not reached\n' >opt.sh; sub -o opt.out opt.sh; over $J; show opt.out
run squeue -t all -h -j $J -o '%T %r'
printf '#!/usr/bin/env -S bash -u\necho "$UNSET_VARIABLE"\n' >env.sh; sub -o env.out env.sh; over $J
run squeue -t all -h -j $J -o '%T %r'
