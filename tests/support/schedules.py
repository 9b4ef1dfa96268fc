"""prefect.yaml as it is written, and when its schedules start runs by Prefect's own reckoning."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import yaml
from prefect.server.schemas.schedules import CronSchedule

from flows.deploying import project_file
from market.clock import SEOUL


def written() -> dict[str, Any]:
    """The whole file."""
    loaded: dict[str, Any] = yaml.safe_load(project_file().read_text())
    return loaded


DEPLOYMENTS: Mapping[str, Mapping[str, Any]] = {d["name"]: d for d in written()["deployments"]}


def starts(flow: str, day: date) -> list[datetime]:
    """When the deployment's schedules start a run on that day, in Seoul."""
    begin = datetime.combine(day, datetime.min.time(), SEOUL)

    async def fires(schedule: Mapping[str, str]) -> list[datetime]:
        cron = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
        found = await cron.get_dates(200, begin, begin + timedelta(hours=23, minutes=59))
        return [datetime.fromtimestamp(moment.timestamp(), SEOUL) for moment in found]

    return sorted(
        moment
        for schedule in DEPLOYMENTS[flow]["schedules"]
        for moment in asyncio.run(fires(schedule))
    )
