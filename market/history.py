"""Which days the exchange closed from 1995 to 2009, and the odd hours of single sessions.

Closed days are those on which KRX published no prices: 1995-2009 as found in the price
history from 1995-05-02 on, because `holidays` knows no Saturday sessions and lacks
2000-01-03, 2000-12-27 and 2000-12-28. Weekends are not listed.
"""

from __future__ import annotations

from datetime import date
from typing import Final

FIRST_SESSION: Final = date(1995, 5, 2)
LAST_TABLED_YEAR: Final = 2009

# Saturdays were sessions until the five-day week of 1998-12-07:
# https://www.hankyung.com/finance/article/1998080301961
FIVE_DAY_WEEK: Final = date(1998, 12, 7)

CLOSED: Final = {  # year: MMDD of every closed Monday-Friday (Saturday too until 1998-12-06)
    1995: "0505 0606 0627 0717 0815 0908 0909 1003 1225 1228 1229 1230",
    1996: "0101 0102 0219 0220 0301 0405 0411 0501 0524 0606 0717 0815 0926 0927 0928 1003 "
    "1123 1225 1228 1230 1231",
    1997: "0101 0102 0207 0208 0301 0405 0501 0505 0514 0606 0717 0815 0915 0916 0917 1003 "
    "1218 1225 1229 1230 1231",
    1998: "0101 0102 0127 0128 0129 0501 0505 0604 0606 0717 0815 1003 1005 1006 1225 1229 "
    "1230 1231",
    1999: "0101 0215 0216 0217 0301 0405 0505 0923 0924 1229 1230 1231",
    2000: "0103 0204 0301 0405 0413 0501 0505 0511 0606 0717 0815 0911 0912 0913 1003 1225 "
    "1227 1228 1229",
    2001: "0101 0123 0124 0125 0301 0405 0501 0606 0717 0815 1001 1002 1003 1225 1231",
    2002: "0101 0211 0212 0213 0301 0405 0501 0606 0613 0701 0717 0815 0920 1003 1219 1225 1231",
    2003: "0101 0131 0501 0505 0508 0606 0717 0815 0910 0911 0912 1003 1225 1231",
    2004: "0101 0121 0122 0123 0301 0405 0415 0505 0526 0927 0928 0929 1231",
    2005: "0208 0209 0210 0301 0405 0505 0606 0815 0919 1003 1230",
    2006: "0130 0301 0501 0505 0531 0606 0717 0815 1003 1005 1006 1225 1229",
    2007: "0101 0219 0301 0501 0524 0606 0717 0815 0924 0925 0926 1003 1219 1225 1231",
    2008: "0101 0206 0207 0208 0409 0501 0505 0512 0606 0815 0915 1003 1225 1231",
    2009: "0101 0126 0127 0501 0505 1002 1225 1231",
}

# Closures since 2010 that calendar libraries have been wrong about; `holidays` 0.109 has
# both, and an older or newer release must not lose them.
OVERRIDES: Final = {
    date(2026, 6, 3): "Local Election Day",  # every local election since 2006 closed KRX
    date(2026, 7, 17): "Constitution Day",  # a public holiday again from 2026
}

# The university entrance exam: everything an hour later (half an hour until 1998).
# 1995-2020: the newspaper links in exchange_calendars' XKRX table; 2021-2026: the
# exam dates and KRX's yearly notice. 2027: one report of the announced date, unconfirmed.
EXAM_DAYS: Final = frozenset(
    {
        date(1995, 11, 22),
        date(1996, 11, 13),
        date(1997, 11, 19),
        date(1998, 11, 18),
        date(1999, 11, 17),
        date(2000, 11, 15),
        date(2001, 11, 7),
        date(2002, 11, 6),
        date(2003, 11, 5),
        date(2004, 11, 17),
        date(2005, 11, 23),
        date(2006, 11, 16),
        date(2007, 11, 15),
        date(2008, 11, 13),
        date(2009, 11, 12),
        date(2010, 11, 18),
        date(2011, 11, 10),
        date(2012, 11, 8),
        date(2013, 11, 7),
        date(2014, 11, 13),
        date(2015, 11, 12),
        date(2016, 11, 17),
        date(2017, 11, 16),  # set for this day, moved after the Pohang earthquake: both were late
        date(2017, 11, 23),
        date(2018, 11, 15),
        date(2019, 11, 14),
        date(2020, 12, 3),  # postponed by the pandemic
        date(2021, 11, 18),
        date(2022, 11, 17),
        date(2023, 11, 16),
        date(2024, 11, 14),
        date(2025, 11, 13),
        date(2026, 11, 19),
        date(2027, 11, 18),
    }
)
