# The parent of one job (docs/dev/decisions/0003-wrapper.md): wrapper.c says the same in C, for where a
# compiler was found, and wrapper.py in Python, for where there is no Perl.
#
#   perl wrapper.pl SPOOL GATE PRCTL FSYNC
#
# SPOOL/launch holds, each ended by NUL: the number of arguments, the arguments, the environment. GATE is a socket: the
# child writes its pid there and waits; one byte lets it run, an end lets it exit unrun. SPOOL/status then holds
# `ran WAITSTATUS TIME` or `unrun 0 TIME`. PRCTL and FSYNC are this machine's system call numbers, 0 for none.
use strict;

my ($spool, $gate_fd, $prctl, $fsync) = @ARGV;
my @ignored = qw(HUP INT QUIT TERM USR1 USR2 PIPE);
my ($PR_SET_CHILD_SUBREAPER, $WNOHANG, $ENOENT, $ENOEXEC, $ETXTBSY) = (36, 1, 2, 8, 26);
my ($busy_tries, $busy_pause_s) = (500, 0.01);

$SIG{$_} = 'IGNORE' for @ignored;
syscall($prctl + 0, $PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) if $prctl;
open(my $gate, '+<&=', $gate_fd) or exit 1;
my ($count, @words) = split /\0/, slurp("$spool/launch"), -1;
pop @words;
my @command = splice @words, 0, $count;

my $script = fork();
exit 75 unless defined $script; # later there may be a process for it: the node daemon knows this number
run() if $script == 0;

close $gate;
open(STDIN, '<', '/dev/null');
open(STDOUT, '>', '/dev/null');
open(STDERR, '>', '/dev/null');
chdir '/';
while ((my $gone = waitpid(-1, 0)) != -1) { last if $gone == $script }
my $status = $?;
unless (-e "$spool/status") { sleep 1 until record("ran $status") || !-d $spool }
kill 'KILL', -$script;
while (waitpid(-1, $WNOHANG) != -1) {
    my @left = children() or last;
    kill 'KILL', @left;
    waitpid(-1, 0);
}
exit 0;

# The child: becomes the script, in its own process group.
sub run {
    $SIG{$_} = 'DEFAULT' for @ignored;    # before anybody knows its pid: no signal to it may be lost
    setpgrp(0, 0);
    syswrite($gate, "$$\n");
    unless (sysread($gate, my $go, 1)) { record("unrun 0"); exit 0 }
    close $gate;
    %ENV = ();
    for (@words) { my ($name, $value) = split /=/, $_, 2; $ENV{$name} = $value }
    $ENV{SLURM_TASK_PID} = $$;
    my ($interpreter) = slurp($command[0]) =~ /\A#!(.*)/;
    $! = $ENOEXEC;
    # Whatever the node daemon forks holds the files that it was writing until it is another program, this script perhaps too.
    for my $try (1 .. ($interpreter =~ /\S/ ? $busy_tries : 0)) {
        select(undef, undef, undef, $busy_pause_s) if $try > 1;
        { exec { $command[0] } @command }
        last if $! != $ETXTBSY;
    }
    my $errno = $! + 0;
    my $what = $errno == $ENOENT ? "bad interpreter($interpreter)" : $command[0];
    syswrite(STDERR, "slurmstepd: error: execve(): $what: $!\n");
    exit $errno;
}

# The end is on disk once this returns true: what is synced after it was renamed is there under its new name, by one wait for
# the disk. A file that a power cut left empty says as much as none.
sub record {
    my $new = "$spool/status.new";
    open(my $file, '>', $new) or return 0;
    my $text = "$_[0] " . time . "\n";
    (syswrite($file, $text) || 0) == length $text or return 0;
    rename($new, "$spool/status") or return 0;
    return 0 if $fsync && syscall($fsync + 0, fileno $file);
    return close $file;
}

# Whoever has this process for a parent: with PR_SET_CHILD_SUBREAPER, all that the script left behind; but for daemons of ours
# and what is theirs.
sub children {
    opendir(my $proc, '/proc') or return ();
    my @mine = grep { (slurp("/proc/$_/stat") =~ /.*\) \S (\d+)/s)[0] == $$ } grep { /^\d+$/ } readdir $proc;
    return grep { slurp("/proc/$_/environ") !~ /(?:\A|\0)FLOWBATCH_APART=/ } @mine;
}

sub slurp {
    open(my $file, '<', $_[0]) or return '';
    local $/;
    return <$file> // '';
}
