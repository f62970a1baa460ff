"""`kumoi mail`: what would have left the machine for people: SES's mails, SNS's letters, Cognito's messages."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path
from typing import Any

import click

from kumoi.cli.connection import Connection, data_option, json_option

account_option = click.option("--account", metavar="ID", help="Whose mailbox: that of the first account, unless told.")


@click.group("mail")
def command() -> None:
    """Read the mails, text messages and pushes that would have left the machine."""


@command.command("list")
@click.option("--to", metavar="ADDRESS", help="Only those for this address or telephone number.")
@click.option("--subject", metavar="TEXT", help="Only those whose subject holds this.")
@click.option("--wait", metavar="SECONDS", help="Wait for one where there is none.")
@click.option("--limit", type=click.IntRange(1, 1000), default=30, show_default=True, help="How many.")
@account_option
@data_option
@json_option
def list_mails(
    to: str | None,
    subject: str | None,
    wait: str | None,
    limit: int,
    account: str | None,
    data: Path | None,
    as_json: bool,
) -> None:
    """The last ones, the newest first."""
    query = {"to": to, "subject": subject, "wait": wait, "limit": str(limit), "account": account}
    found = Connection.find(data).ask("GET", "mail", **query)["mails"]
    if as_json:
        click.echo(json.dumps(found))
        return
    if not found:
        click.echo("there is no mail (yet).")
    for one in found:
        moment, number = one["time"][11:19], click.style(f"{one['number']:>5}", bold=True)
        recipients = ", ".join((*one["to"], *one["cc"], *one["bcc"]))
        outcomes = "".join(f"  {click.style(what, fg='red')}" for what in sorted(set(one["outcomes"].values())))
        what = one["subject"] if one["subject"] is not None else one["protocol"]
        click.echo(f"{number}  {click.style(moment, dim=True)}  {one['service']:11} {recipients}  {what}{outcomes}")


def _read(connection: Connection, number: str, account: str | None) -> dict[str, Any]:
    found: dict[str, Any] = connection.ask("GET", f"mail/{number}", account=account)
    return found


@command.command("show")
@click.argument("number")
@click.option("--raw", is_flag=True, help="The MIME message, for a file with the ending .eml.")
@account_option
@data_option
@json_option
def show(number: str, raw: bool, account: str | None, data: Path | None, as_json: bool) -> None:
    """One of them, by its NUMBER or message id: who it is from and for, its text, its attachments."""
    connection = Connection.find(data)
    if raw:
        click.echo(connection.fetch(f"mail/{number}/raw", account=account), nl=False)
        return
    found = _read(connection, number, account)
    if as_json:
        click.echo(json.dumps(found))
        return
    lines: list[tuple[str, str]] = [
        ("from", found["from"]),
        *((kind, ", ".join(found[kind])) for kind in ("to", "cc", "bcc")),
        ("subject", found["subject"] or ""),
        ("sent", f"{found['time']} by {found['service']}"),
        *((outcome, recipient) for recipient, outcome in found["outcomes"].items()),
        *(("attached", f"{one['name']} ({one['type']}, {one['size']} bytes)") for one in found["attachments"]),
    ]
    for name, value in lines:
        if value:
            click.echo(f"{click.style(f'{name:11}', dim=True)} {value}")
    click.echo(f"\n{found['text'] if found['text'] is not None else found['html'] or ''}")


@command.command("open")
@click.argument("number")
@account_option
@data_option
def open_mail(number: str, account: str | None, data: Path | None) -> None:
    """Show a mail's HTML in a browser, without scripts and with nothing loaded from elsewhere."""
    connection = Connection.find(data)
    found = _read(connection, number, account)
    if found["html"] is None:
        raise click.ClickException(f"mail {found['number']} has no HTML: `kumoi mail show {found['number']}`.")
    url = f"{connection.url}/_kumoi/mail/{found['number']}/html" + (f"?account={account}" if account else "")
    click.echo(url)
    webbrowser.open(url)


@command.command("clear")
@click.option("--to", metavar="ADDRESS", help="Only those for this address or telephone number.")
@account_option
@data_option
def clear(to: str | None, account: str | None, data: Path | None) -> None:
    """Forget them."""
    count = Connection.find(data).ask("DELETE", "mail", to=to, account=account)["deleted"]
    click.echo(f"forgot {count}.")
