"""Runs a Python program with another current date: `python on_date.py YYYY-MM-DD PROGRAM ARGUMENTS`.

cfn-lint judges a runtime by the machine's date, and templates that pass today have to pass after Lambda retires the runtime. Changes
only what `datetime` returns.
"""

import datetime
import runpy
import sys

FAKE_NOW = datetime.datetime.fromisoformat(sys.argv[1])
RealDatetime = datetime.datetime


class FakeDatetimeType(type):
    """Lets `isinstance` accept objects of the real class, too."""

    def __instancecheck__(cls, instance) -> bool:
        return isinstance(instance, RealDatetime)


class FakeDatetime(RealDatetime, metaclass=FakeDatetimeType):
    @classmethod
    def today(cls) -> RealDatetime:
        return FAKE_NOW

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> RealDatetime:
        return FAKE_NOW.replace(tzinfo=tz)


datetime.datetime = FakeDatetime
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
