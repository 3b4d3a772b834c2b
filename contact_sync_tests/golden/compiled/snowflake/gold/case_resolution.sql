with support_case as (
    select
        coalesce(company_link.company_key, 'unknown') as company_key,
        coalesce(support_case.priority, 'unknown') as priority,
        coalesce(support_case.is_closed, false) as is_closed,
        case
            when support_case.is_closed
                then cast(datediff(
        second,
        support_case.created_at,
        support_case.closed_at
        ) as double precision) / 3600
        end as hours_to_close
    from contacts.silver.salesforce__case as support_case
    left join contacts.identity.company_link as company_link
        on company_link.record_key = 'salesforce__account/' || support_case.instance || '/' || support_case.account_id
    where not support_case.is_deleted
),

resolution as (
    select
        company_key,
        priority,
        count(*) as opened_count,
        count(case when is_closed then 1 end) as closed_count,
        count(case when not is_closed then 1 end) as open_count,
        cast(avg(hours_to_close) as double precision) as average_hours_to_close,
        cast(median(hours_to_close) as double precision) as median_hours_to_close
    from support_case
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
        resolution.median_hours_to_close
    from resolution
    left join contacts.gold.account as account
        on account.company_key = resolution.company_key
)

select * from named
