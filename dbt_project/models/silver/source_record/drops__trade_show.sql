with source as (
    {{- bronze_batch('drops__trade_show') }}
),

latest as (
    {{- latest_version('source') }}
),

typed as (
    select
        _instance as instance,
        _record_id as record_id,
        {{ as_text('badge_id') }} as badge_id,
        {{ as_text('event') }} as event,
        {{ as_timestamp('scanned_at') }} as scanned_at,
        {{ as_text('first_name') }} as first_name,
        {{ as_text('last_name') }} as last_name,
        {{ as_value('email') }} as email,
        {{ as_value('phone') }} as phone,
        {{ as_value('company') }} as company_name,
        {{ as_text('job_title') }} as job_title,
        {{ as_text('city') }} as city,
        {{ as_text('country') }} as country,
        {{ as_text('notes') }} as notes,
        {{ as_text('_file') }} as file,
        {{ version_columns() }}
    from latest
),

checked as (
    {{- checked('typed') }}
),

newer as (
    {{- keep_newer('checked') }}
)

select *, {{ this_refresh() }} as changed_in from newer
