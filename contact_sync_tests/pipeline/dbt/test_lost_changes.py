"""No change is lost on the way to gold, whatever dies, is built apart, or says otherwise than before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from contact_sync.identity.last_resolution import forget_resolution
from contact_sync.pipeline import steps
from contact_sync.pipeline.point_in_time import Moment, rebuild_silver
from contact_sync.state.decisions import Judgement, Verdict
from contact_sync.warehouse.definitions import changes_seen, forget, remember
from contact_sync_tests.pipeline.dbt.published import NOW, publish
from contact_sync_tests.pipeline.dbt.test_refreshes import refresh

if TYPE_CHECKING:
    from contact_sync.pipeline.installation import Installation

ACCOUNT: Final = "salesforce__account"


def strangers(count: int, **values: str) -> list[dict[str, Any]]:
    """Contacts that have nothing in common but these values."""
    return [
        {
            "_record_id": f"0030000000001{number:02}AAA",
            "FirstName": f"First{number}",
            "LastName": f"Last{number}",
            "Email": f"person{number}@firm{number}.example",
            **values,
        }
        for number in range(count)
    ]


def persons(installation: Installation) -> int:
    """How many persons there are."""
    with installation.warehouse.session("test") as session:
        return int(session.scalar("select count(distinct person_key) from identity.person_link"))


def persons_of_everything(installation: Installation) -> int:
    """How many there are for whoever looks at everything."""
    with installation.warehouse.session("forget") as session:
        forget_resolution(session, "contact")
    steps.resolve_identities(installation)
    return persons(installation)


def test_a_company_that_moved_before_a_run_died_moves_its_people(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger knew already, so that the next run finds nothing moved: people follow all the same."""
    accounts = [f"00100000000000{number}AAA" for number in (1, 2)]
    named = ({"_record_id": key, "Name": f"Firm {key[-4]}"} for key in accounts)
    publish(installation, NOW, *named, object_name=ACCOUNT)
    people = strangers(4)
    publish(installation, NOW, *({**one, "AccountId": accounts[place % 2]} for place, one in enumerate(people)))
    refresh(installation)
    one, other = (f"{ACCOUNT}/core/{key}" for key in accounts)
    same = Judgement(
        entity="account", verdict=Verdict.SAME, record_key_1=one, record_key_2=other, steward="Ann", note=""
    )
    installation.decisions.note([same], at=NOW)
    resolve = steps.resolve

    def dies(session: Any, ledger: Any, entity: Any, **named: Any) -> Any:
        if entity.name == "contact":
            raise InterruptedError
        return resolve(session, ledger, entity, **named)

    with monkeypatch.context() as broken:
        broken.setattr(steps, "resolve", dies)
        with pytest.raises(InterruptedError):
            steps.resolve_identities(installation)
    refresh(installation)

    with installation.warehouse.session("test") as session:
        linked = session.query("select distinct company_key from identity.company_link").column(0).to_pylist()
        golden = session.query("select distinct company_key from gold.contact").column(0).to_pylist()
    assert (1, linked) == (len(linked), golden)


def test_records_that_are_built_before_their_keys_are_joined_by_them(installation: Installation) -> None:
    """A resolution between the two has not seen the change whole, and the next one looks again."""
    people = strangers(20)
    publish(installation, NOW, *people)
    refresh(installation)
    twin = {**people[1], **{name: people[0][name] for name in ("FirstName", "LastName", "Email")}}
    publish(installation, NOW + timedelta(days=1), twin)
    steps.build_silver(installation, selection=["salesforce__contact", "contact_record"])
    steps.resolve_identities(installation)
    steps.build_silver(installation)
    steps.resolve_identities(installation)

    assert (19, 19) == (persons(installation), persons_of_everything(installation))


def test_keys_of_another_release_join_records_that_have_not_changed(installation: Installation) -> None:
    """A release knows one rule more: nobody's record has changed, and two of them are one person now."""
    ann = {"FirstName": "Ann", "LastName": "Lee", "MailingPostalCode": "10115"}
    people = strangers(20)
    publish(installation, NOW, *({**one, **(ann if place < 2 else {})} for place, one in enumerate(people)))
    steps.build_silver(installation)
    with installation.warehouse.session("the release before") as session:
        session.execute("delete from identity.person_match_key where rule = 'name_postal_code'")
        seen = changes_seen(session)["person_match_key"]
        remember(session, {"person_match_key": "of before"}, seen={"person_match_key": seen})
    steps.resolve_identities(installation)
    assert 20 == persons(installation)

    steps.build_silver(installation)
    steps.resolve_identities(installation)

    assert (19, 19) == (persons(installation), persons_of_everything(installation))


def test_a_key_is_common_though_the_run_that_brought_it_died(installation: Installation) -> None:
    """Keys that came with a run that failed did not join anybody before: too many share them, and go on to be many."""
    publish(installation, NOW, *strangers(25, FirstName="Test", LastName="Tester", MailingPostalCode="10115"))
    steps.build_silver(installation, selection=["person_match_key"])
    with installation.warehouse.session("dies") as session:
        forget(session, ["person_match_key"])
    steps.build_silver(installation)

    with installation.warehouse.session("test") as session:
        common = session.query("select rule, record_count from identity.person_common_key").to_pylist()
    assert [{"rule": "name_postal_code", "record_count": 25}] == common


def test_a_past_can_be_rebuilt_before_the_first_refresh(installation: Installation) -> None:
    """It reads no clock of refreshes."""
    publish(installation, NOW - timedelta(days=10), *strangers(1))

    report = rebuild_silver(installation, Moment.parse(f"{NOW - timedelta(days=5):%Y-%m-%d}"))

    assert 1 == report.rows["contact_record"]
