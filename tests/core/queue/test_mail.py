"""Mails, as 22.05.8 sent them."""

from __future__ import annotations

from flowbatch.core.effects import SendMail

ALL = "BEGIN END FAIL REQUEUE STAGE_OUT INVALID_DEPEND"


def mails(desk):
    found = [(order.job_id, order.kind) for order in desk.orders if isinstance(order, SendMail)]
    desk.orders.clear()
    return found


def test_of_one_job(desk):
    good, bad, late, dropped, again = (desk.submit(mail=ALL, time_limit_min=1) for _ in range(5))
    desk.passed()
    assert mails(desk) == [(id, "BEGIN") for id in (good, bad, late, dropped)]
    desk.end(good)
    assert mails(desk) == [(good, "END")]
    desk.end(bad, code=1)
    assert mails(desk) == [(bad, "FAIL")]
    desk.end(late, signal=15, cause="timeout")
    assert mails(desk) == [(late, "FAIL")]
    desk.cancel(dropped)
    assert mails(desk) == []
    desk.end(dropped, signal=15, cause="killed")
    assert mails(desk) == [(dropped, "END")]
    desk.passed()
    assert mails(desk) == [(again, "BEGIN")]
    desk.requeue(again)
    assert mails(desk) == [(again, "REQUEUE")]
    desk.end(again, signal=15, cause="killed")
    assert mails(desk) == []
    desk.cancel(again)
    assert mails(desk) == [(again, "END")]
    desk.requeue(good)
    assert mails(desk) == [(good, "REQUEUE")]


def test_only_what_was_asked_for(desk):
    end, fail = desk.run(mail="END"), desk.run(mail="FAIL")
    desk.end(end, code=3)
    desk.cancel(fail)
    desk.end(fail)
    assert mails(desk) == []
    desk.cancel(desk.submit(mail="END", hold=True))
    assert mails(desk) == [(3, "END")]


def test_a_missed_deadline_is_a_failure(desk):
    desk.submit(mail=ALL, deadline=desk.now + 30, time_limit_min=1)
    desk.passed()
    assert mails(desk) == [(1, "FAIL")]


def test_of_a_whole_array(desk):
    array = desk.submit(mail=ALL, array="1-3%1")
    desk.passed()
    assert mails(desk) == [(array, "BEGIN")]
    desk.end(2)
    desk.passed()
    desk.end(3, code=1)
    desk.passed()
    assert mails(desk) == []
    desk.end(array)
    assert mails(desk) == [(array, "FAIL")]


def test_of_an_array_that_was_cancelled(desk):
    array = desk.submit(mail=ALL, array="1-2")
    desk.passed()
    desk.requeue("1_2")
    desk.cancel("1_1")
    desk.end(2)
    desk.end(1)
    assert mails(desk) == [(array, "BEGIN")]
    desk.cancel(array)
    assert mails(desk) == [(array, "END"), (array, "REQUEUE")]


def test_an_array_remembers_what_it_must_write(desk_of):
    desk = desk_of(min_job_age_s=10)
    array = desk.submit(mail=ALL, array="1-3%1")
    desk.passed()
    desk.end(2, code=1)
    desk.passed(20)
    assert 2 not in desk.queue.jobs
    desk.end(3)
    desk.passed(40)
    desk.end(array)
    assert mails(desk) == [(array, "BEGIN"), (array, "FAIL")]


def test_of_each_task(desk):
    array = desk.submit(mail=ALL + " ARRAY_TASKS", array="1-2%1")
    desk.passed()
    desk.end(2)
    desk.passed()
    desk.end(array, code=1)
    assert mails(desk) == [(2, "BEGIN"), (2, "END"), (array, "BEGIN"), (array, "FAIL")]
    other = desk.submit(mail=ALL + " ARRAY_TASKS", array="1-2", hold=True)
    desk.cancel(f"{other}_2")
    assert mails(desk) == []
    desk.cancel(other)
    assert mails(desk) == [(other, "END")]
