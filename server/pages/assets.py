"""What Vite built: the files a page links, found by its manifest."""

from pathlib import Path

import msgspec
import structlog
from markupsafe import Markup

WEB = Path(__file__).resolve().parents[2] / "web"
DIST = WEB / "dist"
ENTRY = "scripts/main.ts"
FONT = "node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"

log = structlog.get_logger(__name__)


class Chunk(msgspec.Struct, frozen=True):
    """One entry of Vite's manifest, as far as pages need it."""

    file: str
    css: list[str] = []
    imports: list[str] = []


class Assets(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses of the built files and the icon sprite. All empty when nothing is built."""

    chunks: dict[str, Chunk]
    icons: Markup

    @property
    def script(self) -> str | None:
        """The entry module."""
        entry = self.chunks.get(ENTRY)
        return f"/{entry.file}" if entry else None

    @property
    def styles(self) -> list[str]:
        """The stylesheets of every page."""
        entry = self.chunks.get(ENTRY)
        return [f"/{path}" for path in entry.css] if entry else []

    @property
    def font(self) -> str | None:
        """The Latin part of the font, worth fetching before the stylesheet asks for it."""
        chunk = self.chunks.get(FONT)
        return f"/{chunk.file}" if chunk else None

    def preloads(self, modules: list[str]) -> list[str]:
        """Every script that the named behaviours will load, so that none waits for another."""
        wanted: dict[str, None] = {}
        todo = [f"scripts/modules/{name}.ts" for name in modules]
        while todo:
            key = todo.pop()
            chunk = self.chunks.get(key)
            if chunk is None or key == ENTRY or f"/{chunk.file}" in wanted:
                continue
            wanted[f"/{chunk.file}"] = None
            todo.extend(chunk.imports)
        return list(wanted)


class Build:
    """The latest build. Read again when it was made anew, so a build never breaks open pages."""

    def __init__(self, dist: Path = DIST) -> None:
        """Without a build pages work, but plain: a warning tells it once."""
        self._dist = dist
        self._manifest = dist / ".vite" / "manifest.json"
        self._made_at: int | None = None
        self._assets = Assets(chunks={}, icons=Markup(""))
        if not self._manifest.is_file():
            log.warning("web.assets_missing", hint="run `npm run build` in web/")

    def latest(self) -> Assets:
        """The built files as they are now; the ones before while a build is being written."""
        try:
            made_at = self._manifest.stat().st_mtime_ns
            if made_at != self._made_at:
                self._assets = self._read()
                self._made_at = made_at
        except (OSError, msgspec.DecodeError):
            return self._assets
        return self._assets

    def _read(self) -> Assets:
        chunks = msgspec.json.decode(self._manifest.read_bytes(), type=dict[str, Chunk])
        # The sprite is our own build's file, never a visitor's text.
        sprite = Markup((self._dist / "icons.svg").read_text("utf-8"))  # noqa: S704 - see above
        return Assets(chunks=chunks, icons=sprite)
