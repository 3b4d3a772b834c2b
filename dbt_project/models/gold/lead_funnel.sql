with lead as (
    select
        coalesce(lead_source, 'unknown') as lead_source,
        cast(date_trunc('month', created_at at time zone 'UTC') as date) as created_month,
        coalesce(is_converted, false) as is_converted
    from {{ ref('salesforce__lead') }}
    where not is_deleted and created_at is not null
),

funnel as (
    select
        lead_source,
        created_month,
        count(*) as lead_count,
        count(*) filter (where is_converted) as converted_count,
        cast(count(*) filter (where is_converted) as double) / count(*) as conversion_rate
    from lead
    group by lead_source, created_month
)

select * from funnel
