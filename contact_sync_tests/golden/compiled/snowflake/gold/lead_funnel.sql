with lead as (
    select
        coalesce(lead.lead_source, 'unknown') as lead_source,
        cast(cast(convert_timezone('UTC', lead.created_at) as timestamp_ntz) as date) as created_date,
        coalesce(lead.is_converted, false) as is_converted,
        case when lead.is_converted then lead.converted_date end as converted_date,
        opportunity.record_id as opportunity_id,
        coalesce(opportunity.is_won, false) as is_won
    from contacts.silver.salesforce__lead as lead
    left join contacts.silver.salesforce__opportunity as opportunity
        on opportunity.instance = lead.instance
        and opportunity.record_id = lead.converted_opportunity_id
        and not opportunity.is_deleted
    where not lead.is_deleted and lead.created_at is not null
),

funnel as (
    select
        lead_source,
        cast(date_trunc('month', created_date) as date) as created_month,
        count(*) as lead_count,
        count(case when is_converted then 1 end) as converted_count,
        count(opportunity_id) as opportunity_count,
        count(case when is_won then 1 end) as won_count,
        cast(count(case when is_converted then 1 end) as double precision) / count(*) as conversion_rate,
        cast(avg(datediff(
        day,
        created_date,
        converted_date
        )) as double precision) as average_days_to_convert
    from lead
    group by lead_source, cast(date_trunc('month', created_date) as date)
)

select * from funnel
