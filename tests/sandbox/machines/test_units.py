"""The stand-in for systemd: what a start-up script's units do."""

from __future__ import annotations

import pytest

from flowbatch.sandbox.machines.inside.unitfile import Unit, UnitRefused, command, parse, span


@pytest.fixture(scope="module")
def house(lasting_house):
    return lasting_house


SLEEPER = """
[Unit]
Description=Sleeps
[Service]
ExecStart=/bin/bash -c 'echo started %n; sleep 98763 & exec sleep 98764'
Restart=always
RestartSec=100ms
[Install]
WantedBy=multi-user.target
"""


def unit(house, address, name: str, text: str) -> None:
    done = house.ssh(
        address, f"cat > /etc/systemd/system/{name} && systemctl daemon-reload", "root", given=text.encode()
    )
    assert done.returncode == 0, done.stderr


def answer(house, address, command: str) -> tuple[int, str]:
    done = house.ssh(address, command, "root")
    return done.returncode, done.stdout.decode().strip()


def test_an_enabled_unit_runs_now_and_after_each_boot(house) -> None:
    address = house.boot()
    unit(house, address, "s.service", SLEEPER)
    assert answer(house, address, "systemctl is-enabled s; systemctl is-active s") == (3, "disabled\ninactive")
    assert answer(house, address, "systemctl enable --now s && systemctl is-enabled s && systemctl is-active s") == (
        0,
        "enabled\nactive",
    )
    house.halt()
    again = house.boot()
    assert answer(house, again, "systemctl is-active s && journalctl -u s") == (
        0,
        "active\nstarted s.service\nstarted s.service",
    )
    assert answer(house, again, "systemctl disable --now s; pgrep -c -f 9876[34]; systemctl is-active s") == (
        3,
        "0\ninactive",
    )
    house.halt()
    assert answer(house, house.boot(), "systemctl is-active s") == (3, "inactive")


def test_a_service_that_is_killed_starts_anew(house, until) -> None:
    address = house.boot()
    unit(house, address, "k.service", SLEEPER)
    _, first = answer(house, address, "systemctl start k; pgrep -f 9876[4]")
    answer(house, address, "pkill -KILL -f 9876[4]")
    until(lambda: answer(house, address, "pgrep -f 9876[4]")[1] not in ("", first))
    assert answer(house, address, "pgrep -c -f 9876[3]") == (0, "1")  # what its first life had left is gone
    answer(house, address, "systemctl stop k")


def test_stop_ends_also_what_made_itself_independent(house) -> None:
    address = house.boot()
    unit(house, address, "d.service", "[Service]\nExecStart=/bin/bash -c 'setsid sleep 98765 & exec sleep 98766'\n")
    assert (
        answer(
            house,
            address,
            "systemctl start d; until pgrep -f 9876[5]; do :; done >/dev/null; pgrep -c -f 'sleep 9876[56]'",
        )[1]
        >= "2"
    )
    assert answer(house, address, "systemctl stop d; pgrep -c -f 'sleep 9876[56]'") == (1, "0")


def test_a_oneshot_is_waited_for_and_its_failure_told(house) -> None:
    address = house.boot()
    unit(house, address, "one.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'sleep 0.2; touch /root/done'\n")
    unit(house, address, "bad.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n")
    unit(house, address, "gone.service", "[Service]\nExecStart=/no/such/program\n")
    assert answer(house, address, "systemctl start one && ls /root/done; systemctl is-active one") == (
        3,
        "/root/done\ninactive",
    )
    assert answer(house, address, "systemctl start bad") == (1, "")
    assert answer(house, address, "systemctl is-failed bad") == (0, "failed")
    assert answer(house, address, "systemctl start gone; journalctl -u gone") == (
        0,
        "gone.service: /no/such/program: No such file or directory",
    )
    assert answer(house, address, "systemctl start --no-block one nothing")[0] == 5


def test_a_service_that_fails_at_once_is_given_up(house, until) -> None:
    address = house.boot()
    unit(house, address, "loop.service", "[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=10ms\n")
    answer(house, address, "systemctl start loop")
    until(lambda: answer(house, address, "systemctl is-failed loop")[0] == 0)
    assert "too quickly" in answer(house, address, "journalctl -u loop")[1]


@pytest.mark.parametrize(
    "line",
    ["ExecStart=/bin/echo 'open", "ExecStart=$UNSET", "ExecStart=/bin/true\nRestartSec=soon", "ExecStart=/bin/true\nGroup=nobodys",
     "ExecStart=/bin/true\n[Unit]\nStartLimitBurst=few"],
)  # fmt: skip
def test_what_cannot_be_read_is_said_and_nothing_hangs(house, line: str) -> None:
    address = house.boot()
    house.ssh(address, "rm -f /var/log/journal/odd.service.log", "root")
    unit(house, address, "odd.service", f"[Service]\n{line}\n")
    started = house.ssh(address, "systemctl start odd; systemctl is-active odd; journalctl -u odd", "root")
    said = (started.stdout + started.stderr).decode()
    assert said.startswith(("failed\n", "inactive\n"))
    assert any(word in said for word in ("quotation", "no program", "time span", "does not exist", "no number")), said


def test_what_a_service_asks_for_in_vain_is_in_its_journal(house, until) -> None:
    address = house.boot()
    unit(house, address, "v.service", "[Service]\nType=oneshot\nExecStart=/bin/true\nExecStop=/bin/true\nPIDFile=/x\n")
    assert answer(house, address, "systemctl start v; journalctl -u v")[1].splitlines() == [
        "v.service: ExecStop= is not known in an instance of the sandbox, ignoring",
        "v.service: PIDFile= is not known in an instance of the sandbox, ignoring",
    ]


