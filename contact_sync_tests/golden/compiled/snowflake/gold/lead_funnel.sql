with lead as (
    select
        coalesce(lead_source, 'unknown') as lead_source,
        cast(date_trunc('month', cast(convert_timezone('UTC', created_at) as timestamp_ntz)) as date) as created_month,
        coalesce(is_converted, false) as is_converted
    from contacts.silver.salesforce__lead
    where not is_deleted and created_at is not null
),

funnel as (
    select
        lead_source,
        created_month,
        count(*) as lead_count,
        count(case when is_converted then 1 end) as converted_count,
        cast(count(case when is_converted then 1 end) as double precision) / count(*) as conversion_rate
    from lead
    group by lead_source, created_month
)

select * from funnel
