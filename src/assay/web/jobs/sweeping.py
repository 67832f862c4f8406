"""What belongs to nothing any more: broken-off uploads, what a kill left, workers long gone, and
what webhooks were told long ago.
"""

from __future__ import annotations

import logging

from assay.web.jobs.chores import Chore
from assay.web.service import Service
from assay.web.store import deliveries, presence
from assay.web.store.sweep import sweep

log = logging.getLogger(__name__)
OLDER_THAN_S = 3600.0


def _run(service: Service) -> None:
    presence.forget_gone(service.store)
    deliveries.forget_told(service.store)
    n_gone = sweep(service.store, OLDER_THAN_S)
    if n_gone:
        log.info("%d files of nothing were deleted", n_gone)


CHORE = Chore("sweeping", 1800.0, _run)
