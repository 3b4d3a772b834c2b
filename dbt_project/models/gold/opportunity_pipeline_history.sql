{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of',
    on_schema_change='append_new_columns',
    full_refresh=false,
    tmp_relation_type='transient',
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
