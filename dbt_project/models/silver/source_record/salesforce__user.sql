with source as (
    {{- bronze_batch('salesforce__user') }}
),

latest as (
    {{- latest_version('source') }}
),

typed as (
    select
        _instance as instance,
        _record_id as record_id,
        {{ as_text('Username') }} as username,
        {{ as_text('Name') }} as name,
        {{ as_value('Email') }} as email,
        {{ as_boolean('IsActive') }} as is_active,
        {{ as_timestamp('CreatedDate') }} as created_at,
        {{ as_timestamp('LastModifiedDate') }} as modified_at,
        {{ version_columns() }}
    from latest
),

checked as (
    {{- checked('typed') }}
),

newer as (
    {{- keep_newer('checked') }}
)

select * from newer
