import difflib
from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from agent_serving import ToolError, tool


@tool(effect="pure", timeout=5)
def current_time(timezone: str = "UTC") -> dict[str, str]:
    """Tell the date, the time and the weekday, now.

    Args:
        timezone: IANA name, for example Europe/Berlin.
    """
    zone = _zone(timezone)
    now = datetime.now(zone)
    return {
        "time": now.isoformat(timespec="seconds"),
        "weekday": f"{now:%A}",
        "timezone": zone.key,
    }


def _zone(name: str) -> ZoneInfo:
    zones = {zone.lower(): zone for zone in available_timezones()}
    wanted = name.strip().lower().replace(" ", "_")
    if wanted in zones:
        return ZoneInfo(zones[wanted])
    near = [zone for zone in sorted(zones) if zone.endswith(f"/{wanted}")]
    near += difflib.get_close_matches(wanted, zones, n=3)
    names = [zones[zone] for zone in dict.fromkeys(near)]
    hint = f" Did you mean {' or '.join(names[:3])}?" if names else ""
    raise ToolError(f"{name[:60]!r} is not an IANA time zone.{hint}")
