# sacct: which word is refused first, states and amounts that it takes, capitals, widths that are half a number
sub -A research -q normal -o /dev/null -J Gold -C fast -t 5 --wrap 'exit 0'; A=$J
over $A
sub -A research -q normal -o /dev/null -J three -p short --wrap 'exit 3'; B=$J
over $B
for i in $(seq 100); do
  [ "$(sacct -n -X -P -o state -j $A,$B | sort | tr '\n' ' ')" = "COMPLETED FAILED " ] && break
  sleep 0.2
done
for state in BF CA CD DL F NF OOM PD PR R RQ RS RV S TO cg CF configuring SE special_exit ST SI RD RH RF SO LF comp pend x; do
  run sacct -n -X -s $state -A nosuch
done
run sacct -n -s CD,CG
run sacct -n -s CD,x
for words in '-i x -V' '-e -i x' '-h -i x' '-U -i x' '-e x' '-e -S nonsense' '-e -o nosuch' '-e -s CF' '-e -U' '-B -e' '-c -e' '-c x' \
  '-o nosuch x' '-s x x' '--units=X --nosuch' '-B -o nosuch' '-B -c' '--env-vars x' '-o nosuch -M nosuch' '-c -o nosuch' '-l -o x x' '-l -o jobid -e' \
  '-l -o jobid -B' '-l -o jobid -c' '-u nosuch -j x' '-j x -s CF' '-s CF -j x' '--whole-hetjob=x -l -o a' '-F x -u nosuch' '-k x -K y'; do
  run sacct $words
done
for words in '-b -o jobname' '-o jobname -b' '-o jobname -o state' '-i 0' '-i 1K' '-I 1k-2K' '-I 1M' '-i=' '--name=GOLD,Three' '--name=' '-A Research' '-A=' \
  '-r SHORT' '-r Debug,short' '-C FAST' '-N N1' '-W nosuch' '--whole-hetjob=Y' '--whole-hetjob=yesx' '-F x,none'; do
  run sacct -n -X -P -j $A,$B $words
done
for option in -i -I -g -u -N -A -r -s -S -E -q --delimiter; do
  run sacct -n -X -P -o jobname,state -j $A,$B $option ''
done
for width in 3x 2.5 ' 8' +7 -0 -6x 007 x '' -; do
  run sacct -n -X -j $A -o "jobname%$width,state"
done
run sacct -n -X -P -j $A,$B -o ''
run sacct -n -X -p -j $A,$B -o ,
run env SACCT_FORMAT= sacct -X -j $A,$B
