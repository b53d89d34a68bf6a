"""What the process is told from outside."""

import pytest

from hub.errors import SettingsError
from hub.settings import read_settings


def test_a_zone_that_there_is_not_is_answered_by_the_nearest() -> None:
    """Before anything runs; any case will do."""
    with pytest.raises(
        SettingsError, match="TOCSIN_TIMEZONE: 'Europe/Berln' is no time zone; did you mean Europe/Berlin"
    ):
        read_settings(variables={"TOCSIN_TIMEZONE": "Europe/Berln"}).zone  # noqa: B018 - reading it is what fails

    assert "Europe/Berlin" == read_settings(variables={"TOCSIN_TIMEZONE": "europe/berlin"}).zone.key
    assert "UTC" == read_settings(variables={}).zone.key
