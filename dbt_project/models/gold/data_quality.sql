with rule_result as (
    select
        object_name,
        instance,
        day,
        rule,
        column_name,
        row_count,
        failed_count,
        case when is_passed then 0 else 1 end as is_failed,
        case when severity = 'error' then 1 else 0 end as is_error,
        -- An error weighs as much as three warnings.
        case when severity = 'error' then 3 else 1 end as weight
    from {{ source('quality', 'rule_result') }}
),

object_profile as (
    select * from {{ source('quality', 'object_profile') }}
),

reading as (
    select * from {{ pipeline_relation('object_reading') }}
),

day_score as (
    select
        object_name,
        instance,
        day,
        cast(sum(weight * (1 - is_failed)) as decimal(18, 4)) / sum(weight) as score,
        count(*) as rule_count,
        sum(is_failed * is_error) as error_count,
        sum(is_failed * (1 - is_error)) as warning_count,
        max(
            case when rule in ('required', 'null_share_below') and row_count > 0
                then cast(failed_count as decimal(18, 4)) / row_count end
        ) as key_null_share,
        {{ dbt.listagg("case when is_failed = 1 then trim(rule || ' ' || column_name) end", "', '", "order by rule, column_name") }} as failing_rules
    from rule_result
    group by object_name, instance, day
),

newest_day as (
    select object_name, instance, max(day) as day
    from object_profile
    group by object_name, instance
),

week_before as (
    select earlier.object_name, earlier.instance, max(earlier.day) as day
    from newest_day
    join object_profile as earlier
        on earlier.object_name = newest_day.object_name
        and earlier.instance = newest_day.instance
    where earlier.day <= cast({{ dbt.dateadd('day', -7, 'newest_day.day') }} as date)
    group by earlier.object_name, earlier.instance
),

score_week_ago as (
    select week_before.object_name, week_before.instance, day_score.score
    from week_before
    join day_score
        on day_score.object_name = week_before.object_name
        and day_score.instance = week_before.instance
        and day_score.day = week_before.day
),

refused as (
    select object_name, instance, count(*) as rejected_value_count
    from {{ ref('rejected_value') }}
    group by object_name, instance
),

surplus as (
    select object_name, instance, sum(surplus_count) as duplicate_count
    from {{ ref('duplicates') }}
    group by object_name, instance
),

data_quality as (
    select
        object_profile.object_name,
        object_profile.instance,
        object_profile.measured_at,
        object_profile.row_count,
        object_profile.arrived_count,
        cast(day_score.score as decimal(5, 4)) as score,
        cast(score_week_ago.score as decimal(5, 4)) as score_week_ago,
        cast(day_score.rule_count as bigint) as rule_count,
        cast(day_score.error_count as bigint) as error_count,
        cast(day_score.warning_count as bigint) as warning_count,
        cast(day_score.failing_rules as {{ text_type() }}) as failing_rules,
        cast(day_score.key_null_share as decimal(5, 4)) as key_null_share,
        cast(coalesce(refused.rejected_value_count, 0) as bigint) as rejected_value_count,
        cast(coalesce(surplus.duplicate_count, 0) as bigint) as duplicate_count,
        reading.read_up_to,
        reading.lag_seconds,
        reading.lag_seconds > reading.promise_seconds as is_late
    from newest_day
    join object_profile
        on object_profile.object_name = newest_day.object_name
        and object_profile.instance = newest_day.instance
        and object_profile.day = newest_day.day
    join day_score
        on day_score.object_name = newest_day.object_name
        and day_score.instance = newest_day.instance
        and day_score.day = newest_day.day
    left join score_week_ago
        on score_week_ago.object_name = newest_day.object_name
        and score_week_ago.instance = newest_day.instance
    left join refused
        on refused.object_name = newest_day.object_name
        and refused.instance = newest_day.instance
    left join surplus
        on surplus.object_name = newest_day.object_name
        and surplus.instance = newest_day.instance
    left join reading
        on reading.object_name = newest_day.object_name
        and reading.instance = newest_day.instance
)

select * from data_quality
