# sinfo: widths below none, headers that are too long for their column, both formats, states and their abbreviations, what excludes what and which complaint comes first
for names in 'cpus:-5,memory' 'cpus:.-3x,memory' nosuch:5x 'cpus,:.5z,nosuch: y,memory'; do run sinfo -p short -O "$names"; done
for letters in '%.1N|%1N|' '%.1n|%1n|' '%.2P|%.2D|%.1t'; do run sinfo -p short -o "$letters"; done
THROUGH='head -n 1' run sinfo -p short -o '%.1o|%1o|'
run sinfo -h -p short -O cpus -o memory
run sinfo -h -p short -o cpus -O memory
run sinfo -l -O cpus
run sinfo -l -o %c -a -p debug
run sinfo -l -o %c -t nosuch
run sinfo -a -p debug -t nosuch
run sinfo -a -p debug --nosuch
run sinfo -a -p debug
run sinfo -p debug -a
export SINFO_PARTITION=short
run sinfo -h
run sinfo -h -a
run sinfo -h -p debug
export SINFO_ALL=1
run sinfo -h
run sinfo -h -p debug
unset SINFO_PARTITION
run sinfo -h -p short
unset SINFO_ALL
for nodes in 'n[1-2]x' 'n[1-2];n1' 'n[1' 'n[2-1]'; do run sinfo -h -p short -n "$nodes"; done
for state in plan planned plnd pow_dn pow_up reboot_issued reboot_requested reboot reb 'idle,drain&alloc' 'idle&nosuch,idle' 'idle,idle'; do
  run sinfo -h -p short -t "$state"
done
