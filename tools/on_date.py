"""Runs a program in Python as if it were another day: `python on_date.py YYYY-MM-DD PROGRAM ARGUMENTS`.

cfn-lint judges a runtime by the machine's date, and what passes today has to pass on the day that Lambda retires it. Changes
nothing but the day that `datetime` gives.
"""

import datetime
import runpy
import sys

DAY = datetime.datetime.fromisoformat(sys.argv[1])
REAL = datetime.datetime


class AnyDatetime(type):
    """What was made before is a datetime, too."""

    def __instancecheck__(cls, instance) -> bool:
        return isinstance(instance, REAL)


class Datetime(REAL, metaclass=AnyDatetime):
    @classmethod
    def today(cls) -> REAL:
        return DAY

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> REAL:
        return DAY.replace(tzinfo=tz)


datetime.datetime = Datetime
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
