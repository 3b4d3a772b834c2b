with task as (
    select
        instance,
        who_id,
        account_id,
        case when is_closed then coalesce(activity_date, cast((modified_at at time zone 'UTC') as date)) end as contacted_on,
        case when not coalesce(is_closed, false) then activity_date end as planned_on,
        coalesce(is_closed, false) as is_closed
    from "contacts"."silver"."salesforce__task"
    where not is_deleted
),

meeting as (
    select
        event.instance,
        event.who_id,
        event.account_id,
        case when event.starts_at <= refresh.started_at then cast((event.starts_at at time zone 'UTC') as date) end as contacted_on,
        case when event.starts_at > refresh.started_at then cast((event.starts_at at time zone 'UTC') as date) end as planned_on
    from "contacts"."silver"."salesforce__event" as event
    cross join "contacts"."pipeline"."refresh" as refresh
    where not event.is_deleted
),

-- One row per thing that was or will be done; what it counts as, and for whom.
activity as (
    select
        'task' as kind, instance, who_id, account_id, contacted_on, planned_on,
        case when is_closed then 0 else 1 end as is_open
    from task
    union all
    select
        'meeting' as kind, instance, who_id, account_id, contacted_on, planned_on,
        case when planned_on is null then 0 else 1 end as is_open
    from meeting
    union all
    select
        'case' as kind, instance, contact_id as who_id, account_id, cast((created_at at time zone 'UTC') as date) as contacted_on,
        cast(null as date) as planned_on,
        case when is_closed then 0 else 1 end as is_open
    from "contacts"."silver"."salesforce__case"
    where not is_deleted
    union all
    select
        'opportunity' as kind, instance, contact_id as who_id, account_id, cast(null as date) as contacted_on,
        cast(null as date) as planned_on,
        case when is_closed then 0 else 1 end as is_open
    from "contacts"."silver"."salesforce__opportunity"
    where not is_deleted
),

done as (
    select
        'contact' as entity, person_link.person_key as golden_key,
        activity.kind, activity.contacted_on, activity.planned_on, activity.is_open
    from activity
    inner join "contacts"."identity"."person_link" as person_link
        on person_link.record_key = case
            when activity.who_id like '00Q%' then 'salesforce__lead/' || activity.instance || '/' || activity.who_id
            else 'salesforce__contact/' || activity.instance || '/' || activity.who_id
        end
    union all
    select
        'account' as entity, company_link.company_key as golden_key,
        activity.kind, activity.contacted_on, activity.planned_on, activity.is_open
    from activity
    inner join "contacts"."identity"."company_link" as company_link
        on company_link.record_key = 'salesforce__account/' || activity.instance || '/' || activity.account_id
),

counted as (
    select
        entity,
        golden_key,
        count(case when kind = 'task' then 1 end) as task_count,
        count(case when kind = 'task' and is_open = 1 then 1 end) as open_task_count,
        count(case when kind = 'meeting' then 1 end) as meeting_count,
        count(case when kind = 'case' then 1 end) as case_count,
        count(case when kind = 'case' and is_open = 1 then 1 end) as open_case_count,
        count(case when kind = 'opportunity' then 1 end) as opportunity_count,
        count(case when kind = 'opportunity' and is_open = 1 then 1 end) as open_opportunity_count,
        max(contacted_on) as last_contact_on,
        min(case when planned_on >= refresh.started_on then planned_on end) as next_activity_on
    from done
    cross join "contacts"."pipeline"."refresh" as refresh
    group by entity, golden_key
),

-- Amounts of different currencies are never added: revenue is null where a company orders in several.
ordered as (
    select
        'account' as entity,
        company_link.company_key as golden_key,
        count(*) as order_count,
        max(cast((customer_order.ordered_at at time zone 'UTC') as date)) as last_order_on,
        case when count(distinct customer_order.currency) = 1 then sum(customer_order.amount) end as revenue,
        case when count(distinct customer_order.currency) = 1 then min(customer_order.currency) end as revenue_currency
    from "contacts"."silver"."erp__order" as customer_order
    inner join "contacts"."identity"."company_link" as company_link
        on company_link.record_key = 'erp__customer/' || customer_order.instance || '/' || customer_order.customer_number
    where not customer_order.is_deleted and coalesce(customer_order.status, 'open') <> 'cancelled'
    group by company_link.company_key
),

activity_360 as (
    select
        coalesce(counted.entity, ordered.entity) as entity,
        coalesce(counted.golden_key, ordered.golden_key) as golden_key,
        counted.last_contact_on,
        counted.next_activity_on,
        coalesce(counted.task_count, 0) as task_count,
        coalesce(counted.open_task_count, 0) as open_task_count,
        coalesce(counted.meeting_count, 0) as meeting_count,
        coalesce(counted.case_count, 0) as case_count,
        coalesce(counted.open_case_count, 0) as open_case_count,
        coalesce(counted.opportunity_count, 0) as opportunity_count,
        coalesce(counted.open_opportunity_count, 0) as open_opportunity_count,
        coalesce(ordered.order_count, 0) as order_count,
        ordered.last_order_on,
        cast(ordered.revenue as decimal(38, 2)) as revenue,
        ordered.revenue_currency
    from counted
    full outer join ordered
        on ordered.entity = counted.entity
        and ordered.golden_key = counted.golden_key
)

select * from activity_360
