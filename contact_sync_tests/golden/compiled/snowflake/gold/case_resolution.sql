with support_case as (
    select
        coalesce(company_link.company_key, 'unknown') as company_key,
        coalesce(support_case.priority, 'unknown') as priority,
        coalesce(support_case.is_closed, false) as is_closed,
        support_case.created_at,
        case when support_case.is_closed then support_case.closed_at else refresh.started_at end as measured_until
    from contacts.silver.salesforce__case as support_case
    cross join contacts.pipeline.refresh as refresh
    left join contacts.identity.company_link as company_link
        on company_link.record_key = 'salesforce__account/' || support_case.instance || '/' || support_case.account_id
    where not support_case.is_deleted
),

measured as (
    select
        support_case.company_key,
        support_case.priority,
        support_case.is_closed,
        cast(datediff(
        second,
        support_case.created_at,
        support_case.measured_until
        ) as double precision) / 3600 as hours,
        sla_target.resolution_hours
    from support_case
    left join contacts.gold.sla_target as sla_target
        on sla_target.priority = support_case.priority
),

-- A case that is open and in time has neither met nor missed its target yet.
resolution as (
    select
        company_key,
        priority,
        count(*) as opened_count,
        count(case when is_closed then 1 end) as closed_count,
        count(case when not is_closed then 1 end) as open_count,
        cast(avg(case when is_closed then hours end) as double precision) as average_hours_to_close,
        cast(median(case when is_closed then hours end) as double precision) as median_hours_to_close,
        cast(percentile_cont(0.9) within group (order by case when is_closed then hours end) as double precision) as p90_hours_to_close,
        count(case when not is_closed and hours < 24 then 1 end) as open_under_1_day_count,
        count(case when not is_closed and hours >= 24 and hours < 168 then 1 end) as open_1_to_7_days_count,
        count(case when not is_closed and hours >= 168 and hours < 720 then 1 end) as open_7_to_30_days_count,
        count(case when not is_closed and hours >= 720 then 1 end) as open_over_30_days_count,
        min(resolution_hours) as target_hours,
        count(case when is_closed and hours <= resolution_hours then 1 end) as sla_met_count,
        count(case when hours > resolution_hours then 1 end) as sla_missed_count
    from measured
    group by company_key, priority
),

named as (
    select
        resolution.company_key,
        account.name as company_name,
        resolution.priority,
        resolution.opened_count,
        resolution.closed_count,
        resolution.open_count,
        resolution.average_hours_to_close,
        resolution.median_hours_to_close,
        resolution.p90_hours_to_close,
        resolution.open_under_1_day_count,
        resolution.open_1_to_7_days_count,
        resolution.open_7_to_30_days_count,
        resolution.open_over_30_days_count,
        resolution.target_hours,
        resolution.sla_met_count,
        resolution.sla_missed_count,
        cast(resolution.sla_met_count as double precision)
            / nullif(resolution.sla_met_count + resolution.sla_missed_count, 0) as sla_met_share
    from resolution
    left join contacts.gold.account as account
        on account.company_key = resolution.company_key
)

select * from named
