from __future__ import annotations

import pytest

from assay.web.actor import ADMIN, EXAMINE, LOCAL, READ, SCOPES, SERVICE, Actor
from assay.web.refusals import ForbiddenError


def actor(*scopes: str, owner: str = "news") -> Actor:
    return Actor("a", owner, frozenset(scopes))


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_allows_itself_alone(scope: str) -> None:
    actor(scope).require(scope)
    for other in set(SCOPES) - {scope}:
        if scope == ADMIN:
            actor(scope).require(other)
        else:
            with pytest.raises(ForbiddenError, match=other):
                actor(scope).require(other)


def test_without_scopes_nothing_is_allowed() -> None:
    for scope in SCOPES:
        with pytest.raises(ForbiddenError):
            actor().require(scope)


def test_each_sees_its_own_and_an_admin_all() -> None:
    assert actor(READ, EXAMINE).sees("news")
    assert not actor(READ, EXAMINE).sees("others")
    assert actor(ADMIN).sees("others")


def test_the_one_on_this_machine_may_do_everything() -> None:
    for scope in SCOPES:
        LOCAL.require(scope)
    assert LOCAL.key_id is None
    assert SERVICE.owner == LOCAL.owner
