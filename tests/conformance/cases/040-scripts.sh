# which files are scripts, and what is read from them
printf '' >empty; printf ' \n\n' >blank; printf '#!/bin/bash\r\n#SBATCH -N2\r\ntrue\r\n' >dos; printf 'echo hi\n' >bare; printf '\x7fELF\x01\x00\x02' >binary
printf '\xef\xbb\xbf#!/bin/bash\ntrue\n' >bom; printf '#!/bin/bash\n#SBATCH -N2' >noeol
for file in empty blank dos bare binary bom noeol missing; do run sbatch --test-only $file; done
script early.sh <<'X'
#!/bin/bash
#SBATCH -J early -N2
 #SBATCH -J indented
##SBATCH -J hashes

#SBATCH	-c	2 # a comment
echo
#SBATCH -J late
X
run sbatch -v --test-only early.sh
printf '#!/bin/sh\n#SBATCH --bogus\n' >bad1; printf '#!/bin/sh\n#SBATCH stray\n' >bad2; printf '#!/bin/sh\n#SBATCH --job-name="x\n' >bad3; printf '#!/bin/sh\n#SBATCH -n x\n' >bad4
for file in bad1 bad2 bad3 bad4; do run sbatch --test-only $file; done
printf '#!/bin/sh\n#PBS -N frompbs\n#PBS -l walltime=00:10:00\n#SBATCH -c2\n' >pbs
run sbatch -v --test-only pbs
run sbatch -v --test-only --ignore-pbs pbs
printf '#!/bin/sh\n#BSUB -J frombsub\n#BSUB -W 10\n' >bsub
run sbatch -v --test-only bsub
printf '#!/usr/bin/env python3\nprint("from python")\n' >py
sub -o py.out py; over $J; show py.out
