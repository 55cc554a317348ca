"""The template engine: Jinja2 over `web/templates`, strict about names that are not there."""

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from server.pages.assets import WEB, load_assets
from server.pages.words import FILTERS


def environment() -> Environment:
    """Templates, filters and built assets; unknown names are errors, text is escaped."""
    env = Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    env.filters.update(FILTERS)
    env.globals["assets"] = load_assets()
    return env
