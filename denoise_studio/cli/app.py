"""The command `denoise-studio` itself: which command is meant, and how a failure is told."""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from denoise_studio import __version__
from denoise_studio.cli.batch import batch
from denoise_studio.cli.dark_frames import dark_frames
from denoise_studio.cli.denoise import denoise, replay
from denoise_studio.cli.inspect import info, methods
from denoise_studio.cli.measure import measure
from denoise_studio.cli.noise import noise
from denoise_studio.cli.simulate import simulate
from denoise_studio.cli.window import snapshot, window
from denoise_studio.core.errors import Cancelled, StudioError

PROGRAM = "denoise-studio"
WINDOW = ""
"""Name under which the group knows the window; no command can be called so."""

_ONLY_GROUP = {"--help", "--version"}


class Studio(click.Group):
    """The group of commands; without one, the words are files to open in the window."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        before = args[: args.index("--")] if "--" in args else args
        first = next((word for word in before if not word.startswith("-")), None)
        if first not in self.commands and not _ONLY_GROUP.intersection(before):
            args = [WINDOW, *args]
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return window if cmd_name == WINDOW else super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Cancelled from None  # click itself would print an empty line first

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(PROGRAM, "[--sample] [FILE...]")
        formatter.write_usage(PROGRAM, "COMMAND [OPTIONS] ARGUMENTS...", prefix="   or: ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        parameters = [*window.get_params(ctx)[:-1], *self.get_params(ctx)]
        records = [record for p in parameters if (record := p.get_help_record(ctx)) is not None]
        with formatter.section("Options"):
            formatter.write_dl(list(dict(records).items()))
        self.format_commands(ctx, formatter)

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> None:
        """Run and exit: 0 done, 1 failed (one line on standard error), 2 misused, 130 cancelled."""
        extra["standalone_mode"] = False
        sys.exit(_run(lambda: super(Studio, self).main(args, prog_name or PROGRAM, **extra)))


def _run(call: Any) -> int:
    try:
        code = call()
        sys.stdout.flush()
    except click.UsageError as error:
        error.show()
        return 2
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, Cancelled, KeyboardInterrupt):
        return _fail("Cancelled.", 130)
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more can be told, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (StudioError, click.ClickException) as error:
        return _fail(error.message if isinstance(error, click.ClickException) else str(error))
    except MemoryError:
        return _fail("There is not enough memory for this.")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{(error.strerror or str(error)).lower()}.")
    except Exception as error:  # nobody should see a traceback who did not ask for it
        if os.environ.get("DENOISE_STUDIO_TRACEBACK"):
            traceback.print_exc()
        return _fail(f"Unexpected error ({type(error).__name__}: {error}).")
    return code if isinstance(code, int) else 0


def _fail(message: str, code: int = 1) -> int:
    click.echo(f"{PROGRAM}: {' '.join(message.split())}", err=True)
    return code


@click.group(
    PROGRAM,
    cls=Studio,
    commands=[denoise, batch, info, methods, measure, noise, dark_frames, simulate, snapshot, replay],
    epilog="Exit status: 0 done, 1 failed, 2 misused. Not for diagnosis.",
    context_settings={"max_content_width": 100},
)
@click.version_option(__version__, prog_name="Denoise Studio", message="%(prog)s %(version)s")
def studio() -> None:
    """Denoise CT slices and photographs, in a window or from the command line.

    Without a command, the files are opened in the window. A first word that is a command wins;
    after -- all words are files.
    """
