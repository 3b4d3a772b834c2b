with snapshot as (
    select
        refresh.started_on as as_of,
        pipeline.company_key,
        pipeline.stage_name,
        pipeline.currency,
        pipeline.opportunity_count,
        pipeline.amount,
        pipeline.weighted_amount
    from contacts.gold.opportunity_pipeline as pipeline
    cross join contacts.pipeline.refresh as refresh
)

select * from snapshot
