with source as (
    {{- bronze_batch('erp__contact') }}
),

latest as (
    {{- latest_version('source') }}
),

typed as (
    select
        _instance as instance,
        _record_id as record_id,
        {{ as_text('contact_number') }} as contact_number,
        {{ as_text('customer_number') }} as customer_number,
        {{ as_text('first_name') }} as first_name,
        {{ as_text('last_name') }} as last_name,
        {{ as_value('email') }} as email,
        {{ as_value('phone') }} as phone,
        {{ as_value('mobile_phone') }} as mobile_phone,
        {{ as_text('job_title') }} as job_title,
        {{ as_text('street') }} as street,
        {{ as_text('city') }} as city,
        {{ as_text('state') }} as state,
        {{ as_text('postal_code') }} as postal_code,
        {{ as_text('country') }} as country,
        {{ as_boolean('is_active') }} as is_active,
        {{ as_timestamp('created_at') }} as created_at,
        {{ as_timestamp('updated_at') }} as modified_at,
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