def test_odd_words_are_refused_in_words(house) -> None:
    address = house.boot()
    unit(house, address, "s.service", SLEEPER)
    house.ssh(address, "systemctl start s", "root")
    for words in ("systemctl kill -s SIGNOT s", "systemctl kill -s 999 s", "journalctl -n many"):
        done = house.ssh(address, words, "root")
        assert done.returncode == 1
        assert b"does not answer" not in done.stderr
        assert done.stderr.strip()
    house.ssh(address, "systemctl stop s", "root")


def test_what_a_service_is_given(house) -> None:
    address = house.boot()
    house.says(address, "printf 'B=\"two words\"\\n# no\\nC=3\\n' > /root/file", "root")
    unit(house, address, "env@.service", """
[Service]
Type=oneshot
User=ubuntu
WorkingDirectory=/var/log
Environment=A=%i "D=d d"
EnvironmentFile=/root/file
EnvironmentFile=-/root/missing
ExecStart=/bin/sh -c 'echo $$A-$$B-$$C-$$D ${A} "$$(id -un)" "$$PWD"' $B
StandardOutput=append:/tmp/said
""")  # fmt: skip
    who = house.says(address, "id -un")
    assert (
        answer(house, address, "systemctl start env@x.service; cat /tmp/said")[1]
        == f"x-two words-3-d d x {who} /var/log"
    )


def test_timers(house, until) -> None:
    address = house.boot()
    unit(house, address, "t.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo fired >> /root/fired'\n")
    unit(house, address, "t.timer", "[Timer]\nOnActiveSec=0.1s\nOnUnitActiveSec=100ms\nAccuracySec=1min\n")
    assert answer(house, address, "systemctl start t.timer && systemctl is-active t.timer") == (0, "active")
    until(lambda: answer(house, address, "wc -l < /root/fired")[1] >= "3")
    assert answer(house, address, "systemctl stop t.timer; systemctl is-active t.timer") == (3, "inactive")
    unit(house, address, "o.timer", "[Timer]\nOnActiveSec=soon\n")
    assert answer(house, address, "systemctl start o.timer 2>&1")[0] == 1
    unit(house, address, "c.timer", "[Timer]\nOnCalendar=daily\n")
    assert answer(house, address, "systemctl start c.timer 2>&1") == (
        1, "Failed to start c.timer: OnCalendar is not known in an instance of the sandbox",
    )  # fmt: skip


def test_systemd_run(house, until) -> None:
    address = house.boot()
    assert (
        answer(
            house,
            address,
            "systemd-run --wait -q sh -c 'echo \"$0 $HOSTNAME%\" > /root/out; exit 4' '$x'; cat /root/out; exit 4",
        )[0]
        == 4
    )
    assert house.says(address, "cat /root/out", "root") == "$x %"
    assert answer(house, address, "systemd-run --unit later --on-active=100ms touch /root/later 2>&1") == (
        0, "Running timer as unit: later.timer\nWill run service as unit: later.service",
    )  # fmt: skip
    until(lambda: answer(house, address, "ls /root/later")[0] == 0)
    assert answer(house, address, "systemd-run --pty sh 2>&1")[0] == 1
    assert answer(house, address, "systemd-run --unit stays sleep 1000; systemctl is-active stays") == (0, "active")


def test_who_is_not_root_may_only_look(house) -> None:
    address = house.boot()
    unit(house, address, "w.service", SLEEPER)
    if house.says(address, "id -u") == "0":
        pytest.skip("an ordinary user's instance has a single uid")
    done = house.ssh(address, "systemctl start w; systemctl is-active w")
    assert (done.returncode, done.stdout) == (3, b"inactive\n")
    assert b"Access denied" in done.stderr
    assert house.ssh(address, "sudo systemctl start w && systemctl is-active w").returncode == 0


def test_an_instance_that_switches_itself_off_boots_again(house, until) -> None:
    address = house.boot()
    house.ssh(address, "systemctl poweroff", "root")
    until(lambda: house.ssh(address, "true").returncode == 255)
    assert house.says(house.boot(), "echo back") == "back"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 5), ("100ms", 0.1), ("1min 30s", 90), ("2h", 7200), ("1d", 86400), ("infinity", float("inf"))],
)
def test_time_spans(text, seconds) -> None:
    assert span(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["soon", "5 parsecs", "-1"])
def test_what_is_no_time_span(text) -> None:
    with pytest.raises(UnitRefused, match="is no time span"):
        span(text)


def test_unit_files() -> None:
    sections = parse("# c\n[Service]\nA=1\nA=\nA=2\nA=3 \\\n 4\n;c\n[Install]\nWantedBy=x.target y.target\n")
    assert sections == {"Service": {"A": ["2", "3   4"]}, "Install": {"WantedBy": ["x.target y.target"]}}
    assert Unit("n@i.service", None, sections).wanted_by == ["x.target", "y.target"]
    assert Unit("n@i.service", None, parse("[Service]\nX=%n %N %p %i %%\n")).all("Service", "X") == [
        "n@i.service n@i n i %"
    ]


def test_command_lines() -> None:
    said = command("-/bin/x $A ${A} '$A b' $$A", {"A": "1 2"})
    assert said.words == ("/bin/x", "1", "2", "1 2", "$A b", "$A")
    assert said.forgiven


def test_what_would_change_a_units_meaning_is_refused() -> None:
    for text in ("Type=notify\nExecStart=x", "Type=simple", "Restart=often\nExecStart=x"):
        with pytest.raises(UnitRefused):
            Unit("a.service", None, parse(f"[Service]\n{text}\n")).check()
