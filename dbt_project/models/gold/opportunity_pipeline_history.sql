{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of',
    full_refresh=false,
) }}

with snapshot as (
    select
        refresh.started_on as as_of,
        pipeline.company_key,
        pipeline.stage_name,
        pipeline.currency,
        pipeline.opportunity_count,
        pipeline.amount,
        pipeline.weighted_amount
    from {{ ref('opportunity_pipeline') }} as pipeline
    cross join {{ pipeline_relation('refresh') }} as refresh
)

select * from snapshot
