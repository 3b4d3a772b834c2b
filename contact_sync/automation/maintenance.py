"""What is done by the clock: daily care of the lake, and the hourly proof that both sides agree."""

import dagster as dg

from contact_sync.automation.jobs import RECONCILE
from contact_sync.automation.sensors import is_branch
from contact_sync.lake.published import remove_replaced
from contact_sync.pipeline.installation import Installation
from contact_sync.pipeline.steps import score_pairs

MAINTENANCE = "maintain_lake"


@dg.op(pool="warehouse", description="Compacts and vacuums bronze and what is published.")
def maintain_bronze(context: dg.OpExecutionContext, installation: dg.ResourceParam[Installation]) -> None:
    """Take care of every bronze table, whose views the next silver run makes anew, and of the published tables."""
    for name in installation.catalog.objects:
        done = installation.bronze(name).maintain()
        if done is not None:
            context.log.info(
                "%s: %d files became %d, %d old files removed",
                name,
                done.files_before,
                done.files_after,
                done.files_removed,
            )
    context.log.info("%d files of replaced tables removed", remove_replaced(installation.location))
    context.log.info("%d write jobs of long ago forgotten", installation.writes.forget_settled(installation.now()))


@dg.op(pool="warehouse", description="Scores every pair of records of people anew.")
def score_all_pairs(context: dg.OpExecutionContext, installation: dg.ResourceParam[Installation]) -> None:
    """Make up for what increments cannot see: how common names and numbers have become since a pair was scored."""
    scoring = score_pairs(installation, is_full=True)
    context.log.info(
        "%d pairs of %d records compared, %d found otherwise; blocking rules left out: %s",
        scoring.compared,
        scoring.records,
        scoring.differing,
        ", ".join(scoring.left_out) or "none",
    )


def maintenance_job() -> dg.JobDefinition:
    """The job that takes care of the lake."""

    @dg.job(name=MAINTENANCE, description="Daily care of the lake, and of what records are known to be one.")
    def maintain_lake() -> None:
        maintain_bronze()
        score_all_pairs()

    return maintain_lake


def schedules(installation: Installation) -> list[dg.ScheduleDefinition]:
    """All schedules, in UTC; a branch deployment has them stopped."""
    running = dg.DefaultScheduleStatus.STOPPED if is_branch(installation) else dg.DefaultScheduleStatus.RUNNING
    return [
        dg.ScheduleDefinition(
            name="maintain_lake_daily", job_name=MAINTENANCE, cron_schedule="15 3 * * *", default_status=running
        ),
        dg.ScheduleDefinition(
            name="reconcile_hourly", job_name=RECONCILE, cron_schedule="45 * * * *", default_status=running
        ),
    ]
