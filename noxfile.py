"""Nox sessions: `nox` runs the checks and the first tier of tests, `nox -s proofs` the long proofs.

Every session has its own environment, with what requirements-dev.txt locks. Those that run tests install the built
wheel and work in a copy of the tests without snapall/ beside it, so that nothing but the wheel can be imported. The
wheel is the one that SNAPALL_WHEEL names; without it each session builds its own.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.10.14"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.sessions = ["lint", "types", "layers", "tests"]

HERE = Path(__file__).parent
LOCK = HERE / "requirements-dev.txt"
PYTHONS = nox.project.python_versions(nox.project.load_toml("pyproject.toml"))
FOR_TESTS = ("tests", "fixtures", "docs", "sql", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "pyproject.toml")
WORKFLOW, HOOKS = ".github/workflows/ci.yml", ".pre-commit-config.yaml"
PYTEST = ("python", "-m", "pytest", "-n", "logical", "--dist", "worksteal")
PROOFS = {
    "explore": (),
    "years": ("--nights", "600", "--seed", "4"),
    "matrix": ("--every", "5"),  # a sample of these two: whole, they take most of an hour
    "restore.crashes": ("--every", "7"),
    "mutants": (),
    "year": ("--seed", "4"),
    "hostile": ("--inputs", "200", "--seed", "1"),
}
PAGES = {
    "docs/configuration.md": ("tests.docs.configuration",),
    "docs/messages.md": ("tests.docs.messages",),
    "snapall/views/messages.json": ("tests.docs.messages", "json"),
    "docs/differences.md": ("tests.conformity.differences",),
    "snapall/config/snapall.schema.json": ("tests.config.json_schema",),
    **{f"sql/statements/{name}.sql": ("tests.site.statements", name) for name in ("mssql", "postgresql", "sqlite")},
}


def locked(session: nox.Session) -> None:
    """Install what the lock file says, each file held to its hash."""
    session.install("--require-hashes", "-r", str(LOCK))


def built(session: nox.Session, folder: Path) -> Path:
    """Build into a folder, without isolation: by the locked build tools. The wheel is made from the sdist."""
    session.run("python", "-m", "build", "--no-isolation", "--outdir", str(folder), str(HERE), silent=True)
    return next(folder.glob("*.whl"))


def given_or_built(session: nox.Session, folder: Path) -> Path:
    """The wheel that SNAPALL_WHEEL names, or one built into a folder."""
    given = os.environ.get("SNAPALL_WHEEL")
    return Path(given).resolve() if given else built(session, folder)


def install(session: nox.Session, wheel: Path) -> None:
    """Install a wheel, whatever is installed."""
    session.install("--no-deps", "--reinstall" if session.venv_backend == "uv" else "--force-reinstall", str(wheel))


def with_the_wheel(session: nox.Session) -> None:
    """Install the wheel, and go where no other snapall is."""
    away = session.env_dir.resolve() / "away"  # create_tmp() moves TMPDIR, too long for crontab
    shutil.rmtree(away, ignore_errors=True)
    install(session, given_or_built(session, away / "dist"))
    for name in FOR_TESTS:
        if (HERE / name).is_dir():
            shutil.copytree(HERE / name, away / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            away.mkdir(exist_ok=True)
            shutil.copy(HERE / name, away / name)
    session.chdir(away)
    session.run("python", "-c", "import snapall; assert 'site-packages' in snapall.__file__, snapall.__file__")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format, and validate the CI workflow and the pre-commit configuration."""
    locked(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    if (HERE / WORKFLOW).exists():  # an sdist has neither
        session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", WORKFLOW)
        session.run("pre-commit", "validate-config", HOOKS)
    session.run("check-jsonschema", "--check-metaschema", "snapall/config/snapall.schema.json")


@nox.session
def types(session: nox.Session) -> None:
    """Check types strictly, for this system and for Windows."""
    locked(session)
    session.run("mypy")
    session.run("mypy", "--platform", "win32", "--no-warn-unreachable", "-p", "snapall")
    session.run("mypy", "noxfile.py")


@nox.session
def layers(session: nox.Session) -> None:
    """Imports run one way."""
    locked(session)
    session.run("lint-imports")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the first tier on the built wheel; arguments after `--` select tests, without the coverage threshold."""
    locked(session)
    with_the_wheel(session)
    cheap = {} if session.python == "3.11" else {"COVERAGE_CORE": "sysmon"}  # the other way, tests take twice as long
    session.run(*PYTEST, *(session.posargs or ("--cov",)), env=cheap)


@nox.session(venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """Run the first tier at the lowest versions that pyproject.toml declares; arguments after `--` select tests."""
    pins = str(session.env_dir.resolve() / "lowest.txt")
    session.run(
        *("uv", "pip", "compile", "--quiet", "--resolution", "lowest-direct"),
        *("--no-header", "--no-annotate", "--extra", "dev", "--output-file", pins, "pyproject.toml"),
    )
    session.install("-r", pins)
    with_the_wheel(session)
    session.run(*PYTEST, *session.posargs)


@nox.session
def proofs(session: nox.Session) -> None:
    """Run the second tier, some minutes each; arguments after `--` select some of them."""
    locked(session)
    with_the_wheel(session)
    for name in session.posargs or PROOFS:
        session.run("python", "-m", f"tests.{name}", *PROOFS[name])


@nox.session(python="3.11")
def windows(session: nox.Session) -> None:
    """Run the tests and the batch on a Windows Python under Wine; `-- --whole`: the first tier; `-- PATH`: some."""
    locked(session)
    wheel = given_or_built(session, session.env_dir.resolve() / "away" / "dist")
    session.run("python", "-m", "tests.windows", *session.posargs, env={"SNAPALL_WHEEL": str(wheel)})


@nox.session
def wheel(session: nox.Session) -> None:
    """Build a fresh sdist and wheel in dist/."""
    locked(session)
    shutil.rmtree(HERE / "dist", ignore_errors=True)
    session.log(f"built {built(session, HERE / 'dist')}")


@nox.session(venv_backend="uv", venv_params=["--seed"])  # pip fetches the wheels
def bundle(session: nox.Session) -> None:
    """Build the offline bundle in dist/, and try it without a network; `-- windows`: that for Windows, under Wine."""
    locked(session)
    wheel = given_or_built(session, Path(session.create_tmp()))
    system = session.posargs or ("linux",)
    session.run("python", "-m", "tests.bundle", *system, str(wheel), str(HERE / "dist"), *PYTHONS)


@nox.session(venv_backend="uv", venv_params=["--seed"])
def standalone(session: nox.Session) -> None:
    """Build the stand-alone program in dist/, and try it without a Python; `-- windows`: that for Windows."""
    locked(session)
    wheel = given_or_built(session, Path(session.create_tmp()))
    install(session, wheel)
    what = ("standalone-windows", str(wheel)) if session.posargs else ("standalone",)
    session.run("python", "-m", "tests.bundle", *what, str(HERE / "dist"))


@nox.session
def docs(session: nox.Session) -> None:
    """Regenerate the pages made from the source; the tests check that they are current."""
    locked(session)
    for page, words in PAGES.items():
        text = session.run("python", "-m", *words, silent=True)
        (HERE / page).write_text(str(text), encoding="utf-8", newline="\n")


@nox.session(venv_backend="uv")
def lock(session: nox.Session) -> None:
    """Renew requirements-dev.txt: what pyproject.toml's ranges allow today, for all Pythons and systems."""
    session.run(
        *("uv", "pip", "compile", "--quiet", "--universal", "--upgrade", "--python-version", PYTHONS[0]),
        *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate"),
        *("--custom-compile-command", "nox -s lock", "--extra", "dev", "--output-file", LOCK.name, "pyproject.toml"),
    )
