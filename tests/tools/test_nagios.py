"""What Nagios says by way of a template that somebody wrote: macros stand in it as they are."""

from hypothesis import example, given
from hypothesis import strategies as st

from hub.contracts import NoOptions, WebhookRequest
from hub.core.event import Report, Status
from hub.testing import RECORDED
from integrations.nagios.source import parse

WRITTEN = """{"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "win7", "SERVICEDESC": "Drive C", "SERVICESTATE": "CRITICAL",
 "TIMET": "1795230000", "SERVICEOUTPUT": "%s"}"""
OUTPUTS = st.text(max_size=60) | st.text('"\\{}[],: \n%', max_size=30)


def said(output: str) -> Report:
    body = (WRITTEN % output).encode(errors="replace")
    headers = {"content-type": "application/json"}
    (report,) = parse(WebhookRequest(source="nagios", headers=headers, body=body, received_at=RECORDED), NoOptions())
    return report


@given(output=OUTPUTS)
@example(output="C:\\ - total: 40 Gb, used: 39 Gb (97%)")
@example(output='string "ready" not found')
@example(output='", "SERVICESTATE": "OK')
@example(output='{"hostname": "db1", "servicestate" : "OK"}')
@example(output='", "ICINGA_HOSTNAME": "db1", "x": "')
def test_no_output_of_a_check_loses_or_changes_an_alert(output: str) -> None:
    """Not what it is about, and not how that stands."""
    report = said(output)

    assert (Status.PROBLEM, "win7:Drive C", "win7 / Drive C is CRITICAL") == (report.status, report.key, report.title)


def test_of_an_output_is_told_what_it_says() -> None:
    assert "C:\\ - used: 39 Gb" == said("C:\\ - used: 39 Gb").body
    assert 'string "ready" not found' == said('string "ready" not found').body
