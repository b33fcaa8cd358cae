# sacctmgr: accounts, users and qualities of service are added, modified and deleted; what it says and what it lists then
sacctmgr -i add account research Description=research Organization=research >/dev/null 2>&1
sacctmgr -i add user root Account=research >/dev/null 2>&1
run sacctmgr add account
run sacctmgr -i add account phys Description=physics Organization=science
run sacctmgr -i add account phys
run sacctmgr -i add account a1,a2 parent=phys
run sacctmgr -i add account a3 parent=nosuch
run sacctmgr -i add account a4 nosuch=3
run sacctmgr -i add account a4 GrpTRES=cpu=4,gres/gpu=2 GrpTRESMins=billing=1000 GrpJobs=2 GrpSubmitJobs=5 MaxJobs=1 MaxSubmitJobs=3 MaxWall=60 MaxTRES=cpu=2,mem=4G MaxTRESMins=cpu=100 Fairshare=10
run sacctmgr -i add account a5 GrpTRES=foo=4
run sacctmgr -i add account a5 GrpTRES=cpu
run sacctmgr -i add account a5 MaxWall=abc
run sacctmgr -i add account a5 MaxJobs=abc
run sacctmgr -i add account a5 fairshare=parent
run sacctmgr -i add account a6 cluster=nosuch
run sacctmgr -i add account full qos=normal defaultqos=normal priority=3 grpwall=60 maxtrespernode=cpu=3 grptresrunmins=cpu=9 grpjobsaccrue=2 maxjobsaccrue=3 minpriothresh=4
run sacctmgr -i create account a7
run sacctmgr -i add account q1 desc="a b" org=z cluster=oracle
run sacctmgr -i add account name=q2 account=q3
run sacctmgr -i add user
run sacctmgr -i add user bin
run sacctmgr -i add user bin account=phys
run sacctmgr -i add user bin account=phys
run sacctmgr -i add user bin account=a1 DefaultAccount=a1
run sacctmgr -i add user games,nobody account=a1,a2 MaxJobs=2
run sacctmgr -i add user nosuchuser account=a1
run sacctmgr -i add user bin account=nosuch
run sacctmgr -i add user daemon account=a1 adminlevel=operator partition=debug
run sacctmgr -i add user defaultaccount=a2 name=sys
run sacctmgr -i add user nobody,nobody2 lim
run sacctmgr -i add qos high
run sacctmgr -i add qos high
run sacctmgr -i add qos long,low priority=10 MaxWall=1-0 MaxJobsPU=2 MaxSubmitJobsPU=4 GrpTRES=cpu=8 MaxTRESPU=cpu=4 flags=DenyOnLimit
run sacctmgr -i add qos bad flags=nosuch
run sacctmgr -i add qos bad nosuch=1
run sacctmgr -i add nosuch x
run sacctmgr -i add
run sacctmgr -i add tres x
run sacctmgr -i modify account a7 set description=seven
run sacctmgr -i modify account where name=a7 set grptresmins=billing=500
run sacctmgr -i modify account a7 set grptresmins=billing=-1
run sacctmgr -i modify account nosuch set maxjobs=3
run sacctmgr -i modify account a7
run sacctmgr -i modify account a7 set
run sacctmgr -i modify account a7 maxjobs=4
run sacctmgr -i modify account a7 cluster=oracle set maxjobs=4
run sacctmgr -i modify account a7 set org=x desc=y maxjobs=3
run sacctmgr -i modify account a7 set fairshare=abc
run sacctmgr -i modify account a7 set foo=1
run sacctmgr -i modify account foo=a7 set maxjobs=1
run sacctmgr -i modify account a7 set parent=phys
run sacctmgr -i modify account a7 set parent=nosuch
run sacctmgr -i modify account a7 set maxjobs=-1 grpjobs=4 grpsubmit=9 maxsubmit=8 grpwall=100 maxwall=1-0 grptres=cpu=3 priority=7 defaultqos=normal qos=normal
run sacctmgr -i modify user games set maxjobs=3
run sacctmgr -i modify user games where account=a1 set maxjobs=5
run sacctmgr -i modify user bin set defaultaccount=phys
run sacctmgr -i modify user bin set defaultaccount=research
run sacctmgr -i modify user bin set qos=nosuch
run sacctmgr -i modify user sys set qos=normal,high
run sacctmgr -i modify user sys set qos+=low
run sacctmgr -i modify user sys set qos-=high
run sacctmgr -i modify user sys set defaultqos=normal
run sacctmgr -i modify user sys set defaultqos=long
run sacctmgr -i modify user sys set adminlevel=admin
run sacctmgr -i modify user nosuch set maxjobs=4
run sacctmgr -i modify user sys where account=nosuch set maxjobs=4
run sacctmgr -i modify qos high set priority=100 maxwall=10
run sacctmgr -i modify qos nosuch set priority=100
run sacctmgr -i modify qos high set nosuch=1
run sacctmgr -i modify qos high set maxwall=x
run sacctmgr -i modify qos high
run sacctmgr -i modify cluster oracle set maxjobs=100
run sacctmgr -i modify cluster oracle set maxjobs=-1
run sacctmgr -i modify nosuch
run sacctmgr show assoc tree format=account,user,partition,share,grpjobs,grptres%30,grptresmins%30,maxjobs,qos%30,defaultqos
run sacctmgr show assoc account=a7
run sacctmgr show account a7 withassoc
run sacctmgr show assoc account=a7 wolimits
run sacctmgr -P show assoc account=full format=GrpJobs,GrpJobsAccrue,GrpSubmit,GrpTRES,GrpTRESMins,GrpTRESRunMins,GrpWall,MaxJobs,MaxJobsAccrue,MaxSubmit,MaxTRES,MaxTRESMins,MaxTRESPerNode,MaxWall,Qos,ParentName,Partition,Priority,User,MinPrioThresh
run sacctmgr -P show assoc account=a4 format=maxtres,grptres,grptresmins,maxwall
run sacctmgr show user
run sacctmgr show account
run sacctmgr show qos -P
run sacctmgr show qos format=name,priority,maxwall,flags,grptres,maxtrespu,maxjobspu
run sacctmgr -n show assoc where account=a1,a2 user=games format=account,user,maxjobs
run sacctmgr -n show user games withassoc format=user,account,share,qos,maxjobs where account=a1
run sacctmgr show user games withassoc
run sshare -A a4,a5,a7 -a
run sshare -a -l -A a4
runin 'n\n' sacctmgr modify account a5 set maxjobs=2
runin 'y\n' sacctmgr modify account a5 set maxjobs=2
runin 'xy\n' sacctmgr modify account a5 set maxjobs=3
run sacctmgr -n show assoc account=a5 format=maxjobs
run sacctmgr -i delete account a7
run sacctmgr -i delete account where name=a7
run sacctmgr -i delete account nosuch
run sacctmgr -i delete account
run sacctmgr -i delete account nosuch=3
run sacctmgr -i delete user bin where account=a1
run sacctmgr -i delete user name=bin account=phys
run sacctmgr -i delete user games,nobody
run sacctmgr -i delete user games
run sacctmgr -i delete user
run sacctmgr -i delete user root account=nosuch
run sacctmgr -i delete qos low
run sacctmgr -i delete qos nosuch
run sacctmgr -i delete nosuch
run sacctmgr -i delete assoc account=a1
run sacctmgr -i delete account root
run sacctmgr -i delete user daemon,nosuchuser,sys
run sacctmgr -i delete qos long,high
run sacctmgr -i delete account phys,a1,a2,a4,a5,full,q1,q2,q3
run sacctmgr show assoc tree format=account,user,partition
