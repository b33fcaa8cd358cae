# output, error and input files at their edges
ended() { over $J; run squeue -t all -h -j $J -o '%T %r'; }
sub -o no/such/dir/x.out --wrap 'touch ran1'; ended
sub -e no/such/dir/x.err --wrap 'touch ran2'; ended
sub -i nosuch.txt -o i.out --wrap 'touch ran3'; ended
sub -i /dev/null -o i.out --wrap 'cat; echo end'; over $J; show i.out
sub -o none --wrap 'echo x'; ended; ls
sub -o none -e err.txt --wrap 'echo x; echo y >&2'; over $J; show err.txt
sub -i none -o n.out --wrap 'cat; echo end'; over $J; show n.out
sub -o '' --wrap 'echo empty'; over $J; ls
mkdir adir; sub -o adir --wrap true; ended
sub -o adir/ --wrap true; ended
sub -o both.out -e both.out --wrap 'echo o; echo e >&2'; over $J; sort both.out
sub -o first.out -e second.out --wrap 'echo o; echo e >&2'; over $J; show first.out; show second.out
echo 'what was there before' >kept.out
sub -o kept.out --open-mode=append --wrap 'echo new'; over $J; show kept.out
sub -o kept.out --open-mode=truncate --wrap 'echo new'; over $J; show kept.out
for pattern in 'a%%b' 'a%' 'a%q' 'a%3' 'a%5j' 'a%05j' 'a%jb%j' 'a%x%n%t%s%u' 'a%A_%a' 'a\%j' 'a\\%j' '\a%j' 'a%J' 'a%j.%2t' 'a%x' 'a%H' 'a b'; do
  sub -J 'na me' -o "$pattern.out" --wrap true; over $J
  for f in a* \\a*; do [ -f "$f" ] && printf '%s\n' "[$f]" && rm -f -- "$f"; done
done
sub -w n2 -J named --array=3 -o 'p-%A_%a-%x-%N.out' --wrap 'echo hi'; over $J; for f in p-*; do printf '%s\n' "[$f]"; done
sub -w n1 -o common.out --open-mode=append --wrap 'echo 1'; A=$J; sub -w n1 -o common.out --open-mode=append -d afterany:$A --wrap 'echo 2'; over $J; sort common.out
sub -o /dev/stdout --wrap 'echo x'; ended
sub -o /dev/full --wrap 'echo x || exit 4'; ended
ln -s target.out link.out; sub -o link.out --wrap 'echo through'; over $J; show target.out
printf '#!/bin/sh\n#SBATCH -D deep\n#SBATCH -o rel.out\npwd\n' >chd.sh; mkdir deep; sub chd.sh; over $J; show deep/rel.out
sub -D nosuchdir -o "$PWD/nodir.out" --wrap pwd; over $J; sed 's/slurmstepd-n1/slurmstepd/' nodir.out
run squeue -t all -h -j $J -o '%T %r'
sub -D nosuchdir --wrap pwd; ended
sub -D /nonexistent/deep -o "$PWD/abs.out" --wrap pwd; over $J; sed 's/slurmstepd-n1/slurmstepd/' abs.out
sub -D '' -o "$PWD/empty.out" --wrap pwd; over $J; show empty.out
(cd deep; sub -o cwd.out --wrap pwd; over $J); show deep/cwd.out
(cd deep; sub -D .. -o up.out --wrap pwd; over $J; ls); show up.out
