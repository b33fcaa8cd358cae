# scontrol's other keywords, and what it says of those who may not.
for w in completing cluster 'setdebug' 'setdebug foo' setdebugflags 'setdebugflags +foo' schedloglevel 'schedloglevel foo' 'schedloglevel 1' \
  'reboot' 'reboot n1' 'cancel_reboot n1' token pidinfo 'wait_job' 'show assoc_mgr' 'show federation' 'show burstbuffer' 'show bbstat' \
  'show dwstat' 'show topology' 'show daemons' 'show frontend' 'show nosuch' 'show' 'update slurmctlddebug=foo' \
  'shutdown foo' 'update foo=bar' 'update licensename=foo count=3' 'show aliases' 'script' 'update_foo' 'create res'; do
  run scontrol $w
done
run scontrol -Q show job 99999999
run scontrol --json show node n1
run scontrol --yaml show node n1
run scontrol -u nosuch ping
other() { run setpriv --reuid=2 --regid=2 --clear-groups "$@"; }
run scontrol reconfigure
